package app

import (
	"bytes"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/wire"
)

// tell says what has become known with a datagram, and whether more is wanted.
func (s *quicState) tell(m *Message) Verdict {
	switch {
	case m.Said.Role != Part: // a version negotiation
		return Accept
	case s.is(quicOriented) && !s.is(quicAsked) && s.asks(m):
		s.flags |= quicAsked
	case s.is(quicOriented) && s.answersNow(m):
		return Done
	case s.is(quicRetried) && s.is(quicAsked) && !s.is(quicRetrySaid):
		s.flags |= quicRetrySaid
		m.Attrs.Uint(QUICRetry, 1)
		m.Interim(s.first.key())
	}
	if s.datagrams < quicDatagrams && s.tries < quicTries && s.opens < quicOpens && !s.is(quicOver) {
		return Accept
	}
	if !s.is(quicAsked) {
		s.begun(m)
		m.Notice()
	}
	return Done
}

// begun says what the headers of the client's Initials said.
func (s *quicState) begun(m *Message) {
	m.Attrs.Uint(QUICVersion, uint64(s.version))
	if !s.is(quicOriented) {
		return
	}
	m.Attrs.Bytes(QUICDCID, s.first.octets())
	if s.scid[quicClient].n > 0 {
		m.Attrs.Bytes(QUICSCID, s.scid[quicClient].octets())
	}
	if s.tokenLen > 0 {
		m.Attrs.Uint(QUICTokenLength, uint64(s.tokenLen))
	}
	if s.is(quicRetried) {
		s.flags |= quicRetrySaid
		m.Attrs.Uint(QUICRetry, 1)
	}
}

// asks says the request once the client's hello is complete, and reports whether it did.
func (s *quicState) asks(m *Message) bool {
	v := quicVersionOf(s.version)
	if s.is(quicHelloBad) || v == nil {
		return false
	}
	if v.google {
		return s.asksGoogle(m)
	}
	kind, body, impossible := s.message(quicClient, 0)
	switch {
	case impossible:
		m.Malformed(flawQUICHello)
	case s.streams[quicClient].have > 0 && s.hello[0] != messageClientHello:
		m.Malformed(flawQUICMessage)
	case body == nil || kind != messageClientHello:
		return false
	default:
		s.begun(m)
		hello, flaw := parseClientHello(m, wire.Read(body), overQUIC)
		if flaw != "" {
			m.Malformed(flaw)
		}
		sayTransport(m, hello.transport)
		m.Request(s.first.key())
		return true
	}
	s.flags |= quicHelloBad
	return false
}

// answersNow says the response once the server's hello is complete, or a side has given up, and
// reports whether it did.
func (s *quicState) answersNow(m *Message) bool {
	closed := s.is(quicClosed)
	hello, complete := s.serverHello(m)
	if !closed && !complete {
		return false
	}
	if !s.is(quicAsked) {
		s.begun(m)
		m.Notice()
	} else if m.Dir != s.client {
		m.Response(s.first.key())
	}
	if hello != nil {
		s.chose(m, wire.Read(hello))
	}
	if s.chosen != 0 && s.chosen != s.version {
		m.Attrs.Uint(QUICServerVersion, uint64(s.chosen))
	}
	if s.scid[quicServer].n > 0 {
		m.Attrs.Bytes(QUICServerSCID, s.scid[quicServer].octets())
	}
	if s.is(quicEarly) {
		m.Attrs.Uint(QUICEarlyData, 1)
	}
	if closed {
		m.Attrs.Uint(QUICError, s.code)
		if s.reasonLen > 0 {
			m.Attrs.Bytes(QUICReason, s.reason[:s.reasonLen])
		}
	}
	return true
}

// serverHello returns the server's hello, without the header of the message, if it is complete.
// complete without a hello means that there never will be one.
func (s *quicState) serverHello(m *Message) (hello []byte, complete bool) {
	if v := quicVersionOf(s.chosen); v == nil || v.google {
		return nil, v != nil
	}
	for at := 0; ; {
		kind, body, impossible := s.message(quicServer, at)
		switch {
		case impossible:
			m.Malformed(flawQUICHello)
			return nil, true
		case body == nil:
			return nil, false
		case kind != messageServerHello:
			m.Malformed(flawQUICMessage)
			return nil, true
		case len(body) < 34 || !bytes.Equal(body[2:34], retryRandom):
			return body, true
		}
		s.flags |= quicAgain
		at += 4 + len(body)
	}
}

// Transport parameters (RFC 9000, section 18.2; RFC 9368, section 3; Google's).
const (
	quicMaxIdleTimeout = 0x01
	quicMaxUDPPayload  = 0x03
	quicInitialMaxData = 0x04
	quicVersionInfo    = 0x11
	quicAgent          = 0x3129
)

// sayTransport says what the client's transport parameters do. Of one that comes twice the first
// counts.
func sayTransport(m *Message, params []byte) {
	var text [255]byte
	for r := wire.Read(params); r.Len() > 0; {
		id := quicVarint(&r)
		value := quicBytes(&r, quicVarint(&r))
		if r.Short() {
			m.Malformed(flawQUICParameter)
			return
		}
		v := wire.Read(value)
		var ok bool
		switch id {
		case quicMaxIdleTimeout:
			ok = sayNumber(m, QUICIdleTimeout, &v)
		case quicMaxUDPPayload:
			ok = sayNumber(m, QUICMaxPayload, &v)
		case quicInitialMaxData:
			ok = sayNumber(m, QUICMaxData, &v)
		case quicVersionInfo:
			v.U32() // the one the client began with
			list := v.Rest()
			if ok = !v.Short() && len(list)%4 == 0; ok {
				m.Attrs.Bytes(QUICClientVersions, appendVersions(text[:0], list))
			}
		case quicAgent:
			m.Attrs.Bytes(QUICUserAgent, value)
			ok = true
		default:
			ok = true
		}
		if !ok {
			m.Malformed(flawQUICParameter)
		}
	}
}

// sayNumber says a parameter that is a number and nothing else, and reports whether it is.
func sayNumber(m *Message, f *flow.Field, v *wire.Reader) bool {
	n := quicVarint(v)
	if v.Short() || v.Len() > 0 {
		return false
	}
	m.Attrs.Uint(f, n)
	return true
}

// appendVersions appends versions in hexadecimal, as many as fit into the capacity of dst and
// none that nobody means.
func appendVersions(dst, list []byte) []byte {
	for r := wire.Read(list); r.Len() >= 4; {
		v := r.U32()
		if quicGrease(v) {
			continue
		}
		if len(dst)+9 > cap(dst) {
			break
		}
		if len(dst) > 0 {
			dst = append(dst, ',')
		}
		dst = appendCode(appendCode(dst, uint16(v>>16)), uint16(v))
	}
	return dst
}

// chose says what the server chose.
func (s *quicState) chose(m *Message, body wire.Reader) {
	var h serverHello
	if h.read(m, body) == nil {
		return
	}
	h.say(m)
	if s.is(quicAgain) {
		m.Attrs.Uint(TLSHelloRetry, 1)
	}
	m.Attrs.Uint(TLSResumed, boolean(h.psk))
}
