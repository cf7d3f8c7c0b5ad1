// Package log writes records as tab-separated lines below a header that names the columns,
// as the plugins of nProbe do.
package log

import (
	"errors"
	"strconv"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/export"
)

// Format writes a line per record. What a record does not have is empty. Connections and
// files begin with three lines, of which the second names the columns with their types.
type Format struct {
	export.Sequence
	columns [2][]column // IPv4, IPv6
	header  []byte
}

// column is a Column with the fields it takes its value from.
type column struct {
	Column
	fields []*flow.Field
}

// New returns a format with a column for each field of o.Template.
func New(o export.FormatOptions) (*Format, error) {
	var all []Column
	for _, f := range o.Template.Fields {
		all = append(all, columnOf(f))
	}
	return build(all, o)
}

// columnOf returns the column that shows f alone.
func columnOf(f *flow.Field) Column {
	c := Column{Name: f.Key(), Type: Uint, Fields: f.Key(), Form: first}
	switch f.Type {
	case flow.String, flow.OctetArray:
		c.Type, c.Width = ASCII, 255
	case flow.IPv4Address, flow.IPv6Address, flow.MACAddress, flow.ApplicationID:
		c.Type, c.Width = ASCII, 46
	case flow.DateTimeSeconds, flow.DateTimeMilliseconds, flow.DateTimeMicroseconds,
		flow.DateTimeNanoseconds, flow.SysUpTimeMilliseconds:
		c.Type, c.Form = Epoch, seconds
	case flow.Float64:
		c.Type = Float
	}
	if f.Scale > 1 {
		c.Type, c.Form = Float, decimals
	}
	return c
}

// New returns a format with the columns of l. Those whose fields are not in o.Template stay
// empty; see Template.
func (l *Layout) New(o export.FormatOptions) (*Format, error) { return build(l.Columns, o) }

// Template returns the fields that the columns show, without those a schema does not have.
func (l *Layout) Template(s *flow.Schema) *flow.Template {
	t := &flow.Template{}
	for i := range l.Columns {
		for _, label := range l.Columns[i].labels() {
			if f := s.Named(label); f != nil {
				t.Add(f)
			}
		}
	}
	return t
}

func build(all []Column, o export.FormatOptions) (*Format, error) {
	if len(o.Template.Fields) == 0 {
		return nil, errors.New("template has no fields: add some")
	}
	f := &Format{Sequence: export.NewSequence(o)}
	for i, version := range [2]uint8{4, 6} {
		for _, c := range all {
			f.columns[i] = append(f.columns[i], column{c, find(&c, o.Template, version)})
		}
	}
	f.header = append(f.header, "#\n# "...)
	for i, c := range all {
		if i > 0 {
			f.header = append(f.header, '\t')
		}
		f.header = c.title(f.header)
	}
	f.header = append(f.header, "\n#\n"...)
	return f, nil
}

// find returns the fields of a column that t has, those of an IP version for addresses.
func find(c *Column, t *flow.Template, version uint8) (fields []*flow.Field) {
	for _, label := range c.labels() {
		for _, f := range t.Fields {
			if f.Key() != label {
				continue
			}
			if !f.For(version) {
				f = f.Twin()
			}
			if f != nil && f.For(version) {
				fields = append(fields, f)
			}
		}
	}
	return fields
}

// title appends the name and the type of a column.
func (c *Column) title(dst []byte) []byte {
	dst = append(append(append(dst, c.Name...), '['), c.Type...)
	if c.Width > 0 {
		dst = strconv.AppendInt(append(dst, ':'), int64(c.Width), 10)
	}
	return append(dst, ']')
}

// Open returns a function that writes the header.
func (f *Format) Open() func(dst, next []byte) []byte {
	return func(dst, _ []byte) []byte { return append(dst, f.header...) }
}

// Append adds a line.
func (f *Format) Append(dst []byte, v *flow.View) ([]byte, bool) {
	start := len(dst)
	columns := f.columns[0]
	if v.Version == 6 {
		columns = f.columns[1]
	}
	for i := range columns {
		c := &columns[i]
		dst = append(c.Form(c, dst, v), '\t')
	}
	dst[len(dst)-1] = '\n'
	return f.Fit(dst, start)
}
