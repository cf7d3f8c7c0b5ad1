package app

import (
	"encoding/binary"
	"time"

	"github.com/weir-probe/weir/dataplane/flow"
)

// OpenVPN is the begin of a session of OpenVPN (the source's ssl_pkt.h): the reset of the client, and that of
// the server. Behind them there is nothing to see. The client's is known by what is around its session: nothing,
// or a code with a counter of 1 and the time. Clients of tls-crypt-v2, whose resets are others, are not known.
var OpenVPN = Dissector{
	Name: "openvpn", Number: 159,
	Doc:    "OpenVPN: sessions, what protects their control channel, and how long they take to begin.",
	TCP:    on(openVPNPort),
	UDP:    on(openVPNPort),
	First:  "\x38\x00",
	Fields: []*flow.Field{OpenVPNAuth, OpenVPNSession},
	Pair:   ByKey,
	State:  8,
	Parse:  parseOpenVPN,
}

// Fields of OpenVPN.
var (
	OpenVPNAuth = dbWords(846, "OPENVPN_CONTROL_PROTECTION", 12,
		"What protects the control channel of OpenVPN: none, tls-auth or tls-crypt.")
	OpenVPNSession = dbNumber(847, "OPENVPN_SESSION_ID", flow.Unsigned64, "Session of OpenVPN, as the client numbers it.")
)

// Opcodes, and how they are in an octet with the number of a key, which is 0 at first.
const (
	openVPNClientV2 = 7
	openVPNServerV2 = 8

	openVPNPort  = 1194
	openVPNMost  = 255 // octets of a reset
	openVPNPlain = 14  // of one without protection
)

// openVPNForms are resets that are protected: their length, and where the counter is that has the time behind it.
var openVPNForms = [...]struct {
	length, counter int
	auth            string
}{
	{42, 29, "tls-auth"}, // SHA-1
	{54, 41, "tls-auth"}, // SHA-256
	{86, 73, "tls-auth"}, // SHA-512
	{38, 25, "tls-auth"}, // MD5
	{54, 9, "tls-crypt"}, // an authentication tag of 32 octets is behind the time
}

func parseOpenVPN(m *Message) Verdict {
	s := Memory[[8]byte](m)
	b, head := m.Peek(), 0
	if m.Stream {
		if m.Lost {
			return Reject
		}
		head = 2
		if len(b) < head || len(b) < head+int(binary.BigEndian.Uint16(b)) {
			if !openVPNMayBegin(b) {
				return Reject
			}
			m.Skip(len(b) + 1)
			return More
		}
		b = b[:head+int(binary.BigEndian.Uint16(b))]
	}
	packet := b[head:]
	if len(packet) < openVPNPlain || len(packet) > openVPNMost {
		return Reject
	}
	session := binary.BigEndian.Uint64(packet[1:])
	known := binary.BigEndian.Uint64(s[:])
	switch opcode := packet[0] >> 3; {
	case packet[0]&7 != 0:
		return Reject
	case opcode == openVPNClientV2:
		auth := openVPNProtection(packet, m)
		if auth == "" || m.Dir != flow.Forward || session == 0 {
			return Reject
		}
		binary.BigEndian.PutUint64(s[:], session)
		m.Attrs.Text(OpenVPNAuth, auth)
		m.Attrs.Uint(OpenVPNSession, session)
		m.Request(session)
		m.Skip(len(b))
		return Accept
	case opcode == openVPNServerV2 && known != 0 && m.Dir == flow.Reverse:
		m.Response(known)
		m.Finish()
		m.Skip(len(b))
		return Done
	}
	return Reject
}

// openVPNMayBegin reports whether octets of a stream may begin a reset behind its length.
func openVPNMayBegin(b []byte) bool {
	switch {
	case len(b) >= 2 && (binary.BigEndian.Uint16(b) < openVPNPlain || binary.BigEndian.Uint16(b) > openVPNMost):
		return false
	case len(b) == 1:
		return b[0] == 0
	case len(b) < 3:
		return true
	}
	opcode := b[2] >> 3
	return b[2]&7 == 0 && (opcode == openVPNClientV2 || opcode == openVPNServerV2)
}

// openVPNProtection returns what protects a client's reset, "" if it is none. A counter begins with 1. The
// client's time is that of the packet, to a day, unless the port is OpenVPN's: not every clock is right.
func openVPNProtection(b []byte, m *Message) string {
	if len(b) == openVPNPlain && binary.BigEndian.Uint32(b[9:])|uint32(b[13]) == 0 {
		return "none"
	}
	const day = uint64(24 * time.Hour)
	for _, f := range openVPNForms {
		if len(b) != f.length || binary.BigEndian.Uint32(b[f.counter:]) != 1 {
			continue
		}
		at := uint64(binary.BigEndian.Uint32(b[f.counter+4:])) * uint64(time.Second)
		if m.SrcPort == openVPNPort || m.DstPort == openVPNPort || at < m.Time+day && m.Time < at+day {
			return f.auth
		}
	}
	return ""
}
