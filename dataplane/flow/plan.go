package flow

import "unsafe"

// A Plan gets the values of the same fields of one flow after the other. It asks what several
// fields have in common once, and looks through the attributes once, not for each field. It
// belongs to one goroutine.
type Plan struct {
	steps []step
	tests []test
	ok    []bool   // what the tests said of the flow
	at    []uint16 // position in found plus one, by the number of the field
	found []attribute
	round uint32 // counts flows
	v     *View
}

// step is how one field is got.
type step struct {
	field *Field
	test  uint16 // position of its test
	attr  uint16 // position in found, of what may be an attribute
	off   uint16 // in Record, the direction counted in
	how   move
}

// attribute is what was found of one. It is of an earlier flow if round is.
type attribute struct {
	octets []byte
	round  uint32
}

// test is a condition of one or more fields.
type test struct {
	has  func(r *Record, d Dir) bool
	dir  Dir
	only uint8
}

// move is how octets get from a slot of Record into a message.
type move uint8

const (
	moveCalc   move = iota // calc
	moveAttr               // an attribute
	moveLoad               // by way of a Value
	move8                  // as it is, but for the order of octets
	move16                 //
	move32                 //
	move64                 //
	move16to32             //
	moveMillis             // nanoseconds as milliseconds
	move4                  // octets of an IPv4 address
	move6                  // of a MAC address
	move128                // of an IPv6 address
)

// NewPlan returns a plan for the fields, which are those of a compiled schema and may repeat.
func NewPlan(fields []*Field) *Plan {
	p := &Plan{tests: []test{{}}, ok: []bool{true}}
	for _, f := range fields {
		s := step{field: f, test: p.test(f), off: f.slot.off + f.slot.stride*uint16(f.dir), how: f.move()}
		if !f.kept() {
			s.attr = p.attr(f)
		}
		p.steps = append(p.steps, s)
	}
	return p
}

// attr returns the position in found of f.
func (p *Plan) attr(f *Field) uint16 {
	for len(p.at) <= int(f.num) {
		p.at = append(p.at, 0)
	}
	if p.at[f.num] == 0 {
		p.found = append(p.found, attribute{})
		p.at[f.num] = uint16(len(p.found))
	}
	return p.at[f.num] - 1
}

// test returns the position of the test of f, the one of another field if that is the same.
func (p *Plan) test(f *Field) uint16 {
	t := test{f.has, f.dir, f.only}
	if t.has == nil && t.only == 0 {
		return 0
	}
	for i, o := range p.tests {
		if i > 0 && o.dir == t.dir && o.only == t.only && alike(o.has, t.has) {
			return uint16(i)
		}
	}
	p.tests, p.ok = append(p.tests, t), append(p.ok, false)
	return uint16(len(p.tests) - 1)
}

// alike reports whether a and b are one function. It never takes two closures for one.
func alike(a, b func(r *Record, d Dir) bool) bool {
	return *(*unsafe.Pointer)(unsafe.Pointer(&a)) == *(*unsafe.Pointer)(unsafe.Pointer(&b))
}

// move returns how the value of f is got.
func (f *Field) move() move {
	switch {
	case f.calc != nil:
		return moveCalc
	case f.slot.size == 0:
		return moveAttr
	case f.Scale > 1:
		return moveLoad
	}
	switch f.Type {
	case IPv4Address:
		return move4
	case MACAddress:
		return move6
	case IPv6Address:
		return move128
	}
	switch [2]any{f.Type, f.slot.size} {
	case [2]any{Unsigned8, uint16(1)}:
		return move8
	case [2]any{Unsigned16, uint16(2)}:
		return move16
	case [2]any{Unsigned32, uint16(4)}:
		return move32
	case [2]any{Unsigned64, uint16(8)}:
		return move64
	case [2]any{Unsigned32, uint16(2)}:
		return move16to32
	case [2]any{DateTimeMilliseconds, uint16(8)}:
		return moveMillis
	}
	return moveLoad
}

// Read makes v the flow whose values are asked for next. It is borrowed until then.
func (p *Plan) Read(v *View) {
	p.v = v
	for i := 1; i < len(p.tests) && v.said == nil; i++ {
		t := &p.tests[i]
		p.ok[i] = (t.only == 0 || t.only == v.Version) && (t.has == nil || t.has(v.Record, t.dir))
	}
	if len(p.at) > 0 && len(v.Attrs) > 0 {
		p.attrs(v.Attrs)
	}
}

// attrs notes where the attributes are. The first one counts if there are two of a field.
func (p *Plan) attrs(a []byte) {
	if p.round++; p.round == 0 { // the count began anew: what was found so long ago is not found now
		clear(p.found)
		p.round = 1
	}
	for len(a) >= 4 {
		num, n := int(ne.Uint16(a)), int(ne.Uint16(a[2:]))
		if n > len(a)-4 {
			return
		}
		if num < len(p.at) && p.at[num] != 0 {
			if f := &p.found[p.at[num]-1]; f.round != p.round {
				f.round, f.octets = p.round, a[4:4+n]
			}
		}
		a = a[4+n:]
	}
}

// Value returns what View.Value does of field i of the plan.
func (p *Plan) Value(i int) (Value, bool) {
	s := &p.steps[i]
	if p.v.said != nil {
		return p.collected(s)
	}
	if !p.ok[s.test] {
		return Value{}, false
	}
	switch s.how {
	case moveCalc:
		return s.field.calc(p.v, s.field.dir, p.v.scratch[:0])
	case moveAttr:
		a := &p.found[s.attr]
		if a.round != p.round || len(p.v.Attrs) == 0 {
			return Value{}, false
		}
		return s.field.attrValue(a.octets)
	}
	return p.v.load(s.field), true
}

// collected is View.collected for a step.
func (p *Plan) collected(s *step) (Value, bool) {
	f := s.field
	if f.only != 0 && f.only != p.v.Version {
		return Value{}, false
	}
	if f.kept() {
		return p.v.load(f), p.v.says(f.place())
	}
	if a := &p.found[s.attr]; a.round == p.round && len(p.v.Attrs) > 0 {
		if x, ok := f.attrValue(a.octets); ok {
			return x, true
		}
	}
	if !f.derives(p.v) {
		return Value{}, false
	}
	return f.calc(p.v, f.dir, p.v.scratch[:0])
}

// Fields returns how many fields the plan has, and Field one of them.
func (p *Plan) Fields() int { return len(p.steps) }

// Field returns field i.
func (p *Plan) Field(i int) *Field { return p.steps[i].field }

// Wire appends field i as Field.Wire does, and returns whether the flow has it. boot is as there.
func (p *Plan) Wire(dst []byte, i int, boot uint64) ([]byte, bool) {
	s := &p.steps[i]
	if p.v.said != nil {
		v, ok := p.collected(s)
		if !ok {
			return dst, false
		}
		return s.field.Wire(dst, v, boot), true
	}
	if !p.ok[s.test] {
		return dst, false
	}
	at := unsafe.Add(unsafe.Pointer(p.v.Record), s.off)
	switch s.how {
	case move8:
		return append(dst, *(*uint8)(at)), true
	case move16:
		return be.AppendUint16(dst, *(*uint16)(at)), true
	case move32:
		return be.AppendUint32(dst, *(*uint32)(at)), true
	case move64:
		return be.AppendUint64(dst, *(*uint64)(at)), true
	case move16to32:
		return be.AppendUint32(dst, uint32(*(*uint16)(at))), true
	case moveMillis:
		return be.AppendUint64(dst, *(*uint64)(at)/1e6), true
	case move4:
		return append(dst, (*[16]byte)(at)[12:]...), true
	case move6:
		return append(dst, (*[6]byte)(at)[:]...), true
	case move128:
		return append(dst, (*[16]byte)(at)[:]...), true
	}
	v, ok := p.Value(i)
	if !ok {
		return dst, false
	}
	return s.field.Wire(dst, v, boot), true
}
