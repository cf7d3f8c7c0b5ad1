package wire

// CAPWAP is the header of a CAPWAP data message in clear (RFC 5415, section 4.3).
type CAPWAP []byte

// AsCAPWAP fails on encrypted messages, keep-alives, and fragments but the first.
func AsCAPWAP(b []byte) (h CAPWAP, rest []byte, ok bool) {
	if len(b) < 8 || b[0] != 0 || b[3]&(capwapKeepAlive|7) != 0 || be.Uint16(b[6:])&^7 != 0 {
		return nil, nil, false
	}
	n := int(b[1]>>3) * 4
	if n < 8 || len(b) < n {
		return nil, nil, false
	}
	return CAPWAP(b[:n]), b[n:], true
}

const capwapKeepAlive = 0x08

// Native reports whether the payload is a frame of the wireless technology and not of IEEE 802.3.
func (h CAPWAP) Native() bool { return h[2]&1 != 0 }

// WiFi reports whether that technology is IEEE 802.11 (binding identifier 1).
func (h CAPWAP) WiFi() bool { return h[2]>>1&0x1f == 1 }
