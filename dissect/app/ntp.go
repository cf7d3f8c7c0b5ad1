package app

import (
	"net/netip"

	"github.com/weir-probe/weir/dataplane/flow"
)

// NTP is version 1 to 4 of NTP (RFC 5905), with control messages (RFC 9327) and those of ntpd's own for
// its operator, by which it can be made to amplify. Little in it is certain, so that one side has to be at
// its port.
var NTP = Dissector{
	Name: "ntp", Number: 9,
	Doc:    "NTP: modes, versions, strata, references and what control messages ask for.",
	UDP:    on(ntpPort),
	First:  octets(0x09, 0x27) + octets(0x49, 0x67) + octets(0x89, 0xa7) + octets(0xc9, 0xe7),
	Fields: ntpFields,
	Pair:   ByKey,
	Parse:  parseNTP,
}

// Fields of NTP.
var (
	NTPVersion = dbNumber(820, "NTP_VERSION", flow.Unsigned8, "Version of NTP.")
	NTPMode    = dbWords(821, "NTP_MODE", 18,
		"Mode of a message of NTP: symmetric active, client, server, control and so on.")
	NTPStratum = dbNumber(822, "NTP_STRATUM", flow.Unsigned8, "Stratum of the server of NTP, 0 for a kiss of death.")
	NTPRefID   = dbWords(823, "NTP_REFERENCE_ID", 16,
		"What the server of NTP is synchronised with: a source, an address, or why it does not serve.")
	NTPOpcode = dbNumber(824, "NTP_CONTROL_OPCODE", flow.Unsigned8, "Operation of a control message of NTP.")
	NTPCode   = dbNumber(825, "NTP_PRIVATE_CODE", flow.Unsigned8,
		"Request code of a private message of ntpd, 20 and 42 for a list of clients (monlist).")
)

var ntpFields = []*flow.Field{NTPVersion, NTPMode, NTPStratum, NTPRefID, NTPOpcode, NTPCode}

const (
	ntpPort   = 123
	ntpHeader = 48
)

// Modes (RFC 5905, figure 10).
const (
	ntpActive  = 1
	ntpPassive = 2
	ntpClient  = 3
	ntpServer  = 4
	ntpControl = 6
	ntpPrivate = 7
)

var ntpModes = [...]string{
	ntpActive: "symmetric active", ntpPassive: "symmetric passive", ntpClient: "client", ntpServer: "server",
	5: "broadcast", ntpControl: "control", ntpPrivate: "private",
}

func parseNTP(m *Message) Verdict {
	b := m.Peek()
	if m.Stream || len(b) < 4 || m.SrcPort != ntpPort && m.DstPort != ntpPort {
		return Reject
	}
	version, mode := b[0]>>3&7, b[0]&7
	if version < 1 || version > 4 || mode == 0 {
		return Reject
	}
	ok := false
	switch mode {
	case ntpControl:
		ok = ntpControls(m, b)
	case ntpPrivate:
		ok = ntpPrivately(m, b)
	default:
		ok = ntpTime(m, b, mode)
	}
	if !ok {
		return Reject
	}
	m.Attrs.Uint(NTPVersion, uint64(version))
	m.Attrs.Text(NTPMode, ntpModes[mode])
	m.Rest()
	return Accept
}

// ntpTime reads a message about the time. The response has the time at which the request was sent.
func ntpTime(m *Message, b []byte, mode byte) bool {
	const mostStratum, mostPoll, leastPrecision = 16, 24, -40
	if len(b) < ntpHeader || len(b)&3 != 0 && !m.Cut || b[1] > mostStratum || int8(b[2]) > mostPoll ||
		int8(b[2]) < -8 || int8(b[3]) > 0 && mode != ntpClient || int8(b[3]) < leastPrecision {
		return false
	}
	r := m.Reader
	r.Skip(24)
	origin := r.U64()
	r.U64()
	sent := r.U64()
	if mode != ntpClient && mode != ntpActive || b[1] > 0 {
		m.Attrs.Uint(NTPStratum, uint64(b[1]))
		ntpReference(m, b[1], b[12:16])
	}
	switch {
	case mode == ntpClient:
		m.Request(sent)
	case mode == ntpServer:
		m.Response(origin)
	default:
		m.Notice()
	}
	return true
}

// ntpReference says the reference: letters for stratum 0 and 1, otherwise an address of version 4, which
// may be a hash of one of version 6.
func ntpReference(m *Message, stratum byte, id []byte) {
	if stratum > 1 {
		var room [16]byte
		m.Attrs.Bytes(NTPRefID, netip.AddrFrom4([4]byte(id)).AppendTo(room[:0]))
		return
	}
	n := 0
	for n < len(id) && id[n] > ' ' && id[n] < 0x7f {
		n++
	}
	for _, c := range id[n:] {
		if c != 0 && c != ' ' {
			return
		}
	}
	if n > 0 {
		m.Attrs.Bytes(NTPRefID, id[:n])
	}
}

// ntpControls reads a control message: its operation is answered by messages with its sequence.
func ntpControls(m *Message, b []byte) bool {
	const header, response, more, last = 12, 0x80, 0x20, 31
	if len(b) < header || b[0]>>6 != 0 {
		return false
	}
	count := int(b[10])<<8 | int(b[11])
	if opcode := b[1] & 0x1f; header+count > len(b) && !m.Cut || opcode == 0 || opcode > last {
		return false
	}
	m.Attrs.Uint(NTPOpcode, uint64(b[1]&0x1f))
	key := 1<<32 | uint64(b[2])<<8 | uint64(b[3])
	switch {
	case b[1]&response == 0:
		m.Request(key)
	case b[1]&more != 0:
		m.Interim(key)
	default:
		m.Response(key)
	}
	return true
}

// ntpPrivately reads a message for ntpdc: octets of response, sequence, implementation and request code.
func ntpPrivately(m *Message, b []byte) bool {
	const header, response, more, xntpd, ours = 8, 0x80, 0x40, 3, 2
	if len(b) < header || b[2] != xntpd && b[2] != ours && b[2] != 0 || b[3] > 64 {
		return false
	}
	items, size := int(b[4]&0xf)<<8|int(b[5]), int(b[6]&0xf)<<8|int(b[7])
	if b[0]&response != 0 && items*size > len(b)-header && !m.Cut {
		return false
	}
	m.Attrs.Uint(NTPCode, uint64(b[3]))
	key := 1<<33 | uint64(b[3])
	switch {
	case b[0]&response == 0:
		m.Request(key)
	case b[0]&more != 0:
		m.Interim(key)
	default:
		m.Response(key)
	}
	return true
}
