package call

import (
	"math"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/app"
)

// quality is how one direction of media went, of all records together. Means are of packets.
type quality struct {
	packets, octets, lost, duplicates, reordered, discarded uint64

	jitter, delta     mean
	rating, mos, part mean
	maxJitter         uint64
	maxDelta          uint64
	transit           uint64
	worst             float64
	known             bool   // worst is
	runs              uint64 // of losses
	clock             uint32 // that jitter is measured with, Hz; 0 if it is not known
	payload           uint8
	typed             bool
	coded             uint8 // octets of codec
	codec             [16]byte

	// What reports of RTCP said last; 0 for nothing, or the value plus one.
	reports                                        uint64
	missed, theirJitter, theirRating, theirOpinion uint64
}

// mean is a sum and of how many it is.
type mean struct{ sum, of float64 }

func (m *mean) add(value, weight float64) {
	if weight > 0 {
		m.sum += value * weight
		m.of += weight
	}
}

func (m *mean) join(o mean) { m.sum += o.sum; m.of += o.of }

// meterFields are what is read of a flow of media: those of both directions in pairs.
var meterPairs = [...][2]*flow.Field{
	app.RTPPackets, app.RTPOctets, app.RTPLostPackets, app.RTPDuplicates, app.RTPReordered, app.RTPDiscarded,
	app.RTPJitter, app.RTPMaxJitter, app.RTPMaxDelta, app.RTPMeanDelta, app.RTPTransit,
	app.RTPRating, app.RTPRatingMean, app.RTPRatingWorst, app.RTPMOS, app.RTPCodec, app.RTPPayloadType,
	app.RTCPPackets, app.RTCPLost, app.RTCPJitter, app.RTCPRating, app.RTCPMOS, app.T38Packets,
	app.RTPLossRuns, app.RTPClock,
}

const (
	mPackets = iota
	mOctets
	mLost
	mDuplicates
	mReordered
	mDiscarded
	mJitter
	mMaxJitter
	mMaxDelta
	mMeanDelta
	mTransit
	mRating
	mRatingMean
	mRatingWorst
	mMOS
	mCodec
	mPayloadType
	mReports
	mMissed
	mTheirJitter
	mTheirRating
	mTheirOpinion
	mFax
	mLossRuns
	mClock
	meterCount
	mRoundTrip = 2 * meterCount
	mTones     = mRoundTrip + 1
)

var meterFields = meterList()

func meterList() (all []*flow.Field) {
	for _, p := range meterPairs {
		all = append(all, p[0], p[1])
	}
	return append(all, app.RTPRoundTrip, app.RTPTones)
}

// hasMedia reports whether the record in hand tells of RTP, RTCP or T.38.
func (c *Correlator) hasMedia() bool {
	for d := range 2 {
		for _, f := range [...]int{mPackets, mReports, mFax} {
			if v, ok := c.meter.Value(2*f + d); ok && v.U > 0 {
				return true
			}
		}
	}
	return false
}

// measure adds a record of a flow. Directions change places if the server is the first end.
func (c *Correlator) measure(m *media, v *flow.View, turned bool) {
	m.first, m.last = min(m.first, v.First), max(m.last, v.Last)
	m.open = v.End == flow.EndActive
	for d := range 2 {
		e := d
		if turned {
			e = 1 - d
		}
		m.packets[e] += v.Packets[d]
		m.octets[e] += v.Octets[d]
		c.side(&m.sides[e], d)
	}
	if trip, ok := c.meter.Value(mRoundTrip); ok {
		m.trip = trip.U
	}
	if tones, ok := c.meter.Value(mTones); ok {
		m.toned += uint8(copy(m.tones[m.toned:], tones.B))
	}
}

// side adds what a record says of a direction.
func (c *Correlator) side(q *quality, d int) {
	number := func(f int) uint64 {
		v, _ := c.meter.Value(2*f + d)
		return v.U
	}
	packets := number(mPackets)
	weighted := func(m *mean, f int, float bool) {
		if v, ok := c.meter.Value(2*f + d); ok {
			value := float64(v.U)
			if float {
				value = math.Float64frombits(v.U)
			}
			if value >= 0 && !math.IsInf(value, 0) {
				m.add(value, float64(packets))
			}
		}
	}
	q.packets += packets
	q.octets += number(mOctets)
	q.lost += number(mLost)
	q.duplicates += number(mDuplicates)
	q.reordered += number(mReordered)
	q.discarded += number(mDiscarded)
	q.runs += number(mLossRuns)
	q.maxJitter = max(q.maxJitter, number(mMaxJitter))
	q.maxDelta = max(q.maxDelta, number(mMaxDelta))
	q.transit = max(q.transit, number(mTransit))
	weighted(&q.jitter, mJitter, false)
	weighted(&q.delta, mMeanDelta, false)
	weighted(&q.rating, mRating, true)
	weighted(&q.part, mRatingMean, true)
	weighted(&q.mos, mMOS, true)
	if v, ok := c.meter.Value(2*mRatingWorst + d); ok {
		if w := math.Float64frombits(v.U); !q.known || w < q.worst {
			q.worst, q.known = w, true
		}
	}
	if v, ok := c.meter.Value(2*mPayloadType + d); ok {
		q.payload, q.typed = uint8(v.U), true
	}
	if v, ok := c.meter.Value(2*mClock + d); ok {
		q.clock = uint32(v.U)
	}
	if v, ok := c.meter.Value(2*mCodec + d); ok {
		q.coded = uint8(copy(q.codec[:], v.B))
	}
	q.reported(func(f int) (flow.Value, bool) { return c.meter.Value(2*f + d) })
}

// reported takes what RTCP says; the last report counts.
func (q *quality) reported(get func(f int) (flow.Value, bool)) {
	if v, ok := get(mReports); ok {
		q.reports += v.U
	}
	for _, x := range [...]struct {
		to *uint64
		f  int
	}{{&q.missed, mMissed}, {&q.theirJitter, mTheirJitter}, {&q.theirRating, mTheirRating},
		{&q.theirOpinion, mTheirOpinion}} {
		if v, ok := get(x.f); ok {
			*x.to = v.U + 1
		}
	}
}

// join adds another flow of the same direction.
func (q *quality) join(o *quality) {
	if o.known && (!q.known || o.worst < q.worst) {
		q.worst, q.known = o.worst, true
	}
	if o.packets > q.packets && o.typed { // of the stream with the most packets
		q.payload, q.typed, q.codec, q.coded, q.clock = o.payload, true, o.codec, o.coded, o.clock
	}
	q.packets += o.packets
	q.octets += o.octets
	q.lost += o.lost
	q.duplicates += o.duplicates
	q.reordered += o.reordered
	q.discarded += o.discarded
	q.runs += o.runs
	q.maxJitter, q.maxDelta = max(q.maxJitter, o.maxJitter), max(q.maxDelta, o.maxDelta)
	q.transit = max(q.transit, o.transit)
	q.jitter.join(o.jitter)
	q.delta.join(o.delta)
	q.rating.join(o.rating)
	q.part.join(o.part)
	q.mos.join(o.mos)
	q.reports += o.reports
	for _, x := range [...][2]*uint64{{&q.missed, &o.missed}, {&q.theirJitter, &o.theirJitter},
		{&q.theirRating, &o.theirRating}, {&q.theirOpinion, &o.theirOpinion}} {
		if *x[1] != 0 {
			*x[0] = *x[1]
		}
	}
}
