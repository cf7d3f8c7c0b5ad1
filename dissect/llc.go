package dissect

import "github.com/weir-probe/weir/dissect/wire"

// llc reads an LLC header, which carries IP only with SNAP (RFC 1042).
func (p *Packet) llc(b []byte) ([]byte, layer) {
	h, rest, ok := wire.AsSNAP(b)
	if !ok {
		return p.stop(LLC)
	}
	next := byEtherType(h.Type())
	if next == none {
		return p.stop(LLC)
	}
	return rest, next
}
