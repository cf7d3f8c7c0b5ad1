package app

import "github.com/weir-probe/weir/dataplane/flow"

// WireGuard is the handshake of WireGuard (J. Donenfeld, "WireGuard: Next Generation Kernel Network Tunnel",
// section 5.4). An initiation and the response to it are a transaction; behind it there is nothing to see.
var WireGuard = Dissector{
	Name: "wireguard", Number: 206,
	Doc:    "WireGuard: handshakes and how long they take.",
	UDP:    on(wireGuardPort),
	First:  "\x01\x04",
	Fields: []*flow.Field{WireGuardSender, WireGuardReceiver},
	Pair:   ByKey,
	State:  1,
	Parse:  parseWireGuard,
}

// Fields of WireGuard.
var (
	WireGuardSender = dbNumber(840, "WIREGUARD_SENDER_INDEX", flow.Unsigned32,
		"Number by which the initiator of a handshake of WireGuard knows the session.")
	WireGuardReceiver = dbNumber(841, "WIREGUARD_RECEIVER_INDEX", flow.Unsigned32,
		"Number by which the responder of a handshake of WireGuard knows the session.")
)

// Types and lengths of messages.
const (
	wireGuardPort = 51820

	wireGuardInitiation  = 1
	wireGuardResponse    = 2
	wireGuardCookie      = 3
	wireGuardData        = 4
	wireGuardLong        = 148
	wireGuardShort       = 92
	wireGuardCookieReply = 64
	wireGuardMAC         = 16
	wireGuardLeast       = 32 // octets of data
)

// parseWireGuard accepts at the port also data whose handshake was not seen. Elsewhere it accepts an
// initiation at first: of that length, with three octets of zero, and without the second code of
// authentication, which only a server under load asks for.
func parseWireGuard(m *Message) Verdict {
	s := Memory[[1]byte](m)
	b := m.Peek()
	if m.Stream || len(b) < 8 || b[1]|b[2]|b[3] != 0 {
		return Reject
	}
	r := m.Reader
	r.Skip(4)
	sender := r.U32LE()
	switch {
	case b[0] == wireGuardInitiation && len(b) == wireGuardLong:
		here := m.SrcPort == wireGuardPort || m.DstPort == wireGuardPort
		if s[0] == 0 && !here && !wireGuardZero(b[wireGuardLong-wireGuardMAC:]) {
			return Reject
		}
		s[0] = 1
		m.Request(uint64(sender))
		m.Attrs.Uint(WireGuardSender, uint64(sender))
	case s[0] == 0 && m.DstPort == wireGuardPort &&
		b[0] == wireGuardData && len(b) >= wireGuardLeast && len(b)&15 == 0:
		m.Rest()
		return Done // the handshake was not seen
	case s[0] == 0:
		return Reject
	case b[0] == wireGuardResponse && len(b) == wireGuardShort:
		m.Response(uint64(r.U32LE()))
		m.Attrs.Uint(WireGuardReceiver, uint64(sender))
		m.Rest()
		return Done
	case b[0] == wireGuardCookie && len(b) == wireGuardCookieReply:
		m.Interim(uint64(sender))
	case b[0] != wireGuardData || len(b)&15 != 0:
		return Reject
	}
	m.Rest()
	return Accept
}

func wireGuardZero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}
