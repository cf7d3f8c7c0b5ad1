package dissect

import (
	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/wire"
)

func (p *Packet) geneve(b []byte) ([]byte, layer) {
	h, rest, ok := wire.AsGeneve(b)
	if !ok || h.Control() {
		return asIs()
	}
	next := byEtherType(h.Type())
	if next == none || !p.enter(flow.Geneve, h.VNI(), 0) {
		return asIs()
	}
	return rest, next
}
