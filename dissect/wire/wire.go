// Package wire gives the fixed headers of network protocols names instead of offsets.
//
// Each header is a slice type. Only its As function makes one, and it makes it only of octets
// that are all there and do not contradict themselves; so the methods need no checks. As
// functions split their argument into the header and what follows it up to the end of the
// argument; rest is never a copy.
package wire

import "encoding/binary"

var be = binary.BigEndian

// Map makes dst the v4-mapped IPv6 address of an IPv4 address (RFC 4291, section 2.5.5.2). It
// writes in place, in words: a value returned would be put together octet by octet and copied.
func Map(dst *[16]byte, a [4]byte) {
	be.PutUint64(dst[:8], 0)
	be.PutUint64(dst[8:], 0xffff_0000_0000|uint64(be.Uint32(a[:])))
}
