package app

import (
	"encoding/binary"
	"slices"
	"testing"

	"github.com/weir-probe/weir/dataplane/flow"
)

// dhcpBytes returns a message of version 4 to or from a client with an address, with octets for options.
func dhcpBytes(op byte, options ...[]byte) []byte {
	b := make([]byte, 240)
	b[0], b[1], b[2] = op, 1, 6
	copy(b[4:], "\x12\x34\x56\x78")
	copy(b[12:], "\xc0\x00\x02\x63")
	copy(b[28:], "\x02\x00\x00\x00\x01\x10")
	binary.BigEndian.PutUint32(b[236:], dhcpCookie)
	return append(append(b, slices.Concat(options...)...), dhcpEnd)
}

// dhcpTLV returns an option.
func dhcpTLV(code byte, value string) []byte { return append([]byte{code, byte(len(value))}, value...) }

// dhcpv6TLV returns an option, or several.
func dhcpv6TLV(code uint16, value ...string) []byte {
	v := []byte{}
	for _, s := range value {
		v = append(v, s...)
	}
	b := binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(nil, code), uint16(len(v)))
	return append(b, v...)
}

// dhcpPorts are of a client and a server that has an address.
func dhcpPorts(c conversation, src, dst uint16) conversation {
	c.srcPort, c.dstPort = src, dst
	return c
}

func dhcpSamples() []conversation {
	asks := dhcpBytes(1, dhcpTLV(53, "\x03"), dhcpTLV(61, "\x01\x02\x00\x00\x00\x01\x10"),
		dhcpTLV(81, "\x04\x00\x00\x02pc\x07example\x00"))
	refused := dhcpBytes(2, dhcpTLV(53, "\x06"), dhcpTLV(56, "no such network\x00"), dhcpTLV(52, "\x03"))
	copy(refused[108:], dhcpTLV(54, "\xc0\x00\x02\x01"))                            // in the file's name
	copy(refused[44:], dhcpTLV(82, "\x01\x03\x00\x00\x07\x02\x03far\x06\x05alice")) // in the server's
	bootp := dhcpBytes(1, dhcpTLV(12, "old"))
	broken := dhcpBytes(1, dhcpTLV(53, "\x01"), []byte{60, 200, 'x'})
	c := dhcpPorts(says("refused", 17, flow.Forward, asks), 68, 67)
	c.turns = append(c.turns, turn{dir: flow.Reverse, octets: refused, time: 3e6})
	return []conversation{c, dhcpPorts(says("BOOTP", 17, flow.Forward, bootp), 68, 67),
		dhcpPorts(says("broken", 17, flow.Forward, broken), 68, 67)}
}

// dhcpv6Around puts a message into that of a relay agent.
func dhcpv6Around(kind byte, hop byte, inside []byte, options ...[]byte) []byte {
	link := "\x20\x01\x0d\xb8" + string(make([]byte, 11)) + string(rune(hop))
	peer := "\xfe\x80" + string(make([]byte, 13)) + "\x01"
	b := append([]byte{kind, hop}, link+peer...)
	return append(append(b, slices.Concat(options...)...), dhcpv6TLV(dhcpv6Relayed, string(inside))...)
}

func dhcpv6Samples() []conversation {
	id := dhcpv6TLV(1, "\x00\x03\x00\x01\x02\x00\x00\x00\x01\x10")
	asks := slices.Concat([]byte("\x03\xab\xcd\xef"), id, dhcpv6TLV(16, "\x00\x00\x7e\xd9\x00\x04weir"))
	asks = dhcpv6Around(dhcpv6RelayForward, 1, asks, dhcpv6TLV(79, "\x00\x01\x02\x00\x00\x00\x01\x10"),
		dhcpv6TLV(37, "\x00\x00\x7e\xd9near"), dhcpv6TLV(38, "bob"))
	asks = dhcpv6Around(dhcpv6RelayForward, 2, asks, dhcpv6TLV(37, "\x00\x00\x7e\xd9far"))
	none := dhcpv6TLV(3, string(make([]byte, 12)), string(dhcpv6TLV(13, "\x00\x02no addresses left")))
	refused := slices.Concat([]byte("\x07\xab\xcd\xef"), id, none)
	refused = dhcpv6Around(dhcpv6RelayReply, 2, dhcpv6Around(dhcpv6RelayReply, 1, refused))
	c := dhcpPorts(says("refused", 17, flow.Forward, asks), 547, 547)
	c.turns = append(c.turns, turn{dir: flow.Reverse, octets: refused, time: 3e6})
	return []conversation{c}
}

// TestDHCPFields holds what is said of what the captures do not have.
func TestDHCPFields(t *testing.T) {
	for _, c := range []struct {
		d    *Dissector
		talk conversation
		want map[string]string
	}{
		{&DHCP, dhcpSamples()[0], map[string]string{
			"DHCP_MESSAGE": "Request", "DHCP_MESSAGE_TYPE": "3", "DHCP_REPLY": "NAK", "DHCP_REPLY_TYPE": "6",
			"DHCP_ERROR": "no such network", "DHCP_SERVER_IP": "192.0.2.1",
			"DHCP_CIRCUIT_ID": "000007", "DHCP_REMOTE_ID": "far", "DHCP_SUBSCRIBER_ID": "alice",
			"DHCP_CLIENT_NAME": "pc.example", "DHCP_CLIENT_ID": "01020000000110", "DHCP_CLIENT_IP": "192.0.2.99",
		}},
		{&DHCP, dhcpSamples()[1], map[string]string{
			"DHCP_MESSAGE": "BOOTP", "DHCP_MESSAGE_TYPE": "", "DHCP_CLIENT_NAME": "old",
		}},
		{&DHCPv6, dhcpv6Samples()[0], map[string]string{
			"DHCP_MESSAGE": "Request", "DHCP_REPLY": "Reply",
			"DHCP_STATUS": "2", "DHCP_ERROR": "no addresses left", "DHCP_REMOTE_ID": "near",
			"DHCP_SUBSCRIBER_ID": "bob", "DHCP_CLIENT_MAC": "02:00:00:00:01:10", "DHCP_VENDOR_CLASS": "weir",
			"DHCP_RELAY_IPV6": "2001:db8::1", "DHCP_TRANSACTION_ID": "11259375",
		}},
	} {
		o := drive(&c.talk, c.d)
		if len(o.events) != 1 {
			t.Errorf("%s: %d events", c.talk.name, len(o.events))
			continue
		}
		for label, v := range c.want {
			if got := o.events[0].Fields[label]; got != v {
				t.Errorf("%s: %s is %q, want %q", c.talk.name, label, got, v)
			}
		}
	}
	if o := drive(&dhcpSamples()[2], &DHCP); len(o.messages) != 1 || o.messages[0].Flaw != dhcpFlaw {
		t.Errorf("broken: %+v", o.messages)
	}
}
