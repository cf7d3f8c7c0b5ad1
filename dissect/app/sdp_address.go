package app

import (
	"bytes"
	"encoding/binary"
	"net/netip"
)

// addressOf reads an address in text, without a zone.
func addressOf(b []byte) (netip.Addr, bool) {
	if bytes.IndexByte(b, ':') >= 0 {
		return address6Of(b)
	}
	var four [4]byte
	for i := range four {
		digits := b
		if n := bytes.IndexByte(b, '.'); n >= 0 && i < 3 {
			digits, b = b[:n], b[n+1:]
		} else if i < 3 {
			return netip.Addr{}, false
		}
		n, ok := decimal(digits)
		if !ok || n > 255 || len(digits) > 1 && digits[0] == '0' {
			return netip.Addr{}, false
		}
		four[i] = uint8(n)
	}
	return netip.AddrFrom4(four), true
}

// address6Of reads an IPv6 address (RFC 4291, section 2.2).
func address6Of(b []byte) (netip.Addr, bool) {
	var a [16]byte
	n, gap := 0, -1
	if len(b) >= 2 && b[0] == ':' && b[1] == ':' {
		gap, b = 0, b[2:]
	}
	for len(b) > 0 && n < len(a) {
		end := bytes.IndexByte(b, ':')
		if end < 0 {
			end = len(b)
		}
		if four, ok := addressOf(b[:end]); ok && end == len(b) && n <= 12 {
			last := four.As4()
			n += copy(a[n:], last[:])
			b = nil
			break
		}
		group, ok := hexadecimal(b[:end])
		if !ok {
			return netip.Addr{}, false
		}
		binary.BigEndian.PutUint16(a[n:], group)
		n, b = n+2, b[end:]
		switch {
		case len(b) >= 2 && b[1] == ':' && gap < 0:
			gap, b = n, b[2:]
		case len(b) >= 2 && b[1] != ':':
			b = b[1:]
		case len(b) > 0:
			return netip.Addr{}, false
		}
	}
	if len(b) > 0 || n < len(a) && gap < 0 || n == len(a) && gap >= 0 {
		return netip.Addr{}, false
	}
	if gap >= 0 {
		moved := copy(a[len(a)-(n-gap):], a[gap:n])
		clear(a[gap : len(a)-moved])
	}
	return netip.AddrFrom16(a), true
}

// hexadecimal returns a number of one to four digits.
func hexadecimal(b []byte) (n uint16, ok bool) {
	for _, c := range b {
		switch d := c | 0x20; {
		case isDigit(c):
			n = n<<4 | uint16(c-'0')
		case d >= 'a' && d <= 'f':
			n = n<<4 | uint16(d-'a'+10)
		default:
			return 0, false
		}
	}
	return n, len(b) >= 1 && len(b) <= 4
}
