package wire

// IPv4 is a complete IPv4 header, options included (RFC 791, section 3.1).
type IPv4 []byte

// AsIPv4 splits b into header and payload; what lies behind the total length, the padding of
// the link layer, is not in rest. A total length of 0 is that of a segment the NIC was to cut
// up, and bounds nothing.
func AsIPv4(b []byte) (h IPv4, rest []byte, ok bool) {
	if len(b) < 20 || b[0]>>4 != 4 {
		return nil, nil, false
	}
	n, total := int(b[0]&15)*4, int(be.Uint16(b[2:]))
	if total == 0 || total > len(b) {
		total = max(len(b), n)
	}
	if n < 20 || n > len(b) || n > total {
		return nil, nil, false
	}
	return IPv4(b[:n]), b[n:total], true
}

// CutIPv4 reports whether b ends before the IPv4 header that it begins with.
func CutIPv4(b []byte) bool {
	return len(b) == 0 || b[0]>>4 == 4 && len(b) < max(20, int(b[0]&15)*4)
}

func (h IPv4) TOS() uint8 { return h[1] }

// TotalLen is the length of header and payload, or 0.
func (h IPv4) TotalLen() int          { return int(be.Uint16(h[2:])) }
func (h IPv4) ID() uint16             { return be.Uint16(h[4:]) }
func (h IPv4) DontFragment() bool     { return h[6]&0x40 != 0 }
func (h IPv4) MoreFragments() bool    { return h[6]&0x20 != 0 }
func (h IPv4) FragmentOffset() uint16 { return be.Uint16(h[6:]) & 0x1fff }
func (h IPv4) TTL() uint8             { return h[8] }
func (h IPv4) Protocol() uint8        { return h[9] }

func (h IPv4) Src() [4]byte { return [4]byte(h[12:16]) }
func (h IPv4) Dst() [4]byte { return [4]byte(h[16:20]) }

// IPv6 is an IPv6 header without extension headers, 40 octets (RFC 8200, section 3).
type IPv6 []byte

// NoNextHeader is the protocol number that nothing follows (RFC 8200, section 4.7).
const NoNextHeader = 59

// AsIPv6 splits b into header and payload, padding of the link layer removed. A payload
// length of 0 is that of a jumbogram (RFC 2675) or of a segment the NIC was to cut up, and
// bounds nothing, unless nothing can follow.
func AsIPv6(b []byte) (h IPv6, rest []byte, ok bool) {
	if len(b) < 40 || b[0]>>4 != 6 {
		return nil, nil, false
	}
	h = IPv6(b[:40])
	total := h.TotalLen()
	if total == 0 {
		total = len(b)
	}
	return h, b[40:min(total, len(b))], true
}

// TotalLen is the length of header and payload, or 0 if the header does not tell.
func (h IPv6) TotalLen() int {
	n := int(be.Uint16(h[4:]))
	if n == 0 && h.NextHeader() != NoNextHeader {
		return 0
	}
	return 40 + n
}

func (h IPv6) TrafficClass() uint8 { return uint8(be.Uint16(h) >> 4) }

// FlowLabel is 20 bits.
func (h IPv6) FlowLabel() uint32 { return be.Uint32(h) & 0xfffff }
func (h IPv6) NextHeader() uint8 { return h[6] }
func (h IPv6) HopLimit() uint8   { return h[7] }
func (h IPv6) Src() [16]byte     { return [16]byte(h[8:24]) }
func (h IPv6) Dst() [16]byte     { return [16]byte(h[24:40]) }
