package app

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"math/bits"
	"time"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/wire"
)

// Tags of DER (X.690, section 8.1.2; RFC 5280).
const (
	tagBoolean     = 0x01
	tagInteger     = 0x02
	tagBitString   = 0x03
	tagOctetString = 0x04
	tagOID         = 0x06
	tagUTCTime     = 0x17
	tagTime        = 0x18
	tagSequence    = 0x30
	tagSet         = 0x31
	tagVersion     = 0xa0
	tagExtensions  = 0xa3
)

// element consumes an element of DER: its tag, and a reader of its contents. A length that is
// not written in the shortest way, or a tag of several octets, makes r short.
func element(r *wire.Reader) (tag uint8, body wire.Reader) {
	tag = r.U8()
	n := int(r.U8())
	if n >= 0x80 {
		octets := n & 0x7f
		if octets == 0 || octets > 3 {
			return tag, r.Block(-1)
		}
		n = 0
		for range octets {
			n = n<<8 | int(r.U8())
		}
		if n < 0x80 || n>>(8*(octets-1)) == 0 {
			n = -1
		}
	}
	if tag&0x1f == 0x1f {
		n = -1
	}
	return tag, r.Block(n)
}

// expect consumes an element that must have a tag; another makes r short.
func expect(r *wire.Reader, tag uint8) wire.Reader {
	got, body := element(r)
	if got != tag {
		return r.Block(-1)
	}
	return body
}

// certificate is what an X.509 certificate says (RFC 5280, section 4.1). Its members are borrowed.
type certificate struct {
	serial              []byte
	issuer, subject     []byte // RDNSequence without tag and length
	notBefore, notAfter int64  // seconds since the Unix epoch
	key                 wire.Reader
	names               []byte // GeneralNames without tag and length; nil if there are none
}

// parseCertificate reads a certificate as far as it is one.
func parseCertificate(der []byte) (c certificate, ok bool) {
	r := wire.Read(der)
	all := expect(&r, tagSequence)
	t := expect(&all, tagSequence)
	expect(&all, tagSequence) // signatureAlgorithm
	expect(&all, tagBitString)
	if r.Short() || all.Short() || r.Len() > 0 || all.Len() > 0 {
		return c, false
	}
	if b := t.Peek(); len(b) > 0 && b[0] == tagVersion {
		element(&t)
	}
	serial := expect(&t, tagInteger)
	c.serial = serial.Rest()
	expect(&t, tagSequence) // signature
	issuer := expect(&t, tagSequence)
	validity := expect(&t, tagSequence)
	subject := expect(&t, tagSequence)
	c.issuer, c.subject = issuer.Rest(), subject.Rest()
	c.key = expect(&t, tagSequence)
	if t.Short() || len(c.serial) == 0 {
		return c, false
	}
	var ok1, ok2 bool
	c.notBefore, ok1 = instant(element(&validity))
	c.notAfter, ok2 = instant(element(&validity))
	return c, ok1 && ok2 && validity.Len() == 0 && c.extensions(t)
}

// extensions reads what follows the key: two identifiers that nobody uses, and extensions.
func (c *certificate) extensions(t wire.Reader) bool {
	for t.Len() > 0 {
		tag, body := element(&t)
		if tag != tagExtensions {
			continue
		}
		list := expect(&body, tagSequence)
		for list.Len() > 0 {
			one := expect(&list, tagSequence)
			if !c.extension(one) || list.Short() {
				return false
			}
		}
		if body.Short() || body.Len() > 0 {
			return false
		}
	}
	return !t.Short()
}

var subjectAltName = []byte{0x55, 0x1d, 0x11} // 2.5.29.17

func (c *certificate) extension(one wire.Reader) bool {
	id := expect(&one, tagOID)
	if b := one.Peek(); len(b) > 0 && b[0] == tagBoolean {
		element(&one) // critical
	}
	value := expect(&one, tagOctetString)
	if one.Short() || one.Len() > 0 {
		return false
	}
	if bytes.Equal(id.Rest(), subjectAltName) {
		names := expect(&value, tagSequence)
		c.names = names.Rest()
		return !value.Short() && value.Len() == 0
	}
	return true
}

// instant reads a UTCTime or GeneralizedTime in the form of RFC 5280, section 4.1.2.5.
func instant(tag uint8, r wire.Reader) (seconds int64, ok bool) {
	b := r.Rest()
	year := 0
	switch {
	case tag == tagUTCTime && len(b) == 13:
		year = digits(b[:2])
		if year < 50 {
			year += 100
		}
		year += 1900
		b = b[2:]
	case tag == tagTime && len(b) == 15:
		year = 100*digits(b[:2]) + digits(b[2:4])
		b = b[4:]
	default:
		return 0, false
	}
	month, day, hour := digits(b), digits(b[2:]), digits(b[4:])
	minute, second := digits(b[6:]), digits(b[8:])
	t := time.Date(year, time.Month(month), day, hour, minute, second, 0, time.UTC)
	ok = b[10] == 'Z' && year >= 0 && month > 0 && month <= 12 && day > 0 && t.Day() == day &&
		hour >= 0 && hour < 24 && minute >= 0 && minute < 60 && second >= 0 && second < 60
	return t.Unix(), ok
}

// digits returns the number that two digits make, much less than 0 if they are none.
func digits(b []byte) int {
	if b[0] < '0' || b[0] > '9' || b[1] < '0' || b[1] > '9' {
		return -10000
	}
	return int(b[0]-'0')*10 + int(b[1]-'0')
}

// certificateFields are the fields of a certificate; those that are nil are not said.
type certificateFields struct {
	subject, issuer, names, serial, notBefore, notAfter, sha1, sha256, self, expired, key, bits *flow.Field
}

var serverCertificate = certificateFields{
	subject: CertSubject, issuer: CertIssuer, names: CertNames, serial: CertSerial,
	notBefore: CertNotBefore, notAfter: CertNotAfter, sha1: CertSHA1, sha256: CertSHA256,
	self: CertSelfSigned, expired: CertExpired, key: CertKey, bits: CertKeyBits,
}

var clientCertificate = certificateFields{
	subject: ClientCertSubject, issuer: ClientCertIssuer, serial: ClientCertSerial, sha256: ClientCertSHA256,
}

// sayCertificate says what a certificate does. It returns false if that is malformed, and then
// says what is true of any octets.
func sayCertificate(m *Message, der []byte, f *certificateFields) bool {
	if f.sha1 != nil {
		sum := sha1.Sum(der)
		m.Attrs.Bytes(f.sha1, sum[:])
	}
	sum := sha256.Sum256(der)
	m.Attrs.Bytes(f.sha256, sum[:])
	c, ok := parseCertificate(der)
	if !ok {
		return false
	}
	serial := c.serial
	for len(serial) > 1 && serial[0] == 0 {
		serial = serial[1:]
	}
	m.Attrs.Bytes(f.serial, serial)
	var text [textRoom]byte
	b, ok1 := appendName(text[:0], c.subject)
	if ok1 && len(b) > 0 {
		m.Attrs.Bytes(f.subject, b)
	}
	b, ok2 := appendName(text[:0], c.issuer)
	if ok2 && len(b) > 0 {
		m.Attrs.Bytes(f.issuer, b)
	}
	if f.names == nil {
		return ok1 && ok2
	}
	b, ok3 := appendAltNames(text[:0], c.names)
	if len(b) > 0 {
		m.Attrs.Bytes(f.names, b)
	}
	m.Attrs.Uint(f.self, boolean(bytes.Equal(c.subject, c.issuer)))
	sayTimes(m, &c, f)
	return sayKey(m, c.key, f) && ok1 && ok2 && ok3
}

// sayTimes says from when to when a certificate is valid, if nanoseconds since 1970 can tell.
func sayTimes(m *Message, c *certificate, f *certificateFields) {
	const last = int64(^uint64(0) / 1e9)
	if c.notBefore >= 0 && c.notBefore < last {
		m.Attrs.Uint(f.notBefore, uint64(c.notBefore)*1e9)
	}
	if c.notAfter >= 0 && c.notAfter < last {
		m.Attrs.Uint(f.notAfter, uint64(c.notAfter)*1e9)
	}
	m.Attrs.Uint(f.expired, boolean(int64(m.Time/1e9) > c.notAfter))
}

// keyTypes are algorithms of keys by their object identifiers. bits is the size of those that
// have only one.
var keyTypes = [...]struct {
	id   string
	name string
	bits uint64
}{
	{"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01", "RSA", 0},     // 1.2.840.113549.1.1.1
	{"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a", "RSA-PSS", 0}, // 1.2.840.113549.1.1.10
	{"\x2a\x86\x48\xce\x3d\x02\x01", "EC", 0},              // 1.2.840.10045.2.1
	{"\x2a\x86\x48\xce\x38\x04\x01", "DSA", 0},             // 1.2.840.10040.4.1
	{"\x2b\x65\x70", "Ed25519", 256},                       // 1.3.101.112
	{"\x2b\x65\x71", "Ed448", 456},                         // 1.3.101.113
	{"\x60\x86\x48\x01\x65\x03\x04\x03\x11", "ML-DSA-44", 0},
	{"\x60\x86\x48\x01\x65\x03\x04\x03\x12", "ML-DSA-65", 0},
	{"\x60\x86\x48\x01\x65\x03\x04\x03\x13", "ML-DSA-87", 0},
}

// sayKey says type and size of a key, given as SubjectPublicKeyInfo (RFC 5280, section 4.1.2.7).
func sayKey(m *Message, key wire.Reader, f *certificateFields) bool {
	algorithm := expect(&key, tagSequence)
	oid := expect(&algorithm, tagOID)
	id := oid.Rest()
	octets := expect(&key, tagBitString)
	octets.U8() // bits that are not used
	if key.Short() || algorithm.Short() || octets.Short() {
		return false
	}
	var size uint64
	var name string
	for i := range keyTypes {
		if string(id) == keyTypes[i].id {
			name, size = keyTypes[i].name, keyTypes[i].bits
		}
	}
	switch name {
	case "":
		var text [textRoom]byte
		m.Attrs.Bytes(f.key, appendOID(text[:0], id))
		return true
	case "RSA", "RSA-PSS":
		numbers := expect(&octets, tagSequence)
		size = integerBits(expect(&numbers, tagInteger))
	case "DSA":
		numbers := expect(&algorithm, tagSequence)
		size = integerBits(expect(&numbers, tagInteger))
	case "EC":
		size = pointBits(algorithm, octets)
	}
	m.Attrs.Text(f.key, name)
	if size > 0 {
		m.Attrs.Uint(f.bits, size)
	}
	return true
}

// integerBits returns the length of a number without zeroes before it.
func integerBits(r wire.Reader) uint64 {
	b := r.Rest()
	for len(b) > 0 && b[0] == 0 {
		b = b[1:]
	}
	if len(b) == 0 {
		return 0
	}
	return uint64(8*(len(b)-1) + bits.Len8(b[0]))
}

// pointBits returns the size of the field of a curve, by the length of a point (SEC 1, section
// 2.3.3). Only one in use is not a multiple of eight.
func pointBits(algorithm, point wire.Reader) uint64 {
	const p521 = "\x2b\x81\x04\x00\x23" // 1.3.132.0.35
	curve := expect(&algorithm, tagOID)
	if string(curve.Rest()) == p521 {
		return 521
	}
	n := point.Len() - 1
	if point.U8() == 4 { // not compressed: two coordinates
		n /= 2
	}
	return uint64(8 * max(n, 0))
}
