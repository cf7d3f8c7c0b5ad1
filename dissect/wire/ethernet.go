package wire

// Ethernet is an Ethernet II or IEEE 802.3 header of 14 octets, without preamble.
type Ethernet []byte

// AsEthernet splits a frame after the type field.
func AsEthernet(b []byte) (h Ethernet, rest []byte, ok bool) {
	if len(b) < 14 {
		return nil, nil, false
	}
	return Ethernet(b[:14]), b[14:], true
}

func (h Ethernet) Dst() [6]byte { return [6]byte(h[0:6]) }
func (h Ethernet) Src() [6]byte { return [6]byte(h[6:12]) }

// Type is an EtherType, or the length of an IEEE 802.3 frame if less than MinEtherType.
func (h Ethernet) Type() uint16 { return be.Uint16(h[12:]) }

// MinEtherType is the smallest number that is a type and no length (IEEE 802.3, clause 3.2.6).
const MinEtherType = 0x600

// VLAN is what follows the type 0x8100 (or 0x88a8, 0x9100): the tag's identifier and the
// type of what comes next (IEEE 802.1Q, clause 9.6).
type VLAN []byte

// AsVLAN splits b after the tag.
func AsVLAN(b []byte) (h VLAN, rest []byte, ok bool) {
	if len(b) < 4 {
		return nil, nil, false
	}
	return VLAN(b[:4]), b[4:], true
}

// ID is the VLAN identifier, 12 bits; 0 is a tag that carries a priority only.
func (h VLAN) ID() uint16   { return be.Uint16(h) & 0xfff }
func (h VLAN) Type() uint16 { return be.Uint16(h[2:]) }

// SNAP is an LLC header with the SNAP extension, 8 octets (IEEE 802, clause 9; RFC 1042).
type SNAP []byte

// AsSNAP fails if the LLC header is one without SNAP, or if the organisation is not one
// whose protocol numbers are EtherTypes (RFC 1042 and IEEE 802.1H).
func AsSNAP(b []byte) (h SNAP, rest []byte, ok bool) {
	if len(b) < 8 || b[0] != 0xaa || b[1] != 0xaa || b[2] != 3 {
		return nil, nil, false
	}
	if oui := uint32(b[3])<<16 | uint32(b[4])<<8 | uint32(b[5]); oui != 0 && oui != 0xf8 {
		return nil, nil, false
	}
	return SNAP(b[:8]), b[8:], true
}

func (h SNAP) Type() uint16 { return be.Uint16(h[6:]) }
