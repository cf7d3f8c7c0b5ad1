package app

import (
	"github.com/weir-probe/weir/dissect/wire"
)

// carrier is what a handshake travels in, as JA4 abbreviates it.
type carrier byte

const (
	overTCP  carrier = 't'
	overQUIC carrier = 'q'
	overDTLS carrier = 'd'
)

// Versions of the protocols, as on the wire.
const (
	ssl2   = 0x0002
	ssl3   = 0x0300
	tls10  = 0x0301
	tls11  = 0x0302
	tls12  = 0x0303
	tls13  = 0x0304
	dtls10 = 0xfeff
	dtls12 = 0xfefd
	dtls13 = 0xfefc
)

// Extensions of hellos (IANA's registry "TLS ExtensionType Values").
const (
	extensionServerName        = 0
	extensionGroups            = 10
	extensionPointFormats      = 11
	extensionSignatures        = 13
	extensionALPN              = 16
	extensionSessionTicket     = 35
	extensionPreSharedKey      = 41
	extensionSupportedVersions = 43
	extensionKeyShare          = 51
	extensionQUICTransport     = 57     // RFC 9001, section 8.2
	extensionQUICDraft         = 0xffa5 // the same, before it had a number
	extensionClientHello       = 0xfe0d // encrypted_client_hello, RFC 9849
)

// Flaws of hellos.
const (
	flawHelloShort  = "hello with lengths beyond its end"
	flawHelloLong   = "hello with octets after its end"
	flawSession     = "hello with a session ID of more than 32 octets"
	flawCiphers     = "hello with no cipher suites or half of one"
	flawExtension   = "hello with an extension that does not fill its length"
	flawTwice       = "hello with an extension twice"
	flawServerName  = "hello with an empty server name"
	flawTooManyHere = "hello with more cipher suites or extensions than are fingerprinted"
)

// clientHello is what a ClientHello (RFC 8446, section 4.1.2) says. Lists are borrowed, as they
// are on the wire; nil means not said.
type clientHello struct {
	over       carrier
	version    uint16 // the one before supported_versions came
	session    []byte
	ciphers    []byte
	extensions wire.Reader

	name       []byte
	named      bool // the extension is there, whatever it says
	alpn       []byte
	versions   []byte
	groups     []byte
	points     []byte
	signatures []byte
	ticket     bool // offers to go on with an earlier session
	psk        bool
	ech        bool
	transport  []byte // parameters of QUIC
}

// parseClientHello says what a client offers, hello being the body of the handshake message. A
// flaw does not take back what was said of the octets before it.
func parseClientHello(m *Message, hello wire.Reader, over carrier) (c clientHello, flaw string) {
	c.over = over
	c.version = hello.U16()
	hello.Skip(32) // random
	session := hello.Block8()
	if over == overDTLS {
		hello.Block8() // cookie
	}
	ciphers := hello.Block16()
	hello.Block8() // compression methods
	if hello.Len() > 0 {
		c.extensions = hello.Block16()
	}
	c.session, c.ciphers = session.Rest(), ciphers.Rest()
	switch {
	case hello.Short():
		return c, flawHelloShort
	case len(c.session) > 32:
		return c, flawSession
	case len(c.ciphers) == 0 || len(c.ciphers)%2 != 0:
		return c, flawCiphers
	}
	flaw = c.walk()
	c.say(m)
	if flaw == "" && hello.Len() > 0 {
		flaw = flawHelloLong
	}
	if flaw == "" && !fingerprintClient(m, &c) {
		flaw = flawTooManyHere
	}
	return c, flaw
}

// walk reads the extensions.
func (c *clientHello) walk() (flaw string) {
	for e := c.extensions; e.Len() > 0; {
		kind, body := e.U16(), e.Block16()
		if e.Short() {
			return flawHelloShort
		}
		if f := c.extension(kind, body); f != "" {
			flaw = f
		}
	}
	return flaw
}

func (c *clientHello) extension(kind uint16, body wire.Reader) string {
	switch kind {
	case extensionServerName:
		return c.serverName(body)
	case extensionGroups:
		return list(&c.groups, &body, body.Block16())
	case extensionPointFormats:
		return list(&c.points, &body, body.Block8())
	case extensionSignatures:
		return list(&c.signatures, &body, body.Block16())
	case extensionALPN:
		return list(&c.alpn, &body, body.Block16())
	case extensionSupportedVersions:
		return list(&c.versions, &body, body.Block8())
	case extensionSessionTicket:
		c.ticket = c.ticket || body.Len() > 0
	case extensionPreSharedKey:
		c.psk = true
	case extensionClientHello:
		c.ech = true
	case extensionQUICTransport, extensionQUICDraft:
		c.transport = body.Rest()
	}
	return ""
}

// list keeps the octets of block, which was all there is in body.
func list(to *[]byte, body *wire.Reader, block wire.Reader) string {
	switch {
	case body.Short() || body.Len() > 0:
		return flawExtension
	case *to != nil:
		return flawTwice
	}
	*to = block.Rest()
	return ""
}

// serverName reads a list of names (RFC 6066, section 3). There is one type of them, and one
// name of a type.
func (c *clientHello) serverName(body wire.Reader) string {
	const hostName = 0
	if c.named {
		return flawTwice
	}
	c.named = true
	if body.Len() == 0 {
		return flawServerName
	}
	names := body.Block16()
	for names.Len() > 0 && c.name == nil {
		kind, name := names.U8(), names.Block16()
		if names.Short() {
			break
		}
		if kind == hostName {
			c.name = name.Rest()
		}
	}
	switch {
	case names.Short() || body.Short() || body.Len() > 0:
		return flawExtension
	case len(c.name) == 0:
		return flawServerName
	}
	return ""
}

// say tells what was read.
func (c *clientHello) say(m *Message) {
	if len(c.name) > 0 {
		m.Attrs.Bytes(TLSServerName, c.name)
	}
	var text [255]byte
	if b := appendNames(text[:0], c.alpn); len(b) > 0 {
		m.Attrs.Bytes(TLSClientALPN, b)
	}
	if b := appendCodes(text[:0], c.versions); len(b) > 0 {
		m.Attrs.Bytes(TLSClientVersions, b)
	} else {
		m.Attrs.Bytes(TLSClientVersions, appendCode(text[:0], c.version))
	}
	m.Attrs.Bytes(TLSClientCiphers, appendCodes(text[:0], c.ciphers))
	m.Attrs.Uint(TLSClientResumes, boolean(c.resumes()))
	m.Attrs.Uint(TLSClientECH, boolean(c.ech))
}

// resumes reports whether the client offers to go on with a session. From version 1.3 on a
// session ID means nothing (RFC 8446, appendix D.4), and a key may be one agreed on otherwise.
func (c *clientHello) resumes() bool {
	return c.ticket || c.psk || len(c.session) > 0 && len(c.versions) == 0
}

func boolean(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// grease reports whether a number is one of those that mean nothing (RFC 8701).
func grease(n uint16) bool { return n&0x0f0f == 0x0a0a && n>>8 == n&0xff }

// appendCodes appends a list of numbers of two octets in hexadecimal, as many as fit into the
// capacity of dst, and none that means nothing.
func appendCodes(dst, list []byte) []byte {
	for r := wire.Read(list); r.Len() >= 2; {
		n := r.U16()
		if grease(n) {
			continue
		}
		if len(dst)+5 > cap(dst) {
			break
		}
		if len(dst) > 0 {
			dst = append(dst, ',')
		}
		dst = appendCode(dst, n)
	}
	return dst
}

// appendCode appends a number of two octets in hexadecimal, appendOctet one of one.
func appendCode(dst []byte, n uint16) []byte {
	return appendOctet(appendOctet(dst, byte(n>>8)), byte(n))
}

func appendOctet(dst []byte, n byte) []byte {
	const digits = "0123456789abcdef"
	return append(dst, digits[n>>4], digits[n&15])
}

// appendNames appends a list of names that have an octet of length before them, as many as fit
// into the capacity of dst.
func appendNames(dst, list []byte) []byte {
	for r := wire.Read(list); r.Len() > 0; {
		name := r.Block8()
		if r.Short() || len(dst)+1+name.Len() > cap(dst) {
			break
		}
		if len(dst) > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, name.Rest()...)
	}
	return dst
}
