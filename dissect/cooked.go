package dissect

import "github.com/weir-probe/weir/dissect/wire"

// cooked reads the pseudo header of Linux. It has the sender's address at most, so there are
// no MAC addresses.
func (p *Packet) cooked(b []byte) ([]byte, layer) {
	h, rest, ok := wire.AsCooked(b)
	if !ok {
		return p.stop(CutHeader)
	}
	return p.uncook(rest, h.Type())
}

func (p *Packet) cooked2(b []byte) ([]byte, layer) {
	h, rest, ok := wire.AsCooked2(b)
	if !ok {
		return p.stop(CutHeader)
	}
	return p.uncook(rest, h.Type())
}

func (p *Packet) uncook(rest []byte, t uint16) ([]byte, layer) {
	if t == wire.CookedLLC {
		return rest, llc
	}
	return p.follow(rest, t)
}
