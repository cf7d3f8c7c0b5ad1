package ipfix

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/weir-probe/weir/dataplane/flow"
)

// family is the columns of one IP version.
type family struct {
	columns []column
	plan    *flow.Plan // of their fields, in the same order
	all     *template  // with every column
	every   presence   // the flow that has them all
	carried int        // position in the plan of elements that are handed on as they came; 0 is none
}

// template is the columns some flows have values for.
type template struct {
	id        uint16
	announced bool
	shortest  int // octets of a record whose strings are empty
	set       set
}

// systemInit is when sysUpTime was zero. Without it flowStartSysUpTime and
// flowEndSysUpTime mean nothing in IPFIX, whose header has no sysUpTime.
var systemInit = column{id: 160, length: 8}

func (m *family) build(f *Format, version uint8) error {
	var errs []error
	uptime, given := false, false
	fields, carries := f.carries(f.o.Template.Version(version))
	m.plan = flow.NewPlan(fields)
	if carries {
		fields = fields[:len(fields)-1]
		m.carried = len(fields)
	}
	for _, fd := range fields {
		c, err := f.d.column(fd, &f.o)
		errs = append(errs, err)
		m.columns = append(m.columns, c)
		uptime = uptime || fd.Type == flow.SysUpTimeMilliseconds
		given = given || fd.PEN == flow.IANA && fd.ID == systemInit.id
	}
	if _, v9 := f.d.(netflow9); uptime && !given && !v9 {
		m.columns = append(m.columns, systemInit)
	}
	switch {
	case len(m.columns) == 0:
		errs = append(errs, fmt.Errorf("template has no field for IPv%d flows: add some", version))
	case len(m.columns) > maxColumns:
		errs = append(errs, fmt.Errorf("template has %d fields, at most %d can be written: remove some",
			len(m.columns), maxColumns))
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	m.every.family = m
	for i := range m.columns {
		m.every.bits[i/64] |= 1 << (i % 64)
	}
	m.all = f.newTemplate(&m.every)
	return nil
}

// newTemplate makes the template of the columns that are present.
func (f *Format) newTemplate(p *presence) *template {
	t := &template{id: f.nextID}
	b := be.AppendUint16(nil, f.shape.templates)
	b = append(b, 0, 0)
	b = be.AppendUint16(b, t.id)
	b = append(b, 0, 0)
	n := uint16(0)
	for i := range p.family.columns {
		if p.bits[i/64]>>(i%64)&1 != 0 {
			c := &p.family.columns[i]
			b = c.specifier(b)
			t.shortest += c.shortest()
			n++
		}
	}
	for _, c := range f.foreign.columns(p.foreign) {
		b = c.specifier(b)
		t.shortest += c.shortest()
		n++
	}
	be.PutUint16(b[2:], uint16(len(b)))
	be.PutUint16(b[6:], n)
	t.set = set{octets: b, records: 1}
	f.variants[*p] = t
	f.nextID++
	return t
}

// template returns the template for the flow encode has seen. If there are too many it is
// the one with every column, and full says that the flow has to be written anew.
func (f *Format) template(m *family) (t *template, full bool) {
	if f.o.Full {
		return m.all, false
	}
	if f.latest != nil && f.presence == f.same {
		return f.latest, false
	}
	t = f.variants[f.presence]
	switch {
	case t != nil:
		f.latest, f.same = t, f.presence
		return t, false
	case len(f.variants) >= f.limit:
		return m.all, true
	}
	return f.newTemplate(&f.presence), false
}

// encoding is how to write a flow.
type encoding struct {
	family *family
	limit  int  // octets of a string
	full   bool // write absent values as zeroes
}

const noLimit = maxMessage

// encode appends the values the flow has and notes which.
func (f *Format) encode(dst []byte, v *flow.View, how encoding) []byte {
	m := how.family
	m.plan.Read(v)
	f.found = found{presence: presence{family: m}}
	for i := range m.columns {
		c := &m.columns[i]
		ok := true
		if c.plain {
			dst, ok = m.plan.Wire(dst, i, f.o.Boot)
		} else {
			dst, ok = f.special(dst, i, how)
		}
		if !ok && how.full {
			dst, ok = f.value(dst, c, flow.Value{}, 0), true
		}
		if ok {
			f.bits[i/64] |= 1 << (i % 64)
		}
	}
	if m.carried > 0 && !how.full {
		dst = f.carry(dst, m)
	}
	return dst
}

// special appends column i if its octets are not those of the field's type, and returns whether
// the flow has a value.
func (f *Format) special(dst []byte, i int, how encoding) ([]byte, bool) {
	c := &how.family.columns[i]
	if c.field == nil {
		return be.AppendUint64(dst, f.o.Boot/1e6), true
	}
	v, ok := how.family.plan.Value(i)
	if !ok {
		return dst, false
	}
	return f.value(dst, c, v, how.limit), true
}

// value appends one value, of at most limit octets if it is a string.
func (f *Format) value(dst []byte, c *column, v flow.Value, limit int) []byte {
	size := c.field.Type.Size()
	if size == 0 {
		if c.length != varies {
			limit = min(limit, int(c.length))
		}
		if len(v.B) > limit {
			v.B, f.cut = cut(v.B, limit), true
		}
	}
	if c.length != varies {
		start := len(dst)
		dst = c.field.Fixed(dst, v, f.o.Boot)
		if size > int(c.length) {
			dst = f.narrow(dst, start)
		}
		return dst
	}
	return c.field.Wire(dst, v, f.o.Boot)
}

// narrow shortens the 8 octets from start on to 4.
func (f *Format) narrow(dst []byte, start int) []byte {
	u := be.Uint64(dst[start:])
	if u > 1<<32-1 {
		u, f.saturated = 1<<32-1, true
	}
	return be.AppendUint32(dst[:start], uint32(u))
}

// cut shortens s to n octets or a few less, so that no character is broken.
func cut(s []byte, n int) []byte {
	for i := n; i > 0 && i > n-utf8.UTFMax; i-- {
		if utf8.RuneStart(s[i]) {
			return s[:i]
		}
	}
	return s[:n]
}
