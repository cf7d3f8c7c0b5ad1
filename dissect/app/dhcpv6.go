package app

import (
	"net/netip"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/wire"
)

// DHCPv6 is RFC 8415. Clients ask by multicast, and are answered in another flow: what they say, and what
// they are told, are notices. Relay agents have transactions, of which the message inside is said.
var DHCPv6 = Dissector{
	Name:   "dhcpv6",
	Doc:    "DHCP for IPv6: who is given which address or prefix, for how long, and what relay agents add.",
	Number: 103,
	UDP:    on(portDHCPv6Client, portDHCPv6),
	First:  octets(1, len(dhcpv6Names)-1),
	Fields: dhcpv6Fields,
	Pair:   ByKey,
	Parse:  parseDHCPv6,
}

const (
	portDHCPv6Client = 546
	portDHCPv6       = 547

	dhcpv6RelayForward = 12
	dhcpv6RelayReply   = 13
	dhcpv6Hops         = 32 // relay agents that a message may come through
)

// dhcpv6Names are the types of messages (RFC 8415, section 7.3; RFC 5007; RFC 5460).
var dhcpv6Names = [...]string{
	"", "Solicit", "Advertise", "Request", "Confirm", "Renew", "Rebind", "Reply", "Release", "Decline",
	"Reconfigure", "InformationRequest", "RelayForward", "RelayReply", "LeaseQuery", "LeaseQueryReply",
	"LeaseQueryDone", "LeaseQueryData",
}

// Options that are read (RFC 8415, section 21; RFC 4580; RFC 4649; RFC 4704; RFC 6939).
const (
	dhcpv6ClientID    = 1
	dhcpv6ServerID    = 2
	dhcpv6NA          = 3
	dhcpv6TA          = 4
	dhcpv6Address     = 5
	dhcpv6Parameters  = 6
	dhcpv6Relayed     = 9
	dhcpv6Status      = 13
	dhcpv6VendorClass = 16
	dhcpv6Interface   = 18
	dhcpv6PD          = 25
	dhcpv6Prefix      = 26
	dhcpv6Remote      = 37
	dhcpv6Subscriber  = 38
	dhcpv6DomainName  = 39
	dhcpv6LinkLayer   = 79
)

// dhcpv6Message is a message as far as it is read.
type dhcpv6Message struct {
	kind    uint8
	relay   uint8 // type of the relay agents' messages around it, 0 none
	xid     uint32
	link    []byte // of the relay agent next to the client
	inside  wire.Reader
	is      bool // there is who says it, or for whom
	flawed  bool
	address bool
	prefix  bool
	status  bool
	refused uint16
	text    []byte
}

func parseDHCPv6(m *Message) Verdict {
	if m.Stream || m.SrcPort != portDHCPv6 && m.SrcPort != portDHCPv6Client && m.DstPort != portDHCPv6 {
		return Reject
	}
	var x dhcpv6Message
	r := m.Reader
	for hop := 0; ; hop++ {
		if x.kind = r.U8(); x.kind == 0 || int(x.kind) >= len(dhcpv6Names) || hop > dhcpv6Hops {
			return Reject
		}
		if x.kind != dhcpv6RelayForward && x.kind != dhcpv6RelayReply {
			break
		}
		x.relay = x.kind
		r.Skip(1)
		x.link = r.Bytes(16)
		r.Skip(16)
		x.inside = wire.Reader{}
		x.options(m, r, 0)
		if r.Short() || x.inside.Len() == 0 {
			return x.broken(m)
		}
		r = x.inside
	}
	x.xid = r.U24()
	x.options(m, r, 0)
	if r.Short() || !x.is {
		return x.broken(m)
	}
	if x.flawed && !m.Cut {
		m.Malformed(dhcpFlaw)
	}
	m.Rest()
	x.tell(m)
	return Accept
}

// broken asks for the rest of a message that was cut, and rejects others.
func (x *dhcpv6Message) broken(m *Message) Verdict {
	if m.Cut {
		return More
	}
	return Reject
}

// tell says what the message is.
func (x *dhcpv6Message) tell(m *Message) {
	dhcpIs(m, x.kind, dhcpv6Names[x.kind])
	m.Attrs.Uint(DHCPTransactionID, uint64(x.xid))
	if x.status {
		m.Attrs.Uint(DHCPStatus, uint64(x.refused))
		if len(x.text) > 0 {
			m.Attrs.Bytes(DHCPError, x.text)
		}
	}
	if x.relay != 0 {
		m.Attrs.Bytes(DHCPRelayIPv6, x.link)
	}
	switch x.relay {
	case dhcpv6RelayForward:
		m.Request(uint64(x.xid))
	case dhcpv6RelayReply:
		dhcpAnswers(m, x.kind, dhcpv6Names[x.kind])
		m.Response(uint64(x.xid))
	default:
		m.Notice()
	}
}

// options says what is in options, which may have others in them, a few deep.
func (x *dhcpv6Message) options(m *Message, r wire.Reader, depth int) {
	const deepest = 3
	for r.Len() > 0 && depth < deepest {
		code, v := r.U16(), r.Block16()
		if r.Short() || v.Short() {
			x.flawed = true
			if code == dhcpv6Relayed {
				x.inside = v
			}
			return
		}
		x.option(m, code, v, depth)
	}
}

// option says one option.
func (x *dhcpv6Message) option(m *Message, code uint16, v wire.Reader, depth int) {
	switch code {
	case dhcpv6ClientID:
		x.is = true
		dhcpHex(m, DHCPClientID, v.Rest())
	case dhcpv6ServerID:
		x.is = true
		dhcpHex(m, DHCPServerID, v.Rest())
	case dhcpv6Relayed:
		x.inside = v
	case dhcpv6NA, dhcpv6PD:
		v.Skip(12)
		x.options(m, v, depth+1)
	case dhcpv6TA:
		v.Skip(4)
		x.options(m, v, depth+1)
	case dhcpv6Address:
		x.lease(m, v, depth)
	case dhcpv6Prefix:
		x.delegate(m, v, depth)
	case dhcpv6Status:
		x.refuse(v)
	default:
		x.about(m, code, v)
	}
}

// about says an option about the client, or what a relay agent has added.
func (x *dhcpv6Message) about(m *Message, code uint16, v wire.Reader) {
	switch code {
	case dhcpv6Parameters:
		dhcpNumbers(m, v, 2)
	case dhcpv6VendorClass:
		v.Skip(4)
		class := v.Block16()
		dhcpPlain(m, DHCPVendorClass, class.Rest())
	case dhcpv6Interface:
		dhcpNearest(m, DHCPCircuitID, v)
	case dhcpv6Remote:
		v.Skip(4)
		dhcpNearest(m, DHCPRemoteID, v)
	case dhcpv6Subscriber:
		dhcpNearest(m, DHCPSubscriberID, v)
	case dhcpv6DomainName:
		v.Skip(1)
		if name := dhcpLabels(m.Room[:0], v); len(name) > 0 {
			m.Attrs.Bytes(DHCPClientName, name)
		}
	case dhcpv6LinkLayer:
		if kind := v.U16(); kind == 1 && v.Len() == 6 {
			m.Attrs.Bytes(DHCPClientMAC, v.Rest())
		}
	}
}

// dhcpNearest says what a relay agent has added, of several the one next to the client.
func dhcpNearest(m *Message, f *flow.Field, v wire.Reader) {
	m.Attrs.Remove(f)
	dhcpPlain(m, f, v.Rest())
}

// lease says the first address. How long it may be used is the server's to say.
func (x *dhcpv6Message) lease(m *Message, v wire.Reader, depth int) {
	addr, _, valid := v.Bytes(16), v.U32(), v.U32()
	if v.Short() {
		x.flawed = true
		return
	}
	if !x.address {
		x.address = true
		m.Attrs.Bytes(DHCPClientIPv6, addr)
		if x.serves() {
			m.Attrs.Uint(DHCPLeaseTime, uint64(valid))
		}
	}
	x.options(m, v, depth+1)
}

// delegate says the first prefix.
func (x *dhcpv6Message) delegate(m *Message, v wire.Reader, depth int) {
	v.Skip(4)
	valid, bits, addr := v.U32(), v.U8(), v.Bytes(16)
	if v.Short() || bits > 128 {
		x.flawed = true
		return
	}
	if !x.prefix {
		x.prefix = true
		p := netip.PrefixFrom(netip.AddrFrom16([16]byte(addr)), int(bits))
		m.Attrs.Bytes(DHCPPrefix, p.AppendTo(m.Room[:0]))
		if x.serves() && !x.address {
			m.Attrs.Uint(DHCPLeaseTime, uint64(valid))
		}
	}
	x.options(m, v, depth+1)
}

// serves reports whether a server says the message.
func (x *dhcpv6Message) serves() bool { return x.kind == 2 || x.kind == 7 }

// refuse notes the first status that is no success.
func (x *dhcpv6Message) refuse(v wire.Reader) {
	if code := v.U16(); code != 0 && !v.Short() && !x.status {
		x.status, x.refused, x.text = true, code, v.Rest()
	}
}
