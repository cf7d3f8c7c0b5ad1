package flow

// linkFields are what layer 2, ICMP and the IPv6 header said.
var linkFields = []*Field{
	{
		Element: Element{Name: "layer2OctetDeltaCount", Label: "IN_L2_BYTES", ID: 352},
		Type:    Unsigned64, slot: pair(&rec.L2Octets), has: hasL2Octets, Rev: ReverseIE,
		Doc: "Octets of the frames from client to server, layer 2 headers included, check sequence not.",
	},
	{
		Element: Element{Name: "ingressInterface", Label: "INPUT_SNMP", ID: 10, ECS: "observer.ingress.interface.id"},
		Type:    Unsigned32, slot: pair(&rec.Link.Ingress), has: hasIngress,
		Doc: "Number of the interface that received the first packet from client to server.",
	},
	{
		Element: Element{Name: "egressInterface", Label: "OUTPUT_SNMP", ID: 14, ECS: "observer.egress.interface.id"},
		Type:    Unsigned32, slot: of(&rec.Link.Ingress[Reverse]), has: hasEgress,
		Doc: "Interface that received the first packet from server to client: on a tap, where the server is.",
	},
	{
		Element: Element{Name: "sourceMacAddress", Label: "IN_SRC_MAC", ID: 56, ECS: "source.mac"},
		Type:    MACAddress, slot: of(&rec.SrcMAC), has: hasMAC,
		Doc: "Source MAC address of the client's packets.",
	},
	{
		Element: Element{Name: "destinationMacAddress", Label: "IN_DST_MAC", ID: 80, ECS: "destination.mac"},
		Type:    MACAddress, slot: of(&rec.DstMAC), has: hasMAC,
		Doc: "Destination MAC address of the client's packets.",
	},
	{
		Element: Element{Name: "postSourceMacAddress", Label: "OUT_SRC_MAC", ID: 81},
		Type:    MACAddress, slot: of(&rec.SrcMAC), has: hasMAC, again: true,
		Doc: "Source MAC address of the client's packets as they go on, which a probe does not change.",
	},
	{
		Element: Element{Name: "postDestinationMacAddress", Label: "OUT_DST_MAC", ID: 57},
		Type:    MACAddress, slot: of(&rec.DstMAC), has: hasMAC, again: true,
		Doc: "Destination MAC address of the client's packets as they go on, which a probe does not change.",
	},
	{
		Element: Element{Name: "vlanId", Label: "SRC_VLAN", ID: 58},
		Type:    Unsigned16, calc: innerVLAN, needs: BlockLink, has: hasVLAN,
		Doc: "Identifier of the innermost VLAN tag of the packets from client to server.",
		Rev: &Element{Name: "reverseVlanId", Label: "DST_VLAN", ID: 58, PEN: RFC5103, Legacy: 59,
			Aliases: []string{"postVlanId"}},
	},
	{
		Element: Element{Name: "dot1qVlanId", Label: "DOT1Q_SRC_VLAN", ID: 243, ECS: "network.vlan.id"},
		Type:    Unsigned16, slot: of(&rec.VLAN), has: hasVLAN,
		Doc: "Identifier of the outermost VLAN tag of the packets from client to server.",
		Rev: &Element{Name: "reverseDot1qVlanId", Label: "DOT1Q_DST_VLAN", ID: 243, PEN: RFC5103, Legacy: 254,
			Aliases: []string{"postDot1qVlanId"}},
	},
	{
		Element: Element{Name: "dot1qCustomerVlanId", Label: "DOT1Q_CUSTOMER_VLAN", ID: 245, ECS: "network.inner.vlan.id"},
		Type:    Unsigned16, slot: of(&rec.CVLAN), has: hasCVLAN,
		Doc: "Identifier of the inner of two VLAN tags.",
	},
	{
		Element: Element{Name: "mplsTopLabelStackSection", Label: "MPLS_LABEL_1", ID: 70},
		Type:    MPLSLabel, slot: of(&rec.MPLS[0]), has: hasMPLS1,
		Doc: "Outermost MPLS label stack entry without its time to live; in JSON the label.",
	},
	{
		Element: Element{Name: "mplsLabelStackSection2", Label: "MPLS_LABEL_2", ID: 71},
		Type:    MPLSLabel, slot: of(&rec.MPLS[1]), has: hasMPLS2,
		Doc: "Second MPLS label stack entry without its time to live; in JSON the label.",
	},
	{
		Element: Element{Name: "mplsLabelStackSection3", Label: "MPLS_LABEL_3", ID: 72},
		Type:    MPLSLabel, slot: of(&rec.MPLS[2]), has: hasMPLS3,
		Doc: "Third MPLS label stack entry without its time to live; in JSON the label.",
	},
	{
		Element: Element{Name: "flowLabelIPv6", Label: "IPV6_FLOW_LABEL", ID: 31},
		Type:    Unsigned32, slot: pair(&rec.FlowLabel), has: hasPackets, only: 6, Rev: ReverseIE,
		Doc: "IPv6 flow label of the first packet from client to server.",
	},
	{
		Element: Element{Name: "icmpTypeCodeIPv4", Label: "ICMP_TYPE", ID: 32},
		V6:      &Element{Name: "icmpTypeCodeIPv6", Label: "ICMP_IPV6_TYPE_CODE", ID: 139},
		Type:    Unsigned16, slot: pair(&rec.ICMP), has: hasICMP, Rev: ReverseIE,
		Doc: "ICMP type × 256 + code of the first packet from client to server.",
	},
	{
		Element: Element{Name: "icmpTypeIPv4", Label: "ICMP_IPV4_TYPE", ID: 176},
		V6:      &Element{Name: "icmpTypeIPv6", Label: "ICMP_IPV6_TYPE", ID: 178},
		Type:    Unsigned8, calc: icmpType, needs: BlockLink, has: hasICMP,
		Doc: "ICMP type of the first packet from client to server.",
	},
	{
		Element: Element{Name: "icmpCodeIPv4", Label: "ICMP_IPV4_CODE", ID: 177},
		V6:      &Element{Name: "icmpCodeIPv6", Label: "ICMP_IPV6_CODE", ID: 179},
		Type:    Unsigned8, calc: icmpCode, needs: BlockLink, has: hasICMP,
		Doc: "ICMP code of the first packet from client to server.",
	},
}

func hasIngress(r *Record, d Dir) bool { return r.Link.Ingress[d] != 0 }
func hasEgress(r *Record, _ Dir) bool  { return r.Link.Ingress[Reverse] != 0 }
func hasMAC(r *Record, _ Dir) bool     { return r.HasMAC != 0 }
func hasCVLAN(r *Record, _ Dir) bool   { return r.CVLAN != 0 }
func hasMPLS1(r *Record, _ Dir) bool   { return r.MPLS[0] != 0 }
func hasMPLS2(r *Record, _ Dir) bool   { return r.MPLS[1] != 0 }
func hasMPLS3(r *Record, _ Dir) bool   { return r.MPLS[2] != 0 }
func hasICMP(r *Record, d Dir) bool    { return isICMP(r) && r.HasICMP&(1<<d) != 0 }

// hasL2Octets is false if packets were counted without their frames, as in collected flows.
func hasL2Octets(r *Record, d Dir) bool { return r.L2Octets[d] > 0 || r.Packets[d] == 0 }

// hasVLAN is about a direction of which there were packets: it is the key that says they had the tag.
func hasVLAN(r *Record, d Dir) bool {
	return r.Ignored&KeyVLAN == 0 && r.VLAN != 0 && r.Packets[d] > 0
}

func innerVLAN(v *View, _ Dir, _ []byte) (Value, bool) {
	if v.CVLAN != 0 {
		return Value{U: uint64(v.CVLAN)}, true
	}
	return Value{U: uint64(v.VLAN)}, true
}

func icmpType(v *View, d Dir, _ []byte) (Value, bool) { return Value{U: uint64(v.ICMP[d] >> 8)}, true }
func icmpCode(v *View, d Dir, _ []byte) (Value, bool) {
	return Value{U: uint64(v.ICMP[d] & 0xff)}, true
}
