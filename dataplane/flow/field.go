// Package flow defines what a flow is: its record, the fields that can be said
// about it, and how each is written and read.
package flow

import "unsafe"

// Enterprise numbers of information elements.
const (
	IANA    uint32 = 0
	RFC5103 uint32 = 29305 // reverse information elements (RFC 5103, section 6.1)
	Ntop    uint32 = 35632
	// Weir numbers the elements that nobody has published. It is the number RFC 5612
	// reserves for documentation: a placeholder until one is registered.
	Weir uint32 = 32473
)

// ReverseBit in the number of one of our elements makes it that of the opposite direction.
const ReverseBit = 0x4000

// A Field is one thing that can be said about a flow. Templates, IPFIX, NetFlow,
// JSON, the collectors and the documentation are derived from this value; nothing
// about a field is written down anywhere else.
type Field struct {
	Element
	Type  Type
	Doc   string // one sentence, with the unit; for the opposite direction client and server change places
	Scale uint64 // how many of the Record's units make one of the field's; 0 is 1
	Width uint8  // octets of a string in NetFlow v9, which has no variable length

	// Rev is the element of the opposite direction, nil if there is none. ReverseIE
	// stands for the element that RFC 5103 derives.
	Rev *Element
	// V6 is the element that takes the place of the field in IPv6 flows; nil if both have the same.
	V6 *Element

	slot slot // where Record keeps the value
	// calc works the value out where no slot holds it as it is. dst is a buffer it may append to.
	calc func(v *View, d Dir, dst []byte) (Value, bool)
	// has tells whether the flow has the value; nil means always. Absent is not zero.
	has func(r *Record, d Dir) bool

	// again marks a slot that another field is kept in first. Records of others have the two apart.
	again bool
	// from is what calc needs most: of records of others that lack it nothing can be worked out.
	from slot

	needs Block // cold blocks that calc and has look at beyond the one the slot is in

	dir  Dir    // Reverse if made from Rev
	only uint8  // IP version the field applies to, 0 for both
	twin *Field // the field of the other IP version
	num  uint16 // position in the schema plus one, assigned by Compile
}

// Element names a field in every notation.
type Element struct {
	Name    string   // IANA's element name; if empty, Compile makes it from the label
	Label   string   // template label, the key in JSON: nProbe's, or ours in its style
	Aliases []string // further names accepted in templates
	ECS     string   // path in the Elastic Common Schema, if it has one
	ID      uint16   // information element
	PEN     uint32   // enterprise number
	Legacy  uint16   // IANA element nProbe uses instead (23, 24), 0 for the same
}

// ReverseIE is the Rev of a field whose opposite direction has no element of its own.
var ReverseIE = &Element{PEN: RFC5103}

// slot locates a value inside Record. stride leads to the opposite direction.
type slot struct{ off, size, stride uint16 }

var rec Record // only for offsets

// of returns the slot of a member of rec.
func of[T any](p *T) slot {
	return slot{uint16(uintptr(unsafe.Pointer(p)) - uintptr(unsafe.Pointer(&rec))), uint16(unsafe.Sizeof(*p)), 0}
}

// pair returns the slot of a member of rec that is an array indexed by Dir.
func pair[T any](p *[2]T) slot {
	s := of(&p[0])
	s.stride = s.size
	return s
}

// tcp returns the slot of a member of rec.TCP[0].
func tcp[T any](p *T) slot {
	s := of(p)
	s.stride = uint16(unsafe.Sizeof(TCP{}))
	return s
}

// For reports whether f applies to flows of an IP version.
func (f *Field) For(version uint8) bool { return f.only == 0 || f.only == version }

// Twin returns the field that takes the place of f in flows of the other IP version, or nil.
func (f *Field) Twin() *Field { return f.twin }

// Number returns the position of f in its schema, from 1; it identifies an attribute.
func (f *Field) Number() uint16 { return f.num }

// Attribute reports whether f is something that was found and is said beside the record, so that the control
// plane can say it, too; other values are measured.
func (f *Field) Attribute() bool { return f.slot.size == 0 && f.calc == nil }

// Key returns the key of f in JSON and the column name in text.
func (f *Field) Key() string {
	if f.Label != "" {
		return f.Label
	}
	return f.Name
}

// Wire appends the value in IPFIX encoding. A field the flow does not have is given as
// the zero Value and fills its octets with zeroes. boot is the time, in nanoseconds since
// the epoch, that sysUpTime counts from.
func (f *Field) Wire(dst []byte, v Value, boot uint64) []byte {
	if f.Scale > 1 {
		v.U = v.U/f.Scale + min(1, v.U%f.Scale*2/f.Scale)
	}
	end := len(dst) + f.Type.Size()
	if v.B == nil && v.U == 0 && f.Type.Size() > 0 {
		return append(dst, zeroes[:f.Type.Size()]...)
	}
	dst = types[f.Type].wire(dst, v, boot)
	if f.Type.Size() == 0 {
		return dst
	}
	for len(dst) < end {
		dst = append(dst, 0)
	}
	return dst[:end] // octets of another length must not move those of the next field
}

var zeroes [16]byte

// Fixed appends the value as Wire does, but strings in Width octets, cut or padded with
// zeroes, as NetFlow v9 needs them.
func (f *Field) Fixed(dst []byte, v Value, boot uint64) []byte {
	if f.Type.Size() > 0 {
		return f.Wire(dst, v, boot)
	}
	b := v.B[:min(len(v.B), int(f.Width))]
	end := len(dst) + int(f.Width)
	for dst = append(dst, b...); len(dst) < end; {
		dst = append(dst, 0)
	}
	return dst
}

// Read returns the value in encoded octets, whatever their number (RFC 7011, section 6.2).
func (f *Field) Read(b []byte, boot uint64) Value {
	v := types[f.Type].read(b, boot)
	if f.Scale > 1 {
		v.U *= f.Scale
	}
	return v
}

// JSON appends the value as JSON. Scaled values are written with up to three decimals.
func (f *Field) JSON(dst []byte, v Value) []byte {
	if f.Scale > 1 {
		return appendScaled(dst, v.U, f.Scale)
	}
	return types[f.Type].json(dst, v)
}

// Text appends the value as plain text: as in JSON, without quotes, and with characters
// that would break a line or a column replaced by spaces.
func (f *Field) Text(dst []byte, v Value) []byte {
	if f.Type == String {
		return appendPlain(dst, v.B)
	}
	start := len(dst)
	dst = f.JSON(dst, v)
	if n := len(dst); n > start && dst[start] == '"' {
		copy(dst[start:], dst[start+1:n-1])
		dst = dst[:n-2]
	}
	return dst
}
