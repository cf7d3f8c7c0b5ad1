package app

import "github.com/weir-probe/weir/dataplane/flow"

// Fields of a message or an exchange of DHCP, of either version.
var (
	DHCPClientMAC = &flow.Field{
		Element: flow.Element{Label: "DHCP_CLIENT_MAC", ID: 353, PEN: flow.Ntop, ECS: "client.mac"},
		Type:    flow.MACAddress,
		Doc:     "MAC address of the DHCP client; of version 6 only if a relay agent tells it.",
	}
	DHCPClientIP = &flow.Field{
		Element: flow.Element{Label: "DHCP_CLIENT_IP", ID: 354, PEN: flow.Ntop},
		Type:    flow.IPv4Address,
		Doc:     "IPv4 address that the DHCP client is given or has.",
	}
	DHCPClientName = &flow.Field{
		Element: flow.Element{Label: "DHCP_CLIENT_NAME", ID: 355, PEN: flow.Ntop},
		Type:    flow.String, Width: 64,
		Doc: "Name of the DHCP client: its host name, or else its domain name.",
	}
	DHCPRemoteID = &flow.Field{
		Element: flow.Element{Label: "DHCP_REMOTE_ID", ID: 423, PEN: flow.Ntop},
		Type:    flow.String, Width: 64,
		Doc: "What a relay agent knows the client by, in hexadecimal if it is not text (RFC 3046, RFC 4649).",
	}
	DHCPSubscriberID = &flow.Field{
		Element: flow.Element{Label: "DHCP_SUBSCRIBER_ID", ID: 424, PEN: flow.Ntop},
		Type:    flow.String, Width: 64,
		Doc: "Subscriber that a relay agent knows the client as (RFC 3993, RFC 4580).",
	}
	DHCPMessageType = &flow.Field{
		Element: flow.Element{Label: "DHCP_MESSAGE_TYPE", ID: 429, PEN: flow.Ntop},
		Type:    flow.Unsigned8,
		Doc:     "Type of the DHCP message as a number, of a transaction that of its request (RFC 2132, RFC 8415).",
	}
	DHCPMessage = &flow.Field{
		Element: flow.Element{Label: "DHCP_MESSAGE", ID: 900, PEN: flow.Weir},
		Type:    flow.String, Width: 20,
		Doc: "Type of the DHCP message by name, of a transaction that of its request.",
	}
	DHCPTransactionID = &flow.Field{
		Element: flow.Element{Label: "DHCP_TRANSACTION_ID", ID: 901, PEN: flow.Weir},
		Type:    flow.Unsigned32,
		Doc:     "Identifier of the DHCP exchange.",
	}
	DHCPLeaseTime = &flow.Field{
		Element: flow.Element{Label: "DHCP_LEASE_TIME", ID: 902, PEN: flow.Weir},
		Type:    flow.Unsigned32,
		Doc:     "How long the client may use the address, seconds; 4294967295 for ever.",
	}
	DHCPServerIP = &flow.Field{
		Element: flow.Element{Label: "DHCP_SERVER_IP", ID: 903, PEN: flow.Weir},
		Type:    flow.IPv4Address,
		Doc:     "IPv4 address of the DHCP server, as the message says.",
	}
	DHCPRequestedIP = &flow.Field{
		Element: flow.Element{Label: "DHCP_REQUESTED_IP", ID: 904, PEN: flow.Weir},
		Type:    flow.IPv4Address,
		Doc:     "IPv4 address that the DHCP client asks for.",
	}
	DHCPClientID = &flow.Field{
		Element: flow.Element{Label: "DHCP_CLIENT_ID", ID: 905, PEN: flow.Weir},
		Type:    flow.String, Width: 64,
		Doc: "What the client calls itself, in hexadecimal: its client identifier (RFC 2132) or DUID (RFC 8415).",
	}
	DHCPVendorClass = &flow.Field{
		Element: flow.Element{Label: "DHCP_VENDOR_CLASS", ID: 906, PEN: flow.Weir},
		Type:    flow.String, Width: 64,
		Doc: "Kind of client, as its vendor calls it.",
	}
	DHCPFingerprint = &flow.Field{
		Element: flow.Element{Label: "DHCP_FINGERPRINT", ID: 907, PEN: flow.Weir},
		Type:    flow.String, Width: 255,
		Doc: "Numbers of the options that the client asks for, in its order with commas between.",
	}
	DHCPCircuitID = &flow.Field{
		Element: flow.Element{Label: "DHCP_CIRCUIT_ID", ID: 908, PEN: flow.Weir},
		Type:    flow.String, Width: 64,
		Doc: "Circuit or interface of a relay agent that the client is at, in hexadecimal if it is not text.",
	}
	DHCPRelayIP = &flow.Field{
		Element: flow.Element{Label: "DHCP_RELAY_IP", ID: 909, PEN: flow.Weir},
		Type:    flow.IPv4Address,
		Doc:     "IPv4 address of the relay agent in the client's network.",
	}
	DHCPError = &flow.Field{
		Element: flow.Element{Label: "DHCP_ERROR", ID: 910, PEN: flow.Weir},
		Type:    flow.String, Width: 64,
		Doc: "What the DHCP server or client says is wrong.",
	}
	DHCPClientIPv6 = &flow.Field{
		Element: flow.Element{Label: "DHCP_CLIENT_IPV6", ID: 911, PEN: flow.Weir},
		Type:    flow.IPv6Address,
		Doc:     "First IPv6 address that the DHCP client is given, asks for or gives up.",
	}
	DHCPPrefix = &flow.Field{
		Element: flow.Element{Label: "DHCP_PREFIX", ID: 912, PEN: flow.Weir},
		Type:    flow.String, Width: 43,
		Doc: "First IPv6 prefix that the DHCP client is delegated, asks for or gives up.",
	}
	DHCPServerID = &flow.Field{
		Element: flow.Element{Label: "DHCP_SERVER_ID", ID: 913, PEN: flow.Weir},
		Type:    flow.String, Width: 64,
		Doc: "DUID of the DHCP server, in hexadecimal (RFC 8415).",
	}
	DHCPRelayIPv6 = &flow.Field{
		Element: flow.Element{Label: "DHCP_RELAY_IPV6", ID: 914, PEN: flow.Weir},
		Type:    flow.IPv6Address,
		Doc:     "IPv6 address of the relay agent in the client's network.",
	}
	DHCPStatus = &flow.Field{
		Element: flow.Element{Label: "DHCP_STATUS", ID: 915, PEN: flow.Weir},
		Type:    flow.Unsigned16,
		Doc:     "First status code of DHCPv6 that is not success (RFC 8415, section 21.13).",
	}
	DHCPReplyType = &flow.Field{
		Element: flow.Element{Label: "DHCP_REPLY_TYPE", ID: 916, PEN: flow.Weir},
		Type:    flow.Unsigned8,
		Doc:     "Type of the DHCP message that answers in the same flow, as a number.",
	}
	DHCPReply = &flow.Field{
		Element: flow.Element{Label: "DHCP_REPLY", ID: 917, PEN: flow.Weir},
		Type:    flow.String, Width: 20,
		Doc: "Type of the DHCP message that answers in the same flow, by name.",
	}
)

// Those of both versions, and of each.
var (
	dhcpFields = []*flow.Field{
		DHCPMessageType, DHCPMessage, DHCPReplyType, DHCPReply, DHCPTransactionID,
		DHCPClientMAC, DHCPClientIP, DHCPClientName,
		DHCPClientID, DHCPVendorClass, DHCPFingerprint, DHCPRequestedIP, DHCPLeaseTime, DHCPServerIP,
		DHCPRelayIP, DHCPCircuitID, DHCPRemoteID, DHCPSubscriberID, DHCPError,
	}
	dhcpv6Fields = []*flow.Field{
		DHCPMessageType, DHCPMessage, DHCPReplyType, DHCPReply, DHCPTransactionID,
		DHCPClientMAC, DHCPClientIPv6, DHCPPrefix,
		DHCPClientName, DHCPClientID, DHCPVendorClass, DHCPFingerprint, DHCPLeaseTime, DHCPServerID,
		DHCPRelayIPv6, DHCPCircuitID, DHCPRemoteID, DHCPSubscriberID, DHCPStatus, DHCPError,
	}
)
