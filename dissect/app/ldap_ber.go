package app

import "github.com/weir-probe/weir/dissect/wire"

// berLength consumes a length of BER (X.690, section 8.1.3) of at most four octets. It is not ok if it is
// none, or indefinite.
func berLength(r *wire.Reader) (n int, ok bool) {
	n = int(r.U8())
	if n < 0x80 {
		return n, true
	}
	octets := n & 0x7f
	if octets == 0 || octets > 4 {
		return 0, false
	}
	n = 0
	for range octets {
		n = n<<8 | int(r.U8())
	}
	return n, true
}

// berElement consumes an element of BER: its tag, and a reader of its contents as far as they are here. One
// that is none makes r short.
func berElement(r *wire.Reader) (tag uint8, body wire.Reader) {
	tag = r.U8()
	n, ok := berLength(r)
	if !ok {
		n = -1
	}
	return tag, r.Block(n)
}

// filterDepth is how deep a filter may be nested that is written.
const filterDepth = 8

// filterSigns are what is between the type and the value of a comparison, by its tag.
var filterSigns = [...]struct {
	tag  uint8
	sign string
}{{0xa3, "="}, {0xa5, ">="}, {0xa6, "<="}, {0xa8, "~="}}

// appendFilter appends a filter as text (RFC 4515), as far as there is room.
func appendFilter(dst []byte, r *wire.Reader, depth int) []byte {
	tag, body := berElement(r)
	dst = appendSome(dst, "(")
	switch {
	case tag == 0xa0 || tag == 0xa1 || tag == 0xa2: // and, or, not
		dst = appendSome(dst, "&|!"[tag-0xa0:tag-0xa0+1])
		for body.Len() > 0 && depth < filterDepth && len(dst) < cap(dst) {
			dst = appendFilter(dst, &body, depth+1)
		}
	case tag == 0x87: // present
		dst = appendSome(appendSome(dst, body.Rest()), "=*")
	case tag == 0xa4: // substrings
		_, kind := berElement(&body)
		dst = appendSome(appendSome(dst, kind.Rest()), "=")
		dst = appendParts(dst, body)
	case tag == 0xa9: // extensibleMatch
		dst = appendSome(dst, ":=")
	default:
		for _, x := range filterSigns {
			if x.tag == tag {
				_, kind := berElement(&body)
				_, value := berElement(&body)
				dst = appendSome(appendSome(dst, kind.Rest()), x.sign)
				dst = appendSome(dst, value.Rest())
			}
		}
	}
	return appendSome(dst, ")")
}

// appendParts appends the parts of a value that is searched for, with stars between.
func appendParts(dst []byte, body wire.Reader) []byte {
	_, list := berElement(&body)
	star := false
	for list.Len() > 0 && len(dst) < cap(dst) {
		tag, part := berElement(&list)
		if tag != 0x80 && !star {
			dst = appendSome(dst, "*")
		}
		if dst, star = appendSome(dst, part.Rest()), tag != 0x82; star {
			dst = appendSome(dst, "*")
		}
	}
	return dst
}

// appendSome appends as much as there is room for.
func appendSome[T string | []byte](dst []byte, s T) []byte {
	return append(dst, s[:min(len(s), cap(dst)-len(dst))]...)
}
