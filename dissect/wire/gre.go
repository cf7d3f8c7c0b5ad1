package wire

// GRE is a GRE header with its optional fields (RFC 2784, RFC 2890, RFC 1701), or the
// enhanced one of PPTP, version 1 (RFC 2637, section 4.1).
type GRE []byte

const (
	greChecksum = 0x8000
	greRouting  = 0x4000
	greKey      = 0x2000
	greSequence = 0x1000
	greAck      = 0x0080 // version 1 only
)

// AsGRE splits b after the optional fields.
func AsGRE(b []byte) (h GRE, rest []byte, ok bool) {
	if len(b) < 4 || b[1]&7 > 1 {
		return nil, nil, false
	}
	n, flags := 4, be.Uint16(b)
	if b[1]&7 == 1 {
		if flags&greKey == 0 || be.Uint16(b[2:]) != 0x880b {
			return nil, nil, false
		}
		n += greOptional(flags & (greKey | greSequence | greAck))
	} else {
		n += greOptional(flags & (greChecksum | greRouting | greKey | greSequence))
		if flags&greRouting != 0 {
			if n, ok = greRoutes(b, n); !ok {
				return nil, nil, false
			}
		}
	}
	if len(b) < n {
		return nil, nil, false
	}
	return GRE(b[:n]), b[n:], true
}

// greOptional returns the octets of the optional fields. Checksum and routing share theirs.
func greOptional(flags uint16) (n int) {
	if flags&(greChecksum|greRouting) != 0 {
		n += 4
	}
	for _, f := range [...]uint16{greKey, greSequence, greAck} {
		if flags&f != 0 {
			n += 4
		}
	}
	return n
}

// greRoutes returns where the source route entries end that begin at n (RFC 1701, section 4).
func greRoutes(b []byte, n int) (end int, ok bool) {
	for n+4 <= len(b) {
		family, length := be.Uint16(b[n:]), int(b[n+3])
		n += 4 + length
		if family == 0 && length == 0 {
			return n, true
		}
	}
	return 0, false
}

func (h GRE) Version() uint8 { return h[1] & 7 }

// Type is an EtherType.
func (h GRE) Type() uint16      { return be.Uint16(h[2:]) }
func (h GRE) HasKey() bool      { return h[0]&(greKey>>8) != 0 }
func (h GRE) HasChecksum() bool { return h[0]&(greChecksum>>8) != 0 }
func (h GRE) HasSequence() bool { return h[0]&(greSequence>>8) != 0 }

// Key is the key field, 0 if there is none. In version 1 its halves are PayloadLen and CallID.
func (h GRE) Key() uint32 {
	if !h.HasKey() {
		return 0
	}
	n := 4
	if h.Version() == 0 {
		n += greOptional(be.Uint16(h) & (greChecksum | greRouting))
	}
	return be.Uint32(h[n:])
}

// PayloadLen and CallID are those of version 1.
func (h GRE) PayloadLen() int { return int(h.Key() >> 16) }
func (h GRE) CallID() uint32  { return h.Key() & 0xffff }

// ERSPAN is an ERSPAN header of type II or III
// (draft-foschiano-erspan-03, sections 4.2 and 4.3).
type ERSPAN []byte

// AsERSPAN splits b after the header and the platform specific one of type III.
func AsERSPAN(b []byte) (h ERSPAN, rest []byte, ok bool) {
	n := 8
	if len(b) < n {
		return nil, nil, false
	}
	switch b[0] >> 4 {
	case 1:
	case 2:
		if n = 12; len(b) >= n && b[11]&1 != 0 {
			n = 20
		}
	default:
		return nil, nil, false
	}
	if len(b) < n {
		return nil, nil, false
	}
	return ERSPAN(b[:n]), b[n:], true
}

// Session is 10 bits.
func (h ERSPAN) Session() uint32 { return uint32(be.Uint16(h[2:]) & 0x3ff) }

// Bare reports whether an IP packet without link layer follows (frame type 2 of type III).
func (h ERSPAN) Bare() bool { return h[0]>>4 == 2 && h[10]>>2&0x1f == 2 }
