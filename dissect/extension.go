package dissect

import "github.com/weir-probe/weir/dissect/wire"

// extension reads an IPv6 extension header. The flow's protocol is that of the last header,
// unless nothing follows one that is a protocol in itself.
func (p *Packet) extension(b []byte) ([]byte, layer) {
	h, rest, ok := wire.AsExtension(b)
	if !ok {
		return p.cut()
	}
	if h.NextHeader() == wire.NoNextHeader && p.Proto >= protoMobility {
		return asIs()
	}
	return p.upper(rest, len(h), h.NextHeader())
}

// fragment reads the IPv6 fragment header. One that is both first and last is none (RFC 6946).
func (p *Packet) fragment(b []byte) ([]byte, layer) {
	h, rest, ok := wire.AsFragment(b)
	if !ok {
		return p.cut()
	}
	p.FragmentID = h.ID()
	p.part(h.FragmentOffset(), h.MoreFragments(), len(h))
	return p.upper(rest, len(h), h.NextHeader())
}

// ah reads an authentication header. It hides nothing, but if what it protects is not known it
// is what the packet is.
func (p *Packet) ah(b []byte) ([]byte, layer) {
	h, rest, ok := wire.AsAH(b)
	if !ok {
		return p.cut()
	}
	if byProtocol(p.Version, h.NextHeader()) == none {
		return asIs()
	}
	return p.upper(rest, len(h), h.NextHeader())
}
