package ipfix

import (
	"testing"

	"github.com/weir-probe/weir/dataplane/flow"
)

// element is an information element by enterprise number and identifier.
type element [2]uint32

// spec is a field specifier.
type spec struct {
	element
	length int
}

// record is a decoded data record.
type record struct {
	set    uint16
	option bool
	values map[element][]byte
}

// decoder reads messages strictly: it fails the test on anything an RFC forbids.
type decoder struct {
	t         *testing.T
	v9        bool
	templates map[uint16][]spec
	options   map[uint16]bool
	next      uint32 // sequence number expected of the next message
	began     bool
	records   []record
	explained int // template records seen
}

func newDecoder(t *testing.T, v9 bool) *decoder {
	return &decoder{t: t, v9: v9, templates: map[uint16][]spec{}, options: map[uint16]bool{}}
}

// message decodes one and returns what it says beside its records: time, sequence, domain.
func (d *decoder) message(b []byte) (header [3]uint32) {
	d.t.Helper()
	version, length, at := uint16(10), 16, 4
	if d.v9 {
		version, length, at = 9, 20, 8
	}
	if len(b) < length || be.Uint16(b) != version {
		d.t.Fatalf("message begins with %x", b[:min(len(b), 20)])
	}
	for i := range header {
		header[i] = be.Uint32(b[at+4*i:])
	}
	if d.began && header[1] != d.next {
		d.t.Errorf("sequence number is %d, want %d", header[1], d.next)
	}
	d.began = true
	if !d.v9 && int(be.Uint16(b[2:])) != len(b) {
		d.t.Fatalf("length field is %d, message has %d octets", be.Uint16(b[2:]), len(b))
	}
	data, all := d.sets(b[length:])
	d.next = header[1] + uint32(data)
	if d.v9 {
		d.next = header[1] + 1
		if int(be.Uint16(b[2:])) != all {
			d.t.Errorf("count field is %d, message has %d records", be.Uint16(b[2:]), all)
		}
	}
	return header
}

func (d *decoder) sets(b []byte) (data, all int) {
	d.t.Helper()
	templates, options := uint16(2), uint16(3)
	if d.v9 {
		templates, options = 0, 1
	}
	for len(b) > 0 {
		if len(b) < 4 || int(be.Uint16(b[2:])) > len(b) || be.Uint16(b[2:]) <= 4 {
			d.t.Fatalf("set begins with %x, %d octets are left", b[:min(len(b), 4)], len(b))
		}
		id, n := be.Uint16(b), int(be.Uint16(b[2:]))
		if d.v9 && n%4 != 0 && d.shortest(id) >= 4 {
			d.t.Errorf("set %d has %d octets, not a multiple of 4", id, n)
		}
		set := b[4:n]
		b = b[n:]
		switch {
		case id == templates || id == options:
			all += d.template(set, id == options)
		case id < firstID:
			d.t.Fatalf("set has identifier %d", id)
		default:
			r := d.data(id, set)
			data, all = data+r, all+r
		}
	}
	return data, all
}

// template reads the one template of a set.
func (d *decoder) template(b []byte, option bool) int {
	d.t.Helper()
	id, n := be.Uint16(b), int(be.Uint16(b[2:]))
	b = b[4:]
	if option && d.v9 {
		n = (n + int(be.Uint16(b))) / 4
		b = b[2:]
	} else if option {
		if s := be.Uint16(b); s == 0 || int(s) > n {
			d.t.Errorf("options template %d has %d scope fields of %d", id, s, n)
		}
		b = b[2:]
	}
	var specs []spec
	for range n {
		s := spec{element{0, uint32(be.Uint16(b))}, int(be.Uint16(b[2:]))}
		b = b[4:]
		if !d.v9 && s.element[1]&(1<<15) != 0 {
			s.element = element{be.Uint32(b), s.element[1] &^ (1 << 15)}
			b = b[4:]
		}
		specs = append(specs, s)
	}
	d.padding(b)
	if old, ok := d.templates[id]; ok && len(old) != len(specs) {
		d.t.Errorf("template %d changed from %v to %v", id, old, specs)
	}
	d.templates[id], d.options[id] = specs, option
	d.explained++
	return 1
}

func (d *decoder) padding(b []byte) {
	d.t.Helper()
	if len(b) > 3 || len(b) > 0 && !d.v9 {
		d.t.Errorf("set ends with %d octets of padding", len(b))
	}
	for _, c := range b {
		if c != 0 {
			d.t.Errorf("padding is %x", b)
		}
	}
}

// shortest returns the least octets a record takes; 4 for sets of templates.
func (d *decoder) shortest(id uint16) (n int) {
	if id < firstID {
		return 4
	}
	for _, s := range d.templates[id] {
		if s.length == varies {
			n++
		} else {
			n += s.length
		}
	}
	return n
}

// data reads the records of a set.
func (d *decoder) data(id uint16, b []byte) (n int) {
	d.t.Helper()
	specs := d.templates[id]
	if specs == nil {
		d.t.Fatalf("set %d comes before its template", id)
	}
	for shortest := d.shortest(id); len(b) >= shortest; {
		r := record{id, d.options[id], map[element][]byte{}}
		for _, s := range specs {
			n := s.length
			if n == varies {
				n, b = int(b[0]), b[1:]
				if n == 255 {
					n, b = int(be.Uint16(b)), b[2:]
				}
			}
			r.values[s.element] = b[:n]
			b = b[n:]
		}
		d.records = append(d.records, r)
		n++
	}
	d.padding(b)
	return n
}

// flows returns the records that are not options.
func (d *decoder) flows() (flows []record) {
	for _, r := range d.records {
		if !r.option {
			flows = append(flows, r)
		}
	}
	return flows
}

// uint returns a number, and whether the record has it.
func (r *record) uint(pen, id uint32) (u uint64, ok bool) {
	b, ok := r.values[element{pen, id}]
	for _, c := range b {
		u = u<<8 | uint64(c)
	}
	return u, ok
}

// writer makes messages of flows as an exporter does.
type writer struct {
	t        *testing.T
	f        *Format
	now      uint64
	messages [][]byte
	m        []byte
}

func (w *writer) append(v *flow.View) {
	w.t.Helper()
	for range 8 {
		if w.m == nil {
			w.m = w.f.Begin(make([]byte, 0, 4096), w.now)
		}
		m, ok := w.f.Append(w.m, v)
		if w.m = m; ok {
			return
		}
		w.seal()
	}
	w.t.Fatal("the format does not take the flow")
}

func (w *writer) seal() {
	if w.m == nil {
		return
	}
	if m := w.f.Seal(w.m); len(m) > 0 {
		if len(m) > w.f.o.Size {
			w.t.Errorf("message has %d octets, more than %d", len(m), w.f.o.Size)
		}
		w.messages = append(w.messages, m)
	}
	w.m = nil
}
