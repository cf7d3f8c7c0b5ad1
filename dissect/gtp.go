package dissect

import (
	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/wire"
)

// gtp0 opens the tunnel of a user's IP packet in version 0; other messages stay as they are.
func (p *Packet) gtp0(b []byte) ([]byte, layer) {
	h, rest, ok := wire.AsGTP0(b)
	if !ok || h.Len() > p.left {
		return asIs()
	}
	b = p.trim(b, h.Len())
	next := p.encloses(b, rest)
	if next == none || !p.enter(flow.GTP0, uint32(h.FlowLabel()), 0) {
		return asIs()
	}
	return rest, next
}

// gtpu opens the tunnel of a user's IP packet; other messages stay as they are.
func (p *Packet) gtpu(b []byte) ([]byte, layer) {
	h, rest, ok := wire.AsGTPU(b)
	if !ok || h.Len() > p.left {
		return asIs()
	}
	b = p.trim(b, h.Len())
	next := p.encloses(b, rest)
	if next == none || !p.enter(flow.GTPU, h.TEID(), 0) {
		return asIs()
	}
	return rest, next
}
