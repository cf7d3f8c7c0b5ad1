package app

import (
	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/wire"
)

// Packet types of RTCP (RFC 3550, section 12.1; RFC 3611).
const (
	rtcpSR   = 200
	rtcpRR   = 201
	rtcpSDES = 202
	rtcpBYE  = 203
	rtcpXR   = 207
	rtcpLast = 213 // the last one that is assigned

	rtcpCNAME = 1 // item of SDES
	rtcpVoIP  = 7 // block of XR: VoIP metrics
)

// rtcpSide is what one side says by RTCP, and what the other says of it.
type rtcpSide struct {
	packets uint32
	middle  uint32 // of the timestamp of its last sender report
	sent    uint64 // when that came, nanoseconds
	ntp     uint64 // its first: wall clock, seconds and a binary fraction
	rtp     uint32 // and timestamp of the media
	clock   uint32 // Hz, as the two clocks tell; 0 if not known
	about   uint32 // SSRC of the stream that is reported on
	lost    uint32 // packets that the receiver of its stream missed
	jitter  uint32 // that it saw, in units of the clock
	half    uint64 // round trip from here to this side, nanoseconds
	rating  uint8  // 1 + R, 0 if it is not reported
	mos     uint8  // 1 + 10 × MOS
	judged  bool   // there was a report on its stream
	timed   bool   // half is known
}

// takeRTCP reads a compound packet (RFC 3550, section 6.1). One alone proves RTP if it is
// complete: it begins with a report and tells a name, and its lengths add up.
func (s *rtpState) takeRTCP(m *Message, b []byte) Verdict {
	n, whole := rtcpChain(b, m.Cut)
	switch {
	case s.proven && n > 0:
	case s.tried > 0 && s.tried < rtpPatient && n > 0 && !whole: // encrypted, among what may be RTP
		return s.wait(m)
	case !whole || n < 2 || !isReport(b):
		return Reject
	}
	side := &s.sides[m.Dir&1]
	side.rtcpSide.packets++
	if !s.proven {
		m.Is(numberRTCP)
	}
	s.proven = true
	if whole { // of SRTCP only the first header can be read
		r := wire.Read(b)
		for r.Len() >= 4 && !r.Short() {
			s.readRTCP(m, &r)
		}
	}
	m.Rest()
	return Accept
}

// isReport reports whether the first packet is a report that has room for its blocks.
func isReport(b []byte) bool {
	words, blocks := int(b[2])<<8|int(b[3]), int(b[0]&31)
	return b[1] == rtcpSR && words >= 6+6*blocks || b[1] == rtcpRR && words >= 1+6*blocks
}

// rtcpChain returns how many packets a compound is made of, and whether they are all there is.
func rtcpChain(b []byte, cut bool) (n int, whole bool) {
	r := wire.Read(b)
	for r.Len() >= 4 {
		flags, kind := r.U8(), r.U8()
		if flags>>6 != 2 || kind < 192 || kind > rtcpLast {
			return n, false
		}
		if r.Skip(4 * int(r.U16())); r.Short() {
			return n, cut
		}
		n++
	}
	return n, r.Len() == 0
}

// readRTCP reads one packet of a compound.
func (s *rtpState) readRTCP(m *Message, r *wire.Reader) {
	count := int(r.U8() & 31)
	kind := r.U8()
	b := r.Block(4 * int(r.U16()))
	switch kind {
	case rtcpSR:
		b.Skip(4)
		s.sender(m, b.U64(), b.U32())
		b.Skip(8)
		s.receiver(m, &b, count)
	case rtcpRR:
		b.Skip(4)
		s.receiver(m, &b, count)
	case rtcpSDES:
		if name := rtcpNameIn(&b); len(name) > 0 && count > 0 {
			m.Attrs.Bytes(RTCPName[m.Dir&1], name)
		}
	case rtcpBYE:
		m.Attrs.Uint(RTCPBye, m.Time)
	case rtcpXR:
		b.Skip(4)
		s.extended(m, &b)
	}
}

// sender notes when a report was sent, and what the clock of the media is.
func (s *rtpState) sender(m *Message, ntp uint64, ts uint32) {
	const second = 1 << 32
	side := &s.sides[m.Dir&1]
	side.middle, side.sent = uint32(ntp>>16), m.Time
	if side.ntp == 0 || ntp < side.ntp {
		side.ntp, side.rtp = ntp, ts
		return
	}
	if d := ntp - side.ntp; d > second && d < 1000*second {
		side.clock = nearestRate(float64(ts-side.rtp), uint64(float64(d)/second*1e9))
	}
}

// receiver reads report blocks (RFC 3550, section 6.4.1): what this side has received of the other.
func (s *rtpState) receiver(m *Message, r *wire.Reader, blocks int) {
	other := &s.sides[m.Dir&1^1]
	taken := uint32(0)
	for i := range blocks {
		ssrc, lost := r.U32(), r.U32()&0xffffff
		r.Skip(4)
		jitter, last, delay := r.U32(), r.U32(), r.U32()
		if r.Short() {
			return
		}
		packets := s.heard(m.Dir^1, ssrc)
		if i > 0 && packets <= taken {
			continue
		}
		taken = packets
		if lost&0x800000 != 0 { // more came than were sent
			lost = 0
		}
		other.about, other.lost, other.jitter, other.judged = ssrc, lost, jitter, true
		s.reflected(m, other, [2]uint32{last, delay})
	}
}

// heard returns how many packets of a stream there were.
func (s *rtpState) heard(dir flow.Dir, ssrc uint32) uint32 {
	if r := s.stream(dir, ssrc); r != nil {
		return r.tally.packets
	}
	return 0
}

// reflected measures the way from here to the side that answers a report of the other, and
// back. That answer says which report it has seen last, and how long ago.
func (s *rtpState) reflected(m *Message, other *rtpSide, answer [2]uint32) {
	const most = 60e9 // nanoseconds
	last, delay := answer[0], uint64(answer[1])*1e9>>16
	if last == 0 || last != other.middle || m.Time < other.sent {
		return
	}
	if d := m.Time - other.sent; d >= delay && d-delay < most {
		side := &s.sides[m.Dir&1]
		side.half, side.timed = d-delay, true
	}
}

// roundTrip returns the time from one end to the other and back, if both halves are known.
func (s *rtpState) roundTrip() (uint64, bool) {
	a, b := &s.sides[0], &s.sides[1]
	return a.half + b.half, a.timed && b.timed
}

// extended reads extended reports (RFC 3611, section 4.7).
func (s *rtpState) extended(m *Message, r *wire.Reader) {
	const unknown = 127
	for r.Len() >= 4 {
		kind := r.U8()
		r.Skip(1)
		b := r.Block(4 * int(r.U16()))
		if kind != rtcpVoIP || b.Len() < 32 {
			continue
		}
		b.Skip(20) // source, rates, bursts and gaps, delays, levels
		rating := b.U8()
		b.Skip(1)
		mos := b.U8()
		other := &s.sides[m.Dir&1^1]
		if rating <= 100 {
			other.rating = rating + 1
		}
		if mos != unknown && mos >= 10 && mos <= 50 {
			other.mos = mos + 1
		}
	}
}

// rtcpNameIn returns the canonical name in the first chunk of a source description (section 6.5).
func rtcpNameIn(r *wire.Reader) []byte {
	const most = 64
	for r.Skip(4); r.Len() >= 2; {
		kind := r.U8()
		if kind == 0 {
			break
		}
		text := r.Block8()
		if kind == rtcpCNAME {
			return text.Peek()[:min(text.Len(), most)]
		}
	}
	return nil
}
