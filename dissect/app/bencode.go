package app

import "github.com/weir-probe/weir/dissect/wire"

// btDeepest is how deep values may be in others.
const btDeepest = 8

// btFind returns the value of a key of a dictionary (BEP 3): the octets of a string, others as they are
// written. It is nil if there is none, or if it is no dictionary.
func btFind(r wire.Reader, key string) []byte {
	if r.U8() != 'd' {
		return nil
	}
	for r.Len() > 0 && r.Peek()[0] != 'e' {
		name, ok := btString(&r)
		if !ok || r.Len() == 0 {
			return nil
		}
		if string(name) != key {
			if !btSkip(&r) {
				return nil
			}
			continue
		}
		if c := r.Peek()[0]; c >= '0' && c <= '9' {
			value, _ := btString(&r)
			return value
		}
		begin := r.Peek()
		if !btSkip(&r) {
			return nil
		}
		return begin[:len(begin)-r.Len()]
	}
	return nil
}

// btString reads a string: its length, a colon and its octets.
func btString(r *wire.Reader) ([]byte, bool) {
	n, digits := 0, 0
	for ; ; digits++ {
		c := r.U8()
		if c == ':' && digits > 0 {
			break
		}
		if c < '0' || c > '9' || digits > 5 {
			return nil, false
		}
		n = n*10 + int(c-'0')
	}
	b := r.Bytes(n)
	return b, !r.Short()
}

// btSkip skips a value, and reports whether there is one.
func btSkip(r *wire.Reader) bool {
	for depth := 0; ; {
		if r.Len() == 0 || depth > btDeepest {
			return false
		}
		switch c := r.Peek()[0]; {
		case c == 'd' || c == 'l':
			r.Skip(1)
			depth++
		case c == 'e' && depth > 0:
			r.Skip(1)
			depth--
		case c == 'i':
			for c = r.U8(); c != 'e' && !r.Short(); {
				c = r.U8()
			}
		default:
			if _, ok := btString(r); !ok {
				return false
			}
		}
		if depth == 0 {
			return !r.Short()
		}
	}
}
