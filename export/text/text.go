// Package text writes flows as lines of columns separated by vertical bars.
package text

import (
	"errors"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/export"
)

// Format writes a line per flow. There is a column for each field of the template, for
// those of IPv6 right of those of IPv4 they stand for. What a flow does not have is empty.
// Connections and files begin with a line of labels; datagrams do not.
type Format struct {
	size    int
	base    int // where the message starts
	columns []*flow.Field
	header  []byte
}

// New returns a format that writes the fields of o.Template.
func New(o export.FormatOptions) (*Format, error) {
	f := &Format{size: o.Size}
	if f.size == 0 {
		f.size = export.DefaultSize
	}
	have := map[*flow.Field]bool{}
	for _, fd := range o.Template.Fields {
		for _, fd := range [2]*flow.Field{fd, fd.Twin()} {
			if fd == nil || have[fd] {
				continue
			}
			have[fd] = true
			f.columns = append(f.columns, fd)
			f.header = append(append(f.header, fd.Key()...), '|')
		}
	}
	if len(f.columns) == 0 {
		return nil, errors.New("template has no fields: add some")
	}
	f.header[len(f.header)-1] = '\n'
	return f, nil
}

// Open returns a function that writes the line of labels.
func (f *Format) Open() func(dst, next []byte) []byte {
	return func(dst, _ []byte) []byte { return append(dst, f.header...) }
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
	for _, fd := range f.columns {
		if val, ok := v.Value(fd); ok {
			dst = value(dst, fd, val)
		}
		dst = append(dst, '|')
	}
	dst[len(dst)-1] = '\n'
	if start > f.base && len(dst)-f.base > f.size {
		return dst[:start], false
	}
	return dst, true
}

// value writes times as dates (RFC 7373, section 4.8) and the rest as the field does.
func value(dst []byte, fd *flow.Field, v flow.Value) []byte {
	switch fd.Type {
	case flow.DateTimeSeconds, flow.DateTimeMilliseconds, flow.DateTimeMicroseconds, flow.DateTimeNanoseconds:
		return flow.RFC3339(dst, v.U)
	}
	return fd.Text(dst, v)
}
