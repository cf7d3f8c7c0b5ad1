package log

import (
	"bytes"
	"hash/crc32"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/weir-probe/weir/dataplane/flow"
)

// first appends the first of the fields that the record has.
func first(c *column, dst []byte, v *flow.View) []byte {
	for _, f := range c.fields {
		val, ok := v.Value(f)
		switch {
		case !ok:
		case f.Type == flow.String:
			return c.printable(dst, val.B)
		default: // an address is not cut: it would be another one
			return f.Text(dst, val)
		}
	}
	return dst
}

// lower appends the same in lower case.
func lower(c *column, dst []byte, v *flow.View) []byte {
	start := len(dst)
	dst = first(c, dst, v)
	for i, b := range dst[start:] {
		if 'A' <= b && b <= 'Z' {
			dst[start+i] = b + 'a' - 'A'
		}
	}
	return dst
}

// place appends a URL without its scheme.
func place(c *column, dst []byte, v *flow.View) []byte {
	for _, f := range c.fields {
		if val, ok := v.Value(f); ok {
			if i := bytes.Index(val.B, []byte("://")); i >= 0 && i <= len("https") {
				val.B = val.B[i+3:]
			}
			return c.printable(dst, val.B)
		}
	}
	return dst
}

// sum appends the sum of the fields that the record has.
func sum(c *column, dst []byte, v *flow.View) []byte {
	total, any := uint64(0), false
	for _, f := range c.fields {
		if val, ok := v.Value(f); ok {
			total, any = total+val.U, true
		}
	}
	if !any {
		return dst
	}
	return strconv.AppendUint(dst, total, 10)
}

// seconds appends a time in seconds since the Unix epoch.
func seconds(c *column, dst []byte, v *flow.View) []byte {
	for _, f := range c.fields {
		if val, ok := v.Value(f); ok {
			return strconv.AppendUint(dst, val.U/1e9, 10)
		}
	}
	return dst
}

// decimals appends a number in the unit of its field with three decimals.
func decimals(c *column, dst []byte, v *flow.View) []byte {
	for _, f := range c.fields {
		if val, ok := v.Value(f); ok {
			return thousandths(dst, val.U, f.Scale)
		}
	}
	return dst
}

// millis appends a time in milliseconds with three decimals. Fields whose label says so are
// in microseconds.
func millis(c *column, dst []byte, v *flow.View) []byte {
	for _, f := range c.fields {
		if val, ok := v.Value(f); ok {
			scale := f.Scale
			if strings.HasSuffix(f.Label, "_USEC") {
				scale *= 1000
			}
			return thousandths(dst, val.U, scale)
		}
	}
	return dst
}

// tries appends how often a message was seen: not if the record lacks the first field, or else
// once and as often again as the second says.
func tries(c *column, dst []byte, v *flow.View) []byte {
	n := uint64(0)
	for i, f := range c.fields {
		val, ok := v.Value(f)
		switch {
		case ok && i == 0:
			n = 1
		case ok:
			n += val.U
		case i == 0:
			return append(dst, '0')
		}
	}
	if len(c.fields) == 0 {
		return dst
	}
	return strconv.AppendUint(dst, n, 10)
}

// thousandths appends n/scale with three decimals.
func thousandths(dst []byte, n, scale uint64) []byte {
	scale = max(scale, 1)
	n = n/scale*1000 + (n%scale*1000+scale/2)/scale
	dst = strconv.AppendUint(dst, n/1000, 10)
	return append(dst, '.', '0'+byte(n/100%10), '0'+byte(n/10%10), '0'+byte(n%10))
}

// hash appends a number of 32 bits that is made from the text of the first field.
func hash(c *column, dst []byte, v *flow.View) []byte {
	start := len(dst)
	wide := *c
	wide.Width = 255
	if dst = first(&wide, dst, v); len(dst) == start {
		return dst
	}
	n := crc32.ChecksumIEEE(dst[start:])
	return strconv.AppendUint(dst[:start], uint64(n), 10)
}

// printable appends text cut to the width of the column, with what is not printable, which
// tabs and ends of lines are not, as spaces.
func (c *column) printable(dst, text []byte) []byte {
	for end := len(dst) + c.Width; len(text) > 0; {
		r, n := utf8.DecodeRune(text)
		if !unicode.IsPrint(r) {
			r = ' '
		}
		if c.Width > 0 && len(dst)+utf8.RuneLen(r) > end {
			break
		}
		dst, text = utf8.AppendRune(dst, r), text[n:]
	}
	return dst
}
