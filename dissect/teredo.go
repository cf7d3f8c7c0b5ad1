package dissect

import (
	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/wire"
)

// teredoPort is that of servers. Clients and relays use any other between themselves.
const teredoPort = 3544

// teredo opens the tunnel if one end of the IPv6 packet can be a Teredo node. Without the port
// of a server the packet must also fill the datagram.
func (p *Packet) teredo(b []byte) ([]byte, layer) {
	_, rest, ok := wire.AsTeredo(b)
	if !ok || p.encloses(b, rest) != ipv6 {
		return asIs()
	}
	h, _, _ := wire.AsIPv6(rest)
	server := p.SrcPort == teredoPort || p.DstPort == teredoPort
	switch {
	case !isTeredo(h.Src()) && !isTeredo(h.Dst()),
		!server && h.TotalLen() != p.room(b, rest),
		!p.enter(flow.Teredo, 0, 0):
		return asIs()
	}
	return rest, ipv6
}

// isTeredo reports whether a is of 2001::/32, or of fe80::/64 as clients have while they
// qualify (RFC 4380, sections 2.6 and 5.2.1).
func isTeredo(a [16]byte) bool {
	return [4]byte(a[:4]) == [4]byte{0x20, 0x01} || [8]byte(a[:8]) == [8]byte{0xfe, 0x80}
}

// teredoLike reports whether a datagram between other ports looks like Teredo: an IPv6 packet
// from or to 2001::/32.
func teredoLike(b []byte) bool {
	if len(b) < 40 || b[0]>>4 != 6 {
		return false
	}
	return [4]byte(b[8:12]) == [4]byte{0x20, 0x01} || [4]byte(b[24:28]) == [4]byte{0x20, 0x01}
}
