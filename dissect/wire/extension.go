package wire

// Extension is an IPv6 extension header of the common form: hop-by-hop and destination
// options, routing, mobility (RFC 8200, section 4; RFC 6564).
type Extension []byte

// AsExtension splits b after the header.
func AsExtension(b []byte) (h Extension, rest []byte, ok bool) {
	if len(b) < 8 {
		return nil, nil, false
	}
	n := 8 + int(b[1])*8
	if len(b) < n {
		return nil, nil, false
	}
	return Extension(b[:n]), b[n:], true
}

func (h Extension) NextHeader() uint8 { return h[0] }

// Fragment is the IPv6 fragment header, 8 octets (RFC 8200, section 4.5).
type Fragment []byte

// AsFragment splits b after the header.
func AsFragment(b []byte) (h Fragment, rest []byte, ok bool) {
	if len(b) < 8 {
		return nil, nil, false
	}
	return Fragment(b[:8]), b[8:], true
}

func (h Fragment) NextHeader() uint8      { return h[0] }
func (h Fragment) FragmentOffset() uint16 { return be.Uint16(h[2:]) >> 3 }
func (h Fragment) MoreFragments() bool    { return h[3]&1 != 0 }
func (h Fragment) ID() uint32             { return be.Uint32(h[4:]) }

// AH is an IP authentication header (RFC 4302, section 2), also the older one without a
// sequence number (RFC 1826, section 3).
type AH []byte

// AsAH splits b after the integrity check value.
func AsAH(b []byte) (h AH, rest []byte, ok bool) {
	if len(b) < 8 {
		return nil, nil, false
	}
	n := (int(b[1]) + 2) * 4
	if len(b) < n {
		return nil, nil, false
	}
	return AH(b[:n]), b[n:], true
}

func (h AH) NextHeader() uint8 { return h[0] }
