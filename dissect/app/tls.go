package app

import (
	"unsafe"

	"github.com/weir-probe/weir/dissect/wire"
)

// TLS is Transport Layer Security from SSL 3 to TLS 1.3, and hellos in the form of SSL 2. A
// message is as many records as whole handshake messages need.
var TLS = Dissector{
	Name:   "tls",
	Doc:    "TLS from SSL 3 to 1.3: names, versions, cipher suites, certificates and fingerprints.",
	Number: 91,
	TCP:    []uint16{443, 465, 563, 636, 853, 989, 990, 992, 993, 995, 5061, 8443, 8883},
	First:  octets(recordChangeCipher, recordHeartbeat) + octets(0x80, 0x80+mostOld>>8),
	Fields: tlsFields,
	Pair:   InOrder,
	State:  unsafe.Sizeof(handshake{}),
	Parse:  parseTLS,
}

// Types of records (RFC 8446, section 5.1; RFC 6520).
const (
	recordChangeCipher = 20
	recordAlert        = 21
	recordHandshake    = 22
	recordApplication  = 23
	recordHeartbeat    = 24
)

// maxRecord is the most octets a record may have: 2^14, and what encryption and compression may
// add (RFC 5246, section 6.2.3).
const maxRecord = 1<<14 + 2048

// Flaws of records.
const (
	flawRecord      = "record of no known type, version or length"
	flawInterrupted = "handshake message interrupted by another record"
	flawType        = "handshake message of no known type"
	flawChange      = "change of ciphers that is not one octet of 1"
	flawAlert       = "alert of no known level"
	flawHeartbeat   = "heartbeat that asks for more than it sends"
)

func parseTLS(m *Message) Verdict {
	b := m.Peek()
	if !m.Stream || len(b) == 0 {
		return Reject
	}
	kept := Memory[handshake](m)
	s := *kept
	v := More
	switch {
	case b[0]&0x80 != 0 && !s.answered && (!s.hello || s.old):
		v = s.oldRecord(m)
	case !s.seen && (b[0] < recordChangeCipher || b[0] > recordHeartbeat || len(b) > 1 && b[1] != 3):
		return Reject
	default:
		v = s.record(m)
	}
	if v >= Accept {
		s.seen = true
		*kept = s
	}
	return v
}

// record reads a record, and those that its handshake messages go on in.
func (s *handshake) record(m *Message) Verdict {
	kind, version, n := m.U8(), m.U16(), int(m.U16())
	if m.Short() {
		return s.wait(m)
	}
	if !isRecord(kind, version, n) {
		if !s.seen {
			return Reject
		}
		if !m.Lost {
			m.Malformed(flawRecord)
		}
		return s.quit(m)
	}
	s.gap = s.gap || m.Lost
	switch {
	case kind == recordApplication || s.secret[m.Dir]:
		return s.quit(m)
	case kind == recordHandshake:
		return s.handshakeRecord(m, n)
	}
	body := m.Block(n)
	if body.Short() {
		return s.wait(m)
	}
	switch kind {
	case recordChangeCipher:
		return s.changeCipher(m, body)
	case recordAlert:
		return s.alertRecord(m, body)
	}
	asked := body.U8() == 1 // heartbeat_request
	if size := int(body.U16()); asked && size > body.Len() {
		m.Malformed(flawHeartbeat)
	}
	return Accept
}

func isRecord(kind uint8, version uint16, n int) bool {
	return kind >= recordChangeCipher && kind <= recordHeartbeat && version >= ssl3 && version <= tls13 &&
		n <= maxRecord && (n > 0 || kind == recordApplication)
}

// grows reports whether a message that is not complete may become so.
func grows(m *Message) bool { return !m.Full && !m.Closed }

// wait asks for more octets; if there will be none, that was it.
func (s *handshake) wait(m *Message) Verdict {
	switch {
	case grows(m):
		return More
	case s.seen:
		return s.quit(m)
	}
	return Reject
}

// quit wants nothing more of the side.
func (s *handshake) quit(m *Message) Verdict {
	s.over[m.Dir] = true
	if s.over[1-m.Dir] {
		return Done
	}
	m.Ahead(ToEnd)
	return Accept
}

// handshakeRecord reads a record of n octets with handshake messages, or parts of them.
func (s *handshake) handshakeRecord(m *Message, n int) Verdict {
	if b := m.Peek(); !s.expected(b[:min(n, len(b))]) {
		if !s.seen {
			return Reject
		}
		if !s.gap {
			m.Malformed(flawType)
		}
		return s.quit(m)
	}
	body := m.Block(n)
	if body.Short() && grows(m) {
		return More
	}
	if !body.Short() && !whole(body) {
		return s.spanning(m, body)
	}
	cut := body.Short()
	s.messages(m, wire.Read(body.Rest()))
	return s.read(m, cut)
}

// read returns the verdict on handshake messages, of which the last may have been cut by the end
// of what is shown.
func (s *handshake) read(m *Message, cut bool) Verdict {
	switch {
	case cut && !s.seen && !s.hello && !s.answered && m.Said.Flaw == "":
		return Reject // nothing of it was understood
	case cut || s.over[m.Dir]:
		return s.quit(m)
	}
	return Accept
}

// expected reports whether a handshake message may begin with these octets. The first one of a
// side is not believed to be longer than 128 KiB.
func (s *handshake) expected(b []byte) bool {
	if len(b) > 0 && !knownMessage(b[0]) {
		return false
	}
	return s.seen || len(b) < 2 || b[1] <= 1
}

// whole reports whether handshake messages end where the octets end.
func whole(r wire.Reader) bool {
	for r.Len() > 0 {
		r.U8()
		r.Block24()
	}
	return !r.Short()
}

// spanning reads handshake messages that go on in the records after the first. It puts them
// together, which is not needed else.
func (s *handshake) spanning(m *Message, first wire.Reader) Verdict {
	buf := m.Room[:MaxMessage]
	n, at := copy(buf, first.Rest()), 0
	for {
		for n-at >= 4 {
			size := 4 + int(buf[at+1])<<16 + int(buf[at+2])<<8 + int(buf[at+3])
			if size > n-at {
				break
			}
			at += size
		}
		if at == n {
			break
		}
		kind, version, size := m.U8(), m.U16(), int(m.U16())
		body := wire.Reader{}
		if !m.Short() {
			if kind != recordHandshake || !isRecord(kind, version, size) {
				m.Malformed(flawInterrupted)
				n = at
				break
			}
			body = m.Block(size)
		}
		if m.Short() && grows(m) {
			return More
		}
		n += copy(buf[n:], body.Rest())
		if m.Short() {
			break
		}
	}
	cut := at < n || m.Said.Flaw != ""
	s.messages(m, wire.Read(buf[:n]))
	return s.read(m, cut)
}

// changeCipher reads a ChangeCipherSpec. What follows is encrypted, unless the server has asked
// for another hello (RFC 8446, appendix D.4).
func (s *handshake) changeCipher(m *Message, body wire.Reader) Verdict {
	if body.Len() != 1 || body.U8() != 1 {
		m.Malformed(flawChange)
		return s.quit(m)
	}
	if s.retry && !s.answered {
		return Accept
	}
	if s.server(m) {
		s.encrypts(m)
	}
	s.secret[m.Dir] = true
	return Accept
}

// alertRecord reads alerts, unless they are encrypted, which shows by their length.
func (s *handshake) alertRecord(m *Message, body wire.Reader) Verdict {
	if body.Len() != 2 {
		return s.quit(m)
	}
	if s.alert(m, body) {
		s.over[1-m.Dir] = s.over[1-m.Dir] || s.hello && m.Said.Flaw == ""
		return s.quit(m)
	}
	return Accept
}
