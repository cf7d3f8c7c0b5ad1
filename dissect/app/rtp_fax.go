package app

import (
	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/wire"
)

// Fields of facsimile over UDPTL, which may take the place of sound in a flow of RTP.
var (
	T38Packets = rtpSides("T38_*_PKTS", 316, flow.Field{
		Type: flow.Unsigned32, Doc: "Packets of facsimile (ITU-T T.38, UDPTL)"})
	T38LostPackets = rtpSides("T38_*_LOST_PKTS", 318, flow.Field{
		Type: flow.Unsigned32, Doc: "Packets of facsimile whose sequence numbers never came"})
)

// faxProof is how many packets have to follow another to prove facsimile.
const faxProof = 2

// faxSide is what is known of facsimile in a direction.
type faxSide struct {
	packets, lost uint32
	next          uint16 // sequence number
	began         bool
	links         uint8 // packets that followed the one before
}

// takeFax counts a packet of UDPTL. Its sequence numbers begin with 0, its lengths add up, and a few in a
// row prove it.
func (s *rtpState) takeFax(m *Message, b []byte) Verdict {
	seq, ok := readUDPTL(b)
	if !ok || !s.proven && !s.stun && s.tried >= rtpPatient {
		return Reject
	}
	f := &s.fax[m.Dir&1]
	switch ahead := seq - f.next; {
	case f.began && ahead < rtpDisorder:
		f.lost += uint32(ahead)
		f.next, f.links = seq+1, min(f.links+1, faxProof)
	case !f.began || -ahead >= rtpDisorder: // else it is late, or there again
		f.next, f.links, f.began = seq+1, 0, true
	}
	f.packets++
	if f.links < faxProof && !s.proven {
		return s.wait(m)
	}
	s.proven = true
	m.Rest()
	return Accept
}

// readUDPTL reads a packet (ITU-T T.38, section 9 and annex A, in packed encoding), and reports whether it is
// one, to its end.
func readUDPTL(b []byte) (seq uint16, ok bool) {
	const most = 64 // packets that are repeated
	r := wire.Read(b)
	seq = r.U16()
	ok = isFax(packed(&r))
	repeated := 0
	switch r.U8() {
	case 0: // earlier packets
		repeated = int(r.U8())
	case 0x80: // parity over so many
		ok = ok && r.U8() == 1 && r.U8() > 0
		repeated = int(r.U8())
	default:
		return 0, false
	}
	if repeated > most {
		return 0, false
	}
	for range repeated {
		packed(&r)
	}
	return seq, ok && !r.Short() && r.Len() == 0
}

// packed reads octets behind their length, of one octet or two.
func packed(r *wire.Reader) []byte {
	n := int(r.U8())
	if n >= 0x80 {
		n = n&0x7f<<8 | int(r.U8())
	}
	return r.Bytes(n)
}

// isFax reports whether octets are a packet of facsimile: an indicator, or data of a modulation, with fields.
func isFax(b []byte) bool {
	const fields, data, more = 0x80, 0x40, 0x20
	if len(b) == 0 {
		return false
	}
	kind := b[0] >> 1 & 15
	switch {
	case b[0]&data == 0:
		return b[0]&fields == 0 && len(b) <= 2
	case b[0]&more == 0 && kind > 8:
		return false
	case b[0]&fields == 0:
		return len(b) <= 2
	}
	return len(b) > 2 && b[1] > 0
}

// tell says what was counted in a direction, and begins anew.
func (f *faxSide) tell(a *flow.Attrs, dir int, alone bool) {
	if f.packets == 0 {
		return
	}
	a.Uint(T38Packets[dir], uint64(f.packets))
	a.Uint(T38LostPackets[dir], uint64(f.lost))
	if alone {
		a.Text(RTPCodec[dir], CodecT38.String())
	}
	f.packets, f.lost = 0, 0
}
