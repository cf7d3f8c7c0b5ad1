package app

import "github.com/weir-probe/weir/dissect/wire"

// tbcd are the digits of an identity.
type tbcd struct {
	b [32]byte
	n int
}

// read takes digits of four bits each, the lower half of an octet first, up to a filler (TBCD, 3GPP TS
// 29.002, section 17.7.8). If something else is among them there are none.
func (d *tbcd) read(b []byte) {
	d.n = 0
	for _, c := range b[:min(len(b), len(d.b)/2)] {
		for _, n := range [...]byte{c & 15, c >> 4} {
			switch {
			case n == 15:
				return
			case n > 9:
				d.n = 0
				return
			}
			d.b[d.n] = '0' + n
			d.n++
		}
	}
}

func (d *tbcd) text() []byte { return d.b[:d.n] }

// maxAPN is the length of the longest access point name (3GPP TS 23.003, section 9.1).
const maxAPN = 100

// apn appends an access point name, whose labels have their lengths before them, with dots between. One
// that is not made of labels is returned as it is, if it is text: some do not care.
func apn(dst []byte, b []byte) []byte {
	start := len(dst)
	for r := wire.Read(b); r.Len() > 0; {
		label := r.Block8()
		if label.Short() || label.Len() == 0 && r.Len() > 0 || !isLabel(label.Peek()) {
			if !isLabel(b) {
				return dst[:start]
			}
			return append(dst[:start], b[:min(len(b), maxAPN)]...)
		}
		if len(dst) > start {
			dst = append(dst, '.')
		}
		dst = append(dst, label.Rest()...)
	}
	return dst
}

// isLabel reports whether b may be part of a name.
func isLabel(b []byte) bool {
	for _, c := range b {
		if c <= ' ' || c >= 0x7f {
			return false
		}
	}
	return true
}
