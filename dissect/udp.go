package dissect

import "github.com/weir-probe/weir/dissect/wire"

// udp reads a UDP header. A length that is less than the header's, as in jumbograms, is that
// of the IP packet.
func (p *Packet) udp(b []byte) ([]byte, layer) {
	p.ports(b)
	h, _, ok := wire.AsUDP(b)
	if !ok {
		return p.transport(b, wire.UDPLen)
	}
	n := h.Len()
	if n < len(h) {
		n = p.left
	}
	b = p.trim(b, n)
	p.transport(b, len(h))
	if p.Fragment == FirstFragment {
		p.left = n // what a tunnel carries goes on in the other fragments
	}
	next := byPort(p.SrcPort, p.DstPort)
	if next == none && teredoLike(b[len(h):]) {
		next = teredo
	}
	return b[len(h):], next
}
