package app

import (
	"bytes"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/wire"
)

// Types of handshake messages (IANA's registry "TLS HandshakeType").
const (
	messageClientHello       = 1
	messageServerHello       = 2
	messageHelloVerify       = 3 // DTLS
	messageCertificate       = 11
	messageServerKeyExchange = 12
	messageCertificateAsked  = 13
	messageServerHelloDone   = 14
)

// Flaws of certificates.
const (
	flawCertificates = "list of certificates with a length that is not its own"
	flawDER          = "certificate that is not the DER of one"
)

// handshake is what is remembered of one.
type handshake struct {
	seen     bool     // something was accepted
	hello    bool     // the client's hello was seen
	client   flow.Dir // whose it was
	old      bool     // it had the form of SSL 2
	retry    bool     // the server asked for another one
	answered bool     // the server's hello was seen
	full     bool     // the server said all of a full handshake, but for the end if it asks
	asks     bool     // it asks for the client's certificate, which belongs to the transaction
	gap      bool     // octets were lost
	alerted  bool
	datagram bool
	cert     [2]bool // certificates of which side were seen, by flow.Dir
	secret   [2]bool // the side encrypts what it says from now on
	over     [2]bool // nothing more is wanted of the side
}

// server reports whether the message is the server's.
func (s *handshake) server(m *Message) bool {
	if s.hello {
		return m.Dir != s.client
	}
	return m.Dir == flow.Reverse
}

// knownMessage reports whether a handshake message of that type may be seen in clear.
func knownMessage(kind uint8) bool {
	return kind <= 8 || kind >= 11 && kind <= 16 || kind >= 20 && kind <= 25
}

// messages reads handshake messages. The last one may be cut.
func (s *handshake) messages(m *Message, r wire.Reader) {
	for r.Len() > 0 && !s.over[m.Dir] && m.Said.Flaw != flawType {
		kind := r.U8()
		s.message(m, kind, r.Block24())
	}
}

// message reads the body of a handshake message.
func (s *handshake) message(m *Message, kind uint8, body wire.Reader) {
	switch kind {
	case messageClientHello:
		s.clientHello(m, body)
	case messageServerHello:
		s.serverHello(m, body)
	case messageHelloVerify:
		s.again(m)
	case messageCertificate:
		s.certificates(m, body)
	case messageServerKeyExchange:
		keyExchange(m, body)
	case messageCertificateAsked:
		s.asks = s.server(m) && s.answered
	case messageServerHelloDone:
		if !s.full {
			s.full = true
			m.Attrs.Uint(TLSResumed, 0)
			if !s.asks {
				s.finish(m)
			}
		}
	default:
		if !knownMessage(kind) {
			m.Malformed(flawType)
			s.over[m.Dir] = true
		}
	}
}

// clientHello reads the first hello. Further ones say the same again.
func (s *handshake) clientHello(m *Message, body wire.Reader) {
	if s.hello || body.Short() {
		return
	}
	s.hello, s.client = true, m.Dir
	over := overTCP
	if s.datagram {
		over = overDTLS
	}
	if _, flaw := parseClientHello(m, body, over); flaw != "" {
		m.Malformed(flaw)
	}
	if !s.answered { // else the answer was seen before, and is an event already
		m.Request(0)
	}
}

// again notes that the server wants another hello.
func (s *handshake) again(m *Message) {
	if s.answered || s.retry {
		return
	}
	s.retry = true
	m.Attrs.Uint(TLSHelloRetry, 1)
	m.Interim(0)
}

// finish says that the server's answer is complete.
func (s *handshake) finish(m *Message) {
	if s.datagram {
		m.Response(0)
	} else {
		m.Finish()
	}
}

// encrypts notes that the server begins to encrypt, which ends its answer at last. If it did not
// say all of a full handshake, a session goes on.
func (s *handshake) encrypts(m *Message) {
	if !s.answered || s.full && !s.asks {
		return
	}
	if !s.full && !s.gap {
		m.Attrs.Uint(TLSResumed, 1)
	}
	s.full, s.asks = true, false
	s.finish(m)
}

// alert reads an alert, and reports whether it ends the handshake.
func (s *handshake) alert(m *Message, body wire.Reader) bool {
	const warning, fatal, closeNotify = 1, 2, 0
	level, what := body.U8(), body.U8()
	if level != warning && level != fatal {
		m.Malformed(flawAlert)
		return true
	}
	if !s.alerted {
		s.alerted = true
		m.Attrs.Uint(TLSAlert, uint64(what))
	}
	if level == warning && what != closeNotify {
		return false
	}
	if s.server(m) && !s.answered {
		s.answered = true
		m.Response(0)
	}
	m.Finish()
	return true
}

// serverHello is what a server chooses.
type serverHello struct {
	version, legacy uint16
	cipher          uint16
	group           uint16
	alpn            []byte
	psk             bool
	extensions      wire.Reader
}

// retryRandom is the random of a ServerHello that asks for another hello (RFC 8446, section 4.1.3).
var retryRandom = []byte{
	0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
	0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
}

// serverHello reads the hello of a server (RFC 8446, section 4.1.3; RFC 5246, section 7.4.1.3).
func (s *handshake) serverHello(m *Message, body wire.Reader) {
	if s.answered || body.Short() {
		return
	}
	var h serverHello
	random := h.read(m, body)
	switch {
	case random == nil:
		return
	case bytes.Equal(random, retryRandom):
		s.again(m)
		return
	}
	s.answered = true
	h.say(m)
	switch {
	case h.is13():
		m.Attrs.Uint(TLSResumed, boolean(h.psk))
		m.Response(0)
		m.Finish()
		s.over[m.Dir], s.over[1-m.Dir] = true, s.over[1-m.Dir] || s.hello
	case s.datagram:
		m.Interim(0) // a datagram with more of the answer follows
	default:
		m.Response(0)
	}
}

// read reads a hello, and returns its random, nil if the hello ends too soon.
func (h *serverHello) read(m *Message, body wire.Reader) (random []byte) {
	h.legacy = body.U16()
	random, session := body.Bytes(32), body.Block8()
	h.version, h.cipher = h.legacy, body.U16()
	body.U8() // compression method
	if body.Len() > 0 {
		h.extensions = body.Block16()
	}
	switch {
	case body.Short():
		m.Malformed(flawHelloShort)
		return nil
	case body.Len() > 0:
		m.Malformed(flawHelloLong)
	case session.Len() > 32:
		m.Malformed(flawSession)
	}
	if flaw := h.walk(); flaw != "" {
		m.Malformed(flaw)
	}
	return random
}

// is13 reports whether what follows is encrypted: TLS 1.3, its drafts, and DTLS 1.3.
func (h *serverHello) is13() bool {
	return h.version == tls13 || h.version == dtls13 || h.version>>8 == 0x7f
}

func (h *serverHello) walk() (flaw string) {
	for e := h.extensions; e.Len() > 0; {
		kind, body := e.U16(), e.Block16()
		switch {
		case e.Short():
			return flawHelloShort
		case kind == extensionSupportedVersions:
			h.version = body.U16()
		case kind == extensionKeyShare:
			h.group = body.U16()
		case kind == extensionPreSharedKey:
			h.psk = true
		case kind == extensionALPN:
			names := body.Block16()
			name := names.Block8()
			h.alpn = name.Rest()
			if names.Short() || names.Len() > 0 || len(h.alpn) == 0 {
				flaw = flawExtension
			}
		}
		if body.Short() {
			flaw = flawExtension
		}
	}
	return flaw
}

// say tells what was read.
func (h *serverHello) say(m *Message) {
	m.Attrs.Uint(TLSVersion, uint64(h.version))
	m.Attrs.Uint(TLSCipher, uint64(h.cipher))
	m.Attrs.Uint(TLSUnsafeCipher, boolean(unsafeCipher(h.cipher)))
	if h.group != 0 {
		m.Attrs.Uint(TLSGroup, uint64(h.group))
	}
	if len(h.alpn) > 0 {
		m.Attrs.Bytes(TLSALPN, h.alpn)
	}
	fingerprintServer(m, h.legacy, h.cipher, h.extensions)
}

// keyExchange reads which curve a server uses (RFC 8422, section 5.4). Other key exchanges
// begin with a length, whose first octet, or the number that the next two make, is none of these.
func keyExchange(m *Message, body wire.Reader) {
	const namedCurve, last = 3, 41
	kind, group, point := body.U8(), body.U16(), body.Block8()
	if kind == namedCurve && group > 0 && group <= last && point.Len() > 0 && !body.Short() {
		m.Attrs.Uint(TLSGroup, uint64(group))
	}
}

// certificates reads a list of certificates (RFC 5246, section 7.4.2), of which the first is
// that of the side itself. It may be there when the end of the message is not.
func (s *handshake) certificates(m *Message, body wire.Reader) {
	cut := body.Short()
	body = wire.Read(body.Rest())
	list := body.Block24()
	short := list.Short()
	list = wire.Read(list.Rest())
	first := list.Block24()
	if !cut && (short || body.Len() > 0 || first.Short() && list.Pos() > 0) {
		m.Malformed(flawCertificates)
	}
	leaf := first.Rest()
	if s.cert[m.Dir] || len(leaf) == 0 || first.Short() {
		return
	}
	s.cert[m.Dir] = true
	fields := &clientCertificate
	if s.server(m) {
		fields = &serverCertificate
	}
	if !sayCertificate(m, leaf, fields) {
		m.Malformed(flawDER)
	}
}
