package app

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/weir-probe/weir/dataplane/flow"
)

// Identifiers of the connections made here.
var (
	quicTo   = []byte{1, 2, 3, 4, 5, 6, 7, 8}
	quicFrom = []byte{0xa, 0xb, 0xc}
	quicBack = []byte{0xd, 0xe, 0xf, 0x10}
)

// over returns the conversation of datagrams; those of the server begin with a 0, which is cut.
func over(name string, datagrams ...[]byte) conversation {
	c := conversation{name: name, proto: 17, srcPort: 40000, dstPort: 443}
	for i, b := range datagrams {
		t := turn{octets: b, time: uint64(i+1) * 1e6}
		if b[0] == 0 {
			t.octets, t.dir = b[1:], flow.Reverse
		}
		c.turns = append(c.turns, t)
	}
	return c
}

// back marks a datagram as the server's.
func back(b []byte) []byte { return append([]byte{0}, b...) }

// initialOf is an Initial of the client with frames, in a datagram of the least length.
func initialOf(number uint64, frames ...[]byte) []byte {
	return sealed{version: 1, dcid: quicTo, scid: quicFrom, number: number, frames: bytes.Join(frames, nil),
		padding: quicFirst}.packet()
}

// answerIn is an Initial of the server.
func answerIn(number uint64, frames ...[]byte) []byte {
	return back(sealed{version: 1, keyed: quicTo, dcid: quicFrom, scid: quicBack, server: true, number: number,
		frames: bytes.Join(frames, nil)}.packet())
}

// longPacket is a packet whose content nobody knows.
func longPacket(kind byte, dcid, scid []byte) []byte {
	return slices.Concat(longHeader(kind, 1, dcid, scid), []byte{0x40, 50}, bytes.Repeat([]byte{0x5a}, 50))
}

// closeFrame is a CONNECTION_CLOSE.
func closeFrame(code uint64, reason string) []byte {
	return slices.Concat([]byte{frameClose}, vint(code), []byte{0}, vint(uint64(len(reason))), []byte(reason))
}

// ackFrame acknowledges packets 0, 1 and 3, and says how many came marked.
var ackFrame = []byte{frameACKECN, 3, 10, 1, 0, 0, 1, 1, 2, 3}

// paramsHere are transport parameters: one that does not matter, and those that do.
var paramsHere = slices.Concat(parameter(0x08, vint(100)), parameter(quicMaxIdleTimeout, vint(30000)),
	parameter(quicMaxUDPPayload, vint(1472)), parameter(quicInitialMaxData, vint(1<<40)),
	parameter(quicVersionInfo, []byte{0, 0, 0, 1, 0x6b, 0x33, 0x43, 0xcf, 0, 0, 0, 1, 0x1a, 0x2a, 0x3a, 0x4a}),
	parameter(quicAgent, []byte("Chrome/138.0 Linux x86_64")))

// pieces cuts a hello and puts the pieces into frames, the last one first, with octets that come
// twice.
func pieces(b []byte, size int) (frames [][]byte) {
	for at := 0; at < len(b); at += size {
		from := max(0, at-5)
		frames = append(frames, cryptoFrame(from, b[from:min(len(b), at+size)]))
	}
	slices.Reverse(frames)
	return frames
}

// quicSamples are conversations with everything that QUIC can say.
func quicSamples() []conversation {
	hello := helloOf("a.example", paramsHere, 0)
	big := helloOf("big.example", nil, 7000)
	all := pieces(big, 1100)
	early := longPacket(1, quicTo, quicFrom)
	token := sealed{version: 1, dcid: quicTo, scid: quicFrom, token: []byte("from before"), padding: quicFirst,
		frames: cryptoFrame(0, hello), numberLen: 4, number: 70000}.packet()
	offer := back(slices.Concat([]byte{0xca}, make([]byte, 4), []byte{3}, quicFrom, []byte{8}, quicTo,
		[]byte{0x6b, 0x33, 0x43, 0xcf, 0x0a, 0x1a, 0x2a, 0x3a, 0xff, 0, 0, 0x1d}))
	second := sealed{version: 0x6b3343cf, dcid: quicTo, scid: quicFrom, frames: cryptoFrame(0, hello),
		padding: quicFirst}.packet()
	moved := sealed{version: 0x6b3343cf, keyed: quicTo, dcid: quicFrom, scid: quicBack, server: true,
		frames: cryptoFrame(0, answerOf(false))}.packet()
	again := slices.Concat(answerOf(true), answerOf(false))
	datagrams := [][]byte{}
	for i, f := range all {
		datagrams = append(datagrams, initialOf(uint64(i), f))
	}
	first, retry, next, answer := quicRetries()
	return []conversation{
		over("sent back", first(0), retry, next, answer),
		over("in one datagram", initialOf(0, cryptoFrame(0, hello)),
			answerIn(0, ackFrame, cryptoFrame(0, answerOf(false)))),
		over("backwards over datagrams", append(datagrams, answerIn(0, cryptoFrame(0, answerOf(false))))...),
		over("backwards in a packet", initialOf(0, pieces(hello, 40)...),
			answerIn(0, cryptoFrame(0, answerOf(false)))),
		over("coalesced, with a token and early data", slices.Concat(token, early),
			slices.Concat(answerIn(1, cryptoFrame(0, answerOf(false))), longPacket(2, quicFrom, quicBack))),
		over("refused", initialOf(0, cryptoFrame(0, hello)),
			answerIn(0, closeFrame(0x178, "no such protocol"))),
		over("another version offered", initialOf(0, cryptoFrame(0, hello)), offer, second, back(moved)),
		over("moved to another version", initialOf(0, cryptoFrame(0, hello)), back(moved)),
		over("asked for another hello", initialOf(0, cryptoFrame(0, hello)),
			answerIn(0, cryptoFrame(0, again[:len(again)/2])), initialOf(1, cryptoFrame(len(hello), hello)),
			answerIn(1, cryptoFrame(len(again)/2, again[len(again)/2:]))),
		over("no more than headers", longPacket(2, quicTo, quicFrom)),
	}
}

// eventsOf drives QUIC over a conversation.
func eventsOf(t *testing.T, c conversation) *outcome {
	t.Helper()
	o := drive(&c, &QUIC)
	if len(o.faults) > 0 || o.dropped > 0 {
		t.Errorf("%s: %v, %d attributes dropped", c.name, o.faults, o.dropped)
	}
	return o
}

// quicWant is an event that is expected, and some of its fields.
type quicWant struct {
	state  string
	fields []map[string]string
}

// quicWants are the events expected of the samples, by name.
func quicWants() map[string][]quicWant {
	offered := map[string]string{"QUIC_VERSIONS_OFFERED": "6b3343cf,ff00001d", "QUIC_VERSION": "1"}
	answered := map[string]string{"QUIC_DCID": "0102030405060708", "QUIC_SCID": "0a0b0c",
		"QUIC_SERVER_SCID": "0d0e0f10", "TLS_CIPHER": "4865", "TLS_VERSION": "772", "TLS_GROUP": "29",
		"TLS_RESUMED": "0"}
	params := map[string]string{"QUIC_IDLE_TIMEOUT": "30000", "QUIC_MAX_UDP_PAYLOAD": "1472",
		"QUIC_MAX_DATA": "1099511627776", "QUIC_USER_AGENT": "Chrome/138.0 Linux x86_64",
		"QUIC_CLIENT_VERSIONS": "6b3343cf,00000001", "TLS_SERVER_NAME": "a.example", "TLS_CLIENT_ALPN": "h3"}
	return map[string][]quicWant{
		"sent back": {{complete, []map[string]string{params,
			{"QUIC_RETRY": "1", "TLS_CIPHER": "4865"}}}},
		"in one datagram":          {{complete, []map[string]string{answered, params, {"QUIC_VERSION": "1"}}}},
		"backwards over datagrams": {{complete, []map[string]string{answered, {"TLS_SERVER_NAME": "big.example"}}}},
		"backwards in a packet":    {{complete, []map[string]string{answered, params}}},
		"coalesced, with a token and early data": {{complete, []map[string]string{answered, params,
			{"QUIC_TOKEN_LENGTH": "11", "QUIC_EARLY_DATA": "1"}}}},
		"refused": {{complete, []map[string]string{params,
			{"QUIC_ERROR": "376", "QUIC_ERROR_REASON": "no such protocol"}}}},
		"another version offered": {{complete, []map[string]string{offered, params}},
			{complete, []map[string]string{answered, params, {"QUIC_VERSION": "1798521807"}}}},
		"moved to another version": {{complete, []map[string]string{answered, params,
			{"QUIC_VERSION": "1", "QUIC_SERVER_VERSION": "1798521807"}}}},
		"asked for another hello": {{complete, []map[string]string{answered, params, {"TLS_HELLO_RETRY": "1"}}}},
	}
}

func TestQUICConversations(t *testing.T) {
	wants := quicWants()
	for _, c := range quicSamples() {
		o := eventsOf(t, c)
		if len(o.events) != len(wants[c.name]) {
			t.Errorf("%s: events %v", c.name, o.events)
			continue
		}
		for i, w := range wants[c.name] {
			if o.events[i].Kind != w.state {
				t.Errorf("%s: event %d is %s", c.name, i, o.events[i].Kind)
			}
			for _, fields := range w.fields {
				for label, value := range fields {
					if got := o.events[i].Fields[label]; got != value {
						t.Errorf("%s: event %d: %s is %q, want %q", c.name, i, label, got, value)
					}
				}
			}
		}
		for _, m := range o.messages {
			if m.Flaw != "" {
				t.Errorf("%s: flaw %s", c.name, m.Flaw)
			}
		}
	}
}

// What one datagram says must not depend on others that come between, twice, or in another order.
func TestQUICOrder(t *testing.T) {
	hello := helloOf("big.example", paramsHere, 5000)
	var client [][]byte
	for i, f := range pieces(hello, 900) {
		client = append(client, initialOf(uint64(i), f))
	}
	answer := answerIn(0, cryptoFrame(0, answerOf(false)))
	want := eventsOf(t, over("", append(slices.Clone(client), answer)...))
	if len(want.events) != 1 || want.events[0].Kind != complete {
		t.Fatalf("events %v", want.events)
	}
	for i := range client {
		mixed := slices.Concat(client[i:], client[:i], client[i:i+1], [][]byte{answer})
		if i%2 == 0 {
			mixed = append([][]byte{answer}, mixed...) // too early to be read
			mixed = slices.Insert(mixed, 3, longPacket(1, quicTo, quicFrom), back(longPacket(2, quicFrom, quicBack)))
		}
		got := eventsOf(t, over("", mixed...))
		if len(got.events) != 1 || i%2 == 1 && !maps.Equal(got.events[0].Fields, want.events[0].Fields) {
			t.Errorf("from datagram %d on: %v, want %v", i, got.events, want.events)
		}
	}
}

// flawed is a conversation with a flaw, or with one that looks like it but is none.
type flawed struct {
	flaw string
	conversation
}

func quicFlaws() []flawed {
	hello := cryptoFrame(0, helloOf("a.example", paramsHere, 0))
	begin := initialOf(0, hello)
	damaged := func(b []byte) []byte {
		b = slices.Clone(b)
		b[len(b)-1] ^= 1
		return b
	}
	retry := func(tag string) []byte {
		b := longHeader(3, 1, quicFrom, quicBack)
		return back(append(append(b, "token"...), tag...))
	}
	bad := func(params ...byte) []byte { return initialOf(0, cryptoFrame(0, helloOf("a.example", params, 0))) }
	return []flawed{
		{flawQUICFrame, over("a frame beyond the end",
			initialOf(0, bytes.Repeat([]byte{0}, 1131), []byte{6, 0, 0x44, 0}))},
		{flawQUICFrame, over("too many ranges", initialOf(0, []byte{2, 0, 0, 0xbf, 0xff, 0xff, 0xff, 0}))},
		{flawQUICForbidden, over("a stream", initialOf(0, []byte{8, 0, 1}))},
		{flawQUICReserved, over("reserved bits", sealed{version: 1, dcid: quicTo, first: 8, padding: quicFirst,
			frames: hello}.packet())},
		{flawQUICHello, over("a frame far away", initialOf(0, cryptoFrame(1<<40, []byte{1})))},
		{flawQUICHello, over("a hello that is too long", initialOf(0, cryptoFrame(0, []byte{1, 0, 0x20, 0})))},
		{flawQUICMessage, over("another message", initialOf(0, cryptoFrame(0, []byte{2, 0, 0, 0})))},
		{flawQUICMessage, over("another answer", begin, answerIn(0, cryptoFrame(0, []byte{11, 0, 0, 0})))},
		{flawHelloShort, over("no answer", begin, answerIn(0, cryptoFrame(0, []byte{2, 0, 0, 0})))},
		{flawHelloShort, over("half an answer", begin, answerIn(0, cryptoFrame(0, []byte{2, 0, 0, 2, 3, 3})))},
		{flawQUICKeys, over("a damaged client", begin, damaged(initialOf(1, hello)))},
		{flawQUICKeys, over("a damaged server", begin, damaged(answerIn(0, ackFrame)))},
		{flawQUICRetry, over("a Retry of somebody else", begin, retry("0123456789abcdef"))},
		{flawQUICParameter, over("a parameter beyond the end", bad(1, 4, 0))},
		{flawQUICParameter, over("a number with something behind", bad(1, 2, 0, 0))},
		{flawQUICParameter, over("half a version", bad(0x11, 6, 0, 0, 0, 1, 0, 0))},
		{"", over("nothing but a server", answerIn(0, cryptoFrame(0, answerOf(false))))},
		{"", over("from the middle",
			sealed{version: 1, keyed: quicTo, dcid: quicBack, padding: quicFirst}.packet())},
		{"", over("somebody else's packet", begin, sealed{version: 1, keyed: quicFrom, dcid: quicBack,
			padding: quicFirst}.packet())},
		{"", over("padding behind", append(slices.Clone(begin), make([]byte, 50)...))},
		{"", over("a packet of another connection behind",
			append(slices.Clone(begin), longPacket(2, quicFrom, nil)...))},
	}
}

func TestQUICFlaws(t *testing.T) {
	for _, c := range quicFlaws() {
		var flaws []string
		o := eventsOf(t, c.conversation)
		for _, m := range o.messages {
			if m.Flaw != "" {
				flaws = append(flaws, m.Flaw)
			}
		}
		if len(o.messages) < len(c.turns) || strings.Join(flaws, ", ") != c.flaw {
			t.Errorf("%s: %d messages, flaws %q, want %q", c.name, len(o.messages), flaws, c.flaw)
		}
	}
}

// quicRetries are the datagrams of a connection with the Retry of RFC 9001, appendix A.4.
func quicRetries() (first func(number uint64) []byte, retry, next, answer []byte) {
	hello := cryptoFrame(0, helloOf("a.example", paramsHere, 0))
	first = func(number uint64) []byte {
		return sealed{version: 1, dcid: unhex(rfcDCID), number: number, frames: hello, padding: quicFirst}.packet()
	}
	retry = back(unhex("ff000000010008f067a5502a4262b5746f6b656e04a265ba2eff4d829058fb3f0f2496ba"))
	to := unhex("f067a5502a4262b5")
	next = sealed{version: 1, dcid: to, number: 2, frames: hello, token: []byte("token"),
		padding: quicFirst}.packet()
	answer = back(sealed{version: 1, keyed: to, scid: quicBack, server: true,
		frames: cryptoFrame(0, answerOf(false))}.packet())
	return first, retry, next, answer
}

// A Retry makes new keys; what was on its way does not confuse them.
func TestQUICRetry(t *testing.T) {
	first, retry, next, answer := quicRetries()
	for _, c := range []conversation{
		over("as it should be", first(0), retry, next, answer),
		over("a late one", first(0), retry, first(1), next, first(2), answer),
		over("a second Retry", first(0), retry, retry, next, answer),
		over("without the second hello", first(0), retry, answer),
	} {
		o := eventsOf(t, c)
		if len(o.events) != 1 || o.events[0].Kind != complete || o.events[0].Fields["QUIC_RETRY"] != "1" ||
			o.events[0].Fields["QUIC_DCID"] != rfcDCID || o.events[0].Fields["TLS_CIPHER"] != "4865" {
			t.Errorf("%s: events %v", c.name, o.events)
		}
		for _, m := range o.messages {
			if m.Flaw != "" {
				t.Errorf("%s: %s", c.name, m.Flaw)
			}
		}
	}
}

// Google's versions before Q050, made by hand.
func TestGoogleQUIC(t *testing.T) {
	hello := "CHLO\x02\x00\x00\x00SNI\x00\x09\x00\x00\x00UAID\x0f\x00\x00\x00a.exampleChrome"
	hash := strings.Repeat("h", googleHash)
	stream := "\xa0\x01\x00\x2d"
	for _, c := range []struct{ name, octets string }{
		{"Q043", "\x0912345678Q043\x01" + hash + stream + hello},
		{"Q039, packet number of 4", "\x2912345678Q039\x00\x00\x00\x01" + hash + stream + hello},
		{"Q033, with further flags", "\x0d12345678Q033\x01" + hash + "\x01" + stream + hello},
		{"Q046", "\xc3Q046\x5012345678\x00\x00\x00\x01" + hash + stream + hello},
		{"an offset", "\x0912345678Q043\x01" + hash + "\xa4\x01\x00\x00\x00\x2d" + hello},
	} {
		o := eventsOf(t, over(c.name, []byte(c.octets)))
		want := map[string]string{"TLS_SERVER_NAME": "a.example", "QUIC_USER_AGENT": "Chrome",
			"QUIC_DCID": "3132333435363738"}
		if len(o.events) == 1 {
			want["QUIC_VERSION"] = o.events[0].Fields["QUIC_VERSION"]
		}
		if len(o.events) != 1 || o.events[0].Kind != noticed || !maps.Equal(o.events[0].Fields, want) {
			t.Errorf("%s: %v", c.name, o.events)
		}
	}
	for _, c := range []struct{ name, octets string }{
		{"a version that never was", "\x0912345678Q0x3\x01" + hash + stream + hello},
		{"a reset", "\x0b12345678Q043\x01" + hash + stream + hello},
		{"no version", "\x0812345678\x01" + hash + stream + hello},
		{"half a version", "\x0912345678Q0"},
	} {
		if o := eventsOf(t, over(c.name, []byte(c.octets))); len(o.messages) != 0 {
			t.Errorf("%s: %v", c.name, o.messages)
		}
	}
}

// A flow is not looked at for ever.
func TestQUICPatience(t *testing.T) {
	begin := initialOf(0, cryptoFrame(0, helloOf("a.example", nil, 0)))
	ping := initialOf(1, []byte{framePing})
	strange := sealed{version: 1, keyed: quicFrom, dcid: quicBack, padding: quicFirst}.packet()
	for _, c := range []struct {
		name    string
		first   []byte
		next    []byte
		most    int
		notices int
	}{
		{"nobody answers", begin, ping, quicDatagrams, 0},
		{"nothing but pings", ping, ping, quicDatagrams, 1},
		{"keys do not fit", strange, strange, quicTries, 1},
		{"the client goes on", begin, longPacket(2, quicBack, quicFrom), 2, 0},
		{"the client goes on without long headers", begin, bytes.Repeat([]byte{0x41}, 40), 2, 0},
	} {
		datagrams := [][]byte{c.first}
		for range 2 * quicDatagrams {
			datagrams = append(datagrams, c.next)
		}
		o := eventsOf(t, over(c.name, datagrams...))
		notices := 0
		for _, e := range o.events {
			if e.Kind == noticed {
				notices++
			}
		}
		if len(o.messages) != c.most || notices != c.notices {
			t.Errorf("%s: %d datagrams read, want %d; %d notices", c.name, len(o.messages), c.most, notices)
		}
	}
}
