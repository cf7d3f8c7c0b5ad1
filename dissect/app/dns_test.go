package app

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
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
	opt := func(parts ...any) []byte { return dns(byte(0), 41, 1400, parts[0], data(parts[1:]...)) }
	return []dnsCase{
		{name: "query", octets: query(), want: "verdict=accept role=request QUERY=x.example QUERY_ID=1 " +
			"QUERY_TYPE=1 QUERY_TYPE_NAME=A QUERY_CLASS=IN OPCODE=QUERY QUERY_FLAGS=RD NUM_QUERIES=1 " +
			"-RET_CODE -NUM_ANSWERS -RESPONSE -FLAGS number=0 left=0"},
		{name: "addresses first", octets: dns(2, 0x8580, 1, 3, 0, 0, "a.x", 1, 1, toQuestion, 5, 1, uint32(9),
			data("b.x"), "b.x", 1, 1, uint32(5), data(uint32(0x01020304)), "b.x", 28, 1, uint32(7),
			data(make([]byte, 15), byte(1))), want: "role=response finish=true RESPONSE=1.2.3.4/A;::1/AAAA;b.x/CNAME " +
			"NUM_ANSWERS=3 FIRST_TTL=9 MIN_TTL=5 TTL_ANSWER=5 FLAGS=AA;RD;RA RET_CODE=0 RET_CODE_NAME=NOERROR " +
			"-QUERY_FLAGS"},
		{name: "name servers", octets: dns(2, 0x8003, 1, 0, 2, 1, "a.x", 1, 1, "x", 2, 1, ttl, data("n1.x"), "x", 2, 1,
			ttl, data("n2.x"), "n1.x", 1, 1, ttl, data(uint32(1))), want: "AUTH_NS=n1.x;n2.x NUM_AUTH=2 " +
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

// TestDNSData has each layout of data once, as master files write it.
func TestDNSData(t *testing.T) {
	for _, c := range []struct {
		kind int
		data []byte
		want string
	}{
		{1, dns(uint32(0xc0000201)), "192.0.2.1/A"},
		{6, dns("n.x", "h.x", uint32(1), uint32(2), uint32(3), uint32(4), uint32(5)), "n.x h.x 1 2 3 4 5/SOA"},
		{15, dns(10, []byte{1, 'm', 0xc0, 0x0c}), "10 m.x.example/MX"},
		{16, text("a b", `"\`, "\x01;/"), `"a b" "\"\\" "\001;/"/TXT`},
		{10, bytesOf("00ff"), `\# 2 00FF/NULL`},
		{33, dns(1, 2, 443, "s.x"), "1 2 443 s.x/SRV"},
		{35, dns(1, 2, text("s", "SIP+D2U", ""), "r.x"), `1 2 "s" "SIP+D2U" "" r.x/NAPTR`},
		{25, bytesOf("01010305 aabb"), "257 3 5 id=44737/KEY"},
		{43, bytesOf("ec45 05 01 abcd"), "60485 5 1 ABCD/DS"},
		{46, dns(1, byte(8), byte(2), ttl, uint32(1767225600), uint32(0), 7, "x", []byte("sig")),
			"A 8 2 3600 20260101000000 19700101000000 7 x/RRSIG"},
		{47, dns("b.x", bytesOf("0006 400000000003 0401 80")), "b.x A RRSIG NSEC TYPE1024/NSEC"},
		{48, bytesOf("0101030800"), "257 3 8 id=1033/DNSKEY"},
		{50, bytesOf("01 00 000a 02 aabb 05 0102030405 0001 40"), "1 0 10 AABB 04106105 A/NSEC3"},
		{51, bytesOf("01 00 0000 00"), "1 0 0 -/NSEC3PARAM"},
		{52, bytesOf("03 01 01 aabb"), "3 1 1 AABB/TLSA"},
		{62, bytesOf("00000042 0003 0004 60000008"), "66 3 A NS AAAA/CSYNC"},
		{61, []byte("abcd"), "YWJjZA==/OPENPGPKEY"},
		{64, dns(0, "t.x"), "0 t.x/SVCB"},
		{65, dns(1, ".", 0, 4, 1, 4, 1, 6, text("h2", "a,"), 2, 0, 3, 2, 8443, 4, 8, uint32(0xc0000201),
			uint32(0xc0000202)), `1 . mandatory=alpn,ipv4hint alpn=h2,a\\, no-default-alpn port=8443 ` +
			`ipv4hint=192.0.2.1,192.0.2.2/HTTPS`},
		{65, dns(1, ".", 5, 3, []byte("ech"), 6, 16, make([]byte, 15), byte(1), 7, 4, []byte("/q{}"), 9, 4, 29, 23,
			700, 2, []byte("\x00x")), `1 . ech=ZWNo ipv6hint=::1 dohpath=/q{} tls-supported-groups=29,23 ` +
			`key700=\000x/HTTPS`},
		{66, dns(1, byte(1), 5300, "t.x"), "A 1 5300 t.x/DSYNC"},
		{105, dns(10, uint32(0xc0000201)), "10 192.0.2.1/L32"},
		{108, bytesOf("0000 5e00 53aa"), "00-00-5e-00-53-aa/EUI48"},
		{256, dns(1, 2, []byte("http://x")), `1 2 "http://x"/URI`},
		{257, dns(byte(128), text("issue"), []byte(`c;"`)), `128 issue "c;\""/CAA`},
		{63, dns(uint32(1), byte(1), byte(1), []byte{0xab}), "1 1 1 AB/ZONEMD"},
		{32768, bytesOf("ec45 05 01 abcd"), "60485 5 1 ABCD/TA"},
		{65280, bytesOf("0a000001"), `\# 4 0A000001/TYPE65280`},
	} {
		m := dnsCase{name: c.want, octets: reply(c.kind, c.data),
			want: "verdict=accept RESPONSE=" + strings.ReplaceAll(c.want, " ", "_")}
		m.check(t)
		// Data that ends anywhere else is never right, or at least never too long.
		for n := range c.data {
			var m Message
			k := dnsCase{octets: reply(c.kind, c.data[:n])}
			if v := k.hear(&m); v != Accept {
				t.Errorf("%s with %d octets of data: verdict %d", c.want, n, v)
			}
		}
	}
}

// TestDNSFlaws has messages with each flaw, and what is right about them.
func TestDNSFlaws(t *testing.T) {
	long := make([]byte, 0, 300)
	for range 5 {
		long = append(append(long, 60), make([]byte, 60)...)
	}
	q := "QUERY=x.example QUERY_TYPE=1 "
	opt := func(owner string, d ...any) []byte { return dns(owner, 41, 1400, uint32(0), data(d...)) }
	one := func(rest ...any) []byte { return dns(1, 0x8180, 1, 0, 0, 1, "x.example", 1, 1, dns(rest...)) }
	for _, c := range []dnsCase{
		{name: "pointer to itself", octets: dns(1, 0, 1, 0, 0, 0, toQuestion, 1, 1),
			want: flaw(flawPointer) + "verdict=accept -QUERY"},
		{name: "loop over a label", octets: dns(1, 0, 1, 0, 0, 0, []byte("\x01a"), toQuestion, 1, 1),
			want: flaw(flawPointer) + "-QUERY"},
		{name: "pointer forward", octets: dns(1, 0x8180, 1, 1, 0, 0, "x.example", 1, 1, 0xc0ff, 1, 1, ttl,
			data(uint32(1))), want: flaw(flawPointer) + q + "RESPONSE=0.0.0.1/A NUM_ANSWERS=1"},
		{name: "pointer into the header", octets: dns(1, 0x8180, 1, 1, 0, 0, "x.example", 1, 1, 0xc000, 1, 1, ttl,
			data(uint32(1))), want: flaw(flawHeader) + q + "RESPONSE=0.0.0.1/A"},
		{name: "pointer to what does not end", octets: dns(1, 0x8180, 1, 1, 0, 0, "x.example", 1, 1, 0xc01a, 1, 1, ttl,
			data(uint32(1))), want: flaw(flawRuns) + q + "RESPONSE=0.0.0.1/A"},
		{name: "pointer of the data forward", octets: reply(5, 0xc0f0), want: flaw(flawPointer) +
			"QUERY=x.example -RESPONSE NUM_ANSWERS=1"},
		{name: "label type", octets: dns(1, 0x8180, 1, 1, 0, 0, "x.example", 1, 1, byte(0x41), 1, 1, ttl, data(ttl)),
			want: flaw(flawLabel) + q + "NUM_ANSWERS=0"},
		{name: "name too long", octets: dns(1, 0x8180, 1, 1, 0, 0, "x.example", 1, 1, long, byte(0), 1, 1, ttl,
			data(ttl)), want: flaw(flawLong) + q},
		{name: "name too long by a pointer", octets: dns(1, 0x8180, 1, 2, 0, 0, "x.example", 1, 1,
			long[:183], byte(0), 1, 1, ttl, data(uint32(1)), long[:122], 0xc01b, 1, 1, ttl, data(uint32(2))),
			want: flaw(flawLong) + q + "RESPONSE=0.0.0.1/A;0.0.0.2/A"},
		{name: "counts beyond the message", octets: dns(1, 0x8180, 1, 999, 0, 0, "x.example", 1, 1, toQuestion, 1, 1,
			ttl, data(uint32(1))), want: flaw(flawCounts) + q + "NUM_ANSWERS=1 RESPONSE=0.0.0.1/A"},
		{name: "one record too many counted", octets: dns(1, 0x8180, 1, 2, 0, 0, "x.example", 1, 1, toQuestion, 1, 1,
			ttl, data(uint32(1)), make([]byte, 9)), want: "NUM_ANSWERS=1 RESPONSE=0.0.0.1/A" + flaw(flawEnds)},
		{name: "ends inside a record", octets: dns(1, 0x8180, 1, 1, 0, 0, "x.example", 1, 1, "a.very.long.name", 1),
			want: flaw(flawEnds) + q + "NUM_ANSWERS=0 -FIRST_TTL"},
		{name: "ends inside the question", octets: dns(1, 0x8180, 1, 0, 0, 0, "x.example"),
			want: flaw(flawEnds) + "-QUERY NUM_QUERIES=0"},
		{name: "data beyond the message", octets: dns(1, 0x8180, 1, 1, 0, 0, "x.example", 1, 1, toQuestion, 1, 1,
			ttl, 200, uint32(1)), want: flaw(flawLength) + q + "-RESPONSE"},
		{name: "an address of 3 octets", octets: reply(1, []byte{1, 2, 3}), want: flaw(flawDataShort) + "-RESPONSE"},
		{name: "an address of 5 octets", octets: reply(1, []byte{1, 2, 3, 4, 5}), want: flaw(flawDataLong) + "-RESPONSE"},
		{name: "a string beyond its record", octets: reply(16, []byte("\x09abc")), want: flaw(flawDataShort)},
		{name: "bitmap", octets: reply(47, "x", bytesOf("0100")), want: flaw(flawBitmap)},
		{name: "bitmap not in order", octets: reply(47, "x", bytesOf("010140 000140")), want: flaw(flawBitmap)},
		{name: "parameters not in order", octets: reply(65, 1, ".", 3, 2, 443, 3, 2, 443), want: flaw(flawParams)},
		{name: "parameter of half an address", octets: reply(65, 1, ".", 4, 2, 443), want: flaw(flawDataShort)},
		{name: "two EDNS records", octets: dns(1, 0x8180, 1, 0, 0, 2, "x.example", 1, 1, opt("."), opt(".")),
			want: flaw(flawTwoOPT) + q + "EDNS_SIZE=1400"},
		{name: "EDNS record with a name", octets: one(opt("x")), want: flaw(flawOPTName) + "EDNS_SIZE=1400"},
		{name: "EDNS option too long", octets: one(opt(".", 3, 9, 1)), want: flaw(flawOption) + "EDNS_SIZE=1400"},
		{name: "subnet without octets", octets: one(opt(".", 8, 4, 1, byte(24), byte(0))),
			want: flaw(flawSubnet) + "-CLIENT_SUBNET"},
		{name: "subnet of 33 bits", octets: one(opt(".", 8, 9, 1, byte(33), byte(0), make([]byte, 5))),
			want: flaw(flawSubnet) + "-CLIENT_SUBNET"},
		{name: "octets after the end", octets: query(1, 2), want: flaw(flawTrailing) + q + "left=0"},
		{name: "opcode", octets: dns(1, 0x7800, 1, 0, 0, 0, "x.example", 1, 1), want: flaw(flawOpcode) + q +
			"OPCODE=OPCODE15"},
		{name: "reserved bit", octets: dns(1, 0x0040, 1, 0, 0, 0, "x.example", 1, 1), want: flaw(flawReserved) + q},
		{name: "query for nothing", octets: dns(1, 0, 0, 0, 0, 0), want: flaw(flawNothing) + "-QUERY"},
	} {
		c.check(t)
		if c.port = 5300; c.hear(&Message{}) != Reject {
			t.Errorf("%s: accepted where no DNS is expected", c.name)
		}
		c.port, c.stream, c.octets = 0, true, framed(c.octets)
		if strings.Contains(c.want, "verdict=") || c.name == "octets after the end" {
			c.check(t)
		}
	}
}

// TestDNSNot has what is not DNS, although it looks a little like it.
func TestDNSNot(t *testing.T) {
	nbns := dns(1, 0x0110, 1, 0, 0, 0, strings.Repeat("CKAA", 8), 33, 1)
	for _, c := range []dnsCase{
		{name: "nothing", octets: nil},
		{name: "too short", octets: query()[:11]},
		{name: "zeroes", octets: make([]byte, 100)},
		{name: "zeroes elsewhere", octets: make([]byte, 12), port: 5300},
		{name: "NetBIOS", octets: nbns, port: 137},
		{name: "NetBIOS elsewhere", octets: nbns, port: 5300},
		{name: "text", octets: []byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n")},
		{name: "text in a stream", octets: []byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), stream: true},
		{name: "unknown type elsewhere", octets: dns(1, 0, 1, 0, 0, 0, "x", 65280, 1), port: 5300},
		{name: "unknown class elsewhere", octets: dns(1, 0, 1, 0, 0, 0, "x", 1, 77), port: 5300},
		{name: "query with a return code elsewhere", octets: dns(1, 3, 1, 0, 0, 0, "x", 1, 1), port: 5300},
		{name: "cut elsewhere", octets: query(), port: 5300, cut: true},
		{name: "length too small", octets: []byte{0, 5, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, stream: true},
	} {
		if v := c.hear(&Message{}); v != Reject {
			t.Errorf("%s: %s", c.name, verdicts[v])
		}
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

// BenchmarkDNS parses an ordinary response.
func BenchmarkDNS(b *testing.B) {
	c := dnsFeatures()[1]
	var m Message
	c.hear(&m)
	state := m.State
	b.ReportAllocs()
	for b.Loop() {
		m.Show(c.octets, flow.Forward)
		m.State = state
		if DNS.Ask(&m) != Accept {
			b.Fatal("not accepted")
		}
	}
}

// BenchmarkDNSHostile parses a datagram that is as much work as possible: each record has two
// names that lead along every label.
func BenchmarkDNSHostile(b *testing.B) {
	x := dns(1, 0x8180, 1, 4000, 0, 0, strings.Repeat("a.", 126), 1, 1)
	for len(x) < 65000 {
		x = append(x, dns(toQuestion, 5, 1, ttl, data(toQuestion))...)
	}
	c := dnsCase{octets: x}
	var m Message
	c.hear(&m)
	b.SetBytes(int64(len(x)))
	for b.Loop() {
		m.Show(c.octets, flow.Forward)
		DNS.Ask(&m)
	}
}

// FuzzDNS shows any octets as a datagram, as the same message in a stream, and cut. All of them
// say the same, as far as it is there; a right message has no flaw when it is cut.
func FuzzDNS(f *testing.F) {
	for _, c := range dnsFeatures() {
		f.Add(c.octets, uint16(max(c.port, portDNS)), uint16(len(c.octets)/2))
	}
	for n := range uint16(3) {
		f.Add(reply(65, 1, "."), []uint16{portMDNS, portLLMNR, 1}[n], 20+n)
	}
	f.Fuzz(func(t *testing.T, octets []byte, port, cut uint16) {
		if len(octets) > MaxMessage-2 || port == portMDNS && len(octets) > 1<<15 {
			return
		}
		whole := dnsCase{octets: octets, port: port}
		want := whole.heardOf()
		for _, label := range []string{"QUERY", "RESPONSE", "AUTH_NS", "ANSWER_NAME"} {
			if len(want[label]) > 255 {
				t.Fatalf("%s: %q", label, want[label])
			}
		}
		if stream := (dnsCase{octets: framed(octets), port: port, stream: true}); port == portDNS {
			got := stream.heardOf()
			if got["verdict"] != want["verdict"] || got["flaw"] != want["flaw"] || got["QUERY"] != want["QUERY"] ||
				got["RESPONSE"] != want["RESPONSE"] || got["NUM_ANSWERS"] != want["NUM_ANSWERS"] {
				t.Fatalf("in a stream %v, in a datagram %v", got, want)
			}
		}
		part := dnsCase{octets: octets[:min(int(cut), len(octets))], port: port, cut: true}
		got := part.heardOf()
		if want["verdict"] == "accept" && want["flaw"] == "" && got["flaw"] != "" {
			t.Fatalf("cut: %v, whole: %v", got, want)
		}
		if q, ok := got["QUERY"]; ok && want["verdict"] == "accept" && q != want["QUERY"] {
			t.Fatalf("cut: query %q, whole: %q", q, want["QUERY"])
		}
	})
}
