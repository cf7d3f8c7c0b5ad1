package collect

import (
	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dataplane/ring"
)

// cache holds records back so that others of the same flow can be joined to them: the opposite direction, which
// exporters of uniflows report by itself, or what they report of it later.
type cache struct {
	stitch    bool
	aggregate bool
	wait      uint64 // nanoseconds
	limit     int
	flows     map[cacheKey]*waitingFlow
	order     []*waitingFlow // in the order they came, which is that in which they are due
}

// cacheKey is what records of one flow have in common.
type cacheKey struct {
	of   *exporter
	key  flow.Key
	rate uint64 // of sampling: counts of different rates are no sum
}

// waitingFlow is a record that waits for others.
type waitingFlow struct {
	key    cacheKey
	record flow.Kept
	until  uint64
	gone   bool // it was handed over
}

func newCache(o *Options) *cache {
	if o.Stitch == 0 && o.Aggregate == 0 {
		return nil
	}
	return &cache{
		stitch: o.Stitch > 0, aggregate: o.Aggregate > 0, wait: uint64(max(o.Stitch, o.Aggregate)),
		limit: o.Cache, flows: map[cacheKey]*waitingFlow{},
	}
}

// combines reports whether others may be joined to the record in hand: to one with a key and counts, and if
// the opposite direction is all that it can wait for, without that.
func (w *Worker) combines() bool {
	a, c := &w.a, w.cache
	return c != nil && a.Ignored&(flow.KeyAddresses|flow.KeyProto) == 0 && a.Packets[flow.Forward] > 0 &&
		(c.aggregate || a.Packets[flow.Reverse]|a.Octets[flow.Reverse] == 0)
}

// combine holds the record in hand back, or joins it to one that waits.
func (w *Worker) combine(s *session, rate uint64) {
	c, a := w.cache, &w.a
	key := cacheKey{s.exporter, a.Key, rate}
	if x := c.flows[key]; x != nil && !c.aggregate {
		w.hand(x)
	} else if x != nil {
		w.counts.add(Joined, 1)
		x.record.Join(a.Keep(), false)
		return
	}
	back := key
	back.key = a.Key.Reversed()
	x := c.flows[back]
	switch {
	case !c.stitch || x == nil:
		w.await(key)
		return
	case x.record.Record().First <= a.First:
		x.record.Join(a.Keep(), true)
	default: // this one began the flow
		k := a.Keep()
		k.Join(x.record, true)
		delete(c.flows, back)
		x.record, x.key = k, key
		c.flows[key] = x
	}
	w.counts.add(Joined, 1)
	if !c.aggregate {
		w.hand(x)
	}
}

// await holds the record in hand back, or hands it over if too many wait.
func (w *Worker) await(key cacheKey) {
	c := w.cache
	x := &waitingFlow{key: key, record: w.a.Keep(), until: w.now + c.wait}
	if len(c.flows) >= c.limit {
		w.counts.add(CacheFull, 1)
		w.deliver(x.record)
		return
	}
	c.flows[key] = x
	c.order = append(c.order, x)
}

// hand hands a record over that waited.
func (w *Worker) hand(x *waitingFlow) {
	delete(w.cache.flows, x.key)
	w.deliver(x.record)
	x.gone, x.record = true, nil
}

// due hands over what has waited for long enough.
func (w *Worker) due(now uint64) {
	c := w.cache
	if c == nil {
		return
	}
	n := 0
	for n < len(c.order) && (c.order[n].gone || c.order[n].until <= now) {
		if !c.order[n].gone {
			w.hand(c.order[n])
		}
		n++
	}
	if n > 0 {
		kept := copy(c.order, c.order[n:])
		clear(c.order[kept:])
		c.order = c.order[:kept]
		w.out.Commit()
	}
}

// deliver puts a record into the ring.
func (w *Worker) deliver(k flow.Kept) {
	if b := w.reserve(ring.Flow, len(k)); b != nil {
		copy(b, k)
		return
	}
	w.counts.add(RingFull, 1)
}
