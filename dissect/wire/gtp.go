package wire

// GTPU is the header of a G-PDU, a packet of a user in GTP version 1, with its extension
// headers (3GPP TS 29.281, section 5).
type GTPU []byte

const (
	gtpGPDU      = 255
	gtpExtension = 0x04
	gtpOptional  = 0x07 // any of these flags makes the header 4 octets longer
)

// AsGTPU fails on other messages. rest ends where the header says.
func AsGTPU(b []byte) (h GTPU, rest []byte, ok bool) {
	if len(b) < 8 || b[0]&^gtpOptional != 0x30 || b[1] != gtpGPDU {
		return nil, nil, false
	}
	b = b[:min(len(b), 8+int(be.Uint16(b[2:])))]
	n := 8
	if b[0]&gtpOptional != 0 {
		n += 4
	}
	if len(b) < n {
		return nil, nil, false
	}
	if b[0]&gtpExtension != 0 {
		for b[n-1] != 0 { // the type of the next extension header
			if n == len(b) || b[n] == 0 || n+int(b[n])*4 > len(b) {
				return nil, nil, false
			}
			n += int(b[n]) * 4
		}
	}
	return GTPU(b[:n]), b[n:], true
}

// GTP0 is the header of a T-PDU, a packet of a user in GTP version 0 (3GPP TS 09.60, section 6).
type GTP0 []byte

const gtp0Len = 20

// AsGTP0 fails on other messages. rest ends where the header says.
func AsGTP0(b []byte) (h GTP0, rest []byte, ok bool) {
	if len(b) < gtp0Len || b[0]&^1 != 0x1e || b[1] != gtpGPDU {
		return nil, nil, false
	}
	b = b[:min(len(b), gtp0Len+int(be.Uint16(b[2:])))]
	return GTP0(b[:gtp0Len]), b[gtp0Len:], true
}

// Len is the length of the message with its header.
func (h GTP0) Len() int { return gtp0Len + int(be.Uint16(h[2:])) }

// FlowLabel is what the receiver knows the tunnel by.
func (h GTP0) FlowLabel() uint16 { return be.Uint16(h[6:]) }

// Len is the length of the message with its first 8 octets.
func (h GTPU) Len() int { return 8 + int(be.Uint16(h[2:])) }

// TEID is the tunnel endpoint identifier, chosen by the receiver.
func (h GTPU) TEID() uint32 { return be.Uint32(h[4:]) }
