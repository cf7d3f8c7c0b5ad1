package dissect

import "github.com/weir-probe/weir/dissect/wire"

// sctp reads the common header; the payload is the chunks.
func (p *Packet) sctp(b []byte) ([]byte, layer) {
	p.ports(b)
	return p.transport(b, wire.SCTPLen)
}
