package app

import (
	"encoding/binary"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/weir-probe/weir/dissect/wire"
)

// Parts of handshakes, written.

func block(bits int, parts ...[]byte) []byte {
	b := slices.Concat(parts...)
	var n [4]byte
	binary.BigEndian.PutUint32(n[:], uint32(len(b)))
	return append(n[4-bits/8:], b...)
}

func code(all ...uint16) (b []byte) {
	for _, n := range all {
		b = binary.BigEndian.AppendUint16(b, n)
	}
	return b
}

func extensionOf(kind uint16, parts ...[]byte) []byte {
	return append(code(kind), block(16, parts...)...)
}

func tlsMessage(kind byte, body []byte) []byte { return append([]byte{kind}, block(24, body)...) }

func tlsRecord(kind byte, body []byte) []byte {
	return append([]byte{kind, 3, 1}, block(16, body)...)
}

// tlsRecords is a stream of handshake records with size octets of the messages in each.
func tlsRecords(messages []byte, size int) (b []byte) {
	for len(messages) > 0 {
		n := min(size, len(messages))
		b = append(b, tlsRecord(recordHandshake, messages[:n])...)
		messages = messages[n:]
	}
	return b
}

var zeroes = make([]byte, 32)

func sni(name string) []byte {
	return extensionOf(extensionServerName, block(16, []byte{0}, block(16, []byte(name))))
}

func alpn(names ...string) []byte {
	var list []byte
	for _, name := range names {
		list = append(list, block(8, []byte(name))...)
	}
	return extensionOf(extensionALPN, block(16, list))
}

// clientSays is the body of a ClientHello.
func clientSays(version uint16, ciphers []uint16, extensions ...[]byte) []byte {
	return slices.Concat(code(version), zeroes, block(8), block(16, code(ciphers...)), block(8, []byte{0}),
		block(16, extensions...))
}

// serverSays is the body of a ServerHello.
func serverSays(version, cipher uint16, extensions ...[]byte) []byte {
	return slices.Concat(code(version), zeroes, block(8), code(cipher), []byte{0}, block(16, extensions...))
}

func TestClientHello(t *testing.T) {
	suites := []uint16{0x1a1a, tls13Suite, 0xc02f}
	for _, c := range []struct {
		what string
		body []byte
		over carrier
		want string // fields and their values
		flaw string
	}{
		{"all there is", clientSays(tls12, suites, sni("a.test"), alpn("h2", "http/1.1"),
			extensionOf(extensionSupportedVersions, block(8, code(0x2a2a, tls13, tls12))),
			extensionOf(extensionClientHello), extensionOf(extensionPreSharedKey)), overTCP,
			"TLS_SERVER_NAME=a.test TLS_CLIENT_ALPN=h2,http/1.1 TLS_CLIENT_VERSIONS=0304,0303 " +
				"TLS_CLIENT_CIPHERS=1301,c02f TLS_CLIENT_ECH=1 TLS_CLIENT_RESUMES=1", ""},
		{"no extensions", clientSays(tls10, suites)[:2+32+1+8+2], overTCP,
			"TLS_CLIENT_VERSIONS=0301 TLS_CLIENT_CIPHERS=1301,c02f TLS_CLIENT_ECH=0 TLS_CLIENT_RESUMES=0 " +
				"JA4C_HASH=t10i020000_c1929292aa6b_000000000000", ""},
		{"a cookie", slices.Concat(code(dtls12), zeroes, block(8), block(8, zeroes), block(16, code(0x2f)),
			block(8, []byte{0})), overDTLS, "TLS_CLIENT_CIPHERS=002f TLS_CLIENT_VERSIONS=fefd", ""},
		{"session", slices.Concat(code(tls12), zeroes, block(8, zeroes), block(16, code(0x2f)),
			block(8, []byte{0})), overTCP, "TLS_CLIENT_RESUMES=1", ""},
		{"session for show", slices.Concat(code(tls12), zeroes, block(8, zeroes), block(16, code(0x2f)),
			block(8, []byte{0}), block(16, extensionOf(extensionSupportedVersions, block(8, code(tls13))))),
			overTCP, "TLS_CLIENT_RESUMES=0", ""},
		{"ticket", clientSays(tls12, suites, extensionOf(extensionSessionTicket, zeroes)), overTCP,
			"TLS_CLIENT_RESUMES=1", ""},
		{"room for a ticket", clientSays(tls12, suites, extensionOf(extensionSessionTicket)), overTCP,
			"TLS_CLIENT_RESUMES=0", ""},
		{"cut", clientSays(tls12, suites, sni("a.test"))[:60], overTCP, "", flawHelloShort},
		{"octets after", append(clientSays(tls12, suites, sni("a.test")), 0), overTCP,
			"TLS_SERVER_NAME=a.test", flawHelloLong},
		{"session too long", slices.Concat(code(tls12), zeroes, block(8, zeroes, zeroes), block(16, code(1)),
			block(8, []byte{0})), overTCP, "", flawSession},
		{"no ciphers", clientSays(tls12, nil), overTCP, "", flawCiphers},
		{"half a cipher", slices.Concat(code(tls12), zeroes, block(8), block(16, []byte{1}), block(8, []byte{0})),
			overTCP, "", flawCiphers},
		{"extension beyond", clientSays(tls12, suites, []byte{0, 5, 0, 9, 1}), overTCP, "", flawHelloShort},
		{"name beyond", clientSays(tls12, suites, extensionOf(0, block(16, []byte{0, 0, 9, 'a'}))), overTCP, "",
			flawExtension},
		{"octets after a name", clientSays(tls12, suites, extensionOf(0, block(16, []byte{0, 0, 1, 'a'}), zeroes)),
			overTCP, "TLS_SERVER_NAME=a", flawExtension},
		{"empty name", clientSays(tls12, suites, sni("")), overTCP, "", flawServerName},
		{"no name", clientSays(tls12, suites, extensionOf(0)), overTCP, "", flawServerName},
		{"two names", clientSays(tls12, suites, sni("a"), sni("b")), overTCP, "TLS_SERVER_NAME=a", flawTwice},
		{"two lists", clientSays(tls12, suites, alpn("h2"), alpn("h3")), overTCP, "TLS_CLIENT_ALPN=h2", flawTwice},
		{"list beyond", clientSays(tls12, suites, extensionOf(extensionGroups, []byte{0, 9, 1})), overTCP, "",
			flawExtension},
		{"too many", clientSays(tls12, make([]uint16, mostCiphers+1)), overTCP, "", flawTooManyHere},
	} {
		var m Message
		schema()
		m.Show(nil, 0)
		_, flaw := parseClientHello(&m, wire.Read(c.body), c.over)
		got := attributes(m.Attrs.All())
		if flaw != c.flaw {
			t.Errorf("%s: flaw %q, want %q", c.what, flaw, c.flaw)
		}
		for _, pair := range strings.Fields(c.want) {
			label, want, _ := strings.Cut(pair, "=")
			if got[label] != want {
				t.Errorf("%s: %s is %q, want %q", c.what, label, got[label], want)
			}
		}
		if got["JA3C_HASH"] != "" && flaw == flawTooManyHere {
			t.Errorf("%s: fingerprinted: %v", c.what, got)
		}
	}
}

const tls13Suite = 0x1301 // TLS_AES_128_GCM_SHA256

// The readable part of JA4, by its description.
func TestJA4(t *testing.T) {
	versions := func(v ...uint16) []byte { return extensionOf(extensionSupportedVersions, block(8, code(v...))) }
	many := make([]uint16, 120)
	for i := range many {
		many[i] = uint16(i)
	}
	for _, c := range []struct {
		want string
		over carrier
		body []byte
	}{
		{"t13d010300_", overTCP,
			clientSays(tls12, many[:1], sni("a"), versions(0x0a0a, tls12, tls13), extensionOf(99))},
		{"q13i010200_", overQUIC, clientSays(tls12, many[:1], versions(tls13), extensionOf(99))},
		{"dd3i010100_", overDTLS, clientSays(dtls12, many[:1], versions(dtls12, dtls13))[:0]},
		{"t11i990000_", overTCP, clientSays(tls11, many)},
		{"ts3i010000_", overTCP, clientSays(ssl3, many[:1])},
		{"ts2i010000_", overTCP, clientSays(ssl2, many[:1])},
		{"t00i010000_", overTCP, clientSays(0x0305, many[:1])},
		{"t12i0101h2_", overTCP, clientSays(tls12, many[:1], alpn("h2", "x"))},
		{"t12i0101h1_", overTCP, clientSays(tls12, many[:1], alpn("http/1.1"))},
		{"t12i0101hh_", overTCP, clientSays(tls12, many[:1], alpn("h"))},
		{"t12i010100_", overTCP, clientSays(tls12, many[:1], alpn(""))},
		{"t12i0101ab_", overTCP, clientSays(tls12, many[:1], alpn("\xab"))},
		{"t12i0101ad_", overTCP, clientSays(tls12, many[:1], alpn("\xab\xcd"))},
		{"t12i01013b_", overTCP, clientSays(tls12, many[:1], alpn("\x30\xab"))},
		{"t12i01013d_", overTCP, clientSays(tls12, many[:1], alpn("\x30\x31\xab\xcd"))},
		{"t12i010101_", overTCP, clientSays(tls12, many[:1], alpn("\x30\xab\xcd\x31"))},
		{"t12i0101h2_", overTCP, clientSays(tls12, many[:1], alpn("\x1a\x1a", "h2"))},
	} {
		body := c.body
		if c.over == overDTLS {
			body = slices.Concat(code(dtls12), zeroes, block(8), block(8), block(16, code(1)), block(8, []byte{0}),
				block(16, versions(dtls12, dtls13)))
		}
		var m Message
		schema()
		m.Show(nil, 0)
		parseClientHello(&m, wire.Read(body), c.over)
		if got := attributes(m.Attrs.All())["JA4C_HASH"]; !strings.HasPrefix(got, c.want) {
			t.Errorf("%q, want %s", got, c.want)
		}
	}
}

// The names that tshark knows tell which cipher suites are unsafe.
func TestUnsafeCiphers(t *testing.T) {
	tshark, err := exec.LookPath("tshark")
	if err != nil {
		t.Skip("no tshark")
	}
	out, err := exec.Command(tshark, "-G", "values").Output()
	if err != nil {
		t.Fatal(err)
	}
	unsafe := regexp.MustCompile(`NULL|anon|EXPORT|RC4|RC2|DES|IDEA`)
	unknown := map[uint64]string{ // to tshark's names
		0xc0b4: "TLS_SHA256_SHA256 has no encryption", 0xc0b5: "TLS_SHA384_SHA384 has none either",
	}
	seen := 0
	for line := range strings.Lines(string(out)) {
		x := strings.Split(strings.TrimSpace(line), "\t")
		if len(x) < 4 || x[1] != "tls.handshake.ciphersuite" {
			continue
		}
		n, err := strconv.ParseUint(x[2], 0, 16)
		if err != nil {
			t.Fatal(err)
		}
		seen++
		if want := unsafe.MatchString(x[3]) || unknown[n] != ""; unsafeCipher(uint16(n)) != want {
			t.Errorf("%#04x %s: unsafe is %v, want %v", n, x[3], !want, want)
		}
	}
	if seen < 300 {
		t.Errorf("only %d cipher suites", seen)
	}
}
