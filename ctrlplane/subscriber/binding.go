package subscriber

import (
	"bytes"
	"hash/fnv"
	"strconv"
)

// Parts of who a subscriber is, in the order in which a binding has them.
const (
	name = iota
	imsi
	msisdn
	imei
	apn
	cell
	nas
	acct // session
	mac
	parts int = iota
)

// longest is how many octets of each part are kept, so that a binding fits into the session store.
var longest = [parts]int{name: 40, imsi: 15, msisdn: 15, imei: 16, apn: 32, cell: 32, nas: 22, acct: 24, mac: 17}

// binding is who had an address, a prefix or a tunnel, and when. Octets are borrowed.
type binding struct {
	start, end uint64 // milliseconds since the Unix epoch; an end of 0 is none yet
	who        uint64 // tells holders apart; 0 is several at a time, nobody knows which
	is         [parts][]byte
}

const (
	base = 36
	tab  = '\t'
)

// append writes a binding as the session store has it.
func (b *binding) append(dst []byte) []byte {
	dst = append(strconv.AppendUint(dst, b.start, base), tab)
	dst = append(strconv.AppendUint(dst, b.end, base), tab)
	dst = strconv.AppendUint(dst, b.who, base)
	for i, p := range b.is {
		dst = append(dst, tab)
		for _, c := range p[:min(len(p), longest[i])] {
			if c < ' ' {
				c = ' '
			}
			dst = append(dst, c)
		}
	}
	return dst
}

// read reads what append wrote, and reports whether it is that.
func (b *binding) read(s []byte) bool {
	ok := [3]bool{}
	for i, n := range [...]*uint64{&b.start, &b.end, &b.who} {
		*n, s, ok[i] = number(s)
	}
	for i := range b.is {
		b.is[i], s, _ = bytes.Cut(s, []byte{tab})
	}
	return ok == [3]bool{true, true, true}
}

// number reads a number in base 36 and what follows it.
func number(s []byte) (n uint64, rest []byte, ok bool) {
	text, rest, _ := bytes.Cut(s, []byte{tab})
	for _, c := range text {
		d := uint64(c - '0')
		if c >= 'a' {
			d = uint64(c-'a') + 10
		}
		if d >= base || n > (1<<64-1-d)/base {
			return 0, rest, false
		}
		n = n*base + d
	}
	return n, rest, len(text) > 0
}

// identify makes who of what is known: subscribers with the same IMSI are the same, and so are users with
// the same name at the same equipment. It is the same on all probes.
func (b *binding) identify() {
	h := fnv.New64a()
	switch {
	case len(b.is[imsi]) > 0:
		h.Write(b.is[imsi])
	case len(b.is[name]) > 0:
		h.Write([]byte{0})
		h.Write(b.is[name])
		h.Write(b.is[mac])
		h.Write(b.is[msisdn])
	case len(b.is[msisdn])+len(b.is[mac]) > 0:
		h.Write([]byte{1})
		h.Write(b.is[msisdn])
		h.Write(b.is[mac])
	default:
		b.who = 0
		return
	}
	b.who = h.Sum64() | 1
}

// covers reports whether all packets of a time are its holder's. Times are in milliseconds; grace is how
// much before its beginning packets may have come.
func (b *binding) covers(first, last, grace uint64) bool {
	return first+grace >= b.start && (b.end == 0 || last <= b.end)
}

// inherit takes over what another binding of the same holder knows and this one does not.
func (b *binding) inherit(old *binding) {
	for i := range b.is {
		if len(b.is[i]) == 0 {
			b.is[i] = old.is[i]
		}
	}
}
