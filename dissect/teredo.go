package dissect

import (
	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/wire"
)

// teredo opens the tunnel if one end of the IPv6 packet can be a Teredo node.
func (p *Packet) teredo(b []byte) ([]byte, layer) {
	_, rest, ok := wire.AsTeredo(b)
	if !ok || p.encloses(b, rest) != ipv6 {
		return asIs()
	}
	h, _, _ := wire.AsIPv6(rest)
	if !isTeredo(h.Src()) && !isTeredo(h.Dst()) || !p.enter(flow.Teredo, 0, 0) {
		return asIs()
	}
	return rest, ipv6
}

// isTeredo reports whether a is of 2001::/32, or of fe80::/64 as clients have while they
// qualify (RFC 4380, sections 2.6 and 5.2.1).
func isTeredo(a [16]byte) bool {
	return [4]byte(a[:4]) == [4]byte{0x20, 0x01} || [8]byte(a[:8]) == [8]byte{0xfe, 0x80}
}
