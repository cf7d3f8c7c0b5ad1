package app

import (
	"slices"
	"strings"
	"testing"

	"github.com/weir-probe/weir/dataplane/flow"
)

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
		want := "verdict=accept RESPONSE=" + strings.ReplaceAll(c.want, " ", "_")
		(&dnsCase{name: c.want, octets: reply(c.kind, c.data), want: want}).check(t)
		for n := range c.data { // cut, it is still an answer
			if k := (dnsCase{octets: reply(c.kind, c.data[:n])}); k.hear(&Message{}) != Accept {
				t.Errorf("%s with %d octets of data is not accepted", c.want, n)
			}
		}
	}
}

// rightQuestion is what is still said of a message with a flaw after the question.
const rightQuestion = "QUERY=x.example QUERY_TYPE=1 "

// flawedNames are messages with wrong names.
func flawedNames() []dnsCase {
	var long []byte
	for range 5 {
		long = append(append(long, 60), make([]byte, 60)...)
	}
	return []dnsCase{
		{name: "pointer to itself", octets: dns(1, 0, 1, 0, 0, 0, toQuestion, 1, 1),
			want: flaw(flawPointer) + "verdict=accept -QUERY"},
		{name: "loop over a label", octets: dns(1, 0, 1, 0, 0, 0, []byte("\x01a"), toQuestion, 1, 1),
			want: flaw(flawPointer) + "-QUERY"},
		{name: "pointer forward", octets: dns(1, 0x8180, 1, 1, 0, 0, "x.example", 1, 1, 0xc0ff, 1, 1, ttl,
			data(uint32(1))), want: flaw(flawPointer) + rightQuestion + "RESPONSE=0.0.0.1/A NUM_ANSWERS=1"},
		{name: "pointer into the header", octets: dns(1, 0x8180, 1, 1, 0, 0, "x.example", 1, 1, 0xc000, 1, 1, ttl,
			data(uint32(1))), want: flaw(flawHeader) + rightQuestion + "RESPONSE=0.0.0.1/A"},
		{name: "pointer to what does not end", octets: dns(1, 0x8180, 1, 1, 0, 0, "x.example", 1, 1, 0xc01a, 1, 1,
			ttl, data(uint32(1))), want: flaw(flawRuns) + rightQuestion + "RESPONSE=0.0.0.1/A"},
		{name: "pointer of the data forward", octets: reply(5, 0xc0f0), want: flaw(flawPointer) +
			"QUERY=x.example -RESPONSE NUM_ANSWERS=1"},
		{name: "label type", octets: dns(1, 0x8180, 1, 1, 0, 0, "x.example", 1, 1, byte(0x41), 1, 1, ttl,
			data(ttl)), want: flaw(flawLabel) + rightQuestion + "NUM_ANSWERS=0"},
		{name: "name too long", octets: dns(1, 0x8180, 1, 1, 0, 0, "x.example", 1, 1, long, byte(0), 1, 1, ttl,
			data(ttl)), want: flaw(flawLong) + rightQuestion},
		{name: "name too long by a pointer", octets: dns(1, 0x8180, 1, 2, 0, 0, "x.example", 1, 1,
			long[:183], byte(0), 1, 1, ttl, data(uint32(1)), long[:122], 0xc01b, 1, 1, ttl, data(uint32(2))),
			want: flaw(flawLong) + rightQuestion + "RESPONSE=0.0.0.1/A;0.0.0.2/A"},
	}
}

// flawedMessages are those whose header or lengths lie.
func flawedMessages() []dnsCase {
	return []dnsCase{
		{name: "counts beyond the message", octets: dns(1, 0x8180, 1, 999, 0, 0, "x.example", 1, 1, toQuestion, 1,
			1, ttl, data(uint32(1))), want: flaw(flawCounts) + rightQuestion + "NUM_ANSWERS=1 RESPONSE=0.0.0.1/A"},
		{name: "one record too many counted", octets: dns(1, 0x8180, 1, 2, 0, 0, "x.example", 1, 1, toQuestion,
			1, 1, ttl, data(uint32(1)), make([]byte, 9)), want: "NUM_ANSWERS=1 RESPONSE=0.0.0.1/A" + flaw(flawEnds)},
		{name: "ends inside a record", octets: dns(1, 0x8180, 1, 1, 0, 0, "x.example", 1, 1, "a.very.long.name", 1),
			want: flaw(flawEnds) + rightQuestion + "NUM_ANSWERS=0 -FIRST_TTL"},
		{name: "ends inside the question", octets: dns(1, 0x8180, 1, 0, 0, 0, "x.example"),
			want: flaw(flawEnds) + "-QUERY NUM_QUERIES=0"},
		{name: "data beyond the message", octets: dns(1, 0x8180, 1, 1, 0, 0, "x.example", 1, 1, toQuestion, 1, 1,
			ttl, 200, uint32(1)), want: flaw(flawLength) + rightQuestion + "-RESPONSE"},
		{name: "octets after the end", octets: query(1, 2), want: flaw(flawTrailing) + rightQuestion + "left=0"},
		{name: "opcode", octets: dns(1, 0x7800, 1, 0, 0, 0, "x.example", 1, 1), want: flaw(flawOpcode) +
			rightQuestion +
			"OPCODE=OPCODE15"},
		{name: "reserved bit", octets: dns(1, 0x0040, 1, 0, 0, 0, "x.example", 1, 1),
			want: flaw(flawReserved) + rightQuestion},
		{name: "query for nothing", octets: dns(1, 0, 0, 0, 0, 0), want: flaw(flawNothing) + "-QUERY"},
	}
}

// flawedRecords are messages with records whose data is wrong.
func flawedRecords() []dnsCase {
	opt := func(owner string, d ...any) []byte { return dns(owner, 41, 1400, uint32(0), data(d...)) }
	one := func(rest ...any) []byte { return dns(1, 0x8180, 1, 0, 0, 1, "x.example", 1, 1, dns(rest...)) }
	return []dnsCase{
		{name: "an address of 3 octets", octets: reply(1, []byte{1, 2, 3}),
			want: flaw(flawDataShort) + "-RESPONSE"},
		{name: "an address of 5 octets", octets: reply(1, []byte{1, 2, 3, 4, 5}),
			want: flaw(flawDataLong) + "-RESPONSE"},
		{name: "a string beyond its record", octets: reply(16, []byte("\x09abc")), want: flaw(flawDataShort)},
		{name: "bitmap", octets: reply(47, "x", bytesOf("0100")), want: flaw(flawBitmap)},
		{name: "bitmap not in order", octets: reply(47, "x", bytesOf("010140 000140")), want: flaw(flawBitmap)},
		{name: "parameters not in order", octets: reply(65, 1, ".", 3, 2, 443, 3, 2, 443), want: flaw(flawParams)},
		{name: "parameter of half an address", octets: reply(65, 1, ".", 4, 2, 443), want: flaw(flawDataShort)},
		{name: "two EDNS records", octets: dns(1, 0x8180, 1, 0, 0, 2, "x.example", 1, 1, opt("."), opt(".")),
			want: flaw(flawTwoOPT) + rightQuestion + "EDNS_SIZE=1400"},
		{name: "EDNS record with a name", octets: one(opt("x")), want: flaw(flawOPTName) + "EDNS_SIZE=1400"},
		{name: "EDNS option too long", octets: one(opt(".", 3, 9, 1)), want: flaw(flawOption) + "EDNS_SIZE=1400"},
		{name: "subnet without octets", octets: one(opt(".", 8, 4, 1, byte(24), byte(0))),
			want: flaw(flawSubnet) + "-CLIENT_SUBNET"},
		{name: "subnet of 33 bits", octets: one(opt(".", 8, 9, 1, byte(33), byte(0), make([]byte, 5))),
			want: flaw(flawSubnet) + "-CLIENT_SUBNET"},
	}
}

// TestDNSFlaws has messages with each flaw, and what is right about them.
func TestDNSFlaws(t *testing.T) {
	for _, c := range slices.Concat(flawedNames(), flawedMessages(), flawedRecords()) {
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
