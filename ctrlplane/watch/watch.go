// Package watch shows records to people while they pass: those that come, those that came last, and
// who talks most. None of it holds up the exporters: who looks too slowly misses records, and is told
// how many.
package watch

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/weir-probe/weir/ctrlplane/egress"
	"github.com/weir-probe/weir/dataplane/flow"
)

// Query is which records somebody wants to see, and how.
type Query struct {
	Kinds  egress.Records
	Wants  func(v *flow.View) bool               // nil wants all
	Encode func(dst []byte, v *flow.View) []byte // one record, without a new line
}

// Limits of what watching may cost.
const (
	watchers = 32   // at a time
	backlog  = 1024 // records that wait for a watcher
	perTick  = 256  // records encoded for a watcher between two ticks
	kept     = 1024 // records that came last
	keptTick = 64   // of them between two ticks
	longest  = 4 << 10
)

// ErrBusy says that too many watch.
var ErrBusy = errors.New("too many watch already; end another watch first")

// Hub is an egress.Watcher. Any goroutine may subscribe and ask.
type Hub struct {
	subscribed atomic.Pointer[[]*Subscription]
	mu         sync.Mutex // of the rest
	last       []record   // a ring
	next       int        // where the next record goes
	left       int        // records that may be kept before the next tick
	talkers    talkers
}

// record is a copy of one that passed.
type record struct {
	used  bool
	kind  egress.Kind
	of    flow.Kind
	id    flow.ID
	value flow.Record
	attrs []byte
}

// New returns a hub that nobody watches.
func New() *Hub {
	h := &Hub{last: make([]record, kept), left: keptTick}
	h.subscribed.Store(&[]*Subscription{})
	h.talkers.open()
	return h
}

// Subscription is somebody who watches.
type Subscription struct {
	C      chan []byte // records, encoded
	hub    *Hub
	query  Query
	left   int           // of perTick; the egress has it
	missed atomic.Uint64 // records that were wanted, perhaps, and not shown
}

// Missed returns how many records were not shown since it was last asked.
func (s *Subscription) Missed() uint64 { return s.missed.Swap(0) }

// Subscribe has records shown from now on. Wants and Encode of the query belong to the egress until
// Close.
func (h *Hub) Subscribe(q Query) (*Subscription, error) {
	s := &Subscription{C: make(chan []byte, backlog), hub: h, query: q, left: perTick}
	h.mu.Lock()
	defer h.mu.Unlock()
	all := *h.subscribed.Load()
	if len(all) >= watchers {
		return nil, ErrBusy
	}
	all = append(slices.Clone(all), s)
	h.subscribed.Store(&all)
	return s, nil
}

// Close ends the subscription.
func (s *Subscription) Close() {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	all := slices.DeleteFunc(slices.Clone(*s.hub.subscribed.Load()), func(o *Subscription) bool { return o == s })
	s.hub.subscribed.Store(&all)
}

// Show implements egress.Watcher.
func (h *Hub) Show(kind egress.Kind, v *flow.View) {
	h.mu.Lock()
	if h.left > 0 {
		h.left--
		h.keep(kind, v)
	}
	if kind == egress.Flows {
		h.talkers.add(v.Record)
	}
	h.mu.Unlock()
	for _, s := range *h.subscribed.Load() {
		s.show(kind, v)
	}
}

// show encodes a record if it is wanted and there is room for it.
func (s *Subscription) show(kind egress.Kind, v *flow.View) {
	if !s.query.Kinds.Has(kind) {
		return
	}
	if s.left == 0 || len(s.C) == cap(s.C) {
		s.missed.Add(1)
		return
	}
	if s.query.Wants != nil && !s.query.Wants(v) {
		return
	}
	s.left--
	s.C <- s.query.Encode(nil, v) // there is room: nobody else puts anything in
}

// Tick implements egress.Watcher.
func (h *Hub) Tick() {
	h.mu.Lock()
	h.left = keptTick
	h.mu.Unlock()
	for _, s := range *h.subscribed.Load() {
		s.left = perTick
	}
}

// keep copies a record over the oldest one.
func (h *Hub) keep(kind egress.Kind, v *flow.View) {
	if len(v.Attrs) > longest {
		return
	}
	r := &h.last[h.next]
	h.next = (h.next + 1) % len(h.last)
	r.used, r.kind, r.of, r.id, r.value = true, kind, v.Kind, v.ID, *v.Record
	r.attrs = append(r.attrs[:0], v.Attrs...)
}

// Recent returns up to so many records that came last, the latest first. When there are very many in a
// short time, not all of them are kept.
func (h *Hub) Recent(q Query, most int) (all [][]byte) {
	copies := h.copies()
	for i := range copies {
		r := &copies[i]
		if len(all) == most {
			break
		}
		v := flow.View{Record: &r.value, Attrs: r.attrs, Kind: r.of, ID: r.id}
		if q.Kinds.Has(r.kind) && (q.Wants == nil || q.Wants(&v)) {
			all = append(all, q.Encode(nil, &v))
		}
	}
	return all
}

// copies returns what is kept, the latest first.
func (h *Hub) copies() (all []record) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := range h.last {
		r := h.last[(h.next-1-i+2*len(h.last))%len(h.last)]
		if !r.used {
			break
		}
		r.attrs = slices.Clone(r.attrs)
		all = append(all, r)
	}
	return all
}

// Watching returns who watches.
func (h *Hub) Watching() []*Subscription { return *h.subscribed.Load() }
