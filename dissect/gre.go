package dissect

import (
	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/wire"
)

const (
	typeBridged = 0x6558
	typeERSPAN  = 0x88be // types I and II
	typeERSPAN3 = 0x22eb

	enhancedGRE = 1        // version
	firstVSID   = 0x001000 // smaller ones are reserved (RFC 7637, section 3.3)
	vendorVSID  = 0xffffff
)

// gre reads a GRE header and opens the tunnel, whatever it says that it carries.
func (p *Packet) gre(b []byte) ([]byte, layer) {
	h, rest, ok := wire.AsGRE(b)
	if !ok {
		return p.stop(CutTransport)
	}
	if h.Version() == enhancedGRE {
		return p.pptp(b, h)
	}
	if h.Type() == typeERSPAN3 || h.Type() == typeERSPAN && h.HasSequence() {
		return rest, erspan
	}
	t, id, session, next := flow.GRE, h.Key(), uint32(0), byEtherType(h.Type())
	switch {
	case h.Type() == typeERSPAN: // type I has no header of its own
		t, next = flow.ERSPAN, ethernet
	case isNVGRE(h):
		t, id, session = flow.NVGRE, h.Key()>>8, h.Key()&0xff
	}
	switch {
	case !p.enter(t, id, session):
		return asIs()
	case next == none:
		return p.stop(NotIP)
	}
	return rest, next
}

// isNVGRE tells NVGRE from bridging over GRE with a key (RFC 7637, section 3.2). A key that
// would be a reserved VSID is a key.
func isNVGRE(h wire.GRE) bool {
	vsid := h.Key() >> 8
	return h.Type() == typeBridged && h.HasKey() && !h.HasSequence() && !h.HasChecksum() &&
		vsid >= firstVSID && vsid != vendorVSID
}

// pptp opens the tunnel of a PPTP call, if the packet is more than an acknowledgement.
func (p *Packet) pptp(b []byte, h wire.GRE) ([]byte, layer) {
	if !h.HasSequence() || h.PayloadLen() == 0 || !p.enter(flow.GRE, h.CallID(), 0) {
		return asIs()
	}
	return p.trim(b, len(h)+h.PayloadLen())[len(h):], ppp
}

// erspan opens a tunnel of mirrored frames, types II and III.
func (p *Packet) erspan(b []byte) ([]byte, layer) {
	h, rest, ok := wire.AsERSPAN(b)
	switch {
	case !ok:
		return p.stop(CutTransport)
	case !p.enter(flow.ERSPAN, 0, h.Session()):
		return asIs()
	case h.Bare():
		return rest, ip
	}
	return rest, ethernet
}
