package call

import (
	"cmp"
	"math"
	"slices"

	"github.com/weir-probe/weir/ctrlplane/egress"
	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/app"
	"github.com/weir-probe/weir/dissect/voice"
)

// mediaSaid are the fields of media that a record of a call has.
var mediaSaid = append(meterList(), app.RTPJitterNtop[0], app.RTPJitterNtop[1], app.RTPLostNtop[0],
	app.RTPLostNtop[1], app.RTPMaxDeltaNtop[0], app.RTPMaxDeltaNtop[1], app.RTPTransitNtop[0], app.RTPTransitNtop[1],
	app.RTPMOSNtop[0], app.RTPMOSNtop[1], app.RTPRatingNtop[0], app.RTPRatingNtop[1], app.RTPBothMOSNtop,
	app.RTPBothRatingNtop, app.RTPBothMOS, app.RTPBothRating, app.RTPRoundTripNtop, app.RTPCallID)

// make makes the record of a call, gives it to emit and forgets the call.
func (c *Correlator) make(i uint32, why ending, emit func(kind egress.Kind, v *flow.View)) {
	x := c.calls.all[i]
	c.counts[endings[why].count]++
	c.said.Load(x.said)
	c.said.Text(flow.CallEnd, endings[why].name)
	ours, state := x.outcome()
	c.said.Text(flow.CallOutcome, ours)
	c.said.Text(app.SIPCallState, state)
	if x.code != 0 {
		c.said.Uint(app.SIPResponseCode, uint64(x.code))
	}
	if x.registers {
		c.sayRegistration(x)
	} else {
		c.sayTimes(x)
		c.sayCounts(x)
		c.sayEnds(x)
	}
	c.record = flow.Record{}
	r := &c.record
	r.Key, r.Hot.Application, r.Confidence, r.Ignored = x.key, x.app, x.how, x.ignored
	r.First, r.Last = x.first, max(x.last, x.first)
	for _, f := range x.flows {
		r.Last = max(r.Last, c.flows.all[f].last)
	}
	if !x.registers {
		c.sayMedia(x, x.flows)
	}
	c.view.Record, c.view.Attrs = r, c.said.All()
	emit(egress.Calls, &c.view)
	c.record = flow.Record{}
	for _, f := range x.flows {
		c.release(f)
	}
	c.undescribe(x)
	c.untie(i, x)
	if c.ids[x.id] == i {
		delete(c.ids, x.id)
	}
	if !x.registers {
		c.past.add(x.id, max(c.now, x.last))
	}
	c.due.Drop(2 * i)
	x.reset()
	c.calls.give(i)
}

// makeMedia makes the record of media without signalling.
func (c *Correlator) makeMedia(m *media, flows []uint32, emit func(kind egress.Kind, v *flow.View)) {
	c.counts[MediaCalls]++
	c.said.Reset()
	c.said.Text(flow.CallOutcome, "media")
	c.said.Text(flow.CallEnd, endings[ended].name)
	if len(m.id) > 0 {
		c.said.Bytes(app.RTPCallID, m.id)
	}
	c.record = flow.Record{}
	c.record.Key, c.record.First, c.record.Last = m.key, m.first, m.last
	c.record.Hot.Application, c.record.Confidence = app.RTP.Number, flow.ByContent
	_, turned := pairOf(&m.key)
	if m.from = 0; turned {
		m.from = 1
	}
	for _, j := range flows[1:] {
		c.flows.all[j].from = m.from
	}
	c.sayMedia(nil, flows)
	c.view.Record, c.view.Attrs = &c.record, c.said.All()
	emit(egress.Calls, &c.view)
	c.record = flow.Record{}
}

// sayTimes says when what happened, and how long it took.
func (c *Correlator) sayTimes(x *call) {
	for m, fields := range [moments][]*flow.Field{
		invited: {app.SIPInviteTime, flow.CallInvitedAt}, trying: {app.SIPTryingTime, app.SIPTryingAt},
		ringing: {app.SIPRingingTime, app.SIPRingingAt}, progress: {app.SIPProgressAt},
		accepted: {app.SIPInviteOKTime, flow.CallAcceptedAt}, refused: {app.SIPInviteFailureTime, flow.CallRefusedAt},
		bye: {app.SIPByeTime, flow.CallByeAt}, byeOK: {app.SIPByeOKTime, flow.CallByeOKAt},
		cancelled: {app.SIPCancelTime, flow.CallCancelAt}, cancelOK: {app.SIPCancelOKTime, flow.CallCancelOKAt},
		acknowledged: {flow.CallAckAt},
	} {
		if x.at[m] == 0 || moment(m) == refused && x.at[accepted] != 0 {
			continue
		}
		for _, f := range fields {
			c.said.Uint(f, x.at[m])
		}
	}
	final := x.at[accepted]
	if final == 0 {
		final = x.at[refused]
	}
	c.between(flow.CallSetupDelay, x.at[invited], earliest(x.at[ringing], x.at[progress], final))
	c.between(flow.CallRingTime, x.at[ringing], earliest(final, x.at[cancelled]))
	c.between(flow.CallDuration, x.at[accepted], x.at[bye])
	switch {
	case x.hangup != nobody:
		c.said.Text(flow.CallHangUp, sideNames[x.hangup])
	case x.at[cancelled] != 0 && x.at[accepted] == 0:
		c.said.Text(flow.CallHangUp, sideNames[caller])
	}
}

// between says the time from one moment to another, if there are both in that order.
func (c *Correlator) between(f *flow.Field, from, to uint64) {
	if from != 0 && to >= from {
		c.said.Uint(f, to-from)
	}
}

// earliest returns the least of some times, of which 0 is none.
func earliest(times ...uint64) (least uint64) {
	for _, t := range times {
		if t != 0 && (least == 0 || t < least) {
			least = t
		}
	}
	return least
}

// sayCounts says how often what happened.
func (c *Correlator) sayCounts(x *call) {
	for _, n := range [...]struct {
		f *flow.Field
		n uint32
	}{
		{flow.CallDialogs, x.dialogs}, {flow.CallAttempts, x.attempts}, {flow.CallInvites, x.reinvites},
		{flow.CallUpdates, x.updates}, {flow.CallHolds, x.holds}, {flow.CallReferred, x.referrals},
		{flow.CallRepeats, x.repeats}, {flow.CallHops, x.hopCount}, {flow.CallFlows, uint32(len(x.flows))},
	} {
		c.said.Uint(n.f, uint64(n.n))
	}
	if x.holding[caller] || x.holding[callee] {
		if end := earliest(x.at[bye], x.last); end > x.heldSince {
			x.held += end - x.heldSince
		}
	}
	if x.holds > 0 {
		c.said.Uint(flow.CallHoldTime, x.held)
	}
	if x.toned > 0 {
		c.said.Bytes(flow.CallInfoTones, x.tones[:x.toned])
	}
	if len(x.link) > 0 {
		c.said.Bytes(flow.CallLink, x.link)
	}
	if len(x.linked) > 0 {
		c.said.Bytes(flow.CallLinked, x.linked)
	}
}

// sayEnds says where the sides wanted to receive media.
func (c *Correlator) sayEnds(x *call) {
	for who, f := range [...]*flow.Field{caller: flow.CallCallerMedia, callee: flow.CallCalleeMedia} {
		var room [255]byte
		b := room[:0]
		for _, n := range c.inOrder(x.ends) {
			if d := c.seen.all[n]; d.side == side(who) && !d.control && !d.guessed && len(b) < 255-48 {
				if len(b) > 0 {
					b = append(b, ' ')
				}
				b = d.text(b)
			}
		}
		if len(b) > 0 {
			c.said.Bytes(f, b)
		}
	}
}

// inOrder returns descriptions by their times.
func (c *Correlator) inOrder(ends []uint32) []uint32 {
	slices.SortFunc(ends, func(a, b uint32) int {
		d, e := c.seen.all[a], c.seen.all[b]
		return cmp.Or(cmp.Compare(d.at, e.at), d.compare(&e.endpoint))
	})
	return ends
}

// sayRegistration says how a cycle of registration went.
func (c *Correlator) sayRegistration(x *call) {
	c.said.Uint(app.SIPRegisterOK, uint64(x.ok))
	c.said.Uint(app.SIPRegisterOther, uint64(x.other))
	c.said.Uint(flow.CallRepeats, uint64(x.repeats))
	if x.slowest > 0 {
		c.said.Uint(app.SIPRegisterMaxDelay, x.slowest)
		c.said.Uint(flow.CallRegisterDelay, x.slowest)
	}
}

// sayMedia says how the media of both directions went: that of voice, if there is any.
func (c *Correlator) sayMedia(x *call, flows []uint32) {
	var sides [2]quality
	var trip uint64
	voice, translated := false, uint64(0)
	for _, i := range flows {
		m := c.flows.all[i]
		voice = voice || m.voice && m.streams()
	}
	for _, i := range flows {
		m := c.flows.all[i]
		for d := range 2 {
			e := m.from ^ d
			c.record.Packets[d] += m.packets[e]
			c.record.Octets[d] += m.octets[e]
			if m.voice || !voice {
				sides[d].join(&m.sides[e])
			}
		}
		if m.trip != 0 {
			trip = m.trip
		}
		if m.toned > 0 && m.voice {
			c.said.Bytes(app.RTPTones, m.tones[:m.toned])
		}
		if m.fit < wholeFit {
			translated = 1
		}
	}
	if len(flows) == 0 {
		return
	}
	if x != nil {
		c.said.Uint(flow.CallTranslated, translated)
	}
	if trip != 0 {
		c.said.Uint(app.RTPRoundTrip, trip)
		c.said.Uint(app.RTPRoundTripNtop, trip)
	}
	for d := range sides {
		c.sayQuality(x, &sides[d], d, trip)
		c.sayReports(&sides[d], d)
	}
	c.sayBoth(&sides)
}

// sayBoth says what people would think of both directions together.
func (c *Correlator) sayBoth(sides *[2]quality) {
	var rating, mos mean
	for d := range sides {
		if q := &sides[d]; q.rating.of > 0 && q.mos.of > 0 {
			rating.add(q.rating.value(), 1)
			mos.add(q.mos.value(), 1)
		}
	}
	if rating.of == 0 {
		return
	}
	c.float(app.RTPBothRating, rating.value())
	c.float(app.RTPBothMOS, mos.value())
	c.said.Uint(app.RTPBothRatingNtop, uint64(math.Round(100*rating.value())))
	c.said.Uint(app.RTPBothMOSNtop, uint64(math.Round(100*mos.value())))
}

func (m *mean) value() float64 { return m.sum / m.of }

func (c *Correlator) float(f *flow.Field, value float64) { c.said.Uint(f, math.Float64bits(value)) }

// sayQuality says how a direction of media went.
func (c *Correlator) sayQuality(x *call, q *quality, d int, trip uint64) {
	if q.packets == 0 {
		return
	}
	if x != nil && q.typed {
		q.learn(c.encoding(x, q), trip)
	}
	for _, n := range [...]struct {
		f *flow.Field
		n uint64
	}{
		{app.RTPPackets[d], q.packets}, {app.RTPOctets[d], q.octets}, {app.RTPLostPackets[d], q.lost},
		{app.RTPDuplicates[d], q.duplicates}, {app.RTPReordered[d], q.reordered},
		{app.RTPMaxDelta[d], q.maxDelta}, {app.RTPMaxDeltaNtop[d], q.maxDelta},
	} {
		c.said.Uint(n.f, n.n)
	}
	share := 100 * float64(q.lost) / float64(q.lost+q.packets)
	c.float(flow.CallLost[d], share)
	c.said.Uint(app.RTPLostNtop[d], uint64(math.Round(share*1e3)))
	if q.jitter.of > 0 {
		c.said.Uint(app.RTPJitter[d], uint64(q.jitter.value()))
		c.said.Uint(app.RTPJitterNtop[d], uint64(q.jitter.value()))
		c.said.Uint(app.RTPMaxJitter[d], q.maxJitter)
		c.said.Uint(app.RTPDiscarded[d], q.discarded)
		c.said.Uint(app.RTPTransit[d], q.transit)
		c.said.Uint(app.RTPTransitNtop[d], q.transit)
	}
	if q.delta.of > 0 {
		c.said.Uint(app.RTPMeanDelta[d], uint64(q.delta.value()))
	}
	if q.rating.of > 0 {
		c.float(app.RTPRating[d], q.rating.value())
		c.said.Uint(app.RTPRatingNtop[d], uint64(math.Round(100*q.rating.value())))
	}
	if q.known {
		c.float(app.RTPRatingWorst[d], q.worst)
	}
	if q.part.of > 0 {
		c.float(app.RTPRatingMean[d], q.part.value())
	}
	if q.mos.of > 0 {
		c.float(app.RTPMOS[d], q.mos.value())
		c.said.Uint(app.RTPMOSNtop[d], uint64(math.Round(100*q.mos.value())))
	}
	if q.typed {
		c.said.Uint(app.RTPPayloadType[d], uint64(q.payload))
	}
	if q.coded > 0 {
		c.said.Bytes(app.RTPCodec[d], q.codec[:q.coded])
	}
}

// learn takes in what the signalling says of the payload type: nothing that was measured with another clock is
// left, and a codec that nobody knew is judged.
func (q *quality) learn(said encoding, trip uint64) {
	if q.misled(said.clock) {
		q.jitter = mean{}
	}
	if q.coded == 0 {
		q.coded = uint8(copy(q.codec[:], said.name))
		q.judge(said.name, trip)
	}
}

// judge says what people would think of a direction whose codec only the signalling names: where the media was
// metered nobody knew it. Without a clock it is not known which packets were too late to be heard.
func (q *quality) judge(codec string, trip uint64) {
	impairment, known := voice.Codec(codec)
	if !known || q.rating.of > 0 || q.jitter.of == 0 {
		return
	}
	expected := float64(q.packets - min(q.duplicates, q.packets) + q.lost)
	if expected == 0 {
		return
	}
	line := voice.Line{Impairment: impairment, Loss: min(float64(q.lost+q.discarded)/expected, 1)}
	if q.runs > 0 {
		line.Burst = float64(q.lost) / float64(q.runs) * (1 - float64(q.lost)/expected)
	}
	if trip != 0 {
		line.Delay = (float64(trip)/2 + app.RTPBuffer) / 1e6
	}
	q.rating.add(line.Rating(), 1)
	q.mos.add(voice.MOS(line.Rating()), 1)
}

// sayReports says what RTCP reported of a direction.
func (c *Correlator) sayReports(q *quality, d int) {
	if q.reports > 0 {
		c.said.Uint(app.RTCPPackets[d], q.reports)
	}
	for _, r := range [...]struct {
		f *flow.Field
		n uint64
	}{
		{app.RTCPLost[d], q.missed}, {app.RTCPJitter[d], q.theirJitter}, {app.RTCPRating[d], q.theirRating},
		{app.RTCPMOS[d], q.theirOpinion},
	} {
		if r.n > 0 {
			c.said.Uint(r.f, r.n-1)
		}
	}
}
