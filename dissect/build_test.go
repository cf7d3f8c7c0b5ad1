package dissect

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"strings"
)

// hx reads octets in hexadecimal, blanks between them.
func hx(s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}

func cat(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func u16(n int) []byte { return binary.BigEndian.AppendUint16(nil, uint16(n)) }

// ether builds a frame; its addresses are 02:…:02 and 02:…:01.
func ether(t int, payload ...[]byte) []byte {
	return cat(hx("020000000002 020000000001"), u16(t), cat(payload...))
}

// v4 builds an IPv4 packet from 10.n.0.1 to 10.n.0.2.
func v4(n, proto byte, payload ...[]byte) []byte {
	b := cat(payload...)
	h := cat(hx("4500"), u16(20+len(b)), hx("1234 0000 40"), []byte{proto}, hx("0000"),
		[]byte{10, n, 0, 1, 10, n, 0, 2})
	return cat(checksummed(h), b)
}

func checksummed(h []byte) []byte {
	sum := uint32(0)
	for i := 0; i < len(h); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(h[i:]))
	}
	for sum > 0xffff {
		sum = sum&0xffff + sum>>16
	}
	binary.BigEndian.PutUint16(h[10:], ^uint16(sum))
	return h
}

// v4opt is v4 with 8 octets of options.
func v4opt(n, proto byte, payload ...[]byte) []byte {
	b := v4(n, proto, cat(hx("94040000 01010100"), cat(payload...)))
	b[0] = 0x47
	b[10], b[11] = 0, 0
	checksummed(b[:28])
	return b
}

// fragmentOf makes b, an IPv4 packet, a fragment.
func fragmentOf(b []byte, field int) []byte {
	copy(b[6:], u16(field))
	b[10], b[11] = 0, 0
	checksummed(b[:20])
	return b
}

// v6 builds an IPv6 packet from fd00:n::1 to fd00:n::2.
func v6(n, next byte, payload ...[]byte) []byte {
	return v6between("fd00:"+hex.EncodeToString([]byte{n})+"::1", "fd00:"+hex.EncodeToString([]byte{n})+"::2",
		next, payload...)
}

func v6between(src, dst string, next byte, payload ...[]byte) []byte {
	b := cat(payload...)
	return cat(hx("6000 0000"), u16(len(b)), []byte{next, 64}, netip.MustParseAddr(src).AsSlice(),
		netip.MustParseAddr(dst).AsSlice(), b)
}

func udpOf(src, dst int, payload ...[]byte) []byte {
	b := cat(payload...)
	return cat(u16(src), u16(dst), u16(8+len(b)), hx("0000"), b)
}

// tcpOf builds a segment from port 1000 to port 80.
func tcpOf(flags byte, options, payload string) []byte {
	o := hx(options)
	return cat(u16(1000), u16(80), hx("01020304 05060708"), []byte{byte(20+len(o)) << 2, flags},
		hx("2000 0000 0000"), o, []byte(payload))
}

var (
	hello  = tcpOf(0x18, "", "hello")
	inner4 = v4(1, 6, hello) // 45 octets
	inner6 = v6(1, 6, hello) // 65 octets
)
