package dissect

import "github.com/weir-probe/weir/dissect/wire"

// wifi reads the header of an IEEE 802.11 data frame.
func (p *Packet) wifi(b []byte) ([]byte, layer) {
	h, rest, ok := wire.AsWiFi(b)
	if !ok {
		return p.stop(NotIP)
	}
	p.VLAN, p.CVLAN, p.MPLS = 0, 0, [3]uint32{}
	p.SrcMAC, p.DstMAC, p.HasMAC = h.Src(), h.Dst(), true
	return rest, llc
}

// wifiLike reports whether b looks like a data frame that carries something known.
func wifiLike(b []byte) bool {
	_, rest, ok := wire.AsWiFi(b)
	if !ok {
		return false
	}
	h, _, ok := wire.AsSNAP(rest)
	return ok && byEtherType(h.Type()) != none
}
