// Package protobuf writes flows as messages of Protocol Buffers, each behind its length, and their
// schema.
package protobuf

import (
	"encoding/binary"
	"errors"
	"math"
	"unicode/utf8"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/export"
)

// Format writes a message of type Record (see Schema) per flow, with its length as a varint before
// it, as parseDelimitedFrom of the library for Java and its likes read them. What a flow does not
// have is left out.
type Format struct {
	export.Sequence
	families [2]family // IPv4, IPv6
}

// family is the fields for an IP version.
type family struct {
	plan *flow.Plan
	put  []put
}

// put is how a field is written.
type put struct {
	tag  string // number and wire type
	kind kind
	unit uint64 // what the value is divided by, 0 for nothing
}

// New returns a format that writes the version of the schema and the fields of o.Template.
func New(o export.FormatOptions) (*Format, error) {
	if len(o.Template.Fields) == 0 {
		return nil, errors.New("template has no fields: add some")
	}
	numbers, err := read(numbering)
	if err != nil {
		return nil, err
	}
	f := &Format{Sequence: export.NewSequence(o)}
	for i, version := range [2]uint8{4, 6} {
		fields := export.Versioned(o.Template.Version(version))
		f.families[i].plan = flow.NewPlan(fields)
		for _, fd := range fields {
			n, err := numbers.of(fd)
			if err != nil {
				return nil, err
			}
			k := kindOf(fd)
			tag := binary.AppendUvarint(nil, uint64(n)<<3|uint64(k.wire()))
			f.families[i].put = append(f.families[i].put, put{string(tag), k, unit(fd)})
		}
	}
	return f, nil
}

// unit returns how many nanoseconds a time is counted in, and the scale of other fields.
func unit(f *flow.Field) uint64 {
	switch f.Type {
	case flow.DateTimeSeconds, flow.SysUpTimeMilliseconds:
		return 1e9
	case flow.DateTimeMilliseconds:
		return 1e6
	case flow.DateTimeMicroseconds:
		return 1e3
	case flow.MPLSLabel:
		return 1 << 12
	}
	if f.Scale > 1 {
		return f.Scale
	}
	return 0
}

// Append adds a message.
func (f *Format) Append(dst []byte, v *flow.View) ([]byte, bool) {
	m := &f.families[0]
	if v.Version == 6 {
		m = &f.families[1]
	}
	m.plan.Read(v)
	start := len(dst)
	dst = append(dst, room...)
	for i := range m.put {
		if val, ok := m.plan.Value(i); ok {
			dst = m.put[i].append(dst, val)
		}
	}
	return f.Fit(prefix(dst, start), start)
}

// append adds a field.
func (p *put) append(dst []byte, v flow.Value) []byte {
	dst = append(dst, p.tag...)
	if p.unit > 0 && p.kind != double {
		v.U /= p.unit
	}
	switch p.kind {
	case uint32s:
		return binary.AppendUvarint(dst, min(v.U, math.MaxUint32))
	case uint64s:
		return binary.AppendUvarint(dst, v.U)
	case double:
		if p.unit > 0 {
			v.U = math.Float64bits(float64(v.U) / float64(p.unit))
		}
		return binary.LittleEndian.AppendUint64(dst, v.U)
	case text:
		if !utf8.Valid(v.B) {
			return repaired(dst, v.B)
		}
	}
	return append(binary.AppendUvarint(dst, uint64(len(v.B))), v.B...)
}

// repaired appends text with its length, and U+FFFD for octets that are not UTF-8, which readers
// refuse the whole message for.
func repaired(dst, b []byte) []byte {
	start := len(dst)
	dst = append(dst, room...)
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		dst, b = utf8.AppendRune(dst, r), b[n:]
	}
	return prefix(dst, start)
}

// room is where prefix puts most lengths.
const room = "\x00\x00"

// prefix writes the length of what is behind the room at start into it, moving what is behind if
// the length takes another number of octets.
func prefix(dst []byte, start int) []byte {
	var length [binary.MaxVarintLen64]byte
	body := start + len(room)
	n := binary.PutUvarint(length[:], uint64(len(dst)-body))
	end := len(dst)
	if n > len(room) {
		dst = append(dst, length[:n-len(room)]...)
	}
	copy(dst[start+n:], dst[body:end])
	copy(dst[start:], length[:n])
	return dst[:end+n-len(room)]
}
