package wire

// L2TP is the header of an L2TPv2 data message (RFC 2661, section 3.1).
type L2TP []byte

const (
	l2tpControl  = 0x8000
	l2tpLength   = 0x4000
	l2tpSequence = 0x0800
	l2tpOffset   = 0x0200
	l2tpReserved = 0x34f0
)

// AsL2TP fails on control messages, on other versions than 2, and on messages of tunnel or
// session 0, which carry no data.
func AsL2TP(b []byte) (h L2TP, rest []byte, ok bool) {
	if len(b) < 6 {
		return nil, nil, false
	}
	flags := be.Uint16(b)
	if flags&(l2tpControl|l2tpReserved) != 0 || flags&15 != 2 {
		return nil, nil, false
	}
	n := 6
	if flags&l2tpLength != 0 {
		n += 2
	}
	if flags&l2tpSequence != 0 {
		n += 4
	}
	if flags&l2tpOffset != 0 {
		if n += 2; len(b) < n {
			return nil, nil, false
		}
		n += int(be.Uint16(b[n-2:]))
	}
	if len(b) < n {
		return nil, nil, false
	}
	h = L2TP(b[:n])
	if h.Tunnel() == 0 || h.Session() == 0 || h.Len() != 0 && h.Len() < n {
		return nil, nil, false
	}
	return h, b[n:], true
}

// Len is the length of the message, 0 if the header does not tell.
func (h L2TP) Len() int {
	if h[0]&(l2tpLength>>8) == 0 {
		return 0
	}
	return int(be.Uint16(h[2:]))
}

func (h L2TP) ids() []byte {
	if h[0]&(l2tpLength>>8) != 0 {
		return h[4:]
	}
	return h[2:]
}

func (h L2TP) Tunnel() uint32  { return uint32(be.Uint16(h.ids())) }
func (h L2TP) Session() uint32 { return uint32(be.Uint16(h.ids()[2:])) }
