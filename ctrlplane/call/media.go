package call

import (
	"slices"
	"time"

	"github.com/weir-probe/weir/ctrlplane/egress"
	"github.com/weir-probe/weir/ctrlplane/session"
	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/app"
)

// media is a flow of media, of all its records.
type media struct {
	pair
	used        bool
	open        bool   // the flow goes on
	call        uint32 // plus one, 0 for none yet
	from        int    // which end is the caller's, 0 or 1
	translated  bool   // one end was described by nobody
	voice       bool   // described as audio, or not at all
	key         flow.Key
	first, last uint64
	packets     [2]uint64 // from the first end, and from the second
	octets      [2]uint64
	sides       [2]quality
	trip        uint64
	tones       [16]byte
	toned       uint8
	id          []byte // Call-ID by the sessions, if the call is not here
}

// loosest is how many flows without a call are looked at for an endpoint.
const loosest = 64

// takeMedia adds a record of a flow to what is known of it, and to the record whose media it is.
func (c *Correlator) takeMedia(v *flow.View, a *flow.Attrs) {
	c.meter.Read(v)
	if !c.hasMedia() {
		return
	}
	c.counts[Flows]++
	p, turned := pairOf(&v.Key)
	i, ok := c.flowOf(p, v)
	if !ok {
		c.counts[FlowsNoRoom]++
		return
	}
	m := c.flows.all[i]
	c.measure(m, v, turned)
	if m.call == 0 {
		c.join(i)
	}
	if m.call == 0 {
		c.due.Set(2*i+1, c.loseAt(m))
		c.foreign(m, a)
		return
	}
	x := c.calls.all[m.call-1]
	x.last = max(x.last, m.last)
	if end := x.end(); end != 0 && !m.open {
		x.heard = max(x.heard, m.last, end, v.Last)
	}
	c.due.Set(2*(m.call-1), c.deadline(x))
	a.Bytes(app.RTPCallID, c.callID(x))
	c.nameCodecs(x, m, a, turned)
}

// foreign adds the Call-ID that another probe, or an earlier call, gave the endpoints of a flow.
func (c *Correlator) foreign(m *media, a *flow.Attrs) {
	if c.o.Sessions == nil {
		return
	}
	for e := 0; e < len(m.pair) && len(m.id) == 0; e++ {
		m.id, _ = c.o.Sessions.Get(m.id[:0], session.Endpoint(session.Media, m.pair[e].addr, m.pair[e].port))
	}
	if len(m.id) > 0 {
		a.Bytes(app.RTPCallID, m.id)
	}
}

// loseAt returns when a flow without a call is given up.
func (c *Correlator) loseAt(m *media) uint64 {
	if m.open {
		return after(m.last, c.o.Active+c.o.hold())
	}
	return after(m.last, c.o.hold())
}

// flowOf returns the flow between two ends. One whose call was over before is another.
func (c *Correlator) flowOf(p pair, v *flow.View) (uint32, bool) {
	if i, ok := c.media[p]; ok {
		m := c.flows.all[i]
		if m.call == 0 || c.covers(c.calls.all[m.call-1], v.First, v.Last) {
			return i, true
		}
	}
	i, ok := c.flows.take()
	if !ok {
		return 0, false
	}
	m := c.flows.all[i]
	*m = media{pair: p, used: true, voice: true, key: v.Key, first: v.First, last: v.Last, id: m.id[:0]}
	c.media[p] = i
	for _, e := range p {
		if list := c.loose[e]; len(list) < loosest {
			c.loose[e] = append(list, i)
		}
	}
	return i, true
}

// covers reports whether a flow of these times may belong to a call.
func (c *Correlator) covers(x *call, first, last uint64) bool {
	end := x.end()
	return x.open && after(last, time.Second) >= x.first && (end == 0 || first <= after(end, 2*time.Second))
}

// candidates is how many descriptions of an endpoint are looked at, the latest first.
const candidates = 64

// join finds the call of a flow: the one that has described both of its ends, or else one of them,
// as the other may be behind an address translator (RFC 4961). Of several it is the latest.
func (c *Correlator) join(i uint32) {
	m := c.flows.all[i]
	if m.call != 0 {
		return
	}
	best, from, score := uint32(0), 0, 0
	var kind app.MediaKind
	for e := range m.pair {
		n := c.ends[m.pair[e]]
		for tries := 0; n != 0 && tries < candidates; tries++ {
			d := c.seen.all[n-1]
			n = d.next
			x := c.calls.all[d.call]
			if !c.covers(x, m.first, m.last) {
				continue
			}
			s := 4 * c.describes(x, &m.pair[1-e], d.side)
			if s++; !d.guessed {
				s += 2
			}
			if s > score || s == score && best != 0 && x.first > c.calls.all[best-1].first {
				best, score, kind, from = d.call+1, s, d.kind, e
				if d.side == callee {
					from = 1 - e
				}
			}
		}
	}
	if best == 0 {
		return
	}
	m.call, m.from, m.translated = best, from, score < 4+3
	m.voice = kind == app.AudioMedia || kind == app.OtherMedia
	c.attach(i, m)
}

// describes returns 1 if the other side of a call has described an endpoint, else 0.
func (c *Correlator) describes(x *call, e *endpoint, not side) int {
	for _, n := range x.ends {
		if d := c.seen.all[n]; d.side != not && d.endpoint == *e {
			return 1
		}
	}
	return 0
}

// attach makes a flow that of its call.
func (c *Correlator) attach(i uint32, m *media) {
	c.counts[FlowsJoined]++
	c.due.Drop(2*i + 1)
	c.unloose(i, m)
	x := c.calls.all[m.call-1]
	x.flows = append(x.flows, i)
	x.first, x.last = min(x.first, m.first), max(x.last, m.last)
}

func (c *Correlator) unloose(i uint32, m *media) {
	for _, e := range m.pair {
		list := slices.DeleteFunc(slices.Clone(c.loose[e]), func(o uint32) bool { return o == i })
		if len(list) == 0 {
			delete(c.loose, e)
		} else {
			c.loose[e] = list
		}
	}
}

// release gives a flow back.
func (c *Correlator) release(i uint32) {
	m := c.flows.all[i]
	if c.media[m.pair] == i {
		delete(c.media, m.pair)
	}
	c.unloose(i, m)
	c.due.Drop(2*i + 1)
	m.used, m.call = false, 0
	c.flows.give(i)
}

// lose gives up finding the call of a flow that is due now.
func (c *Correlator) lose(i uint32, now uint64, emit func(kind egress.Records, v *flow.View)) {
	m := c.flows.all[i]
	if at := c.loseAt(m); at > now {
		c.due.Set(2*i+1, at)
		return
	}
	c.counts[FlowsLoose]++
	flows := []uint32{i}
	if m.packets[0]+m.packets[1] > 0 && c.o.MediaOnly && m.streams() {
		beside := pair{{m.pair[0].addr, m.pair[0].port + 1}, {m.pair[1].addr, m.pair[1].port + 1}}
		if j, ok := c.media[beside]; ok && c.flows.all[j].call == 0 && !c.flows.all[j].streams() {
			flows = append(flows, j) // its RTCP
			c.counts[FlowsLoose]++
		}
		c.makeMedia(m, flows, emit)
	}
	for _, j := range flows {
		c.release(j)
	}
}

// streams reports whether packets of RTP were seen.
func (m *media) streams() bool { return m.sides[0].packets+m.sides[1].packets > 0 }

// nameCodecs adds the names of codecs that only the signalling knows.
func (c *Correlator) nameCodecs(x *call, m *media, a *flow.Attrs, turned bool) {
	for e := range m.sides {
		q := &m.sides[e]
		if q.packets == 0 || !q.typed {
			continue
		}
		if name := c.codec(x, q); name != "" && q.coded == 0 {
			d := e
			if turned {
				d = 1 - e
			}
			a.Remove(app.RTPCodec[d])
			a.Text(app.RTPCodec[d], name)
		}
	}
}

// codec returns what the descriptions of a call call the payload type of a stream, empty if they
// do not name it.
func (c *Correlator) codec(x *call, q *quality) string {
	for _, n := range x.ends {
		for _, p := range c.seen.all[n].payloads {
			if p.codec != app.OtherCodec && p.kind == q.payload {
				return p.codec.String()
			}
		}
	}
	return ""
}
