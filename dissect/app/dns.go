package app

import (
	"encoding/binary"
	"unsafe"
)

// DNS understands the domain name system over UDP and TCP (RFC 1035), and what shares its
// format: multicast DNS (RFC 6762) and LLMNR (RFC 4795), which the port tells.
var DNS = Dissector{
	Name:   "dns",
	Doc:    "Domain name system, multicast DNS and LLMNR: questions, answers, EDNS.",
	Number: numberDNS,
	TCP:    []uint16{portDNS, portLLMNR},
	UDP:    []uint16{portDNS, portMDNS, portLLMNR},
	Fields: dnsFields,
	Pair:   ByKey,
	State:  unsafe.Sizeof(dnsMemory{}),
	Parse:  parseDNS,
}

const (
	numberDNS   = 5
	numberMDNS  = 8
	numberLLMNR = 154

	portDNS   = 53
	portMDNS  = 5353
	portLLMNR = 5355

	portNBNS = 137 // NetBIOS has the same header and other records
	portNBDS = 138
)

// dnsMemory is what is remembered of a flow.
type dnsMemory struct {
	asked    [4]uint64 // keys of the last requests
	transfer uint64    // key of the zone transfer that goes on, 0 if none does
	serial   uint32    // of the zone
	soas     uint32    // that have come
}

func parseDNS(m *Message) Verdict {
	number, expected := dnsPlace(m)
	switch {
	case number == 0:
		return Reject
	case m.Stream && m.Lost && expected:
		return dnsAfterLoss(m, number)
	}
	var d dnsMessage
	d.number = number
	if !d.frame(m) {
		return Reject
	}
	head := d.head()
	if m.Stream && head != "" && (!expected || d.counts[questions] != 1) {
		return Reject
	}
	if d.cut && m.Stream && !m.Full && !m.Closed {
		return More
	}
	d.read()
	if expected {
		if !d.lenient(head) {
			return Reject
		}
	} else if head != "" || !d.strict() {
		return Reject
	}
	if head != "" {
		d.flaw = head
	}
	d.consume(m)
	d.tell(m)
	return Accept
}

// dnsAfterLoss looks for the next message after a hole in the stream: what follows the hole is
// the rest of another. It has to be a certain one, and complete.
func dnsAfterLoss(m *Message, number uint16) Verdict {
	const far = 4096 // octets to search
	b := m.Peek()
	for i := 0; i < far && len(b) >= i+2+headerLen+questionLen; i++ {
		size := int(binary.BigEndian.Uint16(b[i:]))
		if one := b[i+2+4] == 0 && b[i+2+5] == 1; !one || size > len(b)-i-2 || size < headerLen {
			continue
		}
		var d dnsMessage
		d.number, d.b, d.size = number, b[i+2:i+2+size], size
		if d.head() != "" {
			continue
		}
		if d.read(); d.strict() {
			m.Skip(i)
			d.consume(m)
			d.tell(m)
			return Accept
		}
	}
	if m.Full || m.Closed {
		return Reject
	}
	return More
}

// tell says what the message is.
func (d *dnsMessage) tell(m *Message) {
	if d.number != numberDNS {
		m.Is(d.number)
	}
	if d.flaw != "" {
		m.Malformed(d.flaw)
	}
	d.says(m)
	d.role(m)
}

// dnsPlace returns what DNS is called at the ports of the flow, and whether it is expected there;
// 0 if it can only be something else.
func dnsPlace(m *Message) (number uint16, expected bool) {
	src, dst := m.SrcPort, m.DstPort
	switch {
	case src == portDNS || dst == portDNS:
		return numberDNS, true
	case !m.Stream && (src == portMDNS || dst == portMDNS):
		return numberMDNS, true
	case src == portLLMNR || dst == portLLMNR:
		return numberLLMNR, true
	case dst == portNBNS || dst == portNBDS || src == portNBNS || src == portNBDS:
		return 0, false
	}
	return numberDNS, false
}

// frame finds the message. It returns false if there cannot be one, and in a stream also if it
// cannot be told yet: then m is short.
func (d *dnsMessage) frame(m *Message) bool {
	d.b = m.Peek()
	if !m.Stream {
		d.size, d.cut = len(d.b), m.Cut
		if d.cut {
			d.size = 1 << 16
		}
		return len(d.b) >= headerLen
	}
	if len(d.b) < 2 {
		m.Skip(2)
		return false
	}
	d.size, d.b = int(binary.BigEndian.Uint16(d.b)), d.b[2:]
	if d.size >= headerLen && len(d.b) < headerLen {
		m.Skip(2 + headerLen)
	}
	d.cut = len(d.b) < d.size
	d.b = d.b[:min(len(d.b), d.size)]
	return len(d.b) >= headerLen
}

// consume consumes the message.
func (d *dnsMessage) consume(m *Message) {
	if !m.Stream {
		m.Rest()
		return
	}
	m.Skip(2 + len(d.b))
	if d.cut {
		m.Ahead(uint64(d.size - len(d.b)))
	}
}

// lenient reports whether it is a message where one is expected. Header or question must be
// right, so that a message with a flaw is still seen as one.
func (d *dnsMessage) lenient(head string) bool {
	class := dnsNamed(dnsClasses[:], d.class) != ""
	switch {
	case head != "":
		return d.asked && class && d.counts[questions] == 1
	case d.counts[questions] > 0:
		return !d.asked || class || d.flaw == ""
	case d.opcode() == opDSO:
		return true
	case d.counts != [sections]int{}:
		return (d.response() || d.multicast()) && (d.flaw == "" || d.found != [sections]int{})
	case !d.response():
		d.flaw = flawNothing
	}
	return len(d.b) == headerLen
}

// strict reports whether it is certainly a message: one question about something that exists,
// what belongs to it, and nothing else.
func (d *dnsMessage) strict() bool {
	right := d.flaw == "" && d.asked && d.counts[questions] == 1 &&
		dnsNamed(dnsClasses[:], d.class) != "" && dnsType(d.kind).name != ""
	if !right || d.cut && d.found[answers] == 0 || d.looksNetBIOS() {
		return false
	}
	switch op := d.opcode(); {
	case op != 0 && op != opNotify && op != opUpdate:
		return false
	case d.response() || op == opUpdate:
		return true
	}
	return d.flags&(flagAA|flagRA|15) == 0 && d.counts[authority] <= 1 && d.counts[additional] <= 2 &&
		(d.counts[answers] == 0 || d.opcode() == opNotify)
}

// looksNetBIOS reports a question for a name of NetBIOS: a label of 32 letters up to P.
func (d *dnsMessage) looksNetBIOS() bool {
	if d.kind != typeNBNS && d.kind != typeNBST || d.b[headerLen] != 32 {
		return false
	}
	for _, c := range d.b[headerLen+1 : headerLen+33] {
		if c < 'A' || c > 'P' {
			return false
		}
	}
	return true
}
