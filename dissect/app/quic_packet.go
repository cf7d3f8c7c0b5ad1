package app

import "github.com/weir-probe/weir/dissect/wire"

// quicMaxCID is the longest connection identifier (RFC 9000, section 17.2).
const quicMaxCID = 20

// quicFirst is the length of the shortest datagram with an Initial of a client
// (RFC 9000, section 14.1), less what middleboxes and drafts took from it.
const quicFirst = 1200

// quicPacket is a packet with a long header, taken apart. It borrows the datagram.
type quicPacket struct {
	first      byte
	version    uint32
	v          *quicVersion // nil in version negotiation
	kind       quicKind
	dcid, scid []byte
	token      []byte // of Initial and Retry
	head       []byte // what precedes body
	body       []byte // packet number, still protected, and payload; versions in version negotiation
	whole      []byte
	cut        bool // all is there but octets of the body
}

// quicVarint consumes a number of 1, 2, 4 or 8 octets (RFC 9000, section 16).
func quicVarint(r *wire.Reader) uint64 {
	c := r.U8()
	v := uint64(c & 0x3f)
	for range 1<<(c>>6) - 1 {
		v = v<<8 | uint64(r.U8())
	}
	return v
}

// quicBytes consumes n octets, which may be more than fit an int.
func quicBytes(r *wire.Reader, n uint64) []byte {
	return r.Bytes(int(min(n, 1<<30)))
}

// read consumes a packet with a long header (RFC 9000, section 17.2) and reports whether it is
// one of a known version and complete.
func (p *quicPacket) read(r *wire.Reader) bool {
	p.whole = r.Peek()
	p.first, p.version = r.U8(), r.U32()
	n := int(r.U8())
	p.dcid = r.Bytes(n)
	m := int(r.U8())
	p.scid = r.Bytes(m)
	if r.Short() || p.first&0x80 == 0 || n > quicMaxCID || m > quicMaxCID {
		return false
	}
	if p.version == 0 {
		p.kind, p.body = quicNegotiation, r.Rest()
		return len(p.body) >= 4 && len(p.body)%4 == 0
	}
	if p.v = quicVersionOf(p.version); p.v == nil {
		return false
	}
	p.kind = p.v.kinds[p.first>>4&3]
	if p.first&0x40 == 0 && p.kind != quicHandshake { // RFC 9287 allows it only later
		return false
	}
	switch p.kind {
	case quicRetry:
		p.token = r.Rest()
		if len(p.token) <= quicTag {
			return false
		}
		p.token = p.token[:len(p.token)-quicTag]
		return true
	case quicInitial:
		p.token = quicBytes(r, quicVarint(r))
	}
	length := quicVarint(r)
	p.head = p.whole[:len(p.whole)-r.Len()]
	p.cut = !r.Short() && length > uint64(r.Len())
	p.body = quicBytes(r, length)
	p.whole = p.whole[:len(p.head)+len(p.body)]
	return !r.Short() && len(p.body) >= 4+quicSample
}

// offers reports whether a version negotiation offers something that is known to be offered.
// It proves the packet: all else in it is zeroes and lengths.
func (p *quicPacket) offers() bool {
	r := wire.Read(p.body)
	for r.Len() > 0 {
		if v := r.U32(); quicPlausible(v) && !quicGrease(v) {
			return len(p.dcid)+len(p.scid) > 0
		}
	}
	return false
}

// quicProbe reports whether a datagram asks a server for the versions it knows: it is as an
// Initial, but of a version that is to be refused.
func quicProbe(b []byte) bool {
	if len(b) < quicFirst || b[0]&0xc0 != 0xc0 {
		return false
	}
	r := wire.Read(b[1:])
	version := r.U32()
	dcid := r.Block8()
	scid := r.Block8()
	return quicGrease(version) && dcid.Len() >= 8 && dcid.Len() <= quicMaxCID && scid.Len() <= quicMaxCID
}
