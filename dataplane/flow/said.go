package flow

import "unsafe"

// Said is the set of members of a Record that have a value. Of flows that weir metered it is known
// from what a worker maintains which do; a record that was collected has to say so itself. It
// travels as the first attribute, under the number 0, which no field has.
type Said [(unsafe.Sizeof(Record{}) + 63) / 64]uint64

const saidSize = int(unsafe.Sizeof(Said{}))

// Add says that the members which fields are kept in have values.
func (s *Said) Add(fields ...*Field) {
	for _, f := range fields {
		if f.slot.size > 0 {
			s.set(f.place())
		}
	}
}

// Union adds what o says.
func (s *Said) Union(o *Said) {
	for i := range s {
		s[i] |= o[i]
	}
}

// Remove says that the members which fields are kept in have none.
func (s *Said) Remove(fields ...*Field) {
	for _, f := range fields {
		s.clear(f.place())
	}
}

func (s *Said) set(at uint16)   { s[at/64] |= 1 << (at % 64) }
func (s *Said) clear(at uint16) { s[at/64] &^= 1 << (at % 64) }

// put writes the octets that said finds.
func (s *Said) put(dst []byte) {
	for i, w := range s {
		ne.PutUint64(dst[8*i:], w)
	}
}

// place returns where in Record the value is, the direction counted in.
func (f *Field) place() uint16 { return f.slot.off + f.slot.stride*uint16(f.dir) }

// origin returns where the value that calc begins with is, the direction counted in.
func (f *Field) origin() uint16 { return f.from.off + f.from.stride*uint16(f.dir) }

// said returns the octets of a Said that attributes begin with, nil if they do not.
func said(attrs []byte) []byte {
	if len(attrs) >= 4+saidSize && ne.Uint16(attrs) == 0 && int(ne.Uint16(attrs[2:])) == saidSize {
		return attrs[4 : 4+saidSize]
	}
	return nil
}

// says reports whether a collected record has a value at a place in Record.
func (v *View) says(at uint16) bool { return saidAt(v.said, at) }

// saidAt is says for the octets of a Said, and say has them say so.
func saidAt(b []byte, at uint16) bool { return ne.Uint64(b[at/64*8:])>>(at%64)&1 != 0 }

func say(b []byte, at uint16) {
	b = b[at/64*8:]
	ne.PutUint64(b, ne.Uint64(b)|1<<(at%64))
}

// collected is Value for a record that was collected. What its exporter said under a field of its
// own goes before what can be worked out.
func (v *View) collected(f *Field) (Value, bool) {
	if f.only != 0 && f.only != v.Version {
		return Value{}, false
	}
	if f.kept() {
		return v.load(f), v.says(f.place())
	}
	if x, ok := v.attr(f); ok || !f.derives(v) {
		return x, ok
	}
	return f.calc(v, f.dir, v.scratch[:0])
}

// kept reports whether a collected record has the value in a member of Record. A member that is the
// same both ways is kept for one.
func (f *Field) kept() bool {
	return f.calc == nil && f.slot.size > 0 && !f.again && (f.dir == Forward || f.slot.stride > 0)
}

// derives reports whether calc can work out a value for a collected record.
func (f *Field) derives(v *View) bool {
	return f.calc != nil && (f.has == nil || f.has(v.Record, f.dir)) && (f.from.size == 0 || v.says(f.origin()))
}
