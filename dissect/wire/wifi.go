package wire

// WiFi is the header of an IEEE 802.11 data frame that is neither empty nor encrypted
// (IEEE 802.11, clause 9.3.2).
type WiFi []byte

const (
	wifiToDS      = 0x01 // in the flags
	wifiFromDS    = 0x02
	wifiProtected = 0x40
	wifiOrder     = 0x80
)

// AsWiFi fails on frames of other types too.
func AsWiFi(b []byte) (h WiFi, rest []byte, ok bool) {
	if len(b) < 24 {
		return nil, nil, false
	}
	kind, flags := wifiControl(b)
	if kind&0x0f != 0x08 || kind&0x40 != 0 || flags&wifiProtected != 0 {
		return nil, nil, false
	}
	n := 24
	if flags&(wifiToDS|wifiFromDS) == wifiToDS|wifiFromDS {
		n += 6 // the fourth address
	}
	if kind&0x80 != 0 { // QoS data
		n += 2
		if flags&wifiOrder != 0 {
			n += 4 // HT control
		}
	}
	if len(b) < n {
		return nil, nil, false
	}
	return WiFi(b[:n]), b[n:], true
}

// wifiControl returns the octets of the frame control field: type with subtype, and flags.
// Some access points send them in the other order in CAPWAP.
func wifiControl(b []byte) (kind, flags byte) {
	if b[0]&0x0f != 0x08 {
		return b[1], b[0]
	}
	return b[0], b[1]
}

func (h WiFi) flags() byte {
	_, flags := wifiControl(h)
	return flags
}

// Dst is the final destination, whichever of the addresses that is.
func (h WiFi) Dst() [6]byte {
	if h.flags()&wifiToDS != 0 {
		return [6]byte(h[16:22])
	}
	return [6]byte(h[4:10])
}

// Src is the original source.
func (h WiFi) Src() [6]byte {
	switch h.flags() & (wifiToDS | wifiFromDS) {
	case wifiFromDS:
		return [6]byte(h[16:22])
	case wifiToDS | wifiFromDS:
		return [6]byte(h[24:30])
	}
	return [6]byte(h[10:16])
}
