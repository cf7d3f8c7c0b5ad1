// Package zeek writes flows as Zeek's conn.log, tab-separated or as JSON.
package zeek

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/export"
)

// conn writes a line per flow. What cannot be known of a flow is unset.
type conn struct {
	export.Sequence
	scratch []byte
}

// TSV writes tab-separated values. Connections and files begin with the lines that Zeek's own logs
// begin with.
type TSV struct{ conn }

// JSON writes objects with the same names.
type JSON struct{ conn }

// New returns a format that writes tab-separated values. It needs no options but the size.
func New(o export.FormatOptions) (*TSV, error) {
	return &TSV{conn{Sequence: export.NewSequence(o)}}, nil
}

// NewJSON returns a format that writes JSON, as New does.
func NewJSON(o export.FormatOptions) (*JSON, error) {
	return &JSON{conn{Sequence: export.NewSequence(o)}}, nil
}

// Template returns the fields of s that hold what the columns are made of.
func Template(s *flow.Schema) *flow.Template {
	t := &flow.Template{}
	for _, label := range strings.Fields(needed) {
		if f := s.Named(label); f != nil {
			t.Add(f)
		}
	}
	return t
}

// Takes refuses records that are not about a connection.
func (c *conn) Takes(v *flow.View) bool { return v.Kind == flow.KindFlow }

// Open returns a function that writes the header.
func (t *TSV) Open() func(dst, next []byte) []byte {
	return func(dst, _ []byte) []byte {
		dst = append(dst, "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n"+
			"#path\tconn\n#schema_version\t"...)
		dst = append(strconv.AppendInt(dst, export.SchemaVersion, 10), "\n#fields"...)
		for i := range columns {
			dst = append(append(dst, '\t'), columns[i].name...)
		}
		dst = append(dst, "\n#types"...)
		for i := range columns {
			dst = append(append(dst, '\t'), columns[i].typ...)
		}
		return append(dst, '\n')
	}
}

// Append adds a line.
func (t *TSV) Append(dst []byte, v *flow.View) ([]byte, bool) {
	start := len(dst)
	for i := range columns {
		if i > 0 {
			dst = append(dst, '\t')
		}
		if t.scratch = columns[i].text(t.scratch[:0], v); len(t.scratch) == 0 {
			dst = append(dst, '-')
			continue
		}
		dst = escaped(dst, t.scratch)
	}
	return t.Fit(append(dst, '\n'), start)
}

// plain is how JSON writes text.
var plain = flow.Field{Type: flow.String}

// Append adds a line.
func (j *JSON) Append(dst []byte, v *flow.View) ([]byte, bool) {
	start := len(dst)
	dst = append(dst, `{"_path":"conn","schema_version":`...)
	dst = strconv.AppendInt(dst, export.SchemaVersion, 10)
	for i := range columns {
		c := &columns[i]
		if j.scratch = c.text(j.scratch[:0], v); len(j.scratch) == 0 {
			continue
		}
		dst = append(append(append(dst, `,"`...), c.name...), `":`...)
		switch c.typ {
		case "string", "enum", "addr":
			dst = plain.JSON(dst, flow.Value{B: j.scratch})
		default:
			dst = append(dst, j.scratch...)
		}
	}
	return j.Fit(append(dst, "}\n"...), start)
}

// escaped appends text as Zeek's ASCII writer does: octets that are not printable, separators and
// backslashes in hexadecimal, as is a text that would read as unset.
func escaped(dst, text []byte) []byte {
	const digits = "0123456789abcdef"
	if string(text) == "-" {
		return append(dst, `\x2d`...)
	}
	for len(text) > 0 {
		r, n := utf8.DecodeRune(text)
		if r < ' ' || r == 0x7f || r == '\\' || r == utf8.RuneError && n == 1 {
			dst = append(dst, '\\', 'x', digits[text[0]>>4], digits[text[0]&15])
		} else {
			dst = append(dst, text[:n]...)
		}
		text = text[n:]
	}
	return dst
}
