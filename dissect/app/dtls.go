package app

import (
	"unsafe"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/wire"
)

// DTLS is TLS in datagrams (RFC 6347, RFC 9147).
var DTLS = Dissector{
	Name:   "dtls",
	Doc:    "DTLS 1.0 to 1.3: as TLS, in datagrams, with handshake messages in fragments.",
	Number: 30,
	UDP:    []uint16{853, 2083, 5349, 5684, 10161, 10162},
	SCTP:   []uint16{5868},
	First:  octets(recordChangeCipher, recordHeartbeat),
	Fields: append(tlsFields[:len(tlsFields):len(tlsFields)], RTPKeying),
	Pair:   InOrder,
	State:  unsafe.Sizeof(dtlsState{}),
	Parse:  parseDTLS,
}

// mostJoined is how much of a handshake message in fragments is put together. Chains of
// certificates may be longer; the first one of them seldom is.
const mostJoined = 4 << 10

// dtlsState is what is remembered of a handshake.
type dtlsState struct {
	handshake
	parts assembly
}

// assembly is a handshake message that is being put together.
type assembly struct {
	dir   flow.Dir
	kind  uint8 // 0 for none
	seq   uint16
	size  uint32
	n     uint8
	spans [8][2]uint16 // what is there: from, to; in order, with gaps between
	buf   [mostJoined]byte
}

// Flaws of records and fragments.
const (
	flawCut      = "record of DTLS longer than its datagram"
	flawFragment = "fragment beyond the end of its handshake message"
)

func parseDTLS(m *Message) Verdict {
	if m.Stream || m.Len() == 0 {
		return Reject
	}
	s := Memory[dtlsState](m)
	if s.seen && m.Peek()[0]>>5 == 1 {
		return Done // a record of DTLS 1.3 that is encrypted (RFC 9147, section 4)
	}
	if s.seen && s.media(m) {
		return Accept
	}
	if records := m.Reader; !isDatagram(&records, m.Cut) {
		if !s.seen {
			return Reject
		}
		m.Malformed(flawCut)
		return Accept
	}
	s.seen, s.datagram = true, true
	for m.Len() > 0 && m.Said.Flaw == "" {
		if first := m.Peek()[0]; first>>5 == 1 {
			break
		}
		if v := s.record(m); v != Accept {
			return v
		}
	}
	return Accept
}

// media takes what comes between records if the handshake is for media (RFC 5764): messages of STUN
// are passed over, and the first packet of RTP hands the flow over.
func (s *dtlsState) media(m *Message) bool {
	var x stunMessage
	switch b := m.Peek(); {
	case b[0] < 4 && x.read(b, m):
		m.Rest()
		return true
	case b[0]>>6 == 2:
		m.Attrs.Text(RTPKeying, "dtls")
		m.Become(&RTP)
		return true
	}
	return false
}

// isDatagram reports whether a datagram is made of records. Those at its end may be encrypted, and
// the last one may not all be there if it was cut.
func isDatagram(r *wire.Reader, cut bool) bool {
	for n := 0; r.Len() > 0; n++ {
		if n > 0 && r.Peek()[0]>>5 == 1 {
			return true
		}
		kind, version := r.U8(), r.U16()
		r.Skip(8) // epoch, sequence number
		size := int(r.U16())
		known := kind >= recordChangeCipher && kind <= recordHeartbeat && size > 0 && size <= maxRecord
		if r.Short() || !known || version != dtls10 && version != dtls12 {
			return cut && n > 0 && r.Short()
		}
		if r.Skip(size); r.Short() {
			return cut
		}
	}
	return true
}

// record reads a record of a datagram that is made of them.
func (s *dtlsState) record(m *Message) Verdict {
	kind := m.U8()
	m.U16() // version
	epoch := m.U16()
	m.Skip(6) // sequence number
	body := m.Block16()
	switch {
	case body.Short(): // cut
	case kind == recordApplication:
		return Done
	case epoch > 0: // encrypted
	case kind == recordChangeCipher && s.server(m):
		s.encrypts(m)
		s.over[m.Dir] = true
	case kind == recordChangeCipher:
		s.over[m.Dir] = true
	case kind == recordAlert && body.Len() == 2:
		if s.alert(m, body) {
			return Done
		}
	case kind == recordHandshake:
		for body.Len() > 0 && m.Said.Flaw == "" {
			s.fragment(m, &body)
		}
	}
	return Accept
}

// fragment reads a handshake message, or a part of one (RFC 6347, section 4.2.2).
func (s *dtlsState) fragment(m *Message, r *wire.Reader) {
	kind, size, seq, offset := r.U8(), r.U24(), r.U16(), r.U24()
	body := r.Block24()
	n := uint32(body.Len())
	switch {
	case body.Short() || offset+n > size:
		m.Malformed(flawFragment)
	case !knownMessage(kind):
		m.Malformed(flawType)
	case n == size:
		s.told(m, kind, body)
	case kind == messageClientHello || kind == messageServerHello || kind == messageCertificate ||
		kind == messageServerKeyExchange:
		j := &s.parts
		if j.kind != kind || j.seq != seq || j.dir != m.Dir || j.size != size {
			j.kind, j.seq, j.dir, j.size, j.n = kind, seq, m.Dir, size, 0
		}
		if j.add(offset, body.Rest()) {
			j.kind = 0
			s.join(m, kind)
		}
	}
}

// join reads the message that is complete, or as much as was kept of it.
func (s *dtlsState) join(m *Message, kind uint8) {
	j := &s.parts
	r := wire.Read(j.buf[:min(j.size, mostJoined)])
	s.told(m, kind, r.Block(int(j.size)))
}

// told reads a handshake message. What the server says before its answer is complete belongs to
// the answer.
func (s *dtlsState) told(m *Message, kind uint8, body wire.Reader) {
	s.message(m, kind, body)
	if m.Said.Role == Part && s.answered && (!s.full || s.asks) && s.server(m) {
		m.Interim(0)
	}
}

// add adds a fragment, and reports whether now everything is there that is kept.
func (j *assembly) add(offset uint32, b []byte) bool {
	if offset < mostJoined && len(b) > 0 {
		n := copy(j.buf[offset:], b)
		j.cover(uint16(offset), uint16(offset)+uint16(n))
	}
	return j.n == 1 && j.spans[0][0] == 0 && uint32(j.spans[0][1]) == min(j.size, mostJoined)
}

// cover adds a span. One that finds no room is forgotten; it will be sent again.
func (j *assembly) cover(from, to uint16) {
	i := uint8(0)
	for i < j.n && j.spans[i][1] < from {
		i++
	}
	end := i
	for end < j.n && j.spans[end][0] <= to {
		from, to = min(from, j.spans[end][0]), max(to, j.spans[end][1])
		end++
	}
	if end == i { // touches none
		if int(j.n) == len(j.spans) {
			return
		}
		copy(j.spans[i+1:], j.spans[i:j.n])
		j.n++
		end = i + 1
	}
	j.spans[i] = [2]uint16{from, to}
	copy(j.spans[i+1:], j.spans[end:j.n])
	j.n -= end - i - 1
}
