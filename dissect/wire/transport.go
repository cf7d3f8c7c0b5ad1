package wire

// Ports are the first 4 octets of TCP, UDP and SCTP alike.
type Ports []byte

// AsPorts splits b after the ports.
func AsPorts(b []byte) (h Ports, rest []byte, ok bool) {
	if len(b) < 4 {
		return nil, nil, false
	}
	return Ports(b[:4]), b[4:], true
}

func (h Ports) Src() uint16 { return be.Uint16(h) }
func (h Ports) Dst() uint16 { return be.Uint16(h[2:]) }

// Lengths of fixed headers.
const (
	UDPLen  = 8
	SCTPLen = 12 // of the common header (RFC 9260, section 3.1)
)

// UDP is a UDP header (RFC 768).
type UDP []byte

// AsUDP splits b after the header.
func AsUDP(b []byte) (h UDP, rest []byte, ok bool) {
	if len(b) < UDPLen {
		return nil, nil, false
	}
	return UDP(b[:UDPLen]), b[UDPLen:], true
}

// Len is the length of header and payload, 0 in jumbograms (RFC 2675, section 4).
func (h UDP) Len() int { return int(be.Uint16(h[4:])) }

// ICMP is the part of ICMP and ICMPv6 that all messages share, 4 octets (RFC 792; RFC 4443,
// section 2.1).
type ICMP []byte

// AsICMP splits b after the checksum.
func AsICMP(b []byte) (h ICMP, rest []byte, ok bool) {
	if len(b) < 4 {
		return nil, nil, false
	}
	return ICMP(b[:4]), b[4:], true
}

func (h ICMP) Type() uint8 { return h[0] }
func (h ICMP) Code() uint8 { return h[1] }
