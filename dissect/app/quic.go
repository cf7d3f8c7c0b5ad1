package app

import (
	"bytes"
	"encoding/binary"
	"slices"
	"unsafe"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/wire"
)

// QUIC understands the Initial packets of connections, whose keys everyone can make. A
// connection is a transaction: the request is the client's hello, the response the server's. Once
// they are read, nothing more of the flow is: a connection that follows on the same ports is not
// told from the first, as watching for one would cost every packet of all others.
var QUIC = Dissector{
	Name: "quic", Number: 188,
	Doc:    "QUIC: the handshake up to the server's hello, also of Google's versions.",
	UDP:    []uint16{443, 8443, 784, 853},
	First:  octets(0x80, 0xff) + googleFirst,
	Fields: slices.Concat(quicFields, helloFields, quicAnswerFields),
	Pair:   ByKey,
	State:  unsafe.Sizeof(quicState{}),
	Parse:  parseQUIC,
}

// Sides of a connection.
const (
	quicClient = iota
	quicServer
)

// quicState is what is known of a connection.
type quicState struct {
	flags     quicFlags
	client    flow.Dir // who that is, valid if quicOriented
	datagrams uint8
	opens     uint8 // packets that were tried to be opened
	tries     uint8 // those of them that keys did not open
	closer    uint8 // side that gave up
	version   uint32
	chosen    uint32 // version of the server's first Initial, 0 before it

	first    quicCID    // what the client's first Initial is sent to: names the connection
	keyed    quicCID    // what the keys are made of: the same unless there was a Retry
	scid     [2]quicCID // what each side calls itself
	keys     [2]quicKeys
	keyOf    [2]uint32 // version the keys are for, 0 if there are none
	next     [2]uint64 // number after the highest packet opened
	tokenLen uint16

	code      uint64
	reason    [64]byte
	reasonLen uint8

	streams  [2]quicStream
	greeted  [quicHelloLen / 64]uint64 // octets of hello that are there
	answered [quicAnswerLen / 64]uint64
	hello    [quicHelloLen]byte
	answer   [quicAnswerLen]byte
	opener   quicOpener
}

// quicFlags is what has been seen of a connection.
type quicFlags uint16

const (
	quicOriented  quicFlags = 1 << iota // an Initial of the client was opened
	quicAsked                           // the request was said
	quicRetried                         // there was a Retry
	quicEarly                           // there was 0-RTT
	quicClosed                          // a side gave up
	quicOver                            // the client has left the Initial packets behind
	quicProven                          // a packet was of a known version
	quicRetrySaid                       // QUIC_RETRY was said
	quicAgain                           // the server asked for another hello
	quicHelloBad                        // the client's hello cannot be read
)

func (s *quicState) is(f quicFlags) bool { return s.flags&f != 0 }

// quicCID is a connection identifier.
type quicCID struct {
	n uint8
	b [quicMaxCID]byte
}

func (c *quicCID) set(b []byte) {
	*c = quicCID{}
	c.n = uint8(copy(c.b[:], b))
}

func (c *quicCID) octets() []byte      { return c.b[:c.n] }
func (c *quicCID) equal(b []byte) bool { return bytes.Equal(c.octets(), b) }

// Limits of what is done for a flow. A client's hello of the longest kind takes 8 datagrams;
// 0-RTT may come between them, and all of it again.
const (
	quicDatagrams = 64
	quicOpens     = 96
	quicTries     = 12
)

// parseQUIC reads a datagram. Nothing is written to State before it is known to be QUIC.
func parseQUIC(m *Message) Verdict {
	s := Memory[quicState](m)
	b := m.Peek()
	if m.Stream || len(b) == 0 {
		return Reject
	}
	if !s.is(quicProven) {
		if v := parseGoogleQUIC(m); v != Reject {
			return v
		}
		r, p := wire.Read(b), quicPacket{}
		switch {
		case p.read(&r) && (p.kind != quicNegotiation || p.offers()):
			s.flags |= quicProven
		case m.Cut && p.cut:
			m.Rest()
			m.Attrs.Uint(QUICVersion, uint64(p.version))
			m.Notice()
			return Done
		case quicProbe(b):
			m.Rest()
			return Accept
		default:
			return Reject
		}
	}
	s.datagrams++
	s.datagram(m, m.Rest())
	return s.tell(m)
}

// datagram reads the packets in it (RFC 9000, section 12.2). What follows them is not looked
// at: it is padding, or not meant for the same receiver.
func (s *quicState) datagram(m *Message, b []byte) {
	var first []byte
	for r := wire.Read(b); r.Len() > 0; {
		if r.Peek()[0]&0x80 == 0 {
			if s.is(quicOriented) && m.Dir == s.client && first == nil {
				s.flags |= quicOver
			}
			return
		}
		var p quicPacket
		if !p.read(&r) || first != nil && !bytes.Equal(p.dcid, first[6:6+int(first[5])]) {
			return
		}
		if first == nil {
			first = p.whole
		}
		s.packet(m, &p)
	}
}

func (s *quicState) packet(m *Message, p *quicPacket) {
	if s.version == 0 {
		s.version = p.version
	}
	switch p.kind {
	case quicNegotiation:
		s.negotiation(m, p)
	case quicRetry:
		s.retry(m, p)
	case quicZeroRTT:
		s.flags |= quicEarly
	case quicHandshake:
		if s.is(quicOriented) && m.Dir == s.client {
			s.flags |= quicOver
		}
	case quicInitial:
		if s.tries < quicTries && s.opens < quicOpens && !s.is(quicClosed) {
			s.initial(m, p)
		}
	}
}

// initial opens an Initial with the keys there are, or with those of its own destination: then
// it is the client's first.
func (s *quicState) initial(m *Message, p *quicPacket) {
	if s.is(quicOriented) && m.Dir != s.client {
		s.fromServer(m, p)
		return
	}
	if s.is(quicRetried) && s.first.equal(p.dcid) { // on its way before the Retry came
		return
	}
	known := s.is(quicOriented) && s.keyOf[quicClient] == p.version
	if known && s.opened(m, p, quicClient) {
		return
	}
	if !known || !s.keyed.equal(p.dcid) {
		var k quicKeys
		k.derive(p.v, p.dcid, false)
		if plain, n, ok := s.open(&k, p, 0); ok {
			s.begin(m, p, &k)
			s.read(m, p, quicClient, plain, n)
			return
		}
	}
	s.tries++
	// One to the server's own choice is of this connection, and so is one to the first.
	if known && (s.keyed.equal(p.dcid) || s.chosen != 0 && s.scid[quicServer].equal(p.dcid)) {
		m.Malformed(flawQUICKeys)
	}
}

// open opens a packet. It is what costs: memory for the ciphers, and most of the time.
func (s *quicState) open(k *quicKeys, p *quicPacket, next uint64) (plain []byte, number uint64, ok bool) {
	s.opens++
	return s.opener.open(k, p, next)
}

// opened reads a packet that the keys of a side open.
func (s *quicState) opened(m *Message, p *quicPacket, side int) bool {
	plain, n, ok := s.open(&s.keys[side], p, s.next[side])
	if ok {
		s.read(m, p, side, plain, n)
	}
	return ok
}

func (s *quicState) read(m *Message, p *quicPacket, side int, plain []byte, number uint64) {
	s.next[side] = max(s.next[side], number+1)
	var flaw string
	if p.v.google {
		flaw = s.googleFrames(side, plain)
	} else if flaw = s.frames(side, plain); p.first&0x0c != 0 {
		flaw = flawQUICReserved
	}
	if flaw != "" {
		m.Malformed(flaw)
	}
}

// begin takes a client's Initial for the first of a connection, of an attempt after a Retry,
// or of one in another version.
func (s *quicState) begin(m *Message, p *quicPacket, k *quicKeys) {
	goesOn := s.is(quicOriented) && m.Dir == s.client &&
		(s.first.equal(p.dcid) && s.chosen != 0 ||
			len(p.scid) > 0 && s.scid[quicClient].equal(p.scid) && s.version == p.version)
	if !goesOn {
		s.forget()
		s.flags &= quicProven
		s.first.set(p.dcid)
		s.next, s.chosen = [2]uint64{}, 0
		s.version, s.tokenLen = p.version, uint16(len(p.token))
	}
	s.flags |= quicOriented
	s.client = m.Dir
	s.keyed.set(p.dcid)
	s.keys[quicClient] = *k
	s.keyOf = [2]uint32{quicClient: p.version}
	s.scid[quicClient].set(p.scid)
}

// fromServer opens an Initial of the server. It may have moved to another version with the
// client's consent (RFC 9368, section 2.3).
func (s *quicState) fromServer(m *Message, p *quicPacket) {
	if s.keyOf[quicServer] != p.version {
		var k quicKeys
		k.derive(p.v, s.keyed.octets(), true)
		plain, n, ok := s.open(&k, p, s.next[quicServer])
		if ok {
			s.answers(p, &k)
			s.read(m, p, quicServer, plain, n)
			return
		}
	} else if s.opened(m, p, quicServer) {
		return
	}
	s.tries++
	if s.keyOf[quicClient] == p.version && s.scid[quicClient].equal(p.dcid) && !s.is(quicRetried) {
		m.Malformed(flawQUICKeys)
	}
}

// answers takes an Initial for the server's first.
func (s *quicState) answers(p *quicPacket, k *quicKeys) {
	s.keys[quicServer], s.keyOf[quicServer] = *k, p.version
	s.chosen = p.version
	s.scid[quicServer].set(p.scid)
	if s.keyOf[quicClient] != p.version {
		s.keys[quicClient].derive(p.v, s.keyed.octets(), false)
		s.keyOf[quicClient] = p.version
	}
}

// retry makes the keys anew: the client is to come back with a token, to where the server says
// (RFC 9000, section 17.2.5).
func (s *quicState) retry(m *Message, p *quicPacket) {
	if !s.is(quicOriented) || m.Dir == s.client || s.is(quicRetried) || s.chosen != 0 {
		return
	}
	if !s.opener.genuine(p.v, p, s.first.octets()) {
		m.Malformed(flawQUICRetry)
		return
	}
	s.flags |= quicRetried
	s.keyed.set(p.scid)
	s.keys[quicClient].derive(p.v, p.scid, false)
	s.keyOf = [2]uint32{quicClient: p.version}
}

// negotiation ends an attempt: the server does not know its version.
func (s *quicState) negotiation(m *Message, p *quicPacket) {
	if s.is(quicOriented) && (m.Dir == s.client || !s.scid[quicClient].equal(p.dcid) || !s.first.equal(p.scid)) {
		return
	}
	var text [255]byte
	m.Attrs.Bytes(QUICOffered, appendVersions(text[:0], p.body))
	if !s.is(quicOriented) || !s.is(quicAsked) {
		m.Attrs.Bytes(QUICDCID, p.scid)
		m.Attrs.Bytes(QUICSCID, p.dcid)
		m.Notice()
		return
	}
	m.Response(s.first.key())
	s.flags &^= quicOriented | quicAsked
}

// key names a transaction. A client's first choice is 8 octets or more, all of them random.
func (c *quicCID) key() uint64 { return binary.BigEndian.Uint64(c.b[:8]) }
