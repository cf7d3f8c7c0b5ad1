package flow

// coreFields are the key of a flow, its counters and how it ended.
var coreFields = []*Field{
	{
		Element: Element{Name: "octetDeltaCount", Label: "IN_BYTES", ID: 1,
			Aliases: []string{"SRC_TO_DST_BYTES"}, ECS: "source.bytes"},
		Type: Unsigned64, slot: pair(&rec.Octets),
		Doc: "IP octets from client to server since the last report of the flow, headers included.",
		Rev: &Element{Name: "reverseOctetDeltaCount", Label: "OUT_BYTES", ID: 1, PEN: RFC5103, Legacy: 23,
			Aliases: []string{"DST_TO_SRC_BYTES", "postOctetDeltaCount"}, ECS: "destination.bytes"},
	},
	{
		Element: Element{Name: "packetDeltaCount", Label: "IN_PKTS", ID: 2,
			Aliases: []string{"SRC_TO_DST_PKTS"}, ECS: "source.packets"},
		Type: Unsigned64, slot: pair(&rec.Packets),
		Doc: "Packets from client to server since the last report of the flow.",
		Rev: &Element{Name: "reversePacketDeltaCount", Label: "OUT_PKTS", ID: 2, PEN: RFC5103, Legacy: 24,
			Aliases: []string{"DST_TO_SRC_PKTS", "postPacketDeltaCount"}, ECS: "destination.packets"},
	},
	{
		Element: Element{Name: "protocolIdentifier", Label: "PROTOCOL", ID: 4, ECS: "network.iana_number"},
		Type:    Unsigned8, slot: of(&rec.Proto), has: hasProto,
		Doc: "IP protocol number (6 TCP, 17 UDP, 1 ICMP).",
	},
	{
		Element: Element{Label: "PROTOCOL_MAP", ID: 1028, PEN: Ntop, ECS: "network.transport"},
		Type:    String, Width: 16, calc: protocolName, has: hasProto,
		Doc: "Name of the IP protocol in lower case.",
	},
	{
		Element: Element{Name: "ipVersion", Label: "IP_PROTOCOL_VERSION", ID: 60},
		Type:    Unsigned8, slot: of(&rec.Version), has: hasVersion,
		Doc: "IP version, 4 or 6.",
	},
	{
		Element: Element{Name: "sourceIPv4Address", Label: "IPV4_SRC_ADDR", ID: 8, ECS: "source.ip"},
		V6:      &Element{Name: "sourceIPv6Address", Label: "IPV6_SRC_ADDR", ID: 27, ECS: "source.ip"},
		Type:    IPv4Address, slot: of(&rec.Src), has: hasAddresses,
		Doc: "Address of the client, which opened the flow.",
	},
	{
		Element: Element{Name: "destinationIPv4Address", Label: "IPV4_DST_ADDR", ID: 12, ECS: "destination.ip"},
		V6:      &Element{Name: "destinationIPv6Address", Label: "IPV6_DST_ADDR", ID: 28, ECS: "destination.ip"},
		Type:    IPv4Address, slot: of(&rec.Dst), has: hasAddresses,
		Doc: "Address of the server.",
	},
	{
		Element: Element{Name: "sourceTransportPort", Label: "L4_SRC_PORT", ID: 7, ECS: "source.port"},
		Type:    Unsigned16, slot: of(&rec.SrcPort), has: hasPorts,
		Doc: "Transport port of the client.",
	},
	{
		Element: Element{Name: "destinationTransportPort", Label: "L4_DST_PORT", ID: 11, ECS: "destination.port"},
		Type:    Unsigned16, slot: of(&rec.DstPort), has: hasPorts,
		Doc: "Transport port of the server.",
	},
	{
		Element: Element{Label: "L4_SRV_PORT", ID: 1036, PEN: Ntop},
		Type:    Unsigned16, slot: of(&rec.DstPort), has: hasPorts, again: true,
		Doc: "Transport port of the server, whichever endpoint that is.",
	},
	{
		Element: Element{Name: "ipClassOfService", Label: "SRC_TOS", ID: 5},
		Type:    Unsigned8, slot: pair(&rec.TOS), has: hasPackets,
		Doc: "IPv4 type of service or IPv6 traffic class of the first packet from client to server.",
		Rev: &Element{Name: "reverseIpClassOfService", Label: "DST_TOS", ID: 5, PEN: RFC5103, Legacy: 55,
			Aliases: []string{"postIpClassOfService"}},
	},
	{
		Element: Element{Name: "minimumTTL", Label: "MIN_TTL", ID: 52},
		Type:    Unsigned8, slot: pair(&rec.MinTTL), has: hasPackets, Rev: ReverseIE,
		Doc: "Smallest IPv4 time to live or IPv6 hop limit of the packets from client to server.",
	},
	{
		Element: Element{Name: "maximumTTL", Label: "MAX_TTL", ID: 53},
		Type:    Unsigned8, slot: pair(&rec.MaxTTL), has: hasPackets, Rev: ReverseIE,
		Doc: "Largest IPv4 time to live or IPv6 hop limit of the packets from client to server.",
	},
	{
		Element: Element{Name: "flowEndReason", Label: "FLOW_END_REASON", ID: 136},
		Type:    Unsigned8, slot: of(&rec.End), has: hasEnded,
		Doc: "Why the flow was reported: 1 idle, 2 active timeout, 3 end detected, 4 forced, 5 lack of resources.",
	},
	{
		Element: Element{Name: "biflowDirection", Label: "BIFLOW_DIRECTION", ID: 239},
		Type:    Unsigned8, calc: initiator, has: isMetered,
		Doc: "How source and destination were told apart: always 1, the source is the initiator.",
	},
	{
		Element: Element{Name: "communityId", Label: "COMMUNITY_ID", ID: 1, PEN: Weir, ECS: "network.community_id"},
		Type:    String, Width: 30, calc: communityID, has: hasCommunityID,
		Doc: "Community ID version 1 with seed 0, which other monitors compute alike for the same flow.",
	},
}

func isMetered(r *Record, _ Dir) bool    { return r.Collected == 0 }
func hasProto(r *Record, _ Dir) bool     { return r.Ignored&KeyProto == 0 }
func hasVersion(r *Record, _ Dir) bool   { return r.Version != 0 }
func hasAddresses(r *Record, _ Dir) bool { return r.Ignored&KeyAddresses == 0 }
func hasPackets(r *Record, d Dir) bool   { return r.Packets[d] > 0 }
func hasEnded(r *Record, _ Dir) bool     { return r.End != 0 }

// hasPorts is false if both ports are 0: of a flow of fragments nobody knows them.
func hasPorts(r *Record, _ Dir) bool {
	return r.Ignored&KeyPorts == 0 && !isICMP(r) && (r.SrcPort != 0 || r.DstPort != 0)
}

// IP protocol numbers (IANA "Assigned Internet Protocol Numbers").
const (
	protoICMP   = 1
	protoTCP    = 6
	protoUDP    = 17
	protoICMPv6 = 58
	protoSCTP   = 132
)

func isICMP(r *Record) bool { return r.Proto == protoICMP || r.Proto == protoICMPv6 }

func initiator(*View, Dir, []byte) (Value, bool) { return Value{U: 1}, true }

// protocolNames are the keywords of IANA's registry, in lower case, of what is seen in practice.
var protocolNames = [256]string{
	0: "hopopt", 1: "icmp", 2: "igmp", 4: "ipv4", 6: "tcp", 8: "egp", 9: "igp", 17: "udp", 27: "rdp",
	33: "dccp", 41: "ipv6", 46: "rsvp", 47: "gre", 50: "esp", 51: "ah", 58: "ipv6-icmp", 59: "ipv6-nonxt",
	88: "eigrp", 89: "ospf", 94: "ipip", 97: "etherip", 98: "encap", 103: "pim", 108: "ipcomp", 112: "vrrp",
	115: "l2tp", 124: "isis", 132: "sctp", 133: "fc", 136: "udplite", 137: "mpls-in-ip", 143: "ethernet",
}

func protocolName(v *View, _ Dir, dst []byte) (Value, bool) {
	name := protocolNames[v.Proto]
	return Value{B: append(dst, name...)}, name != ""
}
