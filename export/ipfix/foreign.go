package ipfix

import "github.com/weir-probe/weir/dataplane/flow"

// foreign are elements that a collector does not know and that are handed on as they came. Records with
// the same ones, of the same lengths, share a template.
type foreign struct {
	sets    [][]column
	numbers map[string]uint32
	key     []byte
}

const (
	maxForeign  = 64 // elements of a record
	foreignSets = 32
)

// carries returns the fields with that of foreign elements as the last, and whether there is one that
// is written as what it holds: NetFlow v9 has no enterprise numbers.
func (f *Format) carries(fields []*flow.Field) ([]*flow.Field, bool) {
	if _, v9 := f.d.(netflow9); v9 {
		return fields, false
	}
	var rest []*flow.Field
	for _, fd := range fields {
		if fd != flow.CollectedElements {
			rest = append(rest, fd)
		}
	}
	if len(rest) == len(fields) || len(rest) == 0 {
		return fields, false
	}
	return append(rest, flow.CollectedElements), true
}

// foreignRoom returns the octets that specifiers of foreign elements may take.
func (m *family) foreignRoom() int {
	if m.carried == 0 {
		return 0
	}
	return 8 * maxForeign
}

// columns returns the elements of a set.
func (n *foreign) columns(number uint32) []column {
	if number == 0 {
		return nil
	}
	return n.sets[number-1]
}

// carry appends the foreign elements of a flow, unless it has too many or there are too many sets.
func (f *Format) carry(dst []byte, m *family) []byte {
	v, ok := m.plan.Value(m.carried)
	if !ok {
		return dst
	}
	n := &f.foreign
	n.key = n.key[:0]
	start := len(dst)
	for b := v.B; len(b) >= 8; {
		size := int(be.Uint16(b[6:]))
		if size > len(b)-8 {
			break
		}
		fixed := b[4]&0x80 == 0 // the highest bit of the element says that the length varied
		n.key = append(n.key, b[:6]...)
		if fixed {
			n.key = append(n.key, b[6], b[7])
			dst = append(dst, b[8:8+size]...)
		} else {
			n.key = append(n.key, 0xff, 0xff)
			dst = carried.Wire(dst, flow.Value{B: b[8 : 8+size]}, 0)
		}
		b = b[8+size:]
	}
	if f.presence.foreign = n.number(); f.presence.foreign == 0 {
		f.cut = true
		return dst[:start]
	}
	return dst
}

// carried writes octets with their length before them.
var carried = flow.Field{Type: flow.OctetArray}

// number returns the number of the set of elements in the key, 0 if there is no room for another.
func (n *foreign) number() uint32 {
	if number := n.numbers[string(n.key)]; number > 0 {
		return number
	}
	if len(n.key) == 0 || len(n.key)/8 > maxForeign || len(n.sets) == foreignSets {
		return 0
	}
	var set []column
	for b := n.key; len(b) >= 8; b = b[8:] {
		set = append(set, column{pen: be.Uint32(b), id: be.Uint16(b[4:]) &^ (1 << 15), length: be.Uint16(b[6:])})
	}
	if n.numbers == nil {
		n.numbers = map[string]uint32{}
	}
	n.sets = append(n.sets, set)
	n.numbers[string(n.key)] = uint32(len(n.sets))
	return uint32(len(n.sets))
}
