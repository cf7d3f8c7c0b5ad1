package app

import (
	"strconv"

	"github.com/weir-probe/weir/dataplane/flow"
)

// Flags of the header (RFC 1035, section 4.1.1; RFC 4035, section 3).
const (
	flagQR = 1 << 15
	flagAA = 1 << 10
	flagTC = 1 << 9
	flagRD = 1 << 8
	flagRA = 1 << 7
	flagZ  = 1 << 6
	flagAD = 1 << 5
	flagCD = 1 << 4
)

// dnsFlagNames are the flags that are written, in that order. LLMNR has others in the places of
// two (RFC 4795, section 2.1.1): conflict and tentative.
var dnsFlagNames = [...]struct {
	bit         uint16
	name, llmnr string
}{
	{flagAA, "AA", "C"}, {flagTC, "TC", "TC"}, {flagRD, "RD", "T"},
	{flagRA, "RA", "RA"}, {flagAD, "AD", "AD"}, {flagCD, "CD", "CD"},
}

// says adds the attributes of the message. Those that can differ between query and response
// have a field of each: in a transaction the first to be said counts.
func (d *dnsMessage) says(m *Message) {
	a := &m.Attrs
	if d.asked {
		a.Bytes(dnsQuery, d.query.bytes())
		a.Uint(dnsQueryType, uint64(d.kind))
		nameNumber(a, dnsTypeName, dnsText16{dnsType(d.kind).name, "TYPE", d.kind})
		nameNumber(a, dnsClass, dnsText16{dnsNamed(dnsClasses[:], d.class), "CLASS", d.class})
	}
	a.Uint(dnsQueryID, uint64(d.id))
	nameNumber(a, dnsOpcode, dnsText16{dnsNamed(dnsOpcodes[:], d.opcode()), "OPCODE", d.opcode()})
	a.Uint(dnsNumQueries, uint64(d.count(questions)))
	if d.response() {
		d.saysResponse(a)
	} else {
		d.flagsOf(a, dnsQueryFlags)
	}
	if !d.edns.here {
		return
	}
	a.Uint(ednsVersion, uint64(d.edns.version))
	if d.edns.subnet.IsValid() {
		var b [64]byte
		a.Bytes(ednsSubnet, d.edns.subnet.AppendTo(b[:0]))
	}
	if !d.response() {
		a.Uint(ednsQuerySize, uint64(d.edns.size))
		return
	}
	a.Uint(ednsSize, uint64(d.edns.size))
	if d.edns.subnet.IsValid() {
		a.Uint(ednsScope, uint64(d.edns.scope))
	}
	if d.edns.hasError {
		a.Uint(ednsError, uint64(d.edns.code))
	}
}

// saysResponse adds what only responses have.
func (d *dnsMessage) saysResponse(a *flow.Attrs) {
	code := d.rcode()
	a.Uint(dnsRetCode, uint64(code))
	nameNumber(a, dnsRetCodeName, dnsText16{dnsNamed(dnsRcodes[:], code), "RCODE", code})
	d.flagsOf(a, dnsFlags)
	a.Uint(dnsNumAnswers, uint64(d.count(answers)))
	a.Uint(dnsNumAuth, uint64(d.count(authority)))
	a.Uint(dnsNumAdditional, uint64(d.count(additional)))
	if d.answer.n > 0 {
		a.Bytes(dnsResponse, d.answer.bytes())
	}
	if d.owner.n > 0 {
		a.Bytes(dnsOwner, d.owner.bytes())
	}
	if d.servers.n > 0 {
		a.Bytes(dnsAuthNS, d.servers.bytes())
	}
	if d.hasAddr {
		a.Uint(dnsTTLAnswer, uint64(d.addrTTL))
	}
	if d.found[answers] > 0 {
		a.Uint(dnsFirstTTL, uint64(d.firstTTL))
		a.Uint(dnsMinTTL, uint64(d.leastTTL))
	}
}

// count is the number of records of a section: what the header tells of a message of which
// only a part is here, otherwise those that are there.
func (d *dnsMessage) count(section int) int {
	if d.cut {
		return d.counts[section]
	}
	return d.found[section]
}

// flagsOf adds the flags as text.
func (d *dnsMessage) flagsOf(a *flow.Attrs, f *flow.Field) {
	var t dnsText
	for i := range dnsFlagNames {
		n := &dnsFlagNames[i]
		name := n.name
		if d.number == numberLLMNR {
			name = n.llmnr
		}
		t.flag(d.flags&n.bit != 0, name)
	}
	t.flag(d.edns.do, "DO")
	t.flag(d.unicast && !d.response(), "QU")
	t.flag(d.flush && d.response(), "FLUSH")
	a.Bytes(f, t.bytes())
}

// flag adds the name of a flag if it is set.
func (t *dnsText) flag(set bool, name string) {
	if set {
		t.list(';')
		t.string(name)
	}
}

// dnsText16 is a number and the name it has, if any.
type dnsText16 struct {
	name, prefix string // prefix stands before a number without a name
	n            uint16
}

func nameNumber(a *flow.Attrs, f *flow.Field, x dnsText16) {
	if x.name != "" {
		a.Text(f, x.name)
		return
	}
	var b [16]byte
	a.Bytes(f, strconv.AppendUint(append(b[:0], x.prefix...), uint64(x.n), 10))
}

// role says what the message is to others. Who asks many at once gets no answer in the same
// flow; so what is multicast stands alone.
func (d *dnsMessage) role(m *Message) {
	switch d.number {
	case numberMDNS:
		if m.SrcPort == m.DstPort || d.response() && d.counts[questions] == 0 {
			m.Notice()
			return
		}
	case numberLLMNR:
		if !m.Stream {
			m.Notice()
			return
		}
	}
	memory := Memory[dnsMemory](m)
	key := d.key()
	if !d.response() {
		if d.opcode() == opDSO && d.id == 0 { // expects no answer (RFC 8490, section 5.4.1)
			return
		}
		copy(memory.asked[1:], memory.asked[:])
		memory.asked[0] = key
		if memory.transfer == key {
			memory.transfer = 0
		}
		m.Request(key)
		return
	}
	if d.counts[questions] == 0 {
		key = memory.find(d.id, key)
	}
	if m.Stream && d.transfer(m, memory, key) {
		return
	}
	m.Response(key)
	m.Finish()
}

// find returns the key of the last request with an identifier, for a response without question.
func (x *dnsMemory) find(id uint16, key uint64) uint64 {
	for _, k := range x.asked {
		if uint16(k>>48) == id && k != 0 {
			return k
		}
	}
	return key
}

// transfer says what a message is that may be one of many that answer a request for a zone: the
// first and the last record of all are the zone's SOA (RFC 5936, section 2.2; RFC 1995,
// section 4). It returns false if the message answers alone.
func (d *dnsMessage) transfer(m *Message, x *dnsMemory, key uint64) bool {
	soas := uint32(d.soas)
	switch {
	case x.transfer == key && key != 0:
		x.soas += soas
	case d.kind == typeAXFR || d.kind == typeIXFR && d.found[answers] > 1:
		m.Response(key)
		x.transfer, x.serial, x.soas = key, d.serial, soas
	default:
		return false
	}
	if d.lastSOA && d.last == x.serial && x.soas > 1 || d.rcode() != 0 || soas == 0 && m.Said.Role == Response {
		x.transfer = 0
		m.Finish()
	}
	return true
}

// key identifies a transaction by identifier and question, in which case does not matter.
func (d *dnsMessage) key() uint64 {
	const offset, prime = 14695981039346656037, 1099511628211 // FNV-1a
	h := uint64(offset)
	for _, c := range d.query.bytes() {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		h = (h ^ uint64(c)) * prime
	}
	h = (h ^ uint64(d.kind)<<16 ^ uint64(d.class)) * prime
	return uint64(d.id)<<48 | (h^h>>48)&(1<<48-1)
}
