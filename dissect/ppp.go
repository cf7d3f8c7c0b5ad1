package dissect

import "github.com/weir-probe/weir/dissect/wire"

// pppoe reads the header of a PPPoE session. PPPoE is not a tunnel: it has no IP around it. Its
// length is not looked at: IP has one of its own.
func (p *Packet) pppoe(b []byte) ([]byte, layer) {
	h, rest, ok := wire.AsPPPoE(b)
	switch {
	case !ok && len(b) < 6:
		return p.stop(CutHeader)
	case !ok:
		return p.stop(BadHeader)
	case h.Code() != 0:
		return p.stop(NotIP)
	}
	return rest, ppp
}

// ppp reads the protocol number of PPP.
func (p *Packet) ppp(b []byte) ([]byte, layer) {
	h, rest, ok := wire.AsPPP(b)
	if !ok {
		return p.stop(CutHeader)
	}
	switch h.Protocol() {
	case 0x0021:
		return rest, ipv4
	case 0x0057:
		return rest, ipv6
	case 0x0281, 0x0283:
		return rest, mpls
	}
	return p.stop(NotIP)
}
