package dissect

import "github.com/weir-probe/weir/dissect/wire"

// ethernet reads the header of a frame, be it in a tunnel: its tags are the packet's.
func (p *Packet) ethernet(b []byte) ([]byte, layer) {
	p.VLAN, p.CVLAN, p.MPLS = 0, 0, [3]uint32{}
	return p.frame(b)
}

// frame reads an Ethernet header that leaves the tags around it in force.
func (p *Packet) frame(b []byte) ([]byte, layer) {
	h, rest, ok := wire.AsEthernet(b)
	if !ok {
		return p.stop(CutHeader)
	}
	p.SrcMAC, p.DstMAC, p.HasMAC = h.Src(), h.Dst(), true
	if h.Type() < wire.MinEtherType {
		return rest, llc
	}
	return p.follow(rest, h.Type())
}

// enclosesFrame is encloses for an IP packet in a frame without tags.
func (p *Packet) enclosesFrame(b, rest []byte) bool {
	h, packet, ok := wire.AsEthernet(rest)
	if !ok {
		return false
	}
	next := p.encloses(b, packet)
	return next != none && next == byEtherType(h.Type())
}

// ethernetLike reports whether b looks like a frame that carries IP, where no field says that
// it is a frame.
func ethernetLike(b []byte) bool {
	h, rest, ok := wire.AsEthernet(b)
	if !ok || len(rest) == 0 {
		return false
	}
	switch byEtherType(h.Type()) {
	case none, ethernet:
		return false
	case ipv4:
		return rest[0]>>4 == 4
	case ipv6:
		return rest[0]>>4 == 6
	}
	return true
}
