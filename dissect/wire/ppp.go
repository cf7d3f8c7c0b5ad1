package wire

// PPPoE is a PPPoE header of 6 octets (RFC 2516, section 4).
type PPPoE []byte

// AsPPPoE splits b after the header. Other versions than 1 and types than 1 do not exist.
func AsPPPoE(b []byte) (h PPPoE, rest []byte, ok bool) {
	if len(b) < 6 || b[0] != 0x11 {
		return nil, nil, false
	}
	return PPPoE(b[:6]), b[6:], true
}

// Code is 0 in the session stage.
func (h PPPoE) Code() uint8 { return h[1] }

// PPP is a PPP header: address and control unless left out, and a protocol number of one
// or two octets (RFC 1661, section 2; RFC 1662, section 3.1).
type PPP []byte

// AsPPP splits b after the protocol number.
func AsPPP(b []byte) (h PPP, rest []byte, ok bool) {
	n := 0
	if len(b) >= 2 && b[0] == 0xff && b[1] == 3 {
		n = 2
	}
	if len(b) < n+1 {
		return nil, nil, false
	}
	if n++; b[n-1]&1 == 0 { // an odd octet ends the number
		n++
	}
	if len(b) < n {
		return nil, nil, false
	}
	return PPP(b[:n]), b[n:], true
}

func (h PPP) Protocol() uint16 {
	if n := len(h); n&1 == 0 {
		return be.Uint16(h[n-2:])
	}
	return uint16(h[len(h)-1])
}
