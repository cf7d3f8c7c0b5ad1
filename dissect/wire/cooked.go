package wire

// Cooked is the pseudo header that Linux puts before packets captured on interfaces without
// a common link layer (LINKTYPE_LINUX_SLL, 16 octets).
type Cooked []byte

// AsCooked splits b after the pseudo header.
func AsCooked(b []byte) (h Cooked, rest []byte, ok bool) {
	if len(b) < 16 {
		return nil, nil, false
	}
	return Cooked(b[:16]), b[16:], true
}

// Type is an EtherType, or less than MinEtherType for one of the kernel's own numbers.
func (h Cooked) Type() uint16 { return be.Uint16(h[14:]) }

// Cooked2 is the second version of Cooked (LINKTYPE_LINUX_SLL2, 20 octets).
type Cooked2 []byte

// AsCooked2 splits b after the pseudo header.
func AsCooked2(b []byte) (h Cooked2, rest []byte, ok bool) {
	if len(b) < 20 {
		return nil, nil, false
	}
	return Cooked2(b[:20]), b[20:], true
}

func (h Cooked2) Type() uint16 { return be.Uint16(h) }

// CookedLLC is the Type of a frame that begins with an LLC header.
const CookedLLC = 4

// Loopback is the address family, 4 octets, before packets of BSD loopback interfaces
// (LINKTYPE_NULL, LINKTYPE_LOOP).
type Loopback []byte

// AsLoopback splits b after the family.
func AsLoopback(b []byte) (h Loopback, rest []byte, ok bool) {
	if len(b) < 4 {
		return nil, nil, false
	}
	return Loopback(b[:4]), b[4:], true
}

// Family is in the byte order of the writer, which is not known; families are less than
// 65536, so the order is the one that makes it so.
func (h Loopback) Family() uint32 {
	if f := be.Uint32(h); f < 1<<16 {
		return f
	}
	return uint32(h[0]) | uint32(h[1])<<8 | uint32(h[2])<<16 | uint32(h[3])<<24
}
