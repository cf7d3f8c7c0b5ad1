package flow

import "math"

// outerFields are the tunnel around the metered packet. The metered packet is the inner one,
// so that the ordinary fields are its own; nProbe's UNTUNNELED_ fields repeat them for
// flows that came out of a tunnel, and the OUTER_ fields, which are ours, are its endpoints.
var outerFields = []*Field{
	{
		Element: Element{Label: "UPSTREAM_TUNNEL_ID", ID: 106, PEN: Ntop},
		Type:    Unsigned32, slot: pair(&rec.Outer.ID), has: hasTunnelID,
		Doc: "Identifier of the innermost tunnel from client to server: TEID, VNI, GRE key, VSID.",
		Rev: &Element{Label: "DOWNSTREAM_TUNNEL_ID", ID: 120, PEN: Ntop},
	},
	{
		Element: Element{Label: "UPSTREAM_SESSION_ID", ID: 446, PEN: Ntop},
		Type:    Unsigned32, slot: pair(&rec.Outer.Session), has: hasSession,
		Doc: "Identifier of the session in the innermost tunnel from client to server: L2TP, PPPoE.",
		Rev: &Element{Label: "DOWNSTREAM_SESSION_ID", ID: 447, PEN: Ntop},
	},
	{
		Element: Element{Label: "TUNNEL_ID", ID: 40, PEN: Weir},
		Type:    Unsigned32, slot: of(&rec.Tunnel), has: hasTunnelKey,
		Doc: "Identifier of the innermost tunnel where both directions use the same one and it is part of the key.",
	},
	{
		Element: Element{Name: "layer2SegmentId", Label: "LAYER2_SEGMENT_ID", ID: 351},
		Type:    Unsigned64, calc: segment, needs: BlockOuter,
		Doc: "Overlay segment of a VXLAN (1<<56 + VNI) or an NVGRE tunnel (2<<56 + VSID).",
	},
	{
		Element: Element{Label: "TUNNEL_TYPE", ID: 41, PEN: Weir},
		Type:    String, Width: 10, calc: tunnelName, needs: BlockOuter,
		Doc: "Kind of the innermost tunnel, in lower case.",
	},
	{
		Element: Element{Label: "TUNNEL_DEPTH", ID: 42, PEN: Weir},
		Type:    Unsigned8, slot: of(&rec.Outer.Depth),
		Doc: "How many tunnels there were around the metered packet.",
	},
	{
		Element: Element{Label: "OUTER_IPV4_SRC_ADDR", ID: 43, PEN: Weir},
		Type:    IPv4Address, slot: of(&rec.Outer.Src), has: hasOuter4,
		Doc: "IPv4 address of the innermost tunnel's endpoint on the client's side.",
	},
	{
		Element: Element{Label: "OUTER_IPV4_DST_ADDR", ID: 44, PEN: Weir},
		Type:    IPv4Address, slot: of(&rec.Outer.Dst), has: hasOuter4,
		Doc: "IPv4 address of the innermost tunnel's endpoint on the server's side.",
	},
	{
		Element: Element{Label: "OUTER_IPV6_SRC_ADDR", ID: 45, PEN: Weir},
		Type:    IPv6Address, slot: of(&rec.Outer.Src), has: hasOuter6,
		Doc: "IPv6 address of the innermost tunnel's endpoint on the client's side.",
	},
	{
		Element: Element{Label: "OUTER_IPV6_DST_ADDR", ID: 46, PEN: Weir},
		Type:    IPv6Address, slot: of(&rec.Outer.Dst), has: hasOuter6,
		Doc: "IPv6 address of the innermost tunnel's endpoint on the server's side.",
	},
	{
		Element: Element{Label: "OUTER_L4_SRC_PORT", ID: 47, PEN: Weir},
		Type:    Unsigned16, slot: of(&rec.Outer.SrcPort), has: hasOuterPorts,
		Doc: "Transport port of the innermost tunnel on the client's side.",
	},
	{
		Element: Element{Label: "OUTER_L4_DST_PORT", ID: 48, PEN: Weir},
		Type:    Unsigned16, slot: of(&rec.Outer.DstPort), has: hasOuterPorts,
		Doc: "Transport port of the innermost tunnel on the server's side.",
	},
	{
		Element: Element{Label: "OUTER_PROTOCOL", ID: 49, PEN: Weir},
		Type:    Unsigned8, slot: of(&rec.Outer.Proto), has: hasOuterIP,
		Doc: "IP protocol that carried the innermost tunnel.",
	},
	{
		Element: Element{Label: "UNTUNNELED_PROTOCOL", ID: 113, PEN: Ntop},
		Type:    Unsigned8, slot: of(&rec.Proto), needs: BlockOuter, has: innerProto, again: true,
		Doc: "IP protocol number of a flow that came out of a tunnel.",
	},
	{
		Element: Element{Label: "UNTUNNELED_IPV4_SRC_ADDR", ID: 114, PEN: Ntop},
		V6:      &Element{Label: "UNTUNNELED_IPV6_SRC_ADDR", ID: 396, PEN: Ntop},
		Type:    IPv4Address, slot: of(&rec.Src), needs: BlockOuter, has: innerAddresses, again: true,
		Doc: "Address of the client of a flow that came out of a tunnel.",
	},
	{
		Element: Element{Label: "UNTUNNELED_IPV4_DST_ADDR", ID: 116, PEN: Ntop},
		V6:      &Element{Label: "UNTUNNELED_IPV6_DST_ADDR", ID: 397, PEN: Ntop},
		Type:    IPv4Address, slot: of(&rec.Dst), needs: BlockOuter, has: innerAddresses, again: true,
		Doc: "Address of the server of a flow that came out of a tunnel.",
	},
	{
		Element: Element{Label: "UNTUNNELED_L4_SRC_PORT", ID: 115, PEN: Ntop},
		Type:    Unsigned16, slot: of(&rec.SrcPort), needs: BlockOuter, has: innerPorts, again: true,
		Doc: "Transport port of the client of a flow that came out of a tunnel.",
	},
	{
		Element: Element{Label: "UNTUNNELED_L4_DST_PORT", ID: 117, PEN: Ntop},
		Type:    Unsigned16, slot: of(&rec.DstPort), needs: BlockOuter, has: innerPorts, again: true,
		Doc: "Transport port of the server of a flow that came out of a tunnel.",
	},
}

// Identifiers are 0 in tunnels that have none: it is not told apart from an identifier 0.
func hasTunnelID(r *Record, d Dir) bool { return r.Outer.Depth > 0 && r.Outer.ID[d] != 0 }
func hasSession(r *Record, d Dir) bool  { return r.Outer.Depth > 0 && r.Outer.Session[d] != 0 }
func hasTunnelKey(r *Record, _ Dir) bool {
	return r.Tunnel != 0 && r.Ignored&KeyTunnel == 0
}

func hasOuterIP(r *Record, _ Dir) bool { return r.Outer.Version != 0 }
func hasOuter4(r *Record, _ Dir) bool  { return r.Outer.Version == 4 }
func hasOuter6(r *Record, _ Dir) bool  { return r.Outer.Version == 6 }
func hasOuterPorts(r *Record, _ Dir) bool {
	return r.Outer.Version != 0 && (r.Outer.SrcPort != 0 || r.Outer.DstPort != 0)
}

func innerProto(r *Record, d Dir) bool     { return r.Outer.Depth > 0 && hasProto(r, d) }
func innerAddresses(r *Record, d Dir) bool { return r.Outer.Depth > 0 && hasAddresses(r, d) }
func innerPorts(r *Record, d Dir) bool     { return r.Outer.Depth > 0 && hasPorts(r, d) }

func segment(v *View, _ Dir, _ []byte) (Value, bool) {
	const vxlan, nvgre = 1 << 56, 2 << 56
	id := uint64(v.Outer.ID[Forward])
	switch v.Outer.Type {
	case VXLAN:
		return Value{U: vxlan | id}, id <= math.MaxUint32>>8
	case NVGRE:
		return Value{U: nvgre | id}, id <= math.MaxUint32>>8
	}
	return Value{}, false
}

// tunnelNames has no name for NoTunnel.
var tunnelNames = [Tunnels]string{
	GRE: "gre", NVGRE: "nvgre", ERSPAN: "erspan", IPinIP: "ipip", SixInFour: "6in4", VXLAN: "vxlan",
	Geneve: "geneve", GTPU: "gtpu", L2TP: "l2tp", Teredo: "teredo", MPLSinUDP: "mplsudp",
	CAPWAP: "capwap", PPPoE: "pppoe", GTP0: "gtp0",
}

// String returns the name of t, empty for NoTunnel.
func (t Tunnel) String() string { return tunnelNames[t%Tunnels] }

func tunnelName(v *View, _ Dir, dst []byte) (Value, bool) {
	name := v.Outer.Type.String()
	return Value{B: append(dst, name...)}, name != ""
}
