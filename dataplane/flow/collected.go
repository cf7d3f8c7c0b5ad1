package flow

import "slices"

// collectedFields are what exporters say of flows and weir does not measure: attributes of records that
// were collected. What IANA's registry names has its name; labels are Cisco's where there are some.
var collectedFields = []*Field{
	told(3, "deltaFlowCount", "FLOWS", Unsigned64, "Flows that the record stands for."),
	NextHop,
	told(19, "postMCastPacketDeltaCount", "MUL_DST_PKTS", Unsigned64, "Multicast packets sent for the flow."),
	told(20, "postMCastOctetDeltaCount", "MUL_DST_BYTES", Unsigned64,
		"Octets of multicast packets sent for the flow."),
	told(33, "igmpType", "MUL_IGMP_TYPE", Unsigned8, "Type of IGMP messages."),
	told(46, "mplsTopLabelType", "MPLS_TOP_LABEL_TYPE", Unsigned8,
		"Who assigned the outermost label: 1 TE, 3 VPN, 4 BGP, 5 LDP."),
	told(47, "mplsTopLabelIPv4Address", "MPLS_TOP_LABEL_IP_ADDR", IPv4Address,
		"Endpoint of the outermost label."),
	told(54, "fragmentIdentification", "IPV4_IDENT", Unsigned32, "Identification of a fragment."),
	told(64, "ipv6ExtensionHeaders", "IPV6_OPTION_HEADERS", Unsigned32, "Extension headers seen, a bit each."),
	told(73, "mplsLabelStackSection4", "MPLS_LABEL_4", MPLSLabel,
		"Fourth MPLS label stack entry; in JSON the label."),
	told(74, "mplsLabelStackSection5", "MPLS_LABEL_5", MPLSLabel,
		"Fifth MPLS label stack entry; in JSON the label."),
	told(75, "mplsLabelStackSection6", "MPLS_LABEL_6", MPLSLabel,
		"Sixth MPLS label stack entry; in JSON the label."),
	told(82, "interfaceName", "IF_NAME", String, "Short name of the interface."),
	told(83, "interfaceDescription", "IF_DESC", String, "Description of the interface."),
	told(88, "fragmentOffset", "FRAGMENT_OFFSET", Unsigned16, "Offset of a fragment, in units of 8 octets."),
	told(89, "forwardingStatus", "FORWARDING_STATUS", Unsigned32,
		"What became of the packets: status × 64 + reason."),
	told(90, "mplsVpnRouteDistinguisher", "MPLS_PAL_RD", OctetArray, "Route distinguisher of the VPN."),
	told(91, "mplsTopLabelPrefixLength", "MPLS_PREFIX_LEN", Unsigned8,
		"Bits of the prefix that the outermost label is for."),
	told(94, "applicationDescription", "APPLICATION_DESC", String, "Description of the application."),
	told(132, "droppedOctetDeltaCount", "DROPPED_BYTES", Unsigned64,
		"Octets of the flow that the exporter dropped."),
	told(133, "droppedPacketDeltaCount", "DROPPED_PKTS", Unsigned64,
		"Packets of the flow that the exporter dropped."),
	told(147, "wlanSSID", "WLAN_SSID", String, "Name of the wireless network."),
	told(148, "flowId", "FLOW_ID", Unsigned64, "Number of the flow at its exporter."),
	told(171, "postOctetTotalCount", "POST_OCTET_TOTAL", Unsigned64,
		"Octets as they left since the flow began."),
	told(172, "postPacketTotalCount", "POST_PACKET_TOTAL", Unsigned64,
		"Packets as they left since the flow began."),
	told(184, "tcpSequenceNumber", "TCP_SEQ_NUM", Unsigned32, "Sequence number of the first segment."),
	told(185, "tcpAcknowledgementNumber", "TCP_ACK_NUM", Unsigned32,
		"Acknowledgement number of the first segment."),
	told(186, "tcpWindowSize", "TCP_WINDOW_SIZE", Unsigned16, "Window of the first segment."),
	told(190, "totalLengthIPv4", "IPV4_TOTAL_LENGTH", Unsigned16, "Length of the packet."),
	told(197, "fragmentFlags", "FRAGMENT_FLAGS", Unsigned8, "Flags of fragments."),
	told(208, "ipv4Options", "IPV4_OPTIONS", Unsigned32, "Options of IPv4 seen, a bit each."),
	told(209, "tcpOptions", "TCP_OPTIONS", Unsigned64, "Options of TCP seen, a bit each."),
	told(234, "ingressVRFID", "INGRESS_VRFID", Unsigned32, "Number of the VRF that the packets came in by."),
	told(235, "egressVRFID", "EGRESS_VRFID", Unsigned32, "Number of the VRF that they left by."),
	told(236, "VRFname", "VRF_NAME", String, "Name of the VRF."),
	told(252, "ingressPhysicalInterface", "INGRESS_PHYSICAL_IF", Unsigned32,
		"Physical interface that received the packets."),
	told(253, "egressPhysicalInterface", "EGRESS_PHYSICAL_IF", Unsigned32, "Physical interface that sent them."),
	told(256, "ethernetType", "ETHERNET_TYPE", Unsigned16, "Type of the Ethernet frames."),
	told(278, "connectionCountNew", "CONNECTIONS_NEW", Unsigned32, "Connections that began."),
	told(279, "connectionSumDurationSeconds", "CONNECTIONS_DURATION_SEC", Unsigned64,
		"Their durations together, seconds."),
	told(280, "connectionTransactionId", "CONNECTION_ID", Unsigned64, "Number of the connection."),
	told(294, "bgpValidityState", "BGP_VALIDITY", Unsigned8,
		"Whether the origin of the route is valid (RFC 6811)."),
	told(312, "dataLinkFrameSize", "FRAME_SIZE", Unsigned16, "Octets of the frame that was sampled."),
	told(324, "observationTimeMicroseconds", "OBSERVATION_TIME_MICROSECONDS", DateTimeMicroseconds,
		"When it was observed, microseconds since the epoch."),
	told(365, "staMacAddress", "STA_MAC_ADDRESS", MACAddress, "Wireless station's address."),
	told(366, "staIPv4Address", "STA_IPV4_ADDRESS", IPv4Address, "Wireless station's IPv4 address."),
	told(367, "wtpMacAddress", "WTP_MAC_ADDRESS", MACAddress, "Access point's address."),
	told(371, "userName", "USERNAME", String, "Name of the user, as the exporter knows it."),
	told(372, "applicationCategoryName", "APPLICATION_CATEGORY", String,
		"Category of the application, as the exporter has it."),
	told(373, "applicationSubCategoryName", "APPLICATION_SUB_CATEGORY", String,
		"Subcategory of the application."),
	told(374, "applicationGroupName", "APPLICATION_GROUP", String, "Group of the application."),
}

// NextHop is where a router sent the packets.
var NextHop = &Field{
	Element: Element{Name: "ipNextHopIPv4Address", Label: "IPV4_NEXT_HOP", ID: 15},
	V6:      &Element{Name: "ipNextHopIPv6Address", Label: "IPV6_NEXT_HOP", ID: 62},
	Type:    IPv4Address, Doc: "Address of the next router.",
}

// told is a field of an element of IANA's.
func told(id uint16, name, label string, t Type, doc string) *Field {
	f := &Field{Element: Element{Name: name, Label: label, ID: id}, Type: t, Doc: doc}
	if t.Size() == 0 {
		f.Width = 64
	}
	return f
}

// OfCollected returns the fields that are known only of flows that were collected, and what Collected names.
func OfCollected() []*Field {
	return slices.Concat([]*Field{ExporterIPv4, ExporterIPv6, ObservationDomain, SamplingInterval},
		collectedFields, translationFields, vendorFields)
}
