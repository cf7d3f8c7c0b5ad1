package flow

// What firewalls and translators of addresses say (RFC 8158; Cisco ASA, NEL; Barracuda).
var translationFields = []*Field{
	{
		Element: Element{Name: "postNATSourceIPv4Address", Label: "POST_NAT_SRC_IPV4_ADDR", ID: 225},
		V6:      &Element{Name: "postNATSourceIPv6Address", Label: "POST_NAT_SRC_IPV6_ADDR", ID: 281},
		Type:    IPv4Address, Doc: "Source address after translation.",
	},
	{
		Element: Element{Name: "postNATDestinationIPv4Address", Label: "POST_NAT_DST_IPV4_ADDR", ID: 226},
		V6:      &Element{Name: "postNATDestinationIPv6Address", Label: "POST_NAT_DST_IPV6_ADDR", ID: 282},
		Type:    IPv4Address, Doc: "Destination address after translation.",
	},
	told(227, "postNAPTSourceTransportPort", "POST_NAPT_SRC_PORT", Unsigned16, "Source port after translation."),
	told(228, "postNAPTDestinationTransportPort", "POST_NAPT_DST_PORT", Unsigned16,
		"Destination port after translation."),
	told(229, "natOriginatingAddressRealm", "NAT_REALM", Unsigned8,
		"Where the session began: 1 private, 2 public."),
	told(230, "natEvent", "NAT_EVENT", Unsigned8,
		"What became of a translation (RFC 8158): 1 created, 2 deleted, 3 no addresses left."),
	told(233, "firewallEvent", "FIREWALL_EVENT", Unsigned8,
		"What a firewall did: 1 created, 2 deleted, 3 denied, 4 alert, 5 update."),
	told(283, "natPoolId", "NAT_POOL_ID", Unsigned32, "Number of the pool of addresses."),
	told(284, "natPoolName", "NAT_POOL_NAME", String, "Name of the pool of addresses."),
	told(297, "natType", "NAT_TYPE", Unsigned8, "Kind of translation."),
	told(361, "portRangeStart", "PORT_RANGE_START", Unsigned16, "First port of a block."),
	told(362, "portRangeEnd", "PORT_RANGE_END", Unsigned16, "Last port of a block."),
	told(363, "portRangeStepSize", "PORT_RANGE_STEP", Unsigned16, "Distance between ports of a block."),
	told(364, "portRangeNumPorts", "PORT_RANGE_PORTS", Unsigned16, "Ports of a block."),

	vendor(Cisco, 232,
		"INGRESS_ACL_ID", OctetArray, "Rule that let the flow in or denied it: three numbers of 4 octets."),
	vendor(Cisco, 233,
		"EGRESS_ACL_ID", OctetArray, "Rule that let the flow out or denied it: three numbers of 4 octets."),
	vendor(Cisco, 234,
		"FW_EXT_EVENT", Unsigned16, "More about what the firewall did: 1001 to 1004 why it denied the flow, "+
			"2000 and more how it ended."),

	vendor(Barracuda, 1, "BARRACUDA_TIMESTAMP", Unsigned32, "Time of the event, seconds since the epoch."),
	vendor(Barracuda, 2, "BARRACUDA_LOG_OP", Unsigned8, "Operation that was logged."),
	vendor(Barracuda, 3, "BARRACUDA_TRAFFIC_TYPE", Unsigned8, "Kind of traffic."),
	vendor(Barracuda, 4, "BARRACUDA_RULE", String, "Rule of the firewall."),
	vendor(Barracuda, 5, "BARRACUDA_SERVICE", String, "Name of the service."),
	vendor(Barracuda, 6, "BARRACUDA_REASON", Unsigned32, "Number of the reason."),
	vendor(Barracuda, 7, "BARRACUDA_REASON_TEXT", String, "The reason."),
	vendor(Barracuda, 8,
		"BARRACUDA_BIND_IPV4_ADDR", IPv4Address, "Address that the firewall used towards the server."),
	vendor(Barracuda, 9, "BARRACUDA_BIND_PORT", Unsigned16, "Port that it used towards the server."),
	vendor(Barracuda, 10, "BARRACUDA_CONN_IPV4_ADDR", IPv4Address, "Address that it connected to."),
	vendor(Barracuda, 11, "BARRACUDA_CONN_PORT", Unsigned16, "Port that it connected to."),
	vendor(Barracuda, 12, "BARRACUDA_AUDIT_COUNTER", Unsigned32, "Number of the record."),
}

// Enterprise numbers of exporters whose elements are known.
const (
	CERT      uint32 = 6871
	CESNET    uint32 = 8057
	PaloAlto  uint32 = 25461
	Barracuda uint32 = 10704
	VMware    uint32 = 6876
	Citrix    uint32 = 5951
	Gigamon   uint32 = 26866
	IXIA      uint32 = 3054
)

// vendor is a field of an element of an enterprise's.
func vendor(pen uint32, id uint16, label string, t Type, doc string) *Field {
	f := &Field{Element: Element{Label: label, ID: id, PEN: pen}, Type: t, Doc: doc}
	if t.Size() == 0 {
		f.Width = 64
	}
	return f
}
