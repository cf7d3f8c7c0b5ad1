package call

import (
	"hash/maphash"
	"time"

	"github.com/weir-probe/weir/ctrlplane/egress"
	"github.com/weir-probe/weir/ctrlplane/wheel"
	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/app"
)

// Correlator implements egress.Correlator. A record is made once of each call: some time after
// it ended, so that its media can come, or when it has to make room.
type Correlator struct {
	o        Options
	signals  egress.Kind // events of SIP
	seed     maphash.Seed
	signal   *flow.Plan
	meter    *flow.Plan
	begin    *flow.Plan // beginFields, answerFields and reasonFields
	answer   *flow.Plan
	reason   *flow.Plan
	place    *flow.Plan
	refer    *flow.Plan
	now      uint64
	calls    pool[call]
	flows    pool[media]
	ids      map[uint64]uint32   // calls by the hash of their Call-ID
	links    map[uint64]uint32   // calls by the hash of what they have in common with others
	ends     map[endpoint]uint32 // the latest description of an endpoint, plus one
	media    map[pair]uint32     // flows by their endpoints
	loose    map[endpoint][]uint32
	seen     pool[description]
	due      *wheel.Wheel // calls, by even numbers, and flows without a call, by odd ones
	ready    []uint32     // calls that had to make room, whose records are to be made
	hand     int          // where the search for one that makes room goes on
	past     past
	counts   [Counters]uint64
	said     flow.Attrs // of the record in hand
	known    flow.View
	record   flow.Record
	view     flow.View
	describe app.Media
}

// crowd is how many calls may wait for their records to be made when there is no room.
const crowd = 1024

// New returns a Correlator, nil if the options want none.
func New(o Options) *Correlator {
	if o.Calls == 0 {
		return nil
	}
	c := &Correlator{
		o: o, seed: maphash.MakeSeed(), due: wheel.New(), past: past{most: o.Calls + crowd},
		signal: flow.NewPlan(signalFields[:]), meter: flow.NewPlan(meterFields), begin: flow.NewPlan(beginFields),
		answer: flow.NewPlan(answerFields), reason: flow.NewPlan(reasonFields), place: flow.NewPlan(bothPlaces()),
		refer: flow.NewPlan(referFields),
		calls: pool[call]{most: o.Calls + crowd}, flows: pool[media]{most: 4 * o.Calls},
		seen: pool[description]{most: 8 * (o.Calls + crowd)},
		ids:  map[uint64]uint32{}, links: map[uint64]uint32{}, ends: map[endpoint]uint32{},
		media: map[pair]uint32{}, loose: map[endpoint][]uint32{},
	}
	for i, d := range app.All {
		if d == &app.SIP {
			c.signals = egress.EventsOf(i)
		}
	}
	return c
}

func bothPlaces() (all []*flow.Field) {
	for _, p := range placeFields {
		all = append(all, p[0], p[1])
	}
	return all
}

// Take looks at transactions of SIP and flows of RTP. To these it adds the Call-ID of their call if
// that is known by now.
func (c *Correlator) Take(kind egress.Kind, v *flow.View, a *flow.Attrs) {
	switch {
	case len(v.Attrs) == 0:
	case kind == c.signals:
		c.takeSignal(v)
	case kind == egress.Flows && v.Proto == udp && v.Ignored&(flow.KeyAddresses|flow.KeyPorts) == 0:
		c.takeMedia(v, a)
	}
}

const udp = 17

// Tick makes the records of calls that are over, and of media whose call will not be found any more.
func (c *Correlator) Tick(now uint64, emit func(kind egress.Kind, v *flow.View)) {
	c.makeReady(emit)
	if now <= c.now {
		return
	}
	c.now = now
	if c.o.Sessions != nil {
		c.o.Sessions.Tick(now)
	}
	c.past.forget(now)
	c.due.Turn(now, func(i uint32) {
		if i%2 == 1 {
			c.lose(i/2, now, emit)
			return
		}
		x := c.calls.all[i/2]
		switch at := c.deadline(x); {
		case at > now:
			c.due.Set(i, at)
		case x.end() != 0:
			c.make(i/2, ended, emit)
		default:
			c.make(i/2, timedOut, emit)
		}
	})
}

// Flush makes the records of everything there is.
func (c *Correlator) Flush(emit func(kind egress.Kind, v *flow.View)) {
	c.makeReady(emit)
	for i, x := range c.calls.all {
		switch {
		case !x.open:
		case x.end() != 0:
			c.make(uint32(i), ended, emit)
		default:
			c.make(uint32(i), stopped, emit)
		}
	}
	for i, m := range c.flows.all {
		if m.used && m.call == 0 {
			c.lose(uint32(i), never, emit)
		}
	}
}

// makeReady makes the records of calls that had to make room, and of those that began anew.
func (c *Correlator) makeReady(emit func(kind egress.Kind, v *flow.View)) {
	for _, i := range c.ready {
		c.make(i, c.calls.all[i].why, emit)
	}
	c.ready = c.ready[:0]
}

const never = ^uint64(0)

// deadline returns when the record of a call is to be made if nothing more comes.
func (c *Correlator) deadline(x *call) uint64 {
	end := x.end()
	switch {
	case x.registers && end != 0:
		return end + uint64(slack)
	case x.registers:
		return x.last + uint64(patience)
	case end != 0 && x.at[accepted] == 0 && challenges(x.code):
		return max(end, x.last) + uint64(max(patience, slack))
	case end != 0 && c.complete(x, end):
		return max(end, x.heard) + uint64(slack)
	case end != 0:
		return end + uint64(c.o.hold())
	case x.at[accepted] != 0:
		return max(x.last, x.active) + uint64(c.o.Longest)
	}
	return max(x.last, x.active) + uint64(c.o.Setup)
}

// challenges reports whether a caller may try again with the same Call-ID after a response: with
// credentials, elsewhere, or with other times (RFC 3261, sections 8.1.3.4, 8.1.3.5 and 22).
func challenges(code uint32) bool {
	switch {
	case code >= 300 && code < 400, code == 401, code == 407, code == 413, code == 414, code == 415, code == 416,
		code == 420, code == 421, code == 422, code == 423, code == 484, code == 488, code == 491, code == 494:
		return true
	}
	return false
}

// complete reports whether nothing is missing of a call that ended: there is no media to come, or
// the last records of all its flows were seen.
func (c *Correlator) complete(x *call, end uint64) bool {
	if x.at[accepted] == 0 && x.at[progress] == 0 && len(x.flows) == 0 {
		return true
	}
	if x.sides != 3 && len(x.flows) == 0 {
		return x.sides == 0
	}
	for _, i := range x.flows {
		if c.flows.all[i].open {
			return false
		}
	}
	return len(x.flows) > 0 && x.heard >= end
}

// hash returns the hash of a text, which nobody who sends it can foresee.
func (c *Correlator) hash(b []byte) uint64 { return maphash.Bytes(c.seed, b) | 1 }

// past remembers for a while the calls whose records were made, so that none has two.
type past struct {
	most  int
	order []gone
	first int
	ids   map[uint64]struct{}
}

type gone struct{ id, until uint64 }

func (p *past) add(id, now uint64) {
	if p.ids == nil {
		p.ids = map[uint64]struct{}{}
	}
	if _, ok := p.ids[id]; ok {
		return
	}
	if len(p.ids) >= p.most {
		p.drop()
	}
	p.ids[id] = struct{}{}
	p.order = append(p.order, gone{id, now + 2*uint64(patience)})
}

func (p *past) has(id uint64) bool { _, ok := p.ids[id]; return ok }

func (p *past) drop() {
	delete(p.ids, p.order[p.first].id)
	if p.first++; p.first > 1024 && p.first > len(p.order)/2 {
		p.order = p.order[:copy(p.order, p.order[p.first:])]
		p.first = 0
	}
}

func (p *past) forget(now uint64) {
	for p.first < len(p.order) && p.order[p.first].until <= now {
		p.drop()
	}
}

// after returns a time later than at.
func after(at uint64, d time.Duration) uint64 { return at + uint64(d) }
