package wire

// VXLAN is a VXLAN header, 8 octets (RFC 7348, section 5), also with the group policy
// extension (draft-smith-vxlan-group-policy).
type VXLAN []byte

// AsVXLAN fails if the flag of the identifier is not set.
func AsVXLAN(b []byte) (h VXLAN, rest []byte, ok bool) {
	if len(b) < 8 || b[0]&0x08 == 0 {
		return nil, nil, false
	}
	return VXLAN(b[:8]), b[8:], true
}

// Clean reports whether all bits that are to be sent as 0 are. Receivers ignore them, and not
// all senders obey.
func (h VXLAN) Clean() bool {
	policy := h[0]&0x80 != 0
	return h[0]&^0x80 == 0x08 && h[1]&^0x48 == 0 && h[7] == 0 && (policy || be.Uint32(h)<<8 == 0)
}

// VNI is the network identifier, 24 bits.
func (h VXLAN) VNI() uint32 { return be.Uint32(h[4:]) >> 8 }

// GPE is the header of VXLAN's generic protocol extension, 8 octets
// (draft-ietf-nvo3-vxlan-gpe-13, section 3).
type GPE []byte

// AsGPE fails on other versions than 0, without identifier and on messages of OAM.
func AsGPE(b []byte) (h GPE, rest []byte, ok bool) {
	if len(b) < 8 || b[0]&^0x06 != 0x08 || b[1] != 0 || b[2] != 0 || b[7] != 0 {
		return nil, nil, false
	}
	return GPE(b[:8]), b[8:], true
}

// Protocols that follow a GPE header.
const (
	GPEIPv4     = 1
	GPEIPv6     = 2
	GPEEthernet = 3
	GPEMPLS     = 5
)

// NextProtocol is GPEEthernet if the header does not say otherwise.
func (h GPE) NextProtocol() uint8 {
	if h[0]&0x04 == 0 {
		return GPEEthernet
	}
	return h[3]
}

func (h GPE) VNI() uint32 { return be.Uint32(h[4:]) >> 8 }

// Geneve is a Geneve header with its options (RFC 8926, section 3.4).
type Geneve []byte

// AsGeneve fails on other versions than 0 and if reserved bits are not 0.
func AsGeneve(b []byte) (h Geneve, rest []byte, ok bool) {
	if len(b) < 8 || b[0]>>6 != 0 || b[1]&0x3f != 0 || b[7] != 0 {
		return nil, nil, false
	}
	n := 8 + int(b[0]&0x3f)*4
	if len(b) < n {
		return nil, nil, false
	}
	return Geneve(b[:n]), b[n:], true
}

// Control reports a message between the tunnel's ends.
func (h Geneve) Control() bool { return h[1]&0x80 != 0 }

// Type is an EtherType.
func (h Geneve) Type() uint16 { return be.Uint16(h[2:]) }
func (h Geneve) VNI() uint32  { return be.Uint32(h[4:]) >> 8 }
