package app

import (
	"net/netip"

	"github.com/weir-probe/weir/dissect/wire"
)

// What may be wrong with a message.
const (
	flawOpcode   = "the opcode is not assigned"
	flawReserved = "the reserved bit of the header is set"
	flawCounts   = "the header counts more records than there is room for"
	flawEnds     = "the message ends inside a record"
	flawLength   = "the data of a record is longer than the message"
	flawTrailing = "octets follow the last record"
	flawNothing  = "a query without a question"
)

// headerLen is the length of the header, and the least of a question and of a record.
const (
	headerLen   = 12
	questionLen = 5
	recordLen   = 11
)

// Sections of a message.
const (
	questions = iota
	answers
	authority
	additional
	sections
)

// dnsMessage is a message being read (RFC 1035, section 4.1).
type dnsMessage struct {
	number uint16 // application: what it is called at these ports
	b      []byte // as much of it as is here
	cut    bool   // which is not all
	size   int    // how long it is, or may be

	id, flags uint16
	counts    [sections]int // that the header tells
	found     [sections]int // that were there
	steps     int
	flaw      string

	asked       bool // the first question was read
	kind, class uint16
	unicast     bool // the first question wants an answer to the asker alone (RFC 6762, section 5.4)
	flush       bool // an answer replaces all known ones (RFC 6762, section 10.2)

	query, owner, answer, servers dnsText

	hasAddr, others             bool
	addrTTL, firstTTL, leastTTL uint32
	serial, last                uint32 // of the first and the last SOA among the answers
	soas                        int
	lastSOA                     bool // which is the last answer of all

	edns ednsRecord
}

// ednsRecord is what the OPT record says (RFC 6891).
type ednsRecord struct {
	here, do       bool
	size           uint16
	rcode, version uint8
	subnet         netip.Prefix
	scope          uint8
	hasError       bool
	code           uint16 // of the first extended error
}

// dnsRecord is a resource record. Its data is at start to end in the message.
type dnsRecord struct {
	section     int
	kind, class uint16
	ttl         uint32
	root        bool // it belongs to the root
	start, end  int
}

// fault says what is wrong with the message. The first fault counts: others may follow from it.
func (d *dnsMessage) fault(flaw string) {
	if d.flaw == "" {
		d.flaw = flaw
	}
}

// head reads the header, and reports what is wrong with it.
func (d *dnsMessage) head() (flaw string) {
	r := wire.Read(d.b)
	d.id, d.flags, d.steps = r.U16(), r.U16(), maxSteps
	room := d.size - headerLen
	for s := range d.counts {
		d.counts[s] = int(r.U16())
		if room -= d.counts[s] * recordLen; s == questions {
			room += d.counts[s] * (recordLen - questionLen)
		}
	}
	switch {
	case dnsNamed(dnsOpcodes[:], d.opcode()) == "":
		return flawOpcode
	case d.flags&flagZ != 0:
		return flawReserved
	case room < 0:
		return flawCounts
	}
	return ""
}

func (d *dnsMessage) opcode() uint16  { return d.flags >> 11 & 15 }
func (d *dnsMessage) multicast() bool { return d.number == numberMDNS }
func (d *dnsMessage) response() bool  { return d.flags&flagQR != 0 }

// rcode is the return code with its extension (RFC 6891, section 6.1.3).
func (d *dnsMessage) rcode() uint16 { return uint16(d.edns.rcode)<<4 | d.flags&15 }

// read reads what follows the header, as far as it can be understood.
func (d *dnsMessage) read() {
	r := wire.Read(d.b)
	r.Skip(headerLen)
	for range d.counts[questions] {
		if !d.question(&r) {
			d.ends(flawEnds)
			return
		}
	}
	first := r.Pos()
	for s := answers; s < sections; s++ {
		for range d.counts[s] {
			var rr dnsRecord
			rr.section = s
			if !d.record(&r, &rr) {
				d.names(first)
				return
			}
			d.take(&rr)
		}
	}
	if r.Len() > 0 && d.opcode() != opDSO { // whose own data follows (RFC 8490, section 5.4)
		d.fault(flawTrailing)
	}
	d.names(first)
}

// ends says that the message should go on, which is no fault if only a part is here.
func (d *dnsMessage) ends(flaw string) {
	if !d.cut {
		d.fault(flaw)
	}
}

// question reads a question and keeps the first. It reports whether what follows can be read.
func (d *dnsMessage) question(r *wire.Reader) bool {
	t := &d.query
	if d.found[questions] > 0 {
		t = nil
	}
	right := d.name(r, t)
	kind, class := r.U16(), r.U16()
	if r.Short() {
		if t != nil {
			t.cut(0)
		}
		return false
	}
	if t != nil {
		d.kind, d.class, d.asked = kind, class, right
		if d.multicast() {
			d.unicast, d.class = class&topBit != 0, class&^topBit
		}
	}
	d.found[questions]++
	return true
}

// topBit of a class says something else in multicast DNS.
const topBit = 0x8000

// record reads a record but for its data. It reports whether what follows can be read.
func (d *dnsMessage) record(r *wire.Reader, rr *dnsRecord) bool {
	var t *dnsText
	if rr.section == answers && d.found[answers] == 0 && d.counts[questions] == 0 {
		t = &d.owner
	}
	at := r.Pos()
	d.name(r, t)
	rr.root = r.Pos() == at+1
	rr.kind, rr.class, rr.ttl = r.U16(), r.U16(), r.U32()
	n := int(r.U16())
	if r.Short() {
		t.cut(0)
		d.ends(flawEnds)
		return false
	}
	if d.multicast() && rr.kind != typeOPT && rr.class&topBit != 0 {
		d.flush = d.flush || rr.section == answers
		rr.class &^= topBit
	}
	rr.start, rr.end = r.Pos(), r.Pos()+n
	if n > r.Len() {
		d.ends(flawLength)
		return false
	}
	r.Skip(n)
	d.found[rr.section]++
	return true
}

// take keeps what is wanted of a record, and looks at the data of all of them.
func (d *dnsMessage) take(rr *dnsRecord) {
	switch {
	case rr.kind == typeOPT && rr.section == additional:
		d.option(rr)
		return
	case rr.section == answers:
		d.times(rr)
		if rr.kind == typeA || rr.kind == typeAAAA {
			d.item(rr)
			return
		}
		d.others = true
	case rr.section == authority && rr.kind == typeNS:
		d.server(rr)
		return
	}
	d.data(rr, nil)
}

// times keeps what the answers say about how long, and where a transfer begins and ends.
func (d *dnsMessage) times(rr *dnsRecord) {
	if rr.ttl > 1<<31-1 { // RFC 2181, section 8
		rr.ttl = 0
	}
	if d.found[answers] == 1 {
		d.firstTTL, d.leastTTL = rr.ttl, rr.ttl
	}
	d.leastTTL = min(d.leastTTL, rr.ttl)
	if addr := rr.kind == typeA || rr.kind == typeAAAA; addr && !d.hasAddr {
		d.addrTTL, d.hasAddr = rr.ttl, true
	}
	if d.lastSOA = false; rr.kind != typeSOA || rr.end-rr.start < soaNumbers {
		return
	}
	r := wire.Read(d.b[rr.end-soaNumbers : rr.end])
	if d.last, d.lastSOA = r.U32(), true; d.soas == 0 {
		d.serial = d.last
	}
	d.soas++
}

// soaNumbers is the length of an SOA's data from the serial number on.
const soaNumbers = 20

// names adds the answers that are not addresses. first is where the answers begin.
func (d *dnsMessage) names(first int) {
	if !d.others {
		return
	}
	r := wire.Read(d.b)
	r.Skip(first)
	n := d.found[answers]
	for i := 0; i < n && !d.answer.full; i++ {
		rr := dnsRecord{section: answers}
		d.record(&r, &rr)
		if rr.kind != typeA && rr.kind != typeAAAA {
			d.item(&rr)
		}
	}
	d.found[answers] = n
}

// item adds value/TYPE to the answers, if it fits: a value alone may be cut.
func (d *dnsMessage) item(rr *dnsRecord) {
	const longest = len("/NSEC3PARAM")
	t, mark := &d.answer, d.answer.n
	t.list(';')
	t.hold = longest
	right := d.data(rr, t)
	if t.hold = 0; !right || t.full && mark > 0 {
		t.cut(mark)
		return
	}
	cut := t.full
	t.full = false
	t.octet('/')
	t.named(dnsType(rr.kind).name, "TYPE", rr.kind)
	t.full = cut
}

// server adds to the name servers, if it fits.
func (d *dnsMessage) server(rr *dnsRecord) {
	t, mark := &d.servers, d.servers.n
	t.list(';')
	if right := d.data(rr, t); !right || t.full && mark > 0 {
		t.cut(mark)
	}
}
