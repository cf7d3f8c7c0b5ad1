package app

import (
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestDHCPAgainstTshark compares every message with what tshark says of it.
func TestDHCPAgainstTshark(t *testing.T) {
	columns := []string{"dhcp.id", "dhcp.hw.mac_addr", "dhcp.ip.client", "dhcp.ip.your", "dhcp.ip.relay",
		"dhcp.option.type", "dhcp.option.value", "dhcp.fqdn.name",
		"dhcp.option.agent_information_option.agent_circuit_id", "dhcp.option.agent_information_option.agent_remote_id", "dhcp.option.dhcp_server_id",
		"dhcp.option.requested_ip_address", "dhcp.option.ip_address_lease_time"}
	judgeDatagrams(t, &DHCP, dbCaptures(t, "dhcp", "dhcp"), columns, []datagramJudge{
		{"DHCP_MESSAGE_TYPE", func(r sharkRow) string { return dhcpNumber(dhcpOption(r, 53)) }},
		{"DHCP_TRANSACTION_ID", func(r sharkRow) string { return dhcpNumber(r.first("dhcp.id")) }},
		{"DHCP_CLIENT_MAC", func(r sharkRow) string { return r.first("dhcp.hw.mac_addr") }},
		{"DHCP_CLIENT_IP", func(r sharkRow) string {
			yours := dhcpSet(r.first("dhcp.ip.your"))
			return yours + dhcpOnly(dhcpSet(r.first("dhcp.ip.client")), yours)
		}},
		{"DHCP_RELAY_IP", func(r sharkRow) string { return dhcpSet(r.first("dhcp.ip.relay")) }},
		{"DHCP_CLIENT_NAME", func(r sharkRow) string {
			name := strings.TrimRight(string(unhex(dhcpOption(r, 12))), "\x00")
			return name + dhcpOnly(r.first("dhcp.fqdn.name"), name)
		}},
		{"DHCP_CLIENT_ID", func(r sharkRow) string { return dhcpOption(r, 61) }},
		{"DHCP_VENDOR_CLASS", func(r sharkRow) string { return dhcpReadable(dhcpOption(r, 60)) }},
		{"DHCP_FINGERPRINT", func(r sharkRow) string { return dhcpList(dhcpOption(r, 55)) }},
		{"DHCP_REQUESTED_IP", func(r sharkRow) string { return r.first("dhcp.option.requested_ip_address") }},
		{"DHCP_LEASE_TIME", func(r sharkRow) string { return r.first("dhcp.option.ip_address_lease_time") }},
		{"DHCP_SERVER_IP", func(r sharkRow) string { return r.first("dhcp.option.dhcp_server_id") }},
		{"DHCP_ERROR", func(r sharkRow) string { return string(unhex(dhcpOption(r, 56))) }},
		{"DHCP_CIRCUIT_ID", func(r sharkRow) string { return dhcpReadable(r.first(columns[8])) }},
		{"DHCP_REMOTE_ID", func(r sharkRow) string { return dhcpReadable(r.first(columns[9])) }},
		{"DHCP_SUBSCRIBER_ID", func(r sharkRow) string {
			return dhcpReadable(dhcpSuboption(dhcpOption(r, 82), 6))
		}},
	}, map[string]string{})
}

// TestDHCPv6AgainstTshark does the same with version 6.
func TestDHCPv6AgainstTshark(t *testing.T) {
	columns := []string{"dhcpv6.msgtype", "dhcpv6.xid", "dhcpv6.linkaddr", "dhcpv6.option.type",
		"dhcpv6.duid.bytes", "dhcpv6.iaaddr.ip", "dhcpv6.iaaddr.valid_lifetime", "dhcpv6.iaprefix.pref_addr",
		"dhcpv6.iaprefix.pref_len",
		"dhcpv6.requested_option_code", "dhcpv6.client_domain", "dhcpv6.interface_id", "dhcpv6.status_code",
		"dhcpv6.iaprefix.valid_lifetime", "dhcpv6.status_msg"}
	judgeDatagrams(t, &DHCPv6, dbCaptures(t, "dhcpv6", "dhcp"), columns, []datagramJudge{
		{"DHCP_MESSAGE_TYPE", func(r sharkRow) string { return r.last("dhcpv6.msgtype") }},
		{"DHCP_TRANSACTION_ID", func(r sharkRow) string { return dhcpNumber(r.last("dhcpv6.xid")) }},
		{"DHCP_RELAY_IPV6", func(r sharkRow) string { return r.last("dhcpv6.linkaddr") }},
		{"DHCP_CLIENT_ID", func(r sharkRow) string { return dhcpDUID(r, "1") }},
		{"DHCP_SERVER_ID", func(r sharkRow) string { return dhcpDUID(r, "2") }},
		{"DHCP_CLIENT_IPV6", func(r sharkRow) string { return r.first("dhcpv6.iaaddr.ip") }},
		{"DHCP_PREFIX", func(r sharkRow) string {
			return r.first("dhcpv6.iaprefix.pref_addr") + dhcpPrefixed("/", r.first("dhcpv6.iaprefix.pref_len"))
		}},
		{"DHCP_LEASE_TIME", func(r sharkRow) string {
			if kind := r.last("dhcpv6.msgtype"); kind != "2" && kind != "7" {
				return ""
			}
			valid := r.first("dhcpv6.iaaddr.valid_lifetime")
			return valid + dhcpOnly(r.first("dhcpv6.iaprefix.valid_lifetime"), valid)
		}},
		{"DHCP_FINGERPRINT", func(r sharkRow) string {
			return strings.Join(r["dhcpv6.requested_option_code"], ",")
		}},
		{"DHCP_CLIENT_NAME", func(r sharkRow) string {
			return strings.TrimSuffix(r.first("dhcpv6.client_domain"), ".")
		}},
		{"DHCP_CIRCUIT_ID", func(r sharkRow) string { return dhcpReadable(r.last("dhcpv6.interface_id")) }},
	}, map[string]string{
		"isc-client.pcap DHCP_CLIENT_NAME ": "tshark does not read names where RFC 4704 does not allow them",
		"isc-relay.pcap DHCP_CLIENT_NAME ":  "tshark does not read names where RFC 4704 does not allow them",
	})
}

// dhcpOption returns the first option of a type, in hexadecimal.
func dhcpOption(r sharkRow, kind int) string {
	i := slices.Index(r["dhcp.option.type"], strconv.Itoa(kind))
	if i < 0 || i >= len(r["dhcp.option.value"]) {
		return ""
	}
	return strings.ReplaceAll(r["dhcp.option.value"][i], ":", "")
}

// dhcpSuboption returns one of what a relay agent has added.
func dhcpSuboption(option string, kind byte) string {
	for b := unhex(option); len(b) > 1 && len(b) >= 2+int(b[1]); b = b[2+int(b[1]):] {
		if b[0] == kind {
			return option[len(option)-2*len(b)+4:][:2*int(b[1])]
		}
	}
	return ""
}

// dhcpDUID returns the identifier in an option of a type.
func dhcpDUID(r sharkRow, kind string) string {
	n := 0
	for _, x := range r["dhcpv6.option.type"] {
		if x == kind {
			return strings.ReplaceAll(r["dhcpv6.duid.bytes"][n], ":", "")
		}
		if x == "1" || x == "2" {
			n++
		}
	}
	return ""
}

func dhcpNumber(hexadecimal string) string {
	n, err := strconv.ParseUint(strings.TrimPrefix(hexadecimal, "0x"), 16, 32)
	if err != nil {
		return ""
	}
	return strconv.FormatUint(n, 10)
}

// dhcpReadable returns the text of octets, or the octets if they are none.
func dhcpReadable(hexadecimal string) string {
	hexadecimal = strings.ReplaceAll(hexadecimal, ":", "")
	b := unhex(hexadecimal)
	if slices.ContainsFunc(b, func(c byte) bool { return c < ' ' || c > '~' }) {
		return hexadecimal
	}
	return string(b)
}

func dhcpList(hexadecimal string) string {
	var all []string
	for _, c := range unhex(hexadecimal) {
		all = append(all, strconv.Itoa(int(c)))
	}
	return strings.Join(all, ",")
}

// dhcpSet returns an address unless it is none.
func dhcpSet(addr string) string { return dhcpOnly(addr, map[string]string{"0.0.0.0": "none"}[addr]) }

// dhcpOnly returns s unless there is something else.
func dhcpOnly(s, other string) string {
	if other != "" {
		return ""
	}
	return s
}

func dhcpPrefixed(prefix, s string) string {
	if s == "" {
		return ""
	}
	return prefix + s
}
