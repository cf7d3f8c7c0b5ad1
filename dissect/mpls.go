package dissect

import (
	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/wire"
)

// maxLabels bounds a label stack.
const maxLabels = 16

// mpls reads a label stack, of which the first labels are kept.
func (p *Packet) mpls(b []byte) ([]byte, layer) {
	rest := b
	for range maxLabels {
		h, after, ok := wire.AsLabel(rest)
		if !ok {
			return p.stop(CutHeader)
		}
		p.label(h.Entry())
		if rest = after; h.Bottom() {
			return p.bottom(b, rest)
		}
	}
	return p.stop(TooDeep)
}

func (p *Packet) label(entry uint32) {
	for i := range p.MPLS {
		if p.MPLS[i] == 0 {
			p.MPLS[i] = entry
			return
		}
	}
}

// bottom guesses what is behind the stack b, for no field says it (RFC 4928): an IP packet,
// or a frame with or without control word, which may begin with any address.
func (p *Packet) bottom(b, rest []byte) ([]byte, layer) {
	if next := p.encloses(b, rest); next != none {
		return rest, next
	}
	if _, frame, ok := wire.AsControlWord(rest); ok && ethernetLike(frame) {
		return frame, pseudowire
	}
	if ethernetLike(rest) {
		return rest, pseudowire
	}
	if len(rest) > 0 && rest[0]>>4 != 4 && rest[0]>>4 != 6 {
		return p.stop(NotIP)
	}
	return rest, ip
}

// mplsudp looks for a label stack with an IP packet in a datagram (RFC 7510).
func (p *Packet) mplsudp(b []byte) ([]byte, layer) {
	rest := b
	for range maxLabels {
		h, after, ok := wire.AsLabel(rest)
		if !ok {
			return asIs()
		}
		if rest = after; h.Bottom() {
			break
		}
	}
	if p.encloses(b, rest) == none || !p.enter(flow.MPLSinUDP, 0, 0) {
		return asIs()
	}
	return b, mpls
}
