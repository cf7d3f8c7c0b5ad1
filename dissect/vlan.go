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
	if n := h.Type(); n < wire.MinEtherType {
		return p.trim(b, len(h)+int(n))[len(h):], llc
	}
	return p.follow(rest, h.Type())
}
