// Package wire gives the fixed headers of network protocols names instead of offsets.
//
// Each header is a slice type. Only its As function makes one, and it makes it only of octets
// that are all there and do not contradict themselves; so the methods need no checks. As
// functions split their argument into the header and what follows it up to the end of the
// argument; rest is never a copy.
package wire

import "encoding/binary"

var be = binary.BigEndian

// Mapped returns an IPv4 address of 4 octets as a v4-mapped IPv6 address (RFC 4291, section 2.5.5.2).
func Mapped(a []byte) [16]byte {
	return [16]byte{10: 0xff, 11: 0xff, 12: a[0], 13: a[1], 14: a[2], 15: a[3]}
}
