package dissect

import (
	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/wire"
)

// capwap opens the tunnel of a frame that seems to carry IP.
func (p *Packet) capwap(b []byte) ([]byte, layer) {
	h, rest, ok := wire.AsCAPWAP(b)
	if !ok {
		return asIs()
	}
	next := none
	switch {
	case !h.Native() && ethernetLike(rest):
		next = ethernet
	case h.Native() && h.WiFi() && wifiLike(rest):
		next = wifi
	}
	if next == none || !p.enter(flow.CAPWAP, 0, 0) {
		return asIs()
	}
	return rest, next
}
