package app

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/weir-probe/weir/dataplane/flow"
)

// dns puts a message together: numbers are two octets, uint32 four, strings names.
func dns(parts ...any) (b []byte) {
	for _, p := range parts {
		switch p := p.(type) {
		case int:
			b = binary.BigEndian.AppendUint16(b, uint16(p))
		case uint32:
			b = binary.BigEndian.AppendUint32(b, p)
		case byte:
			b = append(b, p)
		case []byte:
			b = append(b, p...)
		case string:
			for _, l := range strings.FieldsFunc(p, func(r rune) bool { return r == '.' }) {
				b = append(append(b, byte(len(l))), l...)
			}
			b = append(b, 0)
		}
	}
	return b
}

// data puts the data of a record together, with its length.
func data(parts ...any) []byte {
	b := dns(parts...)
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...)
}

// text is strings with their lengths.
func text(all ...string) (b []byte) {
	for _, s := range all {
		b = append(append(b, byte(len(s))), s...)
	}
	return b
}

// bytesOf reads hexadecimal digits.
func bytesOf(digits string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(digits, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}

// framed is a message in a stream.
func framed(b []byte) []byte { return data(b) }

const (
	toQuestion = 0xc00c // pointer to the name of the question
	ttl        = uint32(3600)
)

// reply is a response to a question about x.example with one answer of a type.
func reply(kind int, parts ...any) []byte {
	return dns(1, 0x8180, 1, 1, 0, 0, "x.example", kind, 1, toQuestion, kind, 1, ttl, data(parts...))
}

// query is a question about x.example.
func query(rest ...any) []byte {
	return append(dns(1, 0x0100, 1, 0, 0, 0, "x.example", 1, 1), dns(rest...)...)
}

// dnsCase is a message and what is to be said of it.
type dnsCase struct {
	name   string
	octets []byte
	want   string // label=value, absent if -label; between spaces; flaw, role, number, verdict too
	port   uint16 // 53 if 0
	stream bool
	lost   bool
	cut    bool
}

// hear asks DNS about the message of a case.
func (c *dnsCase) hear(m *Message) Verdict {
	schema()
	m.Show(c.octets, flow.Forward)
	m.State = make([]byte, DNS.State)
	m.SrcPort, m.DstPort, m.Stream, m.Lost, m.Cut = 40000, 53, c.stream, c.lost, c.cut
	if c.port != 0 {
		m.DstPort = c.port
		if c.port == portMDNS {
			m.SrcPort = portMDNS
		}
	}
	return DNS.Ask(m)
}

var verdicts = [...]string{Reject: "reject", More: "more", Accept: "accept", Done: "done"}

// heardOf returns everything that is said of the message, by label without DNS_.
func (c *dnsCase) heardOf() map[string]string {
	var m Message
	v := c.hear(&m)
	got := map[string]string{"verdict": verdicts[v]}
	if v != Accept {
		return got
	}
	for label, value := range attributes(m.Attrs.All()) {
		got[strings.TrimPrefix(label, "DNS_")] = strings.ReplaceAll(value, " ", "_")
	}
	got["flaw"], got["role"] = strings.ReplaceAll(m.Said.Flaw, " ", "_"), roles[m.Said.Role]
	got["number"], got["left"] = fmt.Sprint(m.Said.Number), fmt.Sprint(m.Len())
	got["skip"], got["finish"] = fmt.Sprint(m.Said.Skip), fmt.Sprint(m.Said.Finish)
	return got
}

// check compares what is said with what is wanted. Without a flaw wanted there is to be none.
func (c *dnsCase) check(t *testing.T) {
	t.Helper()
	got := c.heardOf()
	if !strings.Contains(c.want, "flaw=") && got["flaw"] != "" {
		t.Errorf("%s: %s", c.name, got["flaw"])
	}
	for _, w := range strings.Fields(c.want) {
		label, value, set := strings.Cut(w, "=")
		if !set {
			if v, ok := got[strings.TrimPrefix(label, "-")]; ok {
				t.Errorf("%s: %s is %q, want none", c.name, label[1:], v)
			}
			continue
		}
		if v, ok := got[label]; !ok || v != value {
			t.Errorf("%s: %s is %q (%v), want %q; all: %v", c.name, label, v, ok, value, got)
		}
	}
}

func flaw(s string) string { return " flaw=" + strings.ReplaceAll(s, " ", "_") + " " }

// dnsSamples are what the recorded conversations do not have.
func dnsSamples() []conversation {
	var all []conversation
	for _, c := range dnsFeatures() {
		if c.lost || c.cut {
			continue
		}
		proto := uint8(17)
		if c.stream {
			proto = 6
		}
		s := says(c.name, proto, flow.Forward, c.octets)
		s.dstPort = max(c.port, 53)
		if c.port == portMDNS {
			s.srcPort = portMDNS
		}
		all = append(all, s)
	}
	return append(all, zoneTransfer())
}

// zoneTransfer is a zone that takes three messages, with a query in between.
func zoneTransfer() conversation {
	soa := data("ns.x.example", "a.x.example", uint32(7), uint32(1), uint32(1), uint32(1), uint32(1))
	c := says("transfer", 6, flow.Forward, framed(dns(9, 0, 1, 0, 0, 0, "x.example", 252, 1)))
	c.dstPort = 53
	for _, b := range [][]byte{
		dns(9, 0x8400, 1, 2, 0, 0, "x.example", 252, 1, toQuestion, 6, 1, ttl, soa,
			toQuestion, 1, 1, ttl, data(uint32(0x01020304))),
		dns(9, 0x8400, 0, 1, 0, 0, "y.x.example", 16, 1, ttl, data(text("a"))),
		dns(9, 0x8400, 1, 1, 0, 0, "x.example", 252, 1, "x.example", 6, 1, ttl, soa),
		reply(1, uint32(0x01020304)),
	} {
		c.turns = append(c.turns, turn{dir: flow.Reverse, octets: framed(b)})
	}
	return c
}

// dnsFeatures are right messages.
func dnsFeatures() []dnsCase {
	return slices.Concat(dnsOrdinary(), dnsUnusual(), dnsMulticast(), dnsCarried())
}

// dnsOrdinary are questions and answers.
func dnsOrdinary() []dnsCase {
	return []dnsCase{
		{name: "query", octets: query(), want: "verdict=accept role=request QUERY=x.example QUERY_ID=1 " +
			"QUERY_TYPE=1 QUERY_TYPE_NAME=A QUERY_CLASS=IN OPCODE=QUERY QUERY_FLAGS=RD NUM_QUERIES=1 " +
			"-RET_CODE -NUM_ANSWERS -RESPONSE -FLAGS number=0 left=0"},
		{name: "addresses first", octets: dns(2, 0x8580, 1, 3, 0, 0, "a.x", 1, 1, toQuestion, 5, 1, uint32(9),
			data("b.x"), "b.x", 1, 1, uint32(5), data(uint32(0x01020304)), "b.x", 28, 1, uint32(7),
			data(make([]byte, 15), byte(1))), want: "role=response finish=true " +
			"RESPONSE=1.2.3.4/A;::1/AAAA;b.x/CNAME NUM_ANSWERS=3 FIRST_TTL=9 " +
			"MIN_TTL=5 TTL_ANSWER=5 FLAGS=AA;RD;RA RET_CODE=0 RET_CODE_NAME=NOERROR " +
			"-QUERY_FLAGS"},
		{name: "name servers", octets: dns(2, 0x8003, 1, 0, 2, 1, "a.x", 1, 1, "x", 2, 1, ttl, data("n1.x"),
			"x", 2, 1, ttl, data("n2.x"), "n1.x", 1, 1, ttl, data(uint32(1))), want: "AUTH_NS=n1.x;n2.x NUM_AUTH=2 " +
			"NUM_ADDITIONAL=1 RET_CODE=3 RET_CODE_NAME=NXDOMAIN -RESPONSE -FIRST_TTL -TTL_ANSWER"},
		{name: "original case", octets: dns(1, 0, 1, 0, 0, 0, "WwW.eXample", 28, 1), want: "QUERY=WwW.eXample"},
		{name: "escapes", octets: dns(1, 0, 1, 0, 0, 0, []byte("\x09a.b \\\"\x00\xff;\x00"), 1, 1),
			want: `QUERY=a\.b\032\\\"\000\255\;`},
		{name: "root", octets: dns(1, 0, 1, 0, 0, 0, ".", 2, 1), want: "QUERY=. QUERY_TYPE_NAME=NS"},
		{name: "name of 255 octets", octets: dns(1, 0, 1, 0, 0, 0, strings.Repeat("a.", 127), 1, 1),
			want: "QUERY=" + strings.Repeat("a.", 126) + "a"},
		{name: "name longer with escapes", octets: dns(1, 0, 1, 0, 0, 0, strings.Repeat("\x01.", 100), 1, 1),
			want: "QUERY=" + strings.Repeat(`\001.`, 51)},
		{name: "type above 255", octets: dns(1, 0, 1, 0, 0, 0, "x", 257, 1),
			want: "QUERY_TYPE=257 QUERY_TYPE_NAME=CAA"},
		{name: "highest named types", octets: dns(1, 0, 1, 0, 0, 0, "x", 32769, 255),
			want: "QUERY_TYPE=32769 QUERY_TYPE_NAME=DLV QUERY_CLASS=ANY"},
		{name: "unknown type, class, code", octets: dns(1, 0x800c, 1, 0, 0, 0, "x", 65280, 77),
			want: "QUERY_TYPE_NAME=TYPE65280 QUERY_CLASS=CLASS77 RET_CODE=12 RET_CODE_NAME=RCODE12"},
		{name: "all flags", octets: dns(1, 0x87b0, 1, 0, 0, 0, "x", 1, 1), want: "FLAGS=AA;TC;RD;RA;AD;CD"},
	}
}

// dnsUnusual are other opcodes, EDNS and rare answers.
func dnsUnusual() []dnsCase {
	opt := func(parts ...any) []byte { return dns(byte(0), 41, 1400, parts[0], data(parts[1:]...)) }
	return []dnsCase{
		{name: "notify", octets: dns(1, 0x2400, 1, 0, 0, 0, "x", 6, 1), want: "OPCODE=NOTIFY role=request"},
		{name: "update", octets: dns(1, 0x2800, 1, 1, 2, 0, "x", 6, 1, "a.x", 1, 255, uint32(0), data(),
			"b.x", 1, 254, uint32(0), data(uint32(1)), "c.x", 255, 255, uint32(0), data()), want: "OPCODE=UPDATE"},
		{name: "stateful operations", octets: framed(dns(7, 0x3000, 0, 0, 0, 0, 1, 8, ttl, ttl)), stream: true,
			want: "OPCODE=DSO role=request -QUERY"},
		{name: "EDNS in a query", octets: dns(1, 0x0120, 1, 0, 0, 1, "x", 1, 1,
			opt(uint32(0x8000), 8, 7, 1, byte(24), byte(0), []byte{10, 1, 2})), want: "EDNS_VERSION=0 " +
			"EDNS_QUERY_SIZE=1400 CLIENT_SUBNET=10.1.2.0/24 QUERY_FLAGS=RD;AD;DO -EDNS_SIZE -CLIENT_SUBNET_SCOPE"},
		{name: "EDNS in a response", octets: dns(1, 0x8180, 1, 0, 0, 1, "x", 1, 1, opt(uint32(0x01018000), 15, 6,
			18, []byte("text"), 8, 6, 2, byte(16), byte(20), []byte{0x20, 1})), want: "RET_CODE=16 " +
			"RET_CODE_NAME=BADVERS EDNS_VERSION=1 EDNS_SIZE=1400 EXTENDED_ERROR=18 CLIENT_SUBNET=2001::/16 " +
			"CLIENT_SUBNET_SCOPE=20 FLAGS=RD;RA;DO -EDNS_QUERY_SIZE"},
		{name: "no EDNS", octets: query(), want: "-EDNS_VERSION -EDNS_QUERY_SIZE -CLIENT_SUBNET"},
		{name: "large TTL is 0", octets: dns(1, 0x8180, 1, 1, 0, 0, "x", 1, 1, toQuestion, 1, 1, uint32(1<<31),
			data(uint32(1))), want: "TTL_ANSWER=0 FIRST_TTL=0"},
		{name: "refused without question", octets: dns(1, 0x8005, 0, 0, 0, 0), want: "RET_CODE_NAME=REFUSED " +
			"role=response -QUERY -QUERY_TYPE"},
	}
}

// dnsMulticast are messages to all neighbours.
func dnsMulticast() []dnsCase {
	return []dnsCase{
		{name: "multicast question", port: portMDNS, octets: dns(0, 0, 2, 1, 0, 0, "_ipp._tcp.local", 12, 0x8001,
			"b.local", 28, 1, toQuestion, 12, 1, ttl, data("p._ipp._tcp.local")), want: "number=8 role=notice " +
			"QUERY=_ipp._tcp.local QUERY_CLASS=IN QUERY_FLAGS=QU NUM_QUERIES=2"},
		{name: "multicast announcement", port: portMDNS, octets: dns(0, 0x8400, 0, 2, 0, 0, "h.local", 1, 0x8001,
			uint32(120), data(uint32(0xc0000201)), "_ipp._tcp.local", 12, 1, uint32(4500), data("p._ipp._tcp.local")),
			want: "number=8 role=notice -QUERY ANSWER_NAME=h.local FLAGS=AA;FLUSH NUM_ANSWERS=2 " +
				"RESPONSE=192.0.2.1/A;p._ipp._tcp.local/PTR MIN_TTL=120"},
		{name: "known answers that go on", port: portMDNS, octets: dns(0, 0, 0, 1, 0, 0, "x.local", 12, 1, ttl,
			data("p.x.local")), want: "role=notice -QUERY"},
		{name: "LLMNR question", port: portLLMNR, octets: dns(5, 0x0500, 1, 0, 0, 0, "wpad", 1, 1),
			want: "number=154 role=notice QUERY=wpad QUERY_FLAGS=C;T"},
		{name: "LLMNR over TCP", port: portLLMNR, stream: true, octets: framed(dns(5, 0, 1, 0, 0, 0, "wpad", 1, 1)),
			want: "number=154 role=request"},
	}
}

// dnsCarried are messages at other ports, in streams and in parts.
func dnsCarried() []dnsCase {
	return []dnsCase{
		{name: "another port", port: 5300, octets: query(), want: "role=request number=0"},
		{name: "another port, response", port: 5300, octets: reply(1, uint32(1)), want: "role=response"},
		{name: "after loss", stream: true, lost: true, octets: framed(query()), want: "verdict=accept left=0"},
		{name: "after loss in the middle", stream: true, lost: true, octets: append(framed(query())[5:],
			framed(reply(1, uint32(1)))...), want: "role=response RESPONSE=0.0.0.1/A left=0"},
		{name: "after loss, nothing whole", stream: true, lost: true, octets: framed(query())[5:],
			want: "verdict=more"},
		{name: "two in a segment", stream: true, octets: append(framed(query()), framed(query())...),
			want: fmt.Sprintf("left=%d", 2+len(query()))},
		{name: "cut in the answer", cut: true, octets: reply(1, uint32(1))[:30], want: "NUM_ANSWERS=1 -RESPONSE " +
			"QUERY=x.example -FIRST_TTL"},
	}
}

func TestDNSFeatures(t *testing.T) {
	for _, c := range dnsFeatures() {
		c.check(t)
	}
}

// TestDNSKeys holds which messages belong together.
func TestDNSKeys(t *testing.T) {
	key := func(octets []byte) uint64 {
		var m Message
		c := dnsCase{octets: octets}
		c.hear(&m)
		return m.Said.Key
	}
	base := key(query())
	if answer := key(reply(1, uint32(1))); answer != base || base == 0 {
		t.Errorf("query %x, response %x", base, answer)
	}
	if upper := key(dns(1, 0x8180, 1, 0, 0, 0, "X.exAMPLE", 1, 1)); upper != base {
		t.Errorf("query %x, response in another case %x", base, upper)
	}
	for name, other := range map[string][]byte{
		"identifier": dns(2, 0, 1, 0, 0, 0, "x.example", 1, 1), "name": dns(1, 0, 1, 0, 0, 0, "y.example", 1, 1),
		"type": dns(1, 0, 1, 0, 0, 0, "x.example", 28, 1), "class": dns(1, 0, 1, 0, 0, 0, "x.example", 1, 3),
	} {
		if key(other) == base {
			t.Errorf("another %s has the same key", name)
		}
	}
	// A response without the question finds it by its identifier.
	var m Message
	c := dnsCase{octets: query()}
	c.hear(&m)
	m.Show(dns(1, 0x8001, 0, 0, 0, 0), flow.Reverse)
	if v := DNS.Ask(&m); v != Accept || m.Said.Role != Response || m.Said.Key != base {
		t.Errorf("response without question: verdict %d, key %x, want %x", v, m.Said.Key, base)
	}
}

// TestDNSTransfer holds that a zone is one response, however many messages it takes.
func TestDNSTransfer(t *testing.T) {
	c := zoneTransfer()
	o := drive(&c, &DNS)
	var got []string
	for _, m := range o.messages {
		got = append(got, fmt.Sprint(m.Role, " ", m.Finish))
	}
	want := "[request false response false part false part true response true]"
	if fmt.Sprint(got) != want {
		t.Errorf("%v, want %s", got, want)
	}
}

// TestDNSLong has a message longer than is kept of a stream.
func TestDNSLong(t *testing.T) {
	b := dns(1, 0x8180, 1, 2000, 0, 0, "x.example", 1, 1)
	for range 2000 {
		b = append(b, dns(toQuestion, 1, 1, ttl, data(uint32(0x7f000001)))...)
	}
	b = framed(b)
	var m Message
	c := dnsCase{octets: b[:MaxMessage-1], stream: true}
	if v := c.hear(&m); v != More {
		t.Errorf("verdict %d on a part", v)
	}
	m.Show(b[:MaxMessage], flow.Reverse)
	m.Full = true
	if v := DNS.Ask(&m); v != Accept || m.Said.Skip != uint64(len(b)-MaxMessage) || m.Said.Flaw != "" {
		t.Errorf("verdict %d, skip %d of %d, flaw %q", v, m.Said.Skip, len(b), m.Said.Flaw)
	}
	if got := attributes(m.Attrs.All())["DNS_NUM_ANSWERS"]; got != "2000" {
		t.Errorf("%s answers", got)
	}
}

// TestDNSNames checks the tables against what must hold of any.
func TestDNSNames(t *testing.T) {
	seen := map[string]bool{}
	for n := range 1 << 16 {
		rr := dnsType(uint16(n))
		if rr.name == "" {
			continue
		}
		if seen[rr.name] || len(rr.name) > len("NSEC3PARAM") || rr.name != strings.ToUpper(rr.name) {
			t.Errorf("type %d: %q", n, rr.name)
		}
		seen[rr.name] = true
		if strings.Trim(rr.layout, "na6124tTBpkrsSqcxbeh3") != "" {
			t.Errorf("%s: layout %q", rr.name, rr.layout)
		}
	}
	if len(seen) < 95 {
		t.Errorf("%d types", len(seen))
	}
}
