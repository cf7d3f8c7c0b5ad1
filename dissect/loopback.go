package dissect

import "github.com/weir-probe/weir/dissect/wire"

// loopback reads the address family of BSD loopback interfaces.
func (p *Packet) loopback(b []byte) ([]byte, layer) {
	h, rest, ok := wire.AsLoopback(b)
	if !ok {
		return p.stop(CutHeader)
	}
	switch h.Family() {
	case 2:
		return rest, ipv4
	case 10, 24, 28, 30: // Linux; NetBSD, OpenBSD; FreeBSD; macOS
		return rest, ipv6
	}
	return p.stop(NotIP)
}
