package app

import (
	"math"
	"unsafe"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/voice"
)

// rtpVerdict is what people would think of one direction.
type rtpVerdict struct {
	rating float64
	known  bool
}

// reportRTP says what was measured since the last record, and begins anew.
func reportRTP(state []byte, a *flow.Attrs, more bool) {
	s := (*rtpState)(unsafe.Pointer(unsafe.SliceData(state)))
	var verdicts [2]rtpVerdict
	first := -1
	for d := range s.sides {
		main := s.gather(d, more)
		s.sides[d].tellRTCP(a, d, s)
		s.fax[d].tell(a, d, main < 0)
		if main < 0 {
			continue
		}
		if first < 0 {
			first = main
		}
		s.sides[d].tell(a, d, s.cut)
		a.Uint(RTPSource[d], s.keys[main]>>8)
		s.streams[main].tell(a, d)
		verdicts[d] = s.judge(a, d, &s.streams[main])
	}
	if first >= 0 {
		a.Uint(RTPSSRC, s.keys[first]>>8)
		s.streams[first].tellNtop(a)
	}
	tellBoth(a, verdicts)
	if rtt, ok := s.roundTrip(); ok {
		a.Uint(RTPRoundTrip, rtt)
		a.Uint(RTPRoundTripNtop, rtt)
	}
	if s.ndigits > 0 {
		a.Bytes(RTPTones, s.digits[:s.ndigits])
	}
	s.renew()
}

// gather adds up what was counted in a direction, and returns which stream has the most packets, -1 if there were
// none. Packets that may still come in the next record are not lost yet, so that all records add up.
func (s *rtpState) gather(d int, more bool) int {
	main, most := -1, uint32(0)
	for i, k := range s.keys {
		r := &s.streams[i]
		if k == 0 || int(k>>1&1) != d {
			continue
		}
		if !more || r.tally.packets == 0 {
			r.tally.flush(r.window)
			r.window = math.MaxUint64
		}
		s.sides[d].keep(r)
		if r.tally.packets > most {
			main, most = i, r.tally.packets
		}
	}
	return main
}

// renew begins a record.
func (s *rtpState) renew() {
	for i := range s.streams {
		r := &s.streams[i]
		if r.clock == 0 || r.guessed {
			r.originTS = r.ts
		}
		r.tally, r.before, r.ratings, r.since = rtpTally{}, rtpTally{}, rtpRatings{}, r.last
		r.octets, r.marks, r.noises = 0, 0, 0
		r.pause, r.paused, r.pauses, r.sum, r.peak, r.jitters = 0, 0, 0, 0, 0, 0
	}
	for d := range s.sides {
		side := &s.sides[d]
		*side = rtpSide{rtcpSide: side.rtcpSide, began: side.began}
		side.rtcpSide.packets, side.judged, side.rating, side.mos = 0, false, 0, 0
	}
	s.ndigits = 0
}

// tell says what was counted in a direction.
func (d *rtpSide) tell(a *flow.Attrs, dir int, cut bool) {
	t := &d.tally
	a.Uint(RTPPackets[dir], uint64(t.packets))
	if !cut {
		a.Uint(RTPOctets[dir], d.octets)
	}
	a.Uint(RTPLostPackets[dir], uint64(t.lost))
	a.Uint(RTPLostNtop[dir], uint64(t.lost)*100*1000/uint64(max(t.expected(), 1)))
	a.Uint(RTPDuplicates[dir], uint64(t.again))
	a.Uint(RTPReordered[dir], uint64(t.reordered))
	a.Uint(RTPLossRuns[dir], uint64(t.gaps))
	a.Uint(RTPMaxLossRun[dir], uint64(t.longest))
	if burst, ok := t.burst(); ok {
		a.Uint(RTPBurstRatio[dir], math.Float64bits(burst))
	}
	a.Uint(RTPTalkspurts[dir], uint64(d.marks))
	a.Uint(RTPComfortNoise[dir], uint64(d.noises))
	a.Uint(RTPSourceChanges[dir], uint64(d.changes))
	if d.pauses > 0 {
		a.Uint(RTPMaxDelta[dir], d.pause)
		a.Uint(RTPMaxDeltaNtop[dir], d.pause)
	}
}

// tell says what only one stream can have.
func (s *rtpStream) tell(a *flow.Attrs, dir int) {
	a.Uint(RTPPayloadType[dir], uint64(s.payload))
	if c, ok := s.codec(); ok {
		a.Text(RTPCodec[dir], c.String())
	}
	if s.pauses > 0 {
		a.Uint(RTPMeanDelta[dir], s.paused/uint64(s.pauses))
	}
	if s.jitters == 0 {
		return
	}
	mean, transit := uint64(s.sum/float64(s.jitters)), uint64(s.most-s.least)
	a.Uint(RTPClock[dir], uint64(s.clock))
	a.Uint(RTPJitter[dir], mean)
	a.Uint(RTPJitterNtop[dir], mean)
	a.Uint(RTPMaxJitter[dir], uint64(s.peak))
	a.Uint(RTPTransit[dir], transit)
	a.Uint(RTPTransitNtop[dir], transit)
	a.Uint(RTPDiscarded[dir], uint64(s.tally.late))
}

// tellNtop says what nProbe says of a flow.
func (s *rtpStream) tellNtop(a *flow.Attrs) {
	a.Uint(RTPFirstSeq, uint64(s.firstSeq))
	a.Uint(RTPFirstTS, uint64(s.firstTS))
	a.Uint(RTPLastSeq, uint64(uint16(s.top)))
	a.Uint(RTPLastTS, uint64(s.ts))
}

// judge says R and MOS of a direction: of all of its main stream, and of intervals.
func (s *rtpState) judge(a *flow.Attrs, dir int, main *rtpStream) rtpVerdict {
	line, known := s.line(main)
	if !known {
		return rtpVerdict{}
	}
	r := main.tally.rate(line)
	main.roll(main.last, line, &main.tally)
	a.Uint(RTPRating[dir], math.Float64bits(r))
	a.Uint(RTPRatingNtop[dir], uint64(math.Round(100*r)))
	a.Uint(RTPMOS[dir], math.Float64bits(voice.MOS(r)))
	a.Uint(RTPMOSNtop[dir], uint64(math.Round(100*voice.MOS(r))))
	if n := main.ratings.n; n > 0 {
		a.Uint(RTPRatingMean[dir], math.Float64bits(float64(main.ratings.sum)/float64(n)))
		a.Uint(RTPRatingWorst[dir], math.Float64bits(float64(main.ratings.worst)))
	}
	return rtpVerdict{r, true}
}

// tellBoth says the means of both directions, or what there is of one.
func tellBoth(a *flow.Attrs, v [2]rtpVerdict) {
	n, r, mos := 0.0, 0.0, 0.0
	for _, x := range v {
		if x.known {
			n, r, mos = n+1, r+x.rating, mos+voice.MOS(x.rating)
		}
	}
	if n == 0 {
		return
	}
	r, mos = r/n, mos/n
	a.Uint(RTPBothRating, math.Float64bits(r))
	a.Uint(RTPBothMOS, math.Float64bits(mos))
	a.Uint(RTPBothRatingNtop, uint64(math.Round(100*r)))
	a.Uint(RTPBothMOSNtop, uint64(math.Round(100*mos)))
}

// tellRTCP says what the receiver of a direction reported since the last record.
func (d *rtpSide) tellRTCP(a *flow.Attrs, dir int, s *rtpState) {
	if d.rtcpSide.packets > 0 {
		a.Uint(RTCPPackets[dir], uint64(d.rtcpSide.packets))
	}
	if d.judged {
		a.Uint(RTCPLost[dir], uint64(d.lost))
		if clock := s.clockOf(flow.Dir(dir), d); clock != 0 {
			a.Uint(RTCPJitter[dir], uint64(d.jitter)*1e9/uint64(clock))
		}
	}
	if d.rating > 0 {
		a.Uint(RTCPRating[dir], uint64(d.rating-1))
	}
	if d.mos > 0 {
		a.Uint(RTCPMOS[dir], uint64(d.mos-1))
	}
}

// clockOf returns the clock of the stream that reports are about, 0 if it is not known.
func (s *rtpState) clockOf(dir flow.Dir, d *rtpSide) uint32 {
	if r := s.stream(dir, d.about); r != nil && r.clock != 0 {
		return r.clock
	}
	return d.clock
}
