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
	fit         uint8  // how well the call fits
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
	c.join(i)
	if m.call == 0 {
		c.due.Set(2*i+1, c.loseAt(m))
		c.foreign(m, a)
		return
	}
	x := c.calls.all[m.call-1]
	x.active = max(x.active, m.last)
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
	c.loosen(i, m)
	return i, true
}

// covers reports whether a flow of these times may belong to a call.
func (c *Correlator) covers(x *call, first, last uint64) bool {
	end := x.end()
	return x.open && after(last, time.Second) >= x.first && (end == 0 || first <= after(end, 2*time.Second))
}

// candidates is how many descriptions of an endpoint are looked at, the latest first.
const candidates = 64

// match is how well a call fits a flow.
type match struct {
	call uint32 // plus one
	fit  uint8  // what the ends of the flow count
	from int    // which of them is the caller's
	kind app.MediaKind
}

// What an end counts that a call has described, that it has guessed, and a flow both of whose ends it
// has described.
const (
	describedFit = 3
	guessedFit   = 1
	wholeFit     = describedFit + otherFit
	otherFit     = 4
)

// join finds the call of a flow: the one that has described both of its ends, or else one of them,
// as the other may be behind an address translator (RFC 4961). Of several it is the latest. A flow
// of which one end is known only goes to another call that fits better.
func (c *Correlator) join(i uint32) {
	m := c.flows.all[i]
	if m.fit >= wholeFit {
		return
	}
	best := c.bestOf(m)
	if best.fit <= m.fit {
		return
	}
	if m.call != 0 {
		c.detach(i, m)
	} else {
		c.counts[FlowsJoined]++
	}
	m.call, m.fit, m.from = best.call, best.fit, best.from
	m.voice = best.kind == app.AudioMedia || best.kind == app.OtherMedia
	c.due.Drop(2*i + 1)
	if m.fit >= wholeFit {
		c.unloose(i, m)
	}
	x := c.calls.all[m.call-1]
	x.flows = append(x.flows, i)
	x.active = max(x.active, m.last)
}

// bestOf returns the call that fits a flow best.
func (c *Correlator) bestOf(m *media) (best match) {
	for e := range m.pair {
		n := c.ends[m.pair[e]]
		for tries := 0; n != 0 && tries < candidates; tries++ {
			d := c.seen.all[n-1]
			n = d.next
			x := c.calls.all[d.call]
			if !c.covers(x, m.first, m.last) {
				continue
			}
			one := match{call: d.call + 1, fit: describedFit, from: e, kind: d.kind}
			if d.guessed {
				one.fit = guessedFit
			}
			if c.describes(x, &m.pair[1-e], d.side) {
				one.fit += otherFit
			}
			if d.side == callee {
				one.from = 1 - e
			}
			if one.fit > best.fit || one.fit == best.fit && x.first > c.calls.all[best.call-1].first {
				best = one
			}
		}
	}
	return best
}

// describes reports whether the other side of a call has described an endpoint.
func (c *Correlator) describes(x *call, e *endpoint, not side) bool {
	for _, n := range x.ends {
		if d := c.seen.all[n]; d.side != not && d.endpoint == *e {
			return true
		}
	}
	return false
}

// detach takes a flow from its call.
func (c *Correlator) detach(i uint32, m *media) {
	x := c.calls.all[m.call-1]
	x.flows = slices.DeleteFunc(x.flows, func(o uint32) bool { return o == i })
	m.call, m.fit = 0, 0
}

// review takes the flows from a call that began after its end, as is known only now.
func (c *Correlator) review(x *call) {
	for n := len(x.flows) - 1; n >= 0; n-- {
		i := x.flows[n]
		m := c.flows.all[i]
		if c.covers(x, m.first, m.last) {
			continue
		}
		c.detach(i, m)
		c.counts[FlowsJoined]--
		c.loosen(i, m)
		if c.join(i); m.call == 0 {
			c.due.Set(2*i+1, c.loseAt(m))
		}
	}
}

// loosen has a flow be looked for when an endpoint is described.
func (c *Correlator) loosen(i uint32, m *media) {
	for _, e := range m.pair {
		if list := c.loose[e]; len(list) < loosest && !slices.Contains(list, i) {
			c.loose[e] = append(list, i)
		}
	}
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
	m.used, m.call, m.fit = false, 0, 0
	c.flows.give(i)
}

// lose gives up finding the call of a flow that is due now.
func (c *Correlator) lose(i uint32, now uint64, emit func(kind egress.Kind, v *flow.View)) {
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

// nameCodecs adds the names of codecs that only the signalling knows, and takes away what was measured with
// another clock than that it says.
func (c *Correlator) nameCodecs(x *call, m *media, a *flow.Attrs, turned bool) {
	for e := range m.sides {
		q := &m.sides[e]
		if q.packets == 0 || !q.typed {
			continue
		}
		d := e
		if turned {
			d = 1 - e
		}
		said := c.encoding(x, q)
		if said.name != "" && q.coded == 0 {
			a.Remove(app.RTPCodec[d])
			a.Text(app.RTPCodec[d], said.name)
		}
		if q.misled(said.clock) {
			for _, f := range clocked {
				a.Remove(f[d])
			}
		}
	}
}

// clocked are the fields that are measured with the clock of a stream.
var clocked = [...][2]*flow.Field{
	app.RTPClock, app.RTPJitter, app.RTPJitterNtop, app.RTPMaxJitter, app.RTPTransit, app.RTPTransitNtop, app.RTPDiscarded,
}

// misled reports whether a stream was measured with another clock than that the signalling says.
func (q *quality) misled(clock uint32) bool { return clock != 0 && q.clock != 0 && clock != q.clock }

// encoding is what descriptions say of a payload type, nothing if they do not name it.
type encoding struct {
	name  string
	clock uint32 // Hz
}

// encoding returns what the descriptions of a call say of the payload type of a stream.
func (c *Correlator) encoding(x *call, q *quality) encoding {
	for _, n := range x.ends {
		for _, p := range c.seen.all[n].payloads {
			if p.codec != app.OtherCodec && p.kind == q.payload {
				return encoding{p.codec.String(), p.clock}
			}
		}
	}
	return encoding{}
}
