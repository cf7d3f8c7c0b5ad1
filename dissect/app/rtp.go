package app

import (
	"unsafe"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/voice"
	"github.com/weir-probe/weir/dissect/wire"
)

// RTP is media in real time (RFC 3550), on whatever port, with what shares the port: RTCP (RFC 5761),
// STUN, DTLS, ZRTP (RFC 6189) and channels of TURN, told apart by their first octet (RFC 7983), and
// T.38, which may take the place of sound.
var RTP = Dissector{
	Name:   "rtp",
	Doc:    "RTP, RTCP and T.38 on any port: losses, jitter, delay, tones, and what people would think of it.",
	Number: numberRTP,
	UDP:    []uint16{5004, 5005},
	First:  octets(0, 3) + "\r" + octets(16, 19) + octets(128, 191),
	Fields: mediaFields,
	Pair:   ByKey,
	State:  unsafe.Sizeof(rtpState{}),
	Often: Often{unsafe.Offsetof(rtpState{}.streams), unsafe.Offsetof(rtpStream{}.before),
		unsafe.Sizeof(rtpStream{})},
	Parse:     parseRTP,
	Tentative: true,
	Report:    reportRTP,
}

// mediaFields are those of RTP and of STUN, as either may share the ports of the other.
var mediaFields = append(rtpFields[:len(rtpFields):len(rtpFields)], stunFields...)

const (
	numberRTP  = 87
	numberRTCP = 165

	rtpNoise   = 13 // payload type of comfort noise (RFC 3551, section 6)
	rtpDynamic = 96 // the first payload type that the signalling assigns
	rtpProof   = 2  // packets that follow another as they must prove streams
	rtpStill   = 4  // as many if all timestamps stand still
	rtpPatient = 7  // datagrams within which there has to be a proof
)

// rtpState is what is measured of a flow.
type rtpState struct {
	keys    [6]uint64 // of streams, see rtpKey
	ndigits uint8
	proven  bool         // it is RTP, RTCP or ZRTP
	media   bool         // it is RTP
	stun    bool         // there was STUN
	tried   uint8        // datagrams that prove nothing
	links   uint8        // packets that follow another, while nothing is proven
	moved   bool         // and with another timestamp
	cut     bool         // some packets were not captured whole
	_       [8]byte      // streams begin with a cache line
	streams [6]rtpStream // those that were heard last; of the client at even places if there is room
	sides   [2]rtpSide   // by who sends
	tone    rtpTone
	digits  [16]byte
	fax     [2]faxSide
}

// rtpSide is one direction.
type rtpSide struct {
	rtcpSide
	octets  uint64
	tally   rtpTally // of streams that had to make room
	pause   uint64   // as of a stream
	pauses  uint32
	changes uint32 // streams after the first
	marks   uint32
	noises  uint32
	began   bool
}

// rtpPacket is a packet of RTP.
type rtpPacket struct {
	body     []byte
	time     uint64
	ts, ssrc uint32
	seq      uint16
	dir      flow.Dir
	payload  uint8
	marker   bool
	event    bool // of a telephone
}

func parseRTP(m *Message) Verdict {
	if m.Stream || m.Len() == 0 {
		return Reject
	}
	return Memory[rtpState](m).take(m, m.Peek())
}

// take takes in a datagram, or what is in a channel of TURN.
func (s *rtpState) take(m *Message, b []byte) Verdict {
	if len(b) == 0 {
		return Reject
	}
	switch first := b[0]; {
	case first < 128 && s.fax[m.Dir&1].links == faxProof: // its sequence numbers go on
		if v := s.takeFax(m, b); v != Reject {
			return v
		}
		fallthrough
	case first < 4 || first == '\r':
		return s.takeSTUN(m, b)
	case first >= 16 && first < 20:
		return s.takeZRTP(m, b)
	case first >= 20 && first < 64:
		return s.takeDTLS(m, b)
	case first >= 64 && first < 128 && s.stun && len(b) == m.Len():
		return s.takeChannel(m, b)
	case first >= 128 && first < 192 && len(b) > 1 && b[1] >= 192 && b[1] < 224:
		return s.takeRTCP(m, b)
	case first >= 128 && first < 192:
		return s.takeRTP(m, b)
	}
	return Reject
}

// takeRTP measures a packet. As long as nothing is proven it has to be strictly so.
func (s *rtpState) takeRTP(m *Message, b []byte) Verdict {
	p := rtpPacket{time: m.Time, dir: m.Dir}
	if !p.read(b, m.Cut) || !s.proven && (!p.strict() || s.tried >= rtpPatient) {
		return Reject
	}
	s.cut = s.cut || m.Cut
	r := s.stream(p.dir, p.ssrc)
	first := r == nil
	if first {
		r = s.admit(&p)
	}
	if !s.proven && !s.prove(r, &p, first) {
		s.measure(r, &p, first)
		return s.wait(m)
	}
	if s.measure(r, &p, first); !s.proven || !s.media {
		m.Is(numberRTP)
	}
	s.proven, s.media = true, true
	m.Rest()
	return Accept
}

// wait is the verdict while nothing is proven: a flow that something else has proven goes on.
func (s *rtpState) wait(m *Message) Verdict {
	if s.stun {
		m.Rest()
		return Accept
	}
	s.tried++
	return More
}

// measure adds a packet to its stream, and ends an interval.
func (s *rtpState) measure(r *rtpStream, p *rtpPacket, first bool) {
	if !first && p.time > r.since+rtpInterval {
		line, known := s.line(r)
		if known {
			r.roll(p.time, line, &r.tally)
		}
	}
	p.event = p.isEvent(r)
	r.add(p, first)
	s.listen(p)
}

// line returns what R is calculated with, and whether the codec is known to the E-model.
func (s *rtpState) line(r *rtpStream) (voice.Line, bool) {
	var l voice.Line
	c, known := r.codec()
	if known {
		l.Impairment, known = voice.Codec(c.String())
	}
	if rtt, ok := s.roundTrip(); ok {
		l.Delay = (float64(rtt)/2 + RTPBuffer) / 1e6
	}
	return l, known
}

// prove reports whether it is RTP for certain, with this packet: packets follow others of their
// streams as they must, and some with another timestamp, or there are many that do not.
func (s *rtpState) prove(r *rtpStream, p *rtpPacket, first bool) bool {
	const near, step, back = 10, 10 * 90000, 90000 // packets; of timestamps: ten seconds of video
	if first {
		return false
	}
	ahead, later := p.seq-uint16(r.top), p.ts-r.ts
	if -ahead <= near {
		ahead, later = r.missing(uint32(-ahead)), -later
	}
	if ahead == 0 || ahead > near || later+back > step {
		return false
	}
	s.links++
	s.moved = s.moved || p.ts != r.ts
	return s.links >= rtpProof && s.moved || s.links >= rtpStill
}

// rtpKey identifies the stream of a source and direction; 0 is none.
func rtpKey(dir flow.Dir, ssrc uint32) uint64 { return uint64(ssrc)<<8 | uint64(dir&1)<<1 | 1 }

// stream returns a stream, nil if it is not among those known.
func (s *rtpState) stream(dir flow.Dir, ssrc uint32) *rtpStream {
	key := rtpKey(dir, ssrc)
	for i, k := range s.keys {
		if k == key {
			return &s.streams[i]
		}
	}
	return nil
}

// place returns where there is room for a stream: a place that is free, best the first one of its
// direction, or that of the stream that was heard longest ago.
func (s *rtpState) place(dir flow.Dir) int {
	at := int(dir & 1)
	for i := range s.keys {
		switch n := (int(dir&1) + 2*i + 2*i/len(s.keys)) % len(s.keys); {
		case s.keys[n] == 0:
			return n
		case s.streams[n].last < s.streams[at].last:
			at = n
		}
	}
	return at
}

// admit makes room for a stream.
func (s *rtpState) admit(p *rtpPacket) *rtpStream {
	at := s.place(p.dir)
	r := &s.streams[at]
	if k := s.keys[at]; k != 0 {
		r.tally.flush(r.window)
		s.sides[k>>1&1].keep(r)
	}
	r.open(p)
	s.keys[at] = rtpKey(p.dir, p.ssrc)
	side := &s.sides[p.dir&1]
	if side.began {
		side.changes++
	}
	side.began = true
	return r
}

// keep adds what is counted of a stream.
func (d *rtpSide) keep(r *rtpStream) {
	d.octets += r.octets
	d.pause = max(d.pause, r.pause)
	d.pauses += r.pauses
	d.marks += r.marks
	d.noises += r.noises
	d.tally.join(&r.tally)
}

// join adds what another counted.
func (t *rtpTally) join(o *rtpTally) {
	t.packets += o.packets
	t.again += o.again
	t.reordered += o.reordered
	t.late += o.late
	t.lost += o.lost
	t.gaps += o.gaps
	t.longest = max(t.longest, o.longest)
}

// read reads the header (RFC 3550, section 5.1), and reports whether it fits the packet.
func (p *rtpPacket) read(b []byte, cut bool) bool {
	const extended, padded = 0x10, 0x20
	r := wire.Read(b)
	flags, kind := r.U8(), r.U8()
	p.seq, p.ts, p.ssrc = r.U16(), r.U32(), r.U32()
	p.payload, p.marker = kind&0x7f, kind&0x80 != 0
	r.Skip(4 * int(flags&15))
	if flags&extended != 0 {
		r.Skip(2)
		r.Skip(4 * int(r.U16()))
	}
	if r.Short() {
		return false
	}
	p.body = r.Rest()
	if flags&padded != 0 && !cut {
		n := int(b[len(b)-1])
		if n == 0 || n > len(p.body) {
			return false
		}
		p.body = p.body[:len(p.body)-n]
	}
	return true
}

// strict reports whether the packet is likely to begin a stream: its payload type is assigned or
// dynamic, and it has a payload.
func (p *rtpPacket) strict() bool {
	known := p.payload >= rtpDynamic || rtpClock(p.payload) != 0
	return known && p.ssrc != 0 && len(p.body) > 0
}
