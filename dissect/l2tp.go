package dissect

import (
	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/wire"
)

// l2tp opens the tunnel of an IP packet in PPP; other messages, and PPP's own, stay as they are.
func (p *Packet) l2tp(b []byte) ([]byte, layer) {
	h, rest, ok := wire.AsL2TP(b)
	if !ok || h.Len() > p.left {
		return asIs()
	}
	if h.Len() != 0 {
		b = p.trim(b, h.Len())
		rest = b[len(h):]
	}
	_, packet, ok := wire.AsPPP(rest)
	if !ok || p.encloses(b, packet) == none || !p.enter(flow.L2TP, h.Tunnel(), h.Session()) {
		return asIs()
	}
	return rest, ppp
}
