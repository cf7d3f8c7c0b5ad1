package app

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	crand "crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"math/big"
	"math/rand/v2"
	"net"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/weir-probe/weir/dissect/wire"
)

// encoded is how Go writes strings of types of attributes that it has no name for.
var encoded = regexp.MustCompile(`=#(?:0c|13|16)[0-9a-f]{2}([0-9a-f]*)`)

// folded makes the forms in which names are written alike: Go and Zeek have other names for some
// types of attributes, or none.
func folded(name string) string {
	name = encoded.ReplaceAllStringFunc(name, func(s string) string {
		b, _ := hex.DecodeString(s[len("=#0c00"):])
		return "=" + string(b)
	})
	return strings.NewReplacer("SERIALNUMBER=", "serialNumber=", "POSTALCODE=", "postalCode=",
		"street=", "STREET=", "1.2.840.113549.1.9.1=", "emailAddress=", "2.5.4.13=", "description=").Replace(name)
}

// nameText is what Go says of a name as it is in a certificate; its own String puts attributes
// in another order.
func nameText(t testing.TB, raw []byte) string {
	var name pkix.RDNSequence
	if rest, err := asn1.Unmarshal(raw, &name); err != nil || len(rest) > 0 {
		t.Fatalf("name %x: %v", raw, err)
	}
	return name.String()
}

// namesOf lists the names a certificate is for, in its order.
func namesOf(t testing.TB, c *x509.Certificate) (text string) {
	for _, e := range c.Extensions {
		if e.Id.String() != "2.5.29.17" {
			continue
		}
		var all []asn1.RawValue
		if _, err := asn1.Unmarshal(e.Value, &all); err != nil {
			t.Fatal(err)
		}
		for _, x := range all {
			name := string(x.Bytes)
			switch x.Tag {
			case 7:
				name = net.IP(x.Bytes).String()
			case 1, 2, 6:
			default:
				continue
			}
			if len(text)+1+len(name) > mostText {
				break
			}
			if text != "" {
				text += ","
			}
			text += name
		}
	}
	return text
}

func keyOf(c *x509.Certificate) (name, bits string) {
	switch k := c.PublicKey.(type) {
	case *rsa.PublicKey:
		return "RSA", strconv.Itoa(k.N.BitLen())
	case *ecdsa.PublicKey:
		return "EC", strconv.Itoa(k.Curve.Params().BitSize)
	case ed25519.PublicKey:
		return "Ed25519", "256"
	}
	return "", ""
}

// generated returns certificates of all kinds of keys with random contents.
func generated(t testing.TB, n int) (all []*x509.Certificate) {
	rnd := rand.New(rand.NewPCG(3, 0))
	var keys []crypto.Signer
	for _, curve := range []elliptic.Curve{elliptic.P224(), elliptic.P256(), elliptic.P384(), elliptic.P521()} {
		k, err := ecdsa.GenerateKey(curve, crand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, k)
	}
	_, ed, err := ed25519.GenerateKey(crand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	r, err := rsa.GenerateKey(crand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	odd, err := rsa.GenerateKey(crand.Reader, 1031)
	keys = append(keys, ed, r)
	if err == nil {
		keys = append(keys, odd)
	}
	for i := range n {
		template, parent := randomCertificate(rnd), randomCertificate(rnd)
		if i%7 == 0 {
			parent = template
		}
		key := keys[i%len(keys)]
		der, err := x509.CreateCertificate(crand.Reader, template, parent, key.Public(), keys[1])
		if err != nil {
			t.Fatal(err)
		}
		c, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, c)
	}
	return all
}

func randomCertificate(rnd *rand.Rand) *x509.Certificate {
	words := []string{"a", "Müller", "x,y", " lead", "#hash", "trail ", "q\"q", "a+b", "<>;\\", "日本語",
		"A*B", "plain text", strings.Repeat("long ", 10), "ünïcödé", "=", "@"}
	some := func() (all []string) {
		for range rnd.IntN(3) {
			all = append(all, words[rnd.IntN(len(words))])
		}
		return all
	}
	one := func() string { return words[rnd.IntN(len(words))] }
	c := &x509.Certificate{
		SerialNumber: new(big.Int).SetUint64(rnd.Uint64() >> rnd.IntN(60)),
		Subject: pkix.Name{
			Country: some(), Organization: some(), OrganizationalUnit: some(), Locality: some(),
			Province: some(), StreetAddress: some(), PostalCode: some(), SerialNumber: one(),
			CommonName: one(),
		},
		NotBefore: time.Unix(rnd.Int64N(4e9), 0), NotAfter: time.Unix(rnd.Int64N(9e9), 0),
		IsCA: rnd.IntN(2) == 0, BasicConstraintsValid: rnd.IntN(2) == 0,
	}
	if c.SerialNumber.Sign() == 0 {
		c.SerialNumber.SetUint64(128)
	}
	for range rnd.IntN(12) {
		c.DNSNames = append(c.DNSNames, strings.Repeat("n", 1+rnd.IntN(20))+".example")
	}
	for range rnd.IntN(3) {
		ip := make(net.IP, []int{4, 16}[rnd.IntN(2)])
		for i := range ip {
			ip[i] = byte(rnd.Uint32())
		}
		c.IPAddresses = append(c.IPAddresses, ip)
	}
	if rnd.IntN(2) == 0 {
		c.EmailAddresses = []string{"who@example.test"}
		c.URIs = []*url.URL{{Scheme: "https", Host: "example.test", Path: "/x"}}
	}
	return c
}

// saidOf returns what is said of a certificate at a time.
func saidOf(der []byte, at time.Time) (fields map[string]string, ok bool) {
	var m Message
	schema()
	m.Show(nil, 0)
	m.Time = uint64(at.UnixNano())
	ok = sayCertificate(&m, der, &serverCertificate)
	return attributes(m.Attrs.All()), ok
}

// crypto/x509 judges what is said of many certificates.
func TestGeneratedCertificates(t *testing.T) {
	j := newJudged(t)
	for i, c := range generated(t, 600) {
		at := c.NotAfter.Add(time.Duration(i%3-1) * time.Second)
		got, ok := saidOf(c.Raw, at)
		if !ok {
			t.Fatalf("not understood: %x", c.Raw)
		}
		j.certificate(strconv.Itoa(i), "", "TLS_CERT_", got, c)
		want := strconv.FormatUint(boolean(at.After(c.NotAfter)), 10)
		j.is(strconv.Itoa(i), "", "TLS_CERT_EXPIRED", got["TLS_CERT_EXPIRED"], want)
	}
}

// Text that is too long is cut between characters.
func TestLongName(t *testing.T) {
	for n := range 300 {
		name := pkix.Name{CommonName: strings.Repeat("x", n) + strings.Repeat("ü", 200)}
		der, err := asn1.Marshal(name.ToRDNSequence())
		if err != nil {
			t.Fatal(err)
		}
		r := wire.Read(der)
		body := expect(&r, tagSequence)
		var text [textRoom]byte
		got, ok := appendName(text[:0], body.Rest())
		want := name.String()
		if !ok || len(got) > mostText || len(got) < mostText-1 || !strings.HasPrefix(want, string(got)) {
			t.Fatalf("%d: %q, %v", n, got, ok)
		}
	}
}

// Strings that Go does not write, and those that are not text.
func TestName(t *testing.T) {
	attribute := func(oid string, tag byte, value string) string {
		pair := "\x06" + string(rune(len(oid))) + oid + string([]byte{tag, byte(len(value))}) + value
		pair = "\x30" + string(rune(len(pair))) + pair
		return "\x31" + string(rune(len(pair))) + pair
	}
	const cn = "\x55\x04\x03"
	for _, c := range []struct{ what, name, want string }{
		{"nothing", "", ""},
		{"last first", attribute(cn, tagUTF8, "a") + attribute("\x55\x04\x06", tagPrintable, "IT"), "C=IT,CN=a"},
		{"Latin 1", attribute(cn, tagTeletex, "M\xfcller"), "CN=Müller"},
		{"UTF-16", attribute(cn, tagBMP, "\x00A\x26\x3a\xd8\x3d\xde\x00"), "CN=A☺😀"},
		{"half a character of UTF-16", attribute(cn, tagBMP, "\x00A\x26"), `CN=A\26`},
		{"half a pair of UTF-16", attribute(cn, tagBMP, "\xd8\x3d\x00A"), `CN=\ A`},
		{"UTF-32", attribute(cn, tagUniversal, "\x00\x01\xf6\x00"), "CN=😀"},
		{"no character", attribute(cn, tagUniversal, "\x7f\xff\xff\xff\x00\x00\x00A"), `CN=\ A`},
		{"not UTF-8", attribute(cn, tagUTF8, "a\xffb"), `CN=a\ffb`},
		{"zero and line feed", attribute(cn, tagIA5, "a\x00b\n"), `CN=a\00b\0a`},
		{"another type", attribute("\x2a\x03\x04", tagUTF8, "hi"), "1.2.3.4=#0c026869"},
		{"another string", attribute(cn, 0x04, "hi"), "CN=#04026869"},
		{"an arc of two octets", attribute("\x88\x37\x01", tagUTF8, ""), "2.999.1=#0c00"},
		{"spaces", attribute(cn, tagUTF8, "  a  "), `CN=\  a \ `},
	} {
		var text [textRoom]byte
		if got, ok := appendName(text[:0], []byte(c.name)); !ok || string(got) != c.want {
			t.Errorf("%s: %q, %v, want %q", c.what, got, ok, c.want)
		}
	}
	pair := "\x31\x02\x30\x00"
	for what, name := range map[string]string{
		"cut":        attribute(cn, tagUTF8, "abc")[:8],
		"too many":   strings.Repeat(attribute(cn, tagUTF8, "a"), mostRDNs+1),
		"empty pair": pair, "not a set": "\x30\x00",
	} {
		var text [textRoom]byte
		if got, ok := appendName(text[:0], []byte(name)); ok {
			t.Errorf("%s: understood as %q", what, got)
		}
	}
}

func TestInstant(t *testing.T) {
	for _, c := range []struct {
		tag  uint8
		text string
		want string // empty if it is none
	}{
		{tagUTCTime, "700101000000Z", "1970-01-01T00:00:00Z"},
		{tagUTCTime, "491231235959Z", "2049-12-31T23:59:59Z"},
		{tagUTCTime, "500101000000Z", "1950-01-01T00:00:00Z"},
		{tagTime, "20000229120000Z", "2000-02-29T12:00:00Z"},
		{tagTime, "99991231235959Z", "9999-12-31T23:59:59Z"},
		{tagTime, "00000101000000Z", "0000-01-01T00:00:00Z"},
		{tagTime, "19000229120000Z", ""},
		{tagTime, "20001301000000Z", ""},
		{tagTime, "20000132000000Z", ""},
		{tagTime, "20000100000000Z", ""},
		{tagTime, "20000101240000Z", ""},
		{tagTime, "20000101006000Z", ""},
		{tagTime, "20000101000060Z", ""},
		{tagTime, "2000010100000x0Z", ""},
		{tagTime, "200001010000x0Z", ""},
		{tagTime, "-0000101000000Z", ""},
		{tagUTCTime, "7001010000Z", ""},
		{tagUTCTime, "700101000000+", ""},
		{tagUTF8, "700101000000Z", ""},
	} {
		s, ok := instant(c.tag, wire.Read([]byte(c.text)))
		if got := time.Unix(s, 0).UTC().Format(time.RFC3339); ok != (c.want != "") || ok && got != c.want {
			t.Errorf("%s: %s, %v, want %s", c.text, got, ok, c.want)
		}
	}
}

// Every octet of a certificate may be another one, or missing: what is understood then is
// understood by crypto/x509 too, unless it is stricter about what does not matter here.
func TestDamagedCertificates(t *testing.T) {
	rnd := rand.New(rand.NewPCG(4, 0))
	for _, c := range generated(t, 21) {
		for i := range c.Raw {
			if _, ok := parseCertificate(c.Raw[:i]); ok {
				t.Fatalf("%d octets of %x understood", i, c.Raw)
			}
			b := append([]byte(nil), c.Raw...)
			b[i] ^= byte(1 + rnd.IntN(255))
			saidOf(b, time.Unix(0, 0))
		}
	}
}

// FuzzX509 reads anything as a certificate. What crypto/x509 understands is understood alike.
func FuzzX509(f *testing.F) {
	for _, c := range generated(f, 14) {
		f.Add(c.Raw)
	}
	f.Fuzz(func(t *testing.T, der []byte) {
		got, ok := saidOf(der, time.Unix(0, 0))
		c, err := x509.ParseCertificate(der)
		if err != nil || !ok {
			return
		}
		if want := strconv.FormatInt(c.NotAfter.UnixMilli(), 10); got["TLS_CERT_NOT_AFTER"] != want &&
			c.NotAfter.Unix() >= 0 && c.NotAfter.Year() < 2554 {
			t.Errorf("not after %s, want %s", got["TLS_CERT_NOT_AFTER"], want)
		}
		if name, bits := keyOf(c); name != "" && (got["TLS_CERT_KEY"] != name || got["TLS_CERT_KEY_BITS"] != bits) {
			t.Errorf("key %s %s, want %s %s", got["TLS_CERT_KEY"], got["TLS_CERT_KEY_BITS"], name, bits)
		}
	})
}
