package dissect

import "github.com/weir-probe/weir/dissect/wire"

// vlan reads a tag. The first that names a VLAN is the outer one, the second the inner one.
func (p *Packet) vlan(b []byte) ([]byte, layer) {
	h, rest, ok := wire.AsVLAN(b)
	if !ok {
		return p.stop(CutHeader)
	}
	switch {
	case p.VLAN == 0:
		p.VLAN = h.ID()
	case p.CVLAN == 0:
		p.CVLAN = h.ID()
	}
	if h.Type() < wire.MinEtherType {
		return rest, llc
	}
	return p.follow(rest, h.Type())
}
