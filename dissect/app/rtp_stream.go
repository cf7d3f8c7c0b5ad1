package app

import (
	"math"

	"github.com/weir-probe/weir/dissect/voice"
)

// rtpStream is what is measured of the packets of one SSRC in one direction. What is counted is
// counted anew for every record of the flow; the sequence goes on. What most packets need is in three cache
// lines, before what they do not.
type rtpStream struct {
	last   uint64 // when the last packet came, nanoseconds
	at     uint64 // when the last one of media came, that is no telephone event
	window uint64 // bit n: the packet n before top came
	octets uint64
	pause  uint64 // longest time between packets, nanoseconds
	paused uint64 // all of them together
	since  uint64 // when the interval began, or estimating the clock

	transit     float64 // delay of the last packet against the first, nanoseconds
	least, most float64 // of it
	sum         float64 // of the jitter after each packet, nanoseconds
	jitter      float32 // after the last one
	peak        float32 // the greatest
	base, low   float32 // what the jitter buffer goes by; the least delay of the interval
	tick        float64 // of the clock, nanoseconds

	tally         rtpTally // of this record
	jitters       uint32   // packets that have one
	pauses        uint32   // packets of which the time from the one before is known
	marks, noises uint32
	clock         uint32 // Hz, 0 if it is not known
	top           uint32 // highest sequence number, with the times it wrapped
	ts            uint32 // timestamp of the last packet of media
	votes         uint16 // for payload as that of most packets

	next    uint16 // what would follow a sequence number that did not fit, if odd
	odd     bool
	guessed bool  // the clock is estimated
	plain   bool  // its payload type is not that of telephone events
	span    uint8 // packets between the lowest sequence number and top, at most rtpDisorder
	payload uint8

	before   rtpTally // when the interval began
	ratings  rtpRatings
	firstTS  uint32 // of this record
	originTS uint32 // where estimating the clock began
	firstSeq uint16 // of this record
	_        [16]byte
}

// rtpTally is what counts towards losses.
type rtpTally struct {
	packets, again, reordered uint32
	late                      uint32 // for the jitter buffer
	lost, gaps, longest       uint32
	gap                       uint32 // packets missing in a row until now
}

// rtpRatings are of the intervals.
type rtpRatings struct {
	sum, worst float32
	n          uint32
}

// Limits of RFC 3550, A.1, and ours.
const (
	rtpDropout  = 3000 // packets that may be missing
	rtpDisorder = 100  // and those that one may be late
	rtpWindow   = 64   // packets of which is known whether they came
	rtpInterval = 10e9 // how often R is calculated, nanoseconds
	rtpLeast    = 25   // packets that an interval has to have for it
	rtpLeap     = 1e9  // a change of delay that is a new beginning, at a mark, nanoseconds
	rtpEstimate = 16   // packets that the clock is estimated of
)

// RTPBuffer is what a jitter buffer holds, nanoseconds: what comes later is not heard.
const RTPBuffer = 60e6

// open begins a stream with its first packet.
func (s *rtpStream) open(p *rtpPacket) {
	*s = rtpStream{payload: p.payload, top: 1<<16 | uint32(p.seq),
		window: math.MaxUint64, last: p.time, at: p.time, since: p.time, ts: p.ts, originTS: p.ts}
	s.runAt(rtpClock(p.payload))
}

// runAt sets the clock, Hz, 0 if it is not known.
func (s *rtpStream) runAt(clock uint32) { s.clock, s.tick = clock, 1e9/float64(max(clock, 1)) }

// add measures a packet; the first one has opened the stream.
func (s *rtpStream) add(p *rtpPacket, first bool) {
	if s.tally.packets == 0 {
		s.firstSeq, s.firstTS = p.seq, p.ts
		s.least, s.most = s.transit, s.transit
	}
	if !first {
		s.sequence(p.seq)
		if !p.marker && p.time >= s.last { // what is before a talkspurt is silence
			s.pause = max(s.pause, p.time-s.last)
			s.paused += p.time - s.last
			s.pauses++
		}
		if !p.event {
			s.pace(p)
		}
	}
	s.tally.packets++
	s.octets += uint64(len(p.body))
	s.vote(p.payload)
	if p.marker {
		s.marks++
	}
	if p.payload == rtpNoise {
		s.noises++
	}
	if s.last = p.time; !p.event {
		s.at, s.ts = p.time, p.ts
	}
}

// vote keeps the payload type that most packets have (Boyer and Moore).
func (s *rtpStream) vote(payload uint8) {
	switch {
	case payload == s.payload:
		s.votes += uint16(boolean(s.votes < math.MaxUint16))
	case s.votes == 0:
		s.payload, s.votes = payload, 1
		if c := rtpClock(payload); c != 0 {
			s.runAt(c)
			s.guessed = false
		}
	default:
		s.votes--
	}
}

// sequence takes in a sequence number (RFC 3550, A.1).
func (s *rtpStream) sequence(seq uint16) {
	ahead := seq - uint16(s.top)
	switch behind := -ahead; {
	case ahead != 0 && ahead < rtpDropout:
		s.advance(uint32(ahead))
	case behind < rtpDisorder:
		s.fill(uint32(behind))
	case s.odd && seq == s.next:
		s.tally.flush(s.window)
		s.top = s.top&^0xffff + 1<<16 | uint32(seq)
		s.span, s.window, s.odd = 0, math.MaxUint64, false
	default:
		s.odd, s.next = true, seq+1
	}
}

// advance moves the window, and counts what leaves it.
func (s *rtpStream) advance(n uint32) {
	s.odd = false
	s.top += n
	s.span = uint8(min(uint32(s.span)+n, rtpDisorder))
	for i := uint32(0); i < n && i < rtpWindow; i++ {
		s.tally.leave(s.window>>(rtpWindow-1) != 0)
		s.window <<= 1
	}
	if n > rtpWindow {
		s.tally.miss(n - rtpWindow)
	}
	s.window |= 1
}

// fill takes in a packet that is n behind the highest. As long as none is further behind than the window
// reaches, those that are lost are exactly those between the lowest and the highest number that did not come.
// Beyond it one that comes is taken off the lost, which is wrong for a copy; and with one so far before the
// first nothing is expected in between.
func (s *rtpStream) fill(n uint32) {
	bit := uint64(1) << n // 0 if it is too far
	switch span := uint32(s.span); {
	case n > span: // before the first that was seen
		s.tally.reordered++
		if bit == 0 {
			return
		}
		s.window &^= (bit - 1) &^ (1<<(span+1) - 1)
		s.span = uint8(n)
	case bit == 0: // it has left the window, mostly as lost
		s.tally.reordered++
		s.tally.lost = max(s.tally.lost, 1) - 1
	case s.window&bit != 0:
		s.tally.again++
	default:
		s.window |= bit
		s.tally.reordered++
	}
}

// missing returns n if the packet n behind the highest may still come, and 0 if it came.
func (s *rtpStream) missing(n uint32) uint16 {
	if n <= uint32(s.span) && s.window>>n&1 != 0 {
		return 0
	}
	return uint16(n)
}

// leave takes in whether the next packet in order came.
func (t *rtpTally) leave(came bool) {
	if !came {
		t.miss(1)
		return
	}
	t.gap = 0
}

// miss takes in packets that did not come.
func (t *rtpTally) miss(n uint32) {
	if t.gap == 0 {
		t.gaps++
	}
	t.gap += n
	t.lost += n
	t.longest = max(t.longest, t.gap)
}

// flush takes in what is still in the window.
func (t *rtpTally) flush(window uint64) {
	if window != math.MaxUint64 {
		for range rtpWindow {
			t.leave(window>>(rtpWindow-1) != 0)
			window <<= 1
		}
	}
	t.gap = 0
}

// expected returns how many packets there were to be.
func (t *rtpTally) expected() uint32 { return t.packets - min(t.again, t.packets) + t.lost }

// burst returns BurstR (ITU-T G.107, section 3.5), and whether anything was lost.
func (t *rtpTally) burst() (float64, bool) {
	if t.gaps == 0 || t.lost == 0 {
		return 0, false
	}
	return float64(t.lost) / float64(t.gaps) * (1 - float64(t.lost)/float64(t.expected())), true
}

// pace measures the time from the packet before.
func (s *rtpStream) pace(p *rtpPacket) {
	step := int32(p.ts - s.ts)
	if (s.clock == 0 || s.guessed) && !s.estimate(p) {
		return
	}
	d := float64(int64(p.time-s.at)) - float64(step)*s.tick
	if p.marker && math.Abs(d) > rtpLeap {
		s.transit, s.least, s.most, s.base, s.low = 0, 0, 0, 0, 0
		return
	}
	s.jitter += (float32(math.Abs(d)) - s.jitter) / 16
	s.sum += float64(s.jitter)
	s.jitters++
	s.transit += d
	if s.jitter > s.peak { // min and max would take care of what is no number
		s.peak = s.jitter
	}
	if s.transit < s.least {
		s.least = s.transit
	}
	if s.transit > s.most {
		s.most = s.transit
	}
	late := float32(s.transit)
	if late < s.low {
		s.low = late
	}
	if late < s.base {
		s.base = late
	}
	if late > s.base+RTPBuffer {
		s.tally.late++
	}
}

// rtpRates are the clocks that payload formats have, Hz.
var rtpRates = [...]float64{8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 90000}

// estimate finds the clock of a payload type that only the signalling could tell, and looks again after twice as
// many packets, as jitter matters less the longer it takes. What another clock has measured is not kept. It
// reports whether there is one that goes on.
func (s *rtpStream) estimate(p *rtpPacket) bool {
	n := s.tally.packets
	if n < rtpEstimate || n&(n-1) != 0 || p.time <= s.since {
		return s.clock != 0
	}
	clock := nearestRate(float64(p.ts-s.originTS), p.time-s.since)
	if clock == 0 || clock == s.clock {
		return s.clock != 0
	}
	s.runAt(clock)
	s.guessed = true
	s.jitter, s.peak, s.sum, s.jitters = 0, 0, 0, 0
	s.transit, s.least, s.most, s.base, s.low, s.tally.late = 0, 0, 0, 0, 0, 0
	return false
}

// nearestRate returns the clock that made so many ticks in a time of nanoseconds, 0 if none does.
func nearestRate(ticks float64, elapsed uint64) uint32 {
	const off = 0.04
	hz := ticks / float64(elapsed) * 1e9
	for _, r := range rtpRates {
		if math.Abs(hz-r) < off*r {
			return uint32(r)
		}
	}
	return 0
}

// roll ends an interval, whose rating is that of line's codec and delay.
func (s *rtpStream) roll(now uint64, line voice.Line, t *rtpTally) {
	d := *t
	d.packets -= s.before.packets
	d.again -= s.before.again
	d.lost = max(d.lost, s.before.lost) - s.before.lost
	d.gaps -= s.before.gaps
	d.late -= s.before.late
	s.since, s.before, s.base, s.low = now, *t, s.low, float32(s.transit)
	if d.expected() < rtpLeast {
		return
	}
	r := float32(d.rate(line))
	if s.ratings.n == 0 || r < s.ratings.worst {
		s.ratings.worst = r
	}
	s.ratings.sum += r
	s.ratings.n++
}

// rate returns R for what is counted.
func (t *rtpTally) rate(line voice.Line) float64 {
	line.Loss = float64(min(t.lost+t.late, t.expected())) / float64(max(t.expected(), 1))
	line.Burst, _ = t.burst()
	return line.Rating()
}

// codec returns the codec of most packets, its name, and whether it is known.
func (s *rtpStream) codec() (Codec, bool) {
	if int(s.payload) < len(staticPayloads) {
		c := staticPayloads[s.payload].codec
		return c, c != OtherCodec
	}
	return OtherCodec, false
}

// rtpClock returns the clock of a payload type, Hz; 0 if it is not assigned.
func rtpClock(payload uint8) uint32 {
	if int(payload) < len(staticPayloads) {
		return staticPayloads[payload].clock
	}
	return 0
}
