// Package text writes flows as lines of columns, separated by vertical bars or by commas.
package text

import (
	"errors"
	"unicode/utf8"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/export"
)

// Format writes a line per flow. There is a column for each field of the template, for
// those of IPv6 right of those of IPv4 they stand for. What a flow does not have is empty.
// Connections and files begin with a line of labels; datagrams do not.
type Format struct {
	export.Sequence
	plan   *flow.Plan // of a column each
	header []byte
	syntax
}

// syntax is how columns become a line.
type syntax struct {
	separator byte
	end       string // of a line
	value     func(dst []byte, fd *flow.Field, v flow.Value) []byte
}

// New returns a format that writes the fields of o.Template with vertical bars between them.
func New(o export.FormatOptions) (*Format, error) {
	return build(o, o.Template.Fields, syntax{'|', "\n", plain})
}

// NewCSV returns a format that writes the version of the schema and the fields of o.Template as
// comma-separated values (RFC 4180). Control characters become spaces: each line is a record.
func NewCSV(o export.FormatOptions) (*Format, error) {
	return build(o, export.Versioned(o.Template.Fields), syntax{',', "\r\n", quoted})
}

func build(o export.FormatOptions, fields []*flow.Field, s syntax) (*Format, error) {
	if len(fields) == 0 {
		return nil, errors.New("template has no fields: add some")
	}
	f := &Format{Sequence: export.NewSequence(o), syntax: s}
	var columns []*flow.Field
	have := map[*flow.Field]bool{nil: true}
	for _, fd := range fields {
		for _, fd := range [2]*flow.Field{fd, fd.Twin()} {
			if have[fd] {
				continue
			}
			have[fd] = true
			columns = append(columns, fd)
			f.header = append(append(f.header, fd.Key()...), s.separator)
		}
	}
	f.header = append(f.header[:len(f.header)-1], s.end...)
	f.plan = flow.NewPlan(columns)
	return f, nil
}

// Open returns a function that writes the line of labels.
func (f *Format) Open() func(dst, next []byte) []byte {
	return func(dst, _ []byte) []byte { return append(dst, f.header...) }
}

// Append adds a line.
func (f *Format) Append(dst []byte, v *flow.View) ([]byte, bool) {
	start := len(dst)
	f.plan.Read(v)
	for i := range f.plan.Fields() {
		if val, ok := f.plan.Value(i); ok {
			dst = f.value(dst, f.plan.Field(i), val)
		}
		dst = append(dst, f.separator)
	}
	return f.Fit(append(dst[:len(dst)-1], f.end...), start)
}

// plain writes times as dates (RFC 7373, section 4.8) and the rest as the field does.
func plain(dst []byte, fd *flow.Field, v flow.Value) []byte {
	switch fd.Type {
	case flow.DateTimeSeconds, flow.DateTimeMilliseconds, flow.DateTimeMicroseconds, flow.DateTimeNanoseconds:
		return flow.RFC3339(dst, v.U)
	}
	return fd.Text(dst, v)
}

// quoted writes text in quotes, which are doubled in it, and the rest as plain does. An empty text
// is in quotes too: it is not absent.
func quoted(dst []byte, fd *flow.Field, v flow.Value) []byte {
	if fd.Type != flow.String {
		return plain(dst, fd, v)
	}
	dst = append(dst, '"')
	for s := v.B; len(s) > 0; {
		c, n := utf8.DecodeRune(s)
		switch {
		case c < ' ' || c == 0x7f:
			dst = append(dst, ' ')
		case c == '"':
			dst = append(dst, `""`...)
		default:
			dst = utf8.AppendRune(dst, c)
		}
		s = s[n:]
	}
	return append(dst, '"')
}
