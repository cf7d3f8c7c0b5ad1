package app

import "github.com/weir-probe/weir/dissect/wire"

// Flaws of SSL 2.
const flawOldHello = "hello of SSL 2 with lengths that do not make its own"

// mostOld is the most octets of a client's hello of SSL 2 that is believed to be one.
const mostOld = 1 << 10

// oldRecord reads a hello in the form of SSL 2, of a client that speaks it, or TLS as well
// (RFC 5246, appendix E.2), or of a server that chose it.
func (s *handshake) oldRecord(m *Message) Verdict {
	const client, server = 1, 4
	b := m.Peek()
	kind, most := byte(client), mostOld
	if s.old {
		kind, most = server, MaxMessage-2
	}
	n := int(m.U16() & 0x7fff)
	if len(b) > 1 && n > most || len(b) > 2 && b[2] != kind {
		return s.reject(m)
	}
	body := m.Block(n)
	switch {
	case body.Short():
		return s.wait(m)
	case kind == server:
		return s.oldServer(m, body)
	}
	return s.oldClient(m, body)
}

// reject gives up a message that is not of the protocol.
func (s *handshake) reject(m *Message) Verdict {
	if !s.seen {
		return Reject
	}
	m.Malformed(flawRecord)
	return s.quit(m)
}

func (s *handshake) oldClient(m *Message, body wire.Reader) Verdict {
	body.U8()
	version := body.U16()
	ciphers, session, challenge := int(body.U16()), int(body.U16()), int(body.U16())
	ok := (version == ssl2 || version >= ssl3 && version <= tls13) && ciphers > 0 && ciphers%3 == 0 &&
		(session == 0 || session == 16) && challenge >= 16 && challenge <= 32 &&
		ciphers+session+challenge == body.Len()
	if !ok || body.Short() {
		return s.reject(m)
	}
	s.hello, s.old, s.client = true, true, m.Dir
	var text [255]byte
	m.Attrs.Bytes(TLSClientVersions, appendCode(text[:0], version))
	m.Attrs.Bytes(TLSClientCiphers, appendKinds(text[:0], body.Bytes(ciphers)))
	m.Attrs.Uint(TLSClientResumes, boolean(session > 0))
	m.Request(0)
	return Accept
}

// appendKinds appends cipher suites of three octets, as many as fit into the capacity of dst:
// those of TLS in four digits, those of SSL 2 in six.
func appendKinds(dst, list []byte) []byte {
	for r := wire.Read(list); r.Len() >= 3 && len(dst)+7 <= cap(dst); {
		high, low := r.U8(), r.U16()
		if len(dst) > 0 {
			dst = append(dst, ',')
		}
		if high != 0 {
			dst = appendOctet(dst, high)
		}
		dst = appendCode(dst, low)
	}
	return dst
}

func (s *handshake) oldServer(m *Message, body wire.Reader) Verdict {
	body.U8()
	hit, kind, version := body.U8(), body.U8(), body.U16()
	certificate, ciphers, id := int(body.U16()), int(body.U16()), int(body.U16())
	if body.Short() || certificate+ciphers+id != body.Len() {
		m.Malformed(flawOldHello)
		return s.quit(m)
	}
	s.answered = true
	m.Attrs.Uint(TLSVersion, uint64(version))
	m.Attrs.Uint(TLSResumed, boolean(hit != 0))
	const x509 = 1
	if kind == x509 && certificate > 0 && !sayCertificate(m, body.Bytes(certificate), &serverCertificate) {
		m.Malformed(flawDER)
	}
	m.Response(0)
	m.Finish()
	s.over[1-m.Dir] = true
	return s.quit(m)
}
