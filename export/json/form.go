package json

import (
	"bytes"
	"strconv"

	"github.com/weir-probe/weir/dataplane/flow"
)

// Constant returns a form that writes the same of every record.
func Constant(text string) Form {
	return func(dst []byte, _ *Input) []byte { return append(dst, text...) }
}

// Quoted writes a number as text.
func Quoted(dst []byte, in *Input) []byte {
	if f, v := in.Found(); f != nil {
		return append(f.JSON(append(dst, '"'), v), '"')
	}
	return dst
}

// Lower writes text in lower case, as far as it is ASCII.
func Lower(dst []byte, in *Input) []byte { return mapped(dst, in, 'A', 'Z') }

// Upper writes hexadecimal digits in upper case.
func Upper(dst []byte, in *Input) []byte { return mapped(dst, in, 'a', 'f') }

// mapped changes the case of the letters from..to.
func mapped(dst []byte, in *Input, from, to byte) []byte {
	f, v := in.Found()
	if f == nil {
		return dst
	}
	start := len(dst)
	dst = f.JSON(dst, v)
	for i, c := range dst[start:] {
		if from <= c && c <= to {
			dst[start+i] ^= 'a' ^ 'A'
		}
	}
	return dst
}

// Boolean writes whether a number is other than 0.
func Boolean(dst []byte, in *Input) []byte {
	f, v := in.Found()
	if f == nil {
		return dst
	}
	return strconv.AppendBool(dst, v.U != 0)
}

// List returns a form that writes the parts of a text between separators as an array. cut makes an
// element of a part, nil takes it as it is; one without octets is left out.
func List(separator byte, cut func(part []byte) []byte) Form {
	return func(dst []byte, in *Input) []byte {
		f, v := in.Found()
		if f == nil {
			return dst
		}
		start := len(dst)
		dst = append(dst, '[')
		for part, rest, more := next(v.B, separator); more; part, rest, more = next(rest, separator) {
			if cut != nil {
				part = cut(part)
			}
			if len(part) > 0 {
				dst = append(f.JSON(dst, flow.Value{B: part}), ',')
			}
		}
		return array(dst, start)
	}
}

// next returns what is before a separator and what is behind it; rest is nil after the last part,
// and more is false behind it.
func next(text []byte, separator byte) (part, rest []byte, more bool) {
	if text == nil {
		return nil, nil, false
	}
	if i := bytes.IndexByte(text, separator); i >= 0 {
		return text[:i], text[i+1:], true
	}
	return text, nil, true
}

// array ends the array that was begun at start. An empty one goes away.
func array(dst []byte, start int) []byte {
	last := len(dst) - 1
	if dst[last] == '[' {
		return dst[:start]
	}
	dst[last] = ']'
	return dst
}

// All writes the texts of all fields of the member as an array.
func All(dst []byte, in *Input) []byte {
	start := len(dst)
	dst = append(dst, '[')
	for i := range in.Len() {
		if v, ok := in.Value(i); ok && len(v.B) > 0 {
			dst = append(in.Field(i).JSON(dst, v), ',')
		}
	}
	return array(dst, start)
}
