// Package json writes flows as lines of JSON.
package json

import (
	"errors"
	"math"
	"strconv"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/export"
)

// Format writes an object per flow, each on a line. What a flow does not have is left out.
type Format struct {
	size    int
	base    int         // where the message starts
	members [2][]member // IPv4, IPv6
}

// member is a field and what precedes its value.
type member struct {
	field *flow.Field
	key   string
}

// New returns a format that writes the fields of o.Template under their labels.
func New(o export.FormatOptions) (*Format, error) {
	f := &Format{size: o.Size}
	if f.size == 0 {
		f.size = export.DefaultSize
	}
	for i, version := range [2]uint8{4, 6} {
		for _, fd := range o.Template.Version(version) {
			f.members[i] = append(f.members[i], member{fd, strconv.Quote(fd.Key()) + ":"})
		}
	}
	if len(f.members[0])+len(f.members[1]) == 0 {
		return nil, errors.New("template has no fields: add some")
	}
	return f, nil
}

// Begin has nothing to write: a message is lines.
func (f *Format) Begin(dst []byte, _ uint64) []byte {
	f.base = len(dst)
	return dst
}

// Seal has nothing to write.
func (f *Format) Seal(dst []byte) []byte { return dst }

// Append adds a line. One that is longer than a message gets a message of its own.
func (f *Format) Append(dst []byte, v *flow.View) ([]byte, bool) {
	start := len(dst)
	members := f.members[0]
	if v.Version == 6 {
		members = f.members[1]
	}
	dst = append(dst, '{')
	for i := range members {
		m := &members[i]
		val, ok := v.Value(m.field)
		if !ok || m.field.Type == flow.Float64 && !finite(val.U) {
			continue
		}
		dst = append(m.field.JSON(append(dst, m.key...), val), ',')
	}
	if dst[len(dst)-1] == ',' {
		dst = dst[:len(dst)-1]
	}
	dst = append(dst, '}', '\n')
	if start > f.base && len(dst)-f.base > f.size {
		return dst[:start], false
	}
	return dst, true
}

// finite reports whether JSON has a number for the bits of a float64.
func finite(bits uint64) bool {
	x := math.Float64frombits(bits)
	return !math.IsNaN(x) && !math.IsInf(x, 0)
}
