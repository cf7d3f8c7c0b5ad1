package app

import (
	"bytes"
	"net/netip"
	"unsafe"

	"github.com/weir-probe/weir/dataplane/flow"
)

// NetBIOS is NetBIOS over TCP and UDP (RFC 1001 and 1002): names that are asked for, registered and
// released; of its datagrams who announces himself to browsers; of its sessions the names at both ends,
// behind which SMB takes over.
var NetBIOS = Dissector{
	Name: "netbios", Number: 10,
	Doc: "NetBIOS: names asked for and answered, who announces himself, and sessions.",
	UDP: on(137, 138), TCP: on(139),
	Fields: []*flow.Field{netbiosName, netbiosType, netbiosResponse, netbiosOS, netbiosOperation, netbiosCaller},
	Pair:   ByKey,
	State:  unsafe.Sizeof(netbiosState{}),
	Parse:  parseNetBIOS,
}

var (
	netbiosName = ntopText("NETBIOS_QUERY_NAME", 464,
		"Name of NetBIOS that a message is about, with its suffix in hexadecimal.")
	netbiosType     = ntopText("NETBIOS_QUERY_TYPE", 465, "What is asked of a name of NetBIOS: NB or NBSTAT.")
	netbiosResponse = ntopText("NETBIOS_RESPONSE", 466,
		"What is answered: addresses, names of the host, or an error.")
	netbiosOS = ntopText("NETBIOS_QUERY_OS", 467,
		"Version of the operating system that a host announces.")
	netbiosOperation = mailText64("NETBIOS_OPERATION", 1050,
		"What is done with a name of NetBIOS: query, registration, release, wait, refresh, announcement "+
			"or session.")
	netbiosCaller = mailText64("NETBIOS_CALLING_NAME", 1051, "Name of NetBIOS of the client of a session.")
)

const netbiosFlaw = "NetBIOS: a name or a record that ends too soon"

type netbiosState struct{ begun bool }

// netbiosErrors are the codes of responses (RFC 1002, section 4.2.6).
var netbiosErrors = [...]string{
	"", "format error", "server failure", "name error", "unsupported", "refused", "active", "conflict",
}

func parseNetBIOS(m *Message) Verdict {
	switch {
	case m.Stream:
		return netbiosSession(m)
	case m.DstPort == 138 || m.SrcPort == 138:
		return netbiosDatagram(m)
	case m.DstPort == 137 || m.SrcPort == 137:
		return netbiosNames(m)
	}
	return Reject
}

// netbiosNames reads a message of the name service (RFC 1002, section 4.2).
func netbiosNames(m *Message) Verdict {
	id, flags := m.U16(), m.U16()
	questions, answers := m.U16(), m.U16()
	m.U32()
	operation, ok := netbiosOperationOf(flags >> 11 & 0xf)
	if m.Short() || !ok || questions+answers != 1 {
		return Reject
	}
	var name [20]byte
	text := appendNetBIOS(name[:0], netbiosEncoded(m))
	kind, class := m.U16(), m.U16()
	if m.Short() || text == nil || kind != 0x20 && kind != 0x21 && kind != 0x0a || class != 1 {
		return Reject
	}
	m.Attrs.Text(netbiosOperation, operation)
	m.Attrs.Bytes(netbiosName, text)
	if kind == 0x21 {
		m.Attrs.Text(netbiosType, "NBSTAT")
	} else {
		m.Attrs.Text(netbiosType, "NB")
	}
	key := uint64(id) | 1<<16
	switch {
	case flags>>15 != 0:
		m.Response(key)
		netbiosAnswer(m, flags&0xf, kind)
	case flags&0x10 != 0:
		m.Notice() // it is broadcast: whoever answers does not answer here
	default:
		m.Request(key)
	}
	m.Rest()
	return Accept
}

func netbiosOperationOf(code uint16) (string, bool) {
	switch code {
	case 0:
		return "query", true
	case 5, 15:
		return "registration", true
	case 6:
		return "release", true
	case 7:
		return "wait", true
	case 8, 9:
		return "refresh", true
	}
	return "", false
}

// netbiosEncoded consumes an encoded name with its scope and returns its 32 octets (RFC 1001, section
// 14.1), nil if it is none.
func netbiosEncoded(m *Message) []byte {
	if m.U8() != 32 {
		return nil
	}
	b := m.Bytes(32)
	for range 8 { // labels of the scope
		n := int(m.U8())
		if n == 0 {
			return b
		}
		if n > 63 {
			return nil
		}
		m.Skip(n)
	}
	return nil
}

// appendNetBIOS appends a name without what fills it up, and its suffix. It returns nil if it is none.
func appendNetBIOS(dst, encoded []byte) []byte {
	var name [16]byte
	for i := range name {
		if len(encoded) < 32 {
			return nil
		}
		high, low := encoded[2*i]-'A', encoded[2*i+1]-'A'
		if high > 0xf || low > 0xf {
			return nil
		}
		name[i] = high<<4 | low
	}
	return appendSuffixed(dst, name[:])
}

// appendSuffixed appends a name of 15 octets and its suffix, as WORKGROUP<1d>.
func appendSuffixed(dst, name []byte) []byte {
	const digits = "0123456789abcdef"
	suffix := name[15]
	dst = append(dst, bytes.TrimRight(name[:15], " \x00")...)
	return append(dst, '<', digits[suffix>>4], digits[suffix&0xf], '>')
}

// netbiosAnswer says what is answered.
func netbiosAnswer(m *Message, code, kind uint16) {
	if int(code) < len(netbiosErrors) && code != 0 {
		m.Attrs.Text(netbiosResponse, netbiosErrors[code])
		return
	}
	m.U32() // TTL
	data := m.Block16()
	text := m.Room[:0:255]
	switch {
	case kind == 0x21: // NODE STATUS RESPONSE (RFC 1002, section 4.2.18)
		for range data.U8() {
			name := data.Bytes(16)
			data.U16()
			if data.Short() || len(text)+21 > cap(text) {
				break
			}
			if len(text) > 0 {
				text = append(text, ',')
			}
			text = appendSuffixed(text, name)
		}
	default: // POSITIVE NAME QUERY RESPONSE (RFC 1002, section 4.2.13)
		for data.Len() >= 6 && len(text)+16 <= cap(text) {
			data.U16()
			if len(text) > 0 {
				text = append(text, ',')
			}
			text = netip.AddrFrom4([4]byte(data.Bytes(4))).AppendTo(text)
		}
	}
	if data.Short() || m.Short() {
		m.Malformed(netbiosFlaw)
	}
	sayText(&m.Attrs, netbiosResponse, text)
}

// netbiosDatagram reads a datagram (RFC 1002, section 4.4), of which those to browsers say who sends them.
func netbiosDatagram(m *Message) Verdict {
	kind := m.U8()
	m.Skip(13)
	var from, to [20]byte
	source, target := netbiosEncoded(m), netbiosEncoded(m)
	if m.Short() || kind < 0x10 || kind > 0x12 {
		return Reject
	}
	name, browsers := appendNetBIOS(from[:0], source), appendNetBIOS(to[:0], target)
	if name == nil || browsers == nil {
		return Reject
	}
	m.Attrs.Text(netbiosOperation, "announcement")
	m.Attrs.Bytes(netbiosName, name)
	netbiosAnnounces(m, m.Rest())
	m.Notice()
	return Accept
}

// netbiosAnnounces says the system of a host that announces itself in a mailslot ([MS-BRWS], section 2.2.1).
func netbiosAnnounces(m *Message, smb []byte) {
	const words, slot = 33, "\\MAILSLOT\\BROWSE"
	at := int(le16(smb, words+24))
	if !bytes.HasPrefix(smb, []byte("\xffSMB\x25")) || !bytes.Contains(smb, []byte(slot)) || at+24 > len(smb) {
		return
	}
	switch b := smb[at:]; b[0] {
	case 0x01, 0x0f: // HostAnnouncement, LocalMasterAnnouncement
		text := append(appendOctet10(m.Room[:0:8], b[22]), '.')
		m.Attrs.Bytes(netbiosOS, appendOctet10(text, b[23]))
	}
}

// netbiosSession reads how a session is set up (RFC 1002, section 4.3).
func netbiosSession(m *Message) Verdict {
	s := Memory[netbiosState](m)
	kind := m.U8()
	m.U8()
	size := int(m.U16())
	switch {
	case m.Len() == 0 && m.Short():
		return More
	case kind == 0x81 && size == 68 && m.Dir == flow.Forward:
		var to, from [20]byte
		called, calling := appendNetBIOS(to[:0], netbiosEncoded(m)), appendNetBIOS(from[:0], netbiosEncoded(m))
		if m.Short() {
			return More
		}
		if called == nil || calling == nil {
			return Reject
		}
		s.begun = true
		m.Attrs.Text(netbiosOperation, "session")
		m.Attrs.Bytes(netbiosName, called)
		m.Attrs.Bytes(netbiosCaller, calling)
		m.Request(1)
		return Accept
	case kind == 0x82 && size == 0 && s.begun:
		m.Response(1)
		m.Finish()
		m.Become(&SMB)
		return Accept
	case kind == 0x83 && size == 1 && s.begun, kind == 0x84 && size == 6 && s.begun:
		if m.Skip(size); m.Short() {
			return More
		}
		m.Attrs.Text(netbiosResponse, netbiosErrors[5])
		m.Response(1)
		m.Finish()
		return Done
	}
	return Reject
}
