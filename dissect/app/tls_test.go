package app

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/weir-probe/weir/dataplane/flow"
)

func client(octets []byte) turn { return turn{dir: flow.Forward, octets: octets} }
func server(octets []byte) turn { return turn{dir: flow.Reverse, octets: octets} }

// tlsSaid drives TLS over turns.
func tlsSaid(turns ...turn) *outcome {
	c := says("", 6, flow.Forward, nil)
	c.turns = turns
	return drive(&c, &TLS)
}

func TestStreams(t *testing.T) {
	hello := tlsMessage(messageClientHello, clientSays(tls12, []uint16{0x2f}, sni("a.test")))
	answer := tlsMessage(messageServerHello, serverSays(tls12, 0x2f))
	done := tlsMessage(messageServerHelloDone, nil)
	new13 := tlsMessage(messageServerHello,
		serverSays(tls12, tls13Suite, extensionOf(extensionSupportedVersions, code(tls13))))
	change := tlsRecord(recordChangeCipher, []byte{1})
	finished := tlsRecord(recordHandshake, bytes.Repeat([]byte{0xaa}, 40))
	fatal := tlsRecord(recordAlert, []byte{2, 40})
	heart := tlsRecord(recordHeartbeat, append([]byte{1, 0x40, 0}, zeroes...))
	lost := server(tlsRecords(done, 99))
	lost.lost = 10
	for _, c := range []struct {
		what     string
		turns    []turn
		messages int
		kinds    string // of events
		want     string
		flaw     string
	}{
		{"full", []turn{client(tlsRecords(hello, 999)), server(tlsRecords(slices.Concat(answer, done), 999)),
			client(slices.Concat(change, finished)), server(slices.Concat(change, finished))},
			6, "transaction", "TLS_VERSION=771 TLS_CIPHER=47 TLS_RESUMED=0 TLS_SERVER_NAME=a.test", ""},
		{"resumed", []turn{client(tlsRecords(hello, 999)),
			server(slices.Concat(tlsRecords(answer, 999), change, finished))},
			4, "transaction", "TLS_RESUMED=1", ""},
		{"1.3", []turn{client(tlsRecords(hello, 999)),
			server(slices.Concat(tlsRecords(new13, 999), change, finished))},
			2, "transaction", "TLS_VERSION=772 TLS_RESUMED=0", ""},
		{"server first", []turn{server(tlsRecords(new13, 999)), client(tlsRecords(hello, 999))},
			2, "unasked", "TLS_VERSION=772 TLS_SERVER_NAME=a.test", ""},
		{"only the client", []turn{client(slices.Concat(tlsRecords(hello, 999), change, finished))},
			3, "unanswered", "TLS_SERVER_NAME=a.test", ""},
		{"only the server", []turn{
			server(slices.Concat(tlsRecords(answer, 999), tlsRecords(done, 999), change, finished))},
			4, "unasked", "TLS_VERSION=771 TLS_RESUMED=0", ""},
		{"refused", []turn{client(tlsRecords(hello, 999)), server(fatal)}, 2, "transaction", "TLS_ALERT=40", ""},
		{"given up", []turn{client(append(tlsRecords(hello, 999), fatal...))}, 2, "abandoned", "TLS_ALERT=40", ""},
		{"a warning", []turn{client(tlsRecords(hello, 999)),
			server(append(tlsRecord(recordAlert, []byte{1, 112}), tlsRecords(new13, 999)...))},
			3, "transaction", "TLS_ALERT=112 TLS_VERSION=772", ""},
		{"encrypted from the start", []turn{client(tlsRecord(recordApplication, zeroes))}, 1, "", "", ""},
		{"lost", []turn{client(tlsRecords(hello, 999)), server(tlsRecords(answer, 999)), lost, server(change)},
			4, "transaction", "TLS_VERSION=771 TLS_RESUMED=0", ""},
		{"one octet per record", []turn{client(tlsRecords(hello, 1)), server(tlsRecords(new13, 1))},
			2, "transaction", "TLS_VERSION=772 TLS_SERVER_NAME=a.test", ""},
		{"interrupted", []turn{client(append(tlsRecords(hello, 999)[:20], change...))}, 0, "", "", ""},
		{"interrupted by a record", []turn{client(slices.Concat(tlsRecord(recordHandshake, hello[:20]), change))},
			1, "", "", flawInterrupted},
		{"heartbleed",
			[]turn{client(append(tlsRecords(hello, 999), heart...))}, 2, "unanswered", "", flawHeartbeat},
		{"not a record",
			[]turn{client(append(tlsRecords(hello, 999), 9, 9, 9, 9, 9, 9))}, 2, "unanswered", "", flawRecord},
		{"not a message",
			[]turn{client(append(tlsRecords(hello, 999), tlsRecord(recordHandshake, []byte{99, 0, 0, 0})...))},
			2, "unanswered", "", flawType},
		{"not an alert",
			[]turn{client(append(tlsRecords(hello, 999), tlsRecord(recordAlert, []byte{9, 9})...))},
			2, "unanswered", "", flawAlert},
		{"not a change",
			[]turn{client(append(tlsRecords(hello, 999), tlsRecord(recordChangeCipher, []byte{2})...))},
			2, "unanswered", "", flawChange},
		{"lists that lie", []turn{client(tlsRecords(hello, 999)),
			server(tlsRecords(tlsMessage(messageCertificate, []byte{0, 0, 9, 0}), 99))},
			2, "unanswered", "", flawCertificates},
		{"not a certificate", []turn{client(tlsRecords(hello, 999)),
			server(tlsRecords(tlsMessage(messageCertificate, block(24, block(24, zeroes))), 99))},
			2, "unanswered", "TLS_CERT_SHA1=de8a847bff8c343d69b853a215e6ee775ef2ef96", flawDER},
	} {
		o := tlsSaid(c.turns...)
		kinds, flaw := "", ""
		for _, e := range o.events {
			kinds = strings.TrimSpace(kinds + " " + e.Kind)
		}
		for _, m := range o.messages {
			flaw += m.Flaw
		}
		if len(o.messages) != c.messages || kinds != c.kinds || flaw != c.flaw || len(o.faults) > 0 {
			t.Errorf("%s: %d messages, events %q, flaw %q, faults %v; want %d, %q, %q", c.what,
				len(o.messages), kinds, flaw, o.faults, c.messages, c.kinds, c.flaw)
		}
		for _, pair := range strings.Fields(c.want) {
			label, want, _ := strings.Cut(pair, "=")
			if o.fields[label] != want {
				t.Errorf("%s: %s is %q, want %q", c.what, label, o.fields[label], want)
			}
		}
	}
}

// What is not TLS is given up with the octet that tells.
func TestNotTLS(t *testing.T) {
	for _, c := range []struct {
		what   string
		octets string
	}{
		{"HTTP", "GET / HTTP/1.1"}, {"SSH", "SSH-2.0-x"}, {"another version", "\x16\x04\x00"},
		{"no length", "\x16\x03\x01\x00\x00"}, {"too long", "\x16\x03\x01\x7f\xff"},
		{"another message", "\x16\x03\x01\x01\x00\x63"}, {"a giant", "\x16\x03\x01\x01\x00\x01\xff"},
		{"another type of SSL 2", "\x80\x2e\x05"}, {"a giant of SSL 2", "\xff\xff\x01"},
		{"SSL 2 with other lengths", "\x80\x09\x01\x00\x02\x00\x03\x00\x00\x00\x10"},
	} {
		for i := range c.octets {
			o := tlsSaid(client([]byte(c.octets[:i+1])), client([]byte(c.octets[i+1:]+"more")))
			if len(o.messages) > 0 {
				t.Errorf("%s: accepted", c.what)
			}
		}
		m := Message{State: make([]byte, TLS.State), Stream: true}
		m.Show([]byte(c.octets), flow.Forward)
		m.Stream = true
		if v := TLS.Ask(&m); v != Reject {
			t.Errorf("%s: verdict %d", c.what, v)
		}
	}
}

// A list of certificates that is longer than any message is read as far as the first one.
func TestLongChain(t *testing.T) {
	hello := tlsRecords(tlsMessage(messageClientHello, clientSays(tls12, []uint16{0x2f})), 999)
	leaf := generated(t, 1)[0]
	chain := block(24, block(24, leaf.Raw), block(24, make([]byte, 40000)))
	answer := tlsRecords(slices.Concat(tlsMessage(messageServerHello, serverSays(tls12, 0x2f)),
		tlsMessage(messageCertificate, chain)), 1<<14)
	o := tlsSaid(client(hello), server(answer))
	if o.fields["TLS_CERT_SERIAL"] == "" || o.fields["TLS_VERSION"] != "771" || len(o.rejected) > 0 {
		t.Errorf("%v, rejected by %v", o.fields, o.rejected)
	}
}

// A server that has SSL 2.
func TestSSL2(t *testing.T) {
	der := generated(t, 1)[0].Raw
	hello := block(16, []byte{1, 0, 2, 0, 3, 0, 0, 0, 16, 1, 0, 0x80}, zeroes[:16])
	answer := block(16, slices.Concat([]byte{4, 0, 1, 0, 2}, code(uint16(len(der)), 3, 16), der,
		[]byte{1, 0, 0x80}, zeroes[:16]))
	hello[0] |= 0x80
	answer[0] |= 0x80
	o := tlsSaid(client(hello), server(answer))
	if o.fields["TLS_VERSION"] != "2" || o.fields["TLS_CERT_SERIAL"] == "" || len(o.events) != 1 ||
		o.fields["TLS_CLIENT_CIPHERS"] != "010080" || o.events[0].Kind != "transaction" {
		t.Errorf("%v, events %v", o.fields, o.events)
	}
}

// fragments is a handshake message in datagrams of DTLS, with size octets of it in each.
func fragments(seq uint16, message []byte, size int) (all [][]byte) {
	kind, body := message[0], message[4:]
	for at := 0; at == 0 || at < len(body); at += size {
		part := body[at:min(at+size, len(body))]
		offset := []byte{byte(at >> 16), byte(at >> 8), byte(at)}
		f := slices.Concat([]byte{kind}, message[1:4], code(seq), offset, block(24, part))
		all = append(all, slices.Concat([]byte{recordHandshake}, code(dtls12), make([]byte, 8), block(16, f)))
	}
	return all
}

// Fragments may come in any order, twice, and overlap.
func TestFragments(t *testing.T) {
	hello := slices.Concat(code(dtls12), zeroes, block(8), block(8), block(16, code(0x2f)), block(8, []byte{0}),
		block(16, sni(strings.Repeat("long.", 40)+"test")))
	message := tlsMessage(messageClientHello, hello)
	whole := says("", 17, flow.Forward, fragments(0, message, 9999)[0])
	want := drive(&whole, &DTLS).fields
	if want["TLS_SERVER_NAME"] == "" {
		t.Fatal("not understood at all")
	}
	for size := 1; size < len(hello); size += 7 {
		parts := fragments(0, message, size)
		orders := []func(i int) int{
			func(i int) int { return i },
			func(i int) int { return len(parts) - 1 - i },
		}
		if len(parts) < 2*len(assembly{}.spans) {
			orders = append(orders, func(i int) int { // all others, then those between
				if half := (len(parts) + 1) / 2; i >= half {
					return 2*(i-half) + 1
				}
				return 2 * i
			})
		}
		for _, order := range orders {
			c := says("", 17, flow.Forward, nil)
			c.turns = nil
			for i := range 2 * len(parts) {
				c.turns = append(c.turns, client(parts[order(i%len(parts))]))
			}
			if o := drive(&c, &DTLS); o.fields["TLS_SERVER_NAME"] != want["TLS_SERVER_NAME"] ||
				o.fields["JA4C_HASH"] != want["JA4C_HASH"] || len(o.faults) > 0 {
				t.Fatalf("fragments of %d octets: %v, %v", size, o.fields, o.faults)
			}
		}
	}
}

// What was not captured of a datagram is not malformed.
func TestCutDatagram(t *testing.T) {
	hello := slices.Concat(code(dtls12), zeroes, block(8), block(8), block(16, code(0x2f)), block(8, []byte{0}))
	first := fragments(0, tlsMessage(messageClientHello, hello), 999)[0]
	for n := 14; n <= 2*len(first); n++ {
		m := Message{State: make([]byte, DTLS.State)}
		m.Show(slices.Concat(first, first)[:n], flow.Forward)
		m.Cut = n < 2*len(first)
		if v := DTLS.Ask(&m); v != Accept || m.Said.Flaw != "" || (m.Said.Role == Request) != (n >= len(first)) {
			t.Fatalf("%d octets: verdict %d, %+v", n, v, m.Said)
		}
		m.State, m.Cut = make([]byte, DTLS.State), false
		m.Show(first[:min(n, len(first)-1)], flow.Forward)
		if v := DTLS.Ask(&m); v != Reject {
			t.Fatalf("%d octets and no more: verdict %d", n, v)
		}
	}
}

// FuzzTLS shows a handshake message in one record, in records of every size, and in fragments of
// DTLS: what is said of it is the same.
func FuzzTLS(f *testing.F) {
	f.Add(uint8(messageClientHello), clientSays(tls12, []uint16{0x2f}, sni("a"), alpn("h2")), uint16(5), false)
	f.Add(uint8(messageServerHello), serverSays(tls12, tls13Suite,
		extensionOf(extensionSupportedVersions, code(tls13))), uint16(50), true)
	f.Add(uint8(messageCertificate), block(24, block(24, generated(f, 1)[0].Raw)), uint16(100), true)
	f.Fuzz(func(t *testing.T, kind uint8, body []byte, size uint16, byServer bool) {
		if len(body) > mostJoined || size == 0 {
			return
		}
		message, say := tlsMessage(kind, body), client
		if byServer {
			say = server
		}
		want, got := tlsSaid(say(tlsRecords(message, 1<<14))), tlsSaid(say(tlsRecords(message, int(size))))
		agree(t, want, got)
		whole, parts := says("", 17, flow.Forward, nil), says("", 17, flow.Forward, nil)
		whole.turns, parts.turns = []turn{say(fragments(0, message, 1<<14)[0])}, nil
		for _, d := range fragments(0, message, int(size)) {
			parts.turns = append(parts.turns, say(d))
		}
		if len(parts.turns) < 50 {
			agree(t, drive(&whole, &DTLS), drive(&parts, &DTLS))
		}
	})
}

// agree holds that the same was understood, if anything was, of the same octets.
func agree(t *testing.T, want, got *outcome) {
	t.Helper()
	if len(want.faults) > 0 || len(got.faults) > 0 {
		t.Errorf("%v, %v", want.faults, got.faults)
	}
	if len(want.fields) == 0 || len(got.fields) == 0 {
		return
	}
	for label, value := range want.fields {
		if got.fields[label] != value {
			t.Errorf("%s is %q in parts, %q in one", label, got.fields[label], value)
		}
	}
}

// BenchmarkTLS parses what is shown of handshakes: a hello, an answer, a chain of certificates.
func BenchmarkTLS(b *testing.B) {
	body := clientSays(tls12, []uint16{0x1301, 0x1302, 0xc02f}, sni("www.example.test"), alpn("h2", "http/1.1"))
	hello := tlsRecords(tlsMessage(messageClientHello, body), 1<<14)
	answer := tlsRecords(tlsMessage(messageServerHello, serverSays(tls12, 0xc02f, alpn("h2"))), 1<<14)
	leaf := generated(b, 1)[0].Raw
	chain := tlsMessage(messageCertificate, block(24, block(24, leaf), block(24, make([]byte, 1500))))
	for _, c := range []struct {
		what   string
		octets []byte
	}{
		{"ClientHello", hello}, {"ServerHello", answer},
		{"Certificate", tlsRecords(chain, 1<<14)}, {"CertificateOverRecords", tlsRecords(chain, 1000)},
		{"Application", tlsRecord(recordApplication, make([]byte, 1000))},
	} {
		b.Run(c.what, func(b *testing.B) {
			var m Message
			state := make([]byte, TLS.State)
			b.ReportAllocs()
			for b.Loop() {
				clear(state)
				m.Show(c.octets, flow.Reverse)
				m.State, m.Stream = state, true
				if v := TLS.Ask(&m); v < Accept {
					b.Fatal(v)
				}
			}
		})
	}
}
