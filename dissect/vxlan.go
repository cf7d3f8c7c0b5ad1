package dissect

import (
	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/wire"
)

// vxlan opens the tunnel if the header is as it should be, or at least what it carries is.
func (p *Packet) vxlan(b []byte) ([]byte, layer) {
	h, rest, ok := wire.AsVXLAN(b)
	if !ok || !h.Clean() && !p.enclosesFrame(b, rest) || !p.enter(flow.VXLAN, h.VNI(), 0) {
		return asIs()
	}
	return rest, ethernet
}

// gpe reads VXLAN's generic protocol extension.
func (p *Packet) gpe(b []byte) ([]byte, layer) {
	h, rest, ok := wire.AsGPE(b)
	if !ok {
		return asIs()
	}
	next := none
	switch h.NextProtocol() {
	case wire.GPEIPv4:
		next = ipv4
	case wire.GPEIPv6:
		next = ipv6
	case wire.GPEEthernet:
		next = ethernet
	case wire.GPEMPLS:
		next = mpls
	}
	if next == none || !p.enter(flow.VXLAN, h.VNI(), 0) {
		return asIs()
	}
	return rest, next
}
