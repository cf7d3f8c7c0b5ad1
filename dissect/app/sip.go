package app

import (
	"bytes"
	"slices"
	"unsafe"
)

// SIP is the Session Initiation Protocol (RFC 3261) over UDP, TCP and SCTP, with the
// descriptions of media that it carries (RFC 8866). In TLS it is TLS.
//
// Every request but ACK is a transaction with its responses: an event when the final one is
// there. ACK is an event by itself. What is sent again is counted, and no event.
var SIP = Dissector{
	Name:   "sip",
	Doc:    "Session initiation protocol: calls, registrations, messages, and the media they agree on.",
	Number: 100,
	TCP:    sipPorts,
	UDP:    sipPorts,
	SCTP:   sipPorts,
	First:  sipFirstOctets,
	Fields: sipFields,
	Pair:   ByKey,
	State:  unsafe.Sizeof(sipMemory{}),
	Parse:  parseSIP,
	Report: reportSIP,
}

var sipPorts = []uint16{5060, 5061}

// sipFirstOctets begin messages: the characters of a token, as methods are, and what is blank.
const sipFirstOctets = "\x00\t\n\r " + "-.!%*_+`'~0123456789" +
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// sipTurn is a message and what is known of its flow.
type sipTurn struct {
	*Message
	memory   *sipMemory
	known    bool // it is SIP, as an earlier message has shown
	expected bool // the ports say that it is
	over     bool // there is no more of this message
}

func parseSIP(m *Message) Verdict {
	s := Memory[sipMemory](m)
	t := sipTurn{Message: m, memory: s, known: s.known, over: !m.Stream || m.Full || m.Closed}
	t.expected = t.known || slices.Contains(sipPorts, m.SrcPort) || slices.Contains(sipPorts, m.DstPort)
	switch {
	case !m.Stream:
		return t.datagram()
	case t.known && (m.Lost || s.astray[m.Dir]):
		return t.seek(0)
	}
	return t.stream()
}

// datagram reads a datagram, which has one message (RFC 3261, section 18.3), or keeps an address
// translation open (RFC 5626, section 3.5): then it is blank, or STUN.
func (t *sipTurn) datagram() Verdict {
	b := t.octets()
	start := blanks(b)
	switch {
	case t.expected && len(b) <= sipKeepAlive && blank(b), t.known && isSTUN(b):
		t.Rest()
		t.memory.known = true
		return Accept
	case sipLike(b[start:], t.expected) < likeRequest:
		return Reject
	}
	return t.message(b[start:], start)
}

// octets returns the message, of one that was cut only the lines that are whole.
func (t *sipTurn) octets() []byte {
	b := t.Peek()
	if t.Cut {
		return b[:bytes.LastIndexByte(b, '\n')+1]
	}
	return b
}

// sipKeepAlive is how long a datagram may be that is nothing but blank.
const sipKeepAlive = 16

// blank reports whether nothing can be read in b, which is not empty.
func blank(b []byte) bool {
	for _, c := range b {
		if c != 0 && c != '\t' && c != '\n' && c != '\r' && c != ' ' {
			return false
		}
	}
	return len(b) > 0
}

// isSTUN reports whether b is a message of STUN (RFC 8489, section 5).
func isSTUN(b []byte) bool {
	const header, cookie = 20, "\x21\x12\xa4\x42"
	return len(b) >= header && b[0] < 0x40 && string(b[4:8]) == cookie
}

// blanks returns how many octets of line ends b begins with.
func blanks(b []byte) (n int) {
	for n < len(b) && (b[n] == '\r' || b[n] == '\n') {
		n++
	}
	return n
}

// stream reads the next message of a stream.
func (t *sipTurn) stream() Verdict {
	b := t.Peek()
	start := blanks(b)
	if t.known && start > 0 {
		return t.lineEnd(b)
	}
	b = b[start:]
	if len(b) == 0 {
		return t.lacking()
	}
	switch like := sipLike(b, t.expected); {
	case like >= likeRequest:
		return t.message(b, start)
	case like == likeStart && !t.over:
		return More
	case !t.known:
		return Reject
	}
	t.Malformed(flawSIPStart)
	return t.seek(1)
}

// lineEnd takes a line end between messages for itself, as peers that keep the connection alive
// send nothing else for long.
func (t *sipTurn) lineEnd(b []byte) Verdict {
	n := lineEnd(b)
	switch {
	case n == 0 && !t.over:
		return More
	case n <= 0:
		n = 1
	}
	t.Skip(n)
	return Accept
}

// lacking answers where there is too little to tell.
func (t *sipTurn) lacking() Verdict {
	if t.over {
		return Reject
	}
	return More
}

// message reads the message that b begins with. Before it are blank octets.
func (t *sipTurn) message(b []byte, blank int) Verdict {
	line, n := lineOf(b)
	if n == 0 && !t.over {
		return More
	}
	var h sipHead
	if !h.start(line) {
		if !t.known || !t.Stream {
			return Reject
		}
		t.Malformed(flawSIPStart)
		return t.seek(1)
	}
	size := n
	if n > 0 {
		size += emptyLine(b[n:])
	}
	ended := n > 0 && size > n
	if !ended {
		if !t.over {
			return More
		}
		size = len(b)
	}
	if !ended && !t.Cut {
		h.note(flawSIPEndless)
	}
	h.fields(t.unfold(b[min(max(n, len(line)), size):size]))
	if !ended && t.Cut {
		h.flaw = "" // what is missing may only be not here
	}
	if !t.body(&h, blank+size) {
		return More
	}
	t.memory.astray[t.Dir] = t.Stream && !ended
	return Accept
}

// unfold returns header fields with each on a line. Those that go on in the next line, which
// begins with white space, are put together in Room.
func (t *sipTurn) unfold(b []byte) []byte {
	if !bytes.Contains(b, foldSpace) && !bytes.Contains(b, foldTab) {
		return b
	}
	n := 0
	for i := 0; i < len(b) && n < len(t.Room); i++ {
		if b[i] != '\n' || i+1 == len(b) || b[i+1] != ' ' && b[i+1] != '\t' {
			t.Room[n] = b[i]
			n++
			continue
		}
		if n > 0 && t.Room[n-1] == '\r' {
			n--
		}
		for i+1 < len(b) && (b[i+1] == ' ' || b[i+1] == '\t') {
			i++
		}
		t.Room[n] = ' '
		n++
	}
	return t.Room[:n]
}

var foldSpace, foldTab = []byte("\n "), []byte("\n\t")

// body finds the end of the message, whose head of size octets is read, and reads the body if
// something is to be learnt from it. It returns false if more of it has to come.
func (t *sipTurn) body(h *sipHead, size int) bool {
	all := t.octets()
	rest := uint64(len(all) - size)
	length := rest
	switch {
	case h.hasLength:
		length = h.length
	case t.Stream:
		length = 0
		h.note(flawSIPNoLength)
	}
	kind, have := h.bodyKind(), min(length, rest)
	if t.Stream && kind == bodyOther {
		have = 0
	} else if have < length && !t.Cut && !t.Full {
		if !t.over {
			return false
		}
		h.note(flawSIPShort)
	}
	t.memory.known = true
	var x sipBody
	x.read(kind, h.header[sipContentType], all[size:size+int(have)])
	t.tell(h, &x)
	if !t.Stream {
		t.Rest()
		return true
	}
	t.Skip(size + int(have))
	t.Ahead(length - have)
	return true
}

// seek leaves octets of a stream behind that are not understood, until a message begins that is
// not before octet from. They are taken in units, so that it does not matter how the stream is
// cut into segments.
func (t *sipTurn) seek(from int) Verdict {
	b := t.Peek()
	size := min(len(b), seekUnit)
	for i := from; i < size; i++ {
		if i > 0 && b[i-1] != '\n' {
			continue
		}
		switch l := sipLike(b[i:], false); {
		case l == likeStart && !t.over:
			return More
		case l < likeRequest:
		case i == 0:
			return t.stream()
		default:
			t.Skip(i)
			t.Pass()
			t.memory.astray[t.Dir] = false
			return Accept
		}
	}
	if len(b) < seekUnit && !t.over {
		return More
	}
	t.Skip(size)
	t.Pass()
	t.memory.astray[t.Dir] = true
	return Accept
}
