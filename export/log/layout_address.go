package log

import (
	"strconv"

	"github.com/weir-probe/weir/dataplane/flow"
)

// DHCP has a line for each message, but only one for both of a transaction, which a client that has an
// address makes with a server, and a relay agent.
var DHCP = &Layout{[]string{"dhcp", "dhcpv6"}, []Column{
	{"When", Uint, 0, "TRANSACTION_REQUEST_START TRANSACTION_RESPONSE_START FLOW_START_MILLISECONDS", seconds},
	{"MessageType", ASCII, 16, "DHCP_REPLY DHCP_REPLY_TYPE DHCP_MESSAGE DHCP_MESSAGE_TYPE", numbered},
	{"DHCP_Server", ASCII, 32, "DHCP_SERVER_IP DHCP_SERVER_ID", first},
	{"ClientMAC", ASCII, 32, "DHCP_CLIENT_MAC", first},
	{"ClientIP", ASCII, 32, "DHCP_CLIENT_IP DHCP_CLIENT_IPV6", first},
	{"ClientName", ASCII, 32, "DHCP_CLIENT_NAME", first},
	{"TransactionId", ASCII, 10, "DHCP_TRANSACTION_ID", eightDigits},
	{"LeaseTime", Uint, 0, "DHCP_LEASE_TIME", first},
	{"SubscriberId", ASCII, 32, "DHCP_SUBSCRIBER_ID", first},
	{"AgentRemoteId", ASCII, 48, "DHCP_REMOTE_ID", first},
}}

// numbered appends the first name that the record has, and behind it in parentheses its number; fields
// are pairs of both.
func numbered(c *column, dst []byte, v *flow.View) []byte {
	for i := 0; i+1 < len(c.fields); i += 2 {
		name, ok := v.Value(c.fields[i])
		if !ok {
			continue
		}
		dst = append(dst, name.B...)
		if number, ok := v.Value(c.fields[i+1]); ok {
			dst = append(strconv.AppendUint(append(dst, '('), number.U, 10), ')')
		}
		break
	}
	return dst
}

// eightDigits appends a number in hexadecimal.
func eightDigits(c *column, dst []byte, v *flow.View) []byte {
	for _, f := range c.fields {
		if n, ok := v.Value(f); ok {
			dst = append(dst, "0x"...)
			for shift := 28; shift >= 0; shift -= 4 {
				dst = append(dst, "0123456789ABCDEF"[n.U>>shift&15])
			}
			break
		}
	}
	return dst
}
