package app

import (
	"bytes"
	"encoding/hex"
	"strconv"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/wire"
)

// DHCP is version 4 (RFC 2131, RFC 2132), and BOOTP with its options. A client without an address is
// answered in another flow than it asks in, so that what it says, and what it is told, are notices; only
// those who have an address, and relay agents, have transactions.
var DHCP = Dissector{
	Name:   "dhcp",
	Doc:    "DHCP for IPv4: who is given which address, for how long, and what relay agents add.",
	Number: 18,
	UDP:    on(67, 68),
	First:  "\x01\x02",
	Fields: dhcpFields,
	Pair:   ByKey,
	Parse:  parseDHCP,
}

const (
	dhcpCookie = 0x63825363
	dhcpFlaw   = "DHCP: an option is longer than what it is in"
)

// Options of DHCP that are read (RFC 2132; RFC 3046; RFC 4702).
const (
	dhcpPad          = 0
	dhcpHostName     = 12
	dhcpRequested    = 50
	dhcpLease        = 51
	dhcpOverload     = 52
	dhcpKind         = 53
	dhcpServer       = 54
	dhcpParameters   = 55
	dhcpText         = 56
	dhcpVendor       = 60
	dhcpClientID     = 61
	dhcpDomainName   = 81
	dhcpAgent        = 82
	dhcpEnd          = 255
	dhcpAgentCircuit = 1
	dhcpAgentRemote  = 2
	dhcpAgentUser    = 6
)

// dhcpNames are the types of messages, and what a message without one is.
var dhcpNames = [...]string{
	"BOOTP", "Discover", "Offer", "Request", "Decline", "ACK", "NAK", "Release", "Inform", "ForceRenew",
	"LeaseQuery", "LeaseUnassigned", "LeaseUnknown", "LeaseActive", "BulkLeaseQuery", "LeaseQueryDone",
	"ActiveLeaseQuery", "LeaseQueryStatus", "TLS",
}

// Types of messages that are treated differently.
const (
	dhcpDecline = 4
	dhcpRelease = 7
)

// dhcpHead is what comes before the options.
type dhcpHead struct {
	reply                          bool
	xid                            uint32
	client, yours, relay, hardware []byte
	name, file                     []byte
}

// dhcpOptions is what is found in options.
type dhcpOptions struct {
	kind, overload uint8
	named, flawed  bool
	domain         wire.Reader
}

func parseDHCP(m *Message) Verdict {
	var h dhcpHead
	if m.Stream || !h.read(m) {
		return Reject
	}
	var o dhcpOptions
	o.read(m, m.Reader)
	if o.overload&1 != 0 {
		o.read(m, wire.Read(h.file))
	}
	if o.overload&2 != 0 {
		o.read(m, wire.Read(h.name))
	}
	if o.kind >= uint8(len(dhcpNames)) {
		return Reject
	}
	if o.flawed && !m.Cut {
		m.Malformed(dhcpFlaw)
	}
	m.Rest()
	o.nameClient(m)
	h.tell(m, o.kind)
	return Accept
}

// read reads the head, and reports whether it is one: the cookie is what tells it.
func (h *dhcpHead) read(m *Message) bool {
	op, kind, size := m.U8(), m.U8(), m.U8()
	m.Skip(1)
	h.reply, h.xid = op == 2, m.U32()
	m.Skip(4)
	h.client, h.yours = m.Bytes(4), m.Bytes(4)
	m.Skip(4)
	h.relay = m.Bytes(4)
	hardware := m.Bytes(16)
	h.name, h.file = m.Bytes(64), m.Bytes(128)
	if cookie := m.U32(); m.Short() || op != 1 && op != 2 || size > 16 || cookie != dhcpCookie {
		return false
	}
	if kind == 1 && size == 6 {
		h.hardware = hardware[:6]
	}
	return true
}

// tell says what is in the head, and what the message is.
func (h *dhcpHead) tell(m *Message, kind uint8) {
	dhcpIs(m, kind, dhcpNames[kind])
	m.Attrs.Uint(DHCPTransactionID, uint64(h.xid))
	if h.hardware != nil {
		m.Attrs.Bytes(DHCPClientMAC, h.hardware)
	}
	if isSet(h.yours) {
		m.Attrs.Bytes(DHCPClientIP, h.yours)
	} else if isSet(h.client) {
		m.Attrs.Bytes(DHCPClientIP, h.client)
	}
	if isSet(h.relay) {
		m.Attrs.Bytes(DHCPRelayIP, h.relay)
	}
	key := uint64(h.xid)
	for _, c := range h.hardware {
		key = key*0x100000001b3 ^ uint64(c)
	}
	direct := isSet(h.relay) || isSet(h.client)
	switch {
	case !direct || kind == dhcpDecline || kind == dhcpRelease:
		m.Notice()
	case h.reply:
		dhcpAnswers(m, kind, dhcpNames[kind])
		m.Response(key)
	default:
		m.Request(key)
	}
}

// dhcpIs says what the message is, BOOTP by name only.
func dhcpIs(m *Message, kind uint8, name string) {
	if kind != 0 {
		m.Attrs.Uint(DHCPMessageType, uint64(kind))
	}
	m.Attrs.Text(DHCPMessage, name)
}

// dhcpAnswers says what a message is that answers another in the flow.
func dhcpAnswers(m *Message, kind uint8, name string) {
	if kind != 0 {
		m.Attrs.Uint(DHCPReplyType, uint64(kind))
	}
	m.Attrs.Text(DHCPReply, name)
}

func isSet(addr []byte) bool { return addr[0]|addr[1]|addr[2]|addr[3] != 0 }

// read says what is in options, up to their end.
func (o *dhcpOptions) read(m *Message, r wire.Reader) {
	for r.Len() > 0 {
		switch code := r.U8(); code {
		case dhcpPad:
		case dhcpEnd:
			return
		default:
			v := r.Block8()
			if r.Short() || v.Short() {
				o.flawed = true
				return
			}
			o.option(m, code, v)
		}
	}
}

// option says one option.
func (o *dhcpOptions) option(m *Message, code uint8, v wire.Reader) {
	switch code {
	case dhcpKind:
		o.kind = v.U8()
	case dhcpOverload:
		o.overload = v.U8()
	case dhcpHostName:
		if name := bytes.TrimRight(v.Rest(), "\x00"); len(name) > 0 && !o.named {
			m.Attrs.Bytes(DHCPClientName, name)
			o.named = true
		}
	case dhcpDomainName:
		o.domain = v
	case dhcpRequested:
		dhcpAddress(m, DHCPRequestedIP, v)
	case dhcpServer:
		dhcpAddress(m, DHCPServerIP, v)
	case dhcpLease:
		if v.Len() == 4 {
			m.Attrs.Uint(DHCPLeaseTime, uint64(v.U32()))
		}
	case dhcpParameters:
		dhcpNumbers(m, v, 1)
	case dhcpText:
		m.Attrs.Bytes(DHCPError, bytes.TrimRight(v.Rest(), "\x00"))
	case dhcpVendor:
		dhcpPlain(m, DHCPVendorClass, v.Rest())
	case dhcpClientID:
		dhcpHex(m, DHCPClientID, v.Rest())
	case dhcpAgent:
		o.agent(m, v)
	}
}

// agent says what a relay agent has added (RFC 3046, section 2).
func (o *dhcpOptions) agent(m *Message, r wire.Reader) {
	for r.Len() > 0 {
		code, v := r.U8(), r.Block8()
		if r.Short() || v.Short() {
			o.flawed = true
			return
		}
		switch code {
		case dhcpAgentCircuit:
			dhcpPlain(m, DHCPCircuitID, v.Rest())
		case dhcpAgentRemote:
			dhcpPlain(m, DHCPRemoteID, v.Rest())
		case dhcpAgentUser:
			dhcpPlain(m, DHCPSubscriberID, v.Rest())
		}
	}
}

// nameClient says the domain name of a client that has told no host name (RFC 4702, section 2).
func (o *dhcpOptions) nameClient(m *Message) {
	const encoded = 4
	if o.named || o.domain.Len() <= 3 {
		return
	}
	flags := o.domain.U8()
	o.domain.Skip(2)
	name := o.domain.Peek()
	if flags&encoded != 0 {
		name = dhcpLabels(m.Room[:0], o.domain)
	}
	if len(name) > 0 {
		m.Attrs.Bytes(DHCPClientName, name)
	}
}

// dhcpLabels appends a name that is not compressed (RFC 1035, section 3.1), without the final dot.
func dhcpLabels(dst []byte, r wire.Reader) []byte {
	for r.Len() > 0 {
		label := r.Block8()
		if label.Len() == 0 {
			break
		}
		if len(dst) > 0 {
			dst = append(dst, '.')
		}
		dst = append(dst, label.Rest()...)
	}
	return dst
}

func dhcpAddress(m *Message, f *flow.Field, v wire.Reader) {
	if v.Len() == 4 {
		m.Attrs.Bytes(f, v.Rest())
	}
}

// dhcpNumbers says the options that a client asks for, of numbers of so many octets, as many as fit.
func dhcpNumbers(m *Message, v wire.Reader, size int) {
	const most = 255
	b := m.Room[:0]
	for v.Len() >= size {
		n := uint64(v.U8())
		if size == 2 {
			n = n<<8 | uint64(v.U8())
		}
		before := len(b)
		if before > 0 {
			b = append(b, ',')
		}
		if b = strconv.AppendUint(b, n, 10); len(b) > most {
			b = b[:before]
			break
		}
	}
	if len(b) > 0 {
		m.Attrs.Bytes(DHCPFingerprint, b)
	}
}

// dhcpPlain says text as it is, and what is not text in hexadecimal.
func dhcpPlain(m *Message, f *flow.Field, b []byte) {
	for _, c := range b {
		if c < ' ' || c > '~' {
			dhcpHex(m, f, b)
			return
		}
	}
	if len(b) > 0 {
		m.Attrs.Bytes(f, b)
	}
}

func dhcpHex(m *Message, f *flow.Field, b []byte) {
	const most = 127 // octets whose text fits
	if len(b) > 0 {
		m.Attrs.Bytes(f, hex.AppendEncode(m.Room[:0], b[:min(len(b), most)]))
	}
}
