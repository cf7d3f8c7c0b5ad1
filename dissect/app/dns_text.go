package app

import (
	"encoding/base64"
	"encoding/hex"
	"net/netip"
	"strconv"
	"time"
)

// dnsText is text that is put together until it is full. What does not fit is left out as a
// whole: an escape, a number. To write to no text is to read only.
type dnsText struct {
	b    [255]byte
	n    int
	hold int  // octets to leave free
	full bool // something was left out
}

func (t *dnsText) bytes() []byte { return t.b[:t.n] }

func (t *dnsText) len() int {
	if t == nil {
		return 0
	}
	return t.n
}

// cut takes back what was written after n octets.
func (t *dnsText) cut(n int) {
	if t != nil {
		t.n = n
	}
}

func (t *dnsText) add(s []byte) {
	if t == nil || t.full || t.n+len(s) > len(t.b)-t.hold {
		t.fill()
		return
	}
	t.n += copy(t.b[t.n:], s)
}

func (t *dnsText) fill() {
	if t != nil {
		t.full = true
	}
}

func (t *dnsText) string(s string) {
	if t == nil || t.full || t.n+len(s) > len(t.b)-t.hold {
		t.fill()
		return
	}
	t.n += copy(t.b[t.n:], s)
}

func (t *dnsText) octet(c byte) {
	b := [1]byte{c}
	t.add(b[:])
}

func (t *dnsText) uint(u uint64) {
	var b [20]byte
	t.add(strconv.AppendUint(b[:0], u, 10))
}

// list begins an item of a list.
func (t *dnsText) list(between byte) {
	if t != nil && t.n > 0 {
		t.octet(between)
	}
}

// named writes the name of a number, or prefix and the number.
func (t *dnsText) named(name, prefix string, n uint16) {
	if name != "" {
		t.string(name)
		return
	}
	var b [16]byte
	t.add(strconv.AppendUint(append(b[:0], prefix...), uint64(n), 10))
}

// escaped writes an octet of a name or string as in master files (RFC 1035, section 5.1); those
// in special have a meaning there.
func (t *dnsText) escaped(c byte, special string) {
	if c < '!' && c != ' ' || c > '~' || c == ' ' && special != inQuotes {
		b := [4]byte{'\\', '0' + c/100, '0' + c/10%10, '0' + c%10}
		t.add(b[:])
		return
	}
	for i := range len(special) {
		if special[i] == c {
			b := [2]byte{'\\', c}
			t.add(b[:])
			return
		}
	}
	t.octet(c)
}

// What has a meaning in the labels of a name, and between quotes.
const (
	inLabels = `.\";()@$`
	inQuotes = `"\`
)

// quoted writes a string between quotes.
func (t *dnsText) quoted(s []byte) {
	t.octet('"')
	for _, c := range s {
		t.escaped(c, inQuotes)
	}
	t.octet('"')
}

// plain writes a string without quotes.
func (t *dnsText) plain(s []byte) {
	for _, c := range s {
		t.escaped(c, inLabels)
	}
}

func (t *dnsText) hex(s []byte) {
	const digits = "0123456789ABCDEF"
	for _, c := range s {
		if t == nil || t.full {
			return
		}
		b := [2]byte{digits[c>>4], digits[c&15]}
		t.add(b[:])
	}
}

// dashed writes octets as EUI addresses are written.
func (t *dnsText) dashed(s []byte) {
	for i := range s {
		if i > 0 {
			t.octet('-')
		}
		var b [2]byte
		hex.Encode(b[:], s[i:i+1])
		t.add(b[:])
	}
}

func (t *dnsText) base64(s []byte) {
	for len(s) > 0 && t != nil && !t.full {
		n := min(3, len(s))
		var b [4]byte
		base64.StdEncoding.Encode(b[:], s[:n])
		t.add(b[:])
		s = s[n:]
	}
}

// base32 writes octets as owners of NSEC3 records are written (RFC 5155, section 3.3).
func (t *dnsText) base32(s []byte) {
	const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUV"
	var acc uint32
	bits := 0
	for _, c := range s {
		acc, bits = acc<<8|uint32(c), bits+8
		for ; bits >= 5; bits -= 5 {
			t.octet(digits[acc>>(bits-5)&31])
		}
	}
	if bits > 0 {
		t.octet(digits[acc<<(5-bits)&31])
	}
}

// addr writes an address of 4 or 16 octets.
func (t *dnsText) addr(s []byte) {
	var b [48]byte
	if a, ok := netip.AddrFromSlice(s); ok && t != nil {
		t.add(a.AppendTo(b[:0]))
	}
}

// date writes seconds since 1970 as RFC 4034, section 3.2, does.
func (t *dnsText) date(u uint32) {
	var b [16]byte
	if t != nil {
		t.add(time.Unix(int64(u), 0).UTC().AppendFormat(b[:0], "20060102150405"))
	}
}
