package worker

import (
	"math/bits"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dataplane/slab"
	"github.com/weir-probe/weir/dissect/app"
)

// State is how a transaction ended.
type State uint8

const (
	Complete   State = iota
	Unanswered       // no response came in time, or before the peer had said everything
	Unasked          // a response to a request that was not seen
	Reset            // the connection was reset before the response was complete
	Abandoned        // the dissector did not go on
	Notified         // a message that needs no response
	Open             // told at the request: it is not known yet
)

var stateNames = [...]string{
	Complete: "complete", Unanswered: "unanswered", Unasked: "unasked", Reset: "reset",
	Abandoned: "abandoned", Notified: "notice", Open: "open",
}

// exchange is a transaction that is not over.
type exchange struct {
	key        uint64
	begin, end [2]uint64 // times of the first and last octet: of the request, of the response
	from, to   [2]uint64 // positions of them in their sides
	count      [2]uint64 // packets before, by side.count
	talk       uint32
	next, prev uint32 // in its list of the talk
	chain      uint32 // next in its bucket
	attrs      block
	aside      block  // what interim responses said
	size       uint16 // octets of attrs
	asideSize  uint16 // octets of aside
	repeats    uint16 // requests seen again
	interim    uint16 // responses that were not final
	dissector  uint8
	dir        flow.Dir // who asks
	asked      bool     // the request was seen
	answered   bool     // the response has begun
	first      bool     // of its flow
	told       bool     // its event was sent
	lost       bool     // octets before one of its messages were not seen
	ringing    bool     // an interim response came and others may overtake it: it is in a list of its own
}

// ringingTimeout is how long a transaction waits after an interim response, nanoseconds: what a proxy of SIP
// waits for a person to answer (RFC 3261, section 16.6, timer C).
const ringingTimeout = 180e9

// due returns when a transaction that is not answered times out. Until it is, end[1] is the time of the last
// interim response.
func (e *exchange) due(timeout uint64) uint64 {
	at := e.end[0] + timeout
	if e.interim > 0 {
		at = max(at, e.end[1]+max(timeout, ringingTimeout))
	}
	return at
}

// exchanges holds all transactions. Number 0 is none.
type exchanges struct {
	all     []exchange
	spare   []uint32
	buckets []uint32
	keys    seed
}

func (x *exchanges) open(n int, s seed) (err error) {
	if x.all, err = slab.Map[exchange](n + 1); err != nil {
		return err
	}
	if x.spare, err = slab.Map[uint32](n); err != nil {
		return err
	}
	x.buckets, err = slab.Map[uint32](2 << bits.Len(uint(n-1)))
	x.keys = s
	for i := range x.spare {
		x.spare[i] = uint32(n - i)
	}
	return err
}

func (x *exchanges) unmap() error {
	for _, err := range [...]error{slab.Unmap(x.all), slab.Unmap(x.spare), slab.Unmap(x.buckets)} {
		if err != nil {
			return err
		}
	}
	return nil
}

func (x *exchanges) bucket(talk uint32, dir flow.Dir, key uint64) *uint32 {
	h := mix(key^x.keys[0], uint64(talk)<<1|uint64(dir)^x.keys[1])
	return &x.buckets[h&uint64(len(x.buckets)-1)]
}

// byKey returns the open transaction that has a key, of those that dir asked the latest, or 0.
func (x *exchanges) byKey(talk uint32, dir flow.Dir, key uint64) uint32 {
	for k := *x.bucket(talk, dir, key); k != 0; k = x.all[k].chain {
		if e := &x.all[k]; e.talk == talk && e.dir == dir && e.key == key {
			return k
		}
	}
	return 0
}

// begin returns a new transaction of the flow in hand, 0 if there is no room for it.
func (w *Worker) beginExchange(j int, dir flow.Dir) uint32 {
	h := &w.hand
	if h.t.open >= inFlow || len(w.spare) == 0 {
		oldest := h.t.waiting[dir].head
		if oldest == 0 {
			oldest = h.t.waiting[3].head
		}
		if oldest == 0 {
			w.counts[TransactionsNoRoom]++
			return 0
		}
		w.counts[TransactionsEarly]++
		w.finish(oldest, Unanswered)
	}
	k := w.spare[len(w.spare)-1]
	w.spare = w.spare[:len(w.spare)-1]
	h.t.open++
	w.all[k] = exchange{
		key: w.msg.Said.Key, talk: h.r.Attrs, dissector: uint8(j), dir: dir, first: !h.t.began,
	}
	h.t.began = true
	b := w.bucket(h.r.Attrs, dir, w.msg.Said.Key)
	w.all[k].chain, *b = *b, k
	return k
}

// append puts transaction k at the end of a list.
func (x *exchanges) append(l *list, k uint32) {
	e := &x.all[k]
	e.prev, e.next = l.tail, 0
	if l.tail != 0 {
		x.all[l.tail].next = k
	} else {
		l.head = k
	}
	l.tail = k
}

// remove takes transaction k out of its list.
func (x *exchanges) remove(l *list, k uint32) {
	e := &x.all[k]
	if e.prev != 0 {
		x.all[e.prev].next = e.next
	} else {
		l.head = e.next
	}
	if e.next != 0 {
		x.all[e.next].prev = e.prev
	} else {
		l.tail = e.prev
	}
}

// unchain takes transaction k out of its bucket.
func (x *exchanges) unchain(k uint32) {
	e := &x.all[k]
	b := x.bucket(e.talk, e.dir, e.key)
	for *b != k {
		b = &x.all[*b].chain
	}
	*b = e.chain
}

// list returns the list that a transaction of a talk is in.
func (t *talk) list(e *exchange) *list {
	switch {
	case e.answered:
		return &t.waiting[2]
	case e.ringing:
		return &t.waiting[3]
	}
	return &t.waiting[e.dir]
}

// pair puts the message in hand where it belongs: to a transaction, or to the flow.
func (w *Worker) pair(j int) {
	h, m := &w.hand, &w.msg
	s, said := &h.t.sides[h.d], &m.Said
	w.yieldTo(s)
	switch d := w.dissectors[j]; {
	case said.Role == app.Notice || said.Role != app.Part && d.Pair == app.Unpaired:
		w.notice(j)
	case said.Role == app.Request:
		w.request(j, s)
	case said.Role == app.Response || said.Role == app.Interim:
		w.response(j, s)
	case said.Key != 0 && d.Pair == app.ByKey:
		w.part(s)
	case s.owner != 0:
		w.tell(s.owner)
	case len(m.Attrs.All()) > 0:
		w.keepAttrs(m.Attrs.All())
	}
	if h.t == nil || s.owner == 0 {
		return
	}
	e := &w.all[s.owner]
	e.lost = e.lost || m.Lost
	to := s.top
	if said.Again {
		to = s.base + uint64(m.Pos())
	}
	if m.Stream {
		to = min(s.base+uint64(m.Pos())+min(said.Skip, endless>>1), s.top)
	}
	e.passed(role(e, h.d), to, m.Time)
	if w.conf.Early>>j&1 != 0 && said.Role == app.Request && !e.told {
		e.told = true
		w.sendOpen(e, Open)
	}
	if said.Role == app.Response && !m.Stream {
		w.complete(s.owner)
	} else if said.Finish && e.answered && h.d != e.dir {
		if !m.Stream || said.Skip != app.ToEnd && int64(s.top-s.base-uint64(m.Pos())-said.Skip) >= 0 {
			w.complete(s.owner)
		} else {
			s.finish = true
		}
	}
}

// part tells the transaction that the message in hand names. One that is over is told nothing.
func (w *Worker) part(s *side) {
	h := &w.hand
	key := w.msg.Said.Key
	if s.owner = w.byKey(h.r.Attrs, h.d^1, key); s.owner == 0 {
		s.owner = w.byKey(h.r.Attrs, h.d, key)
	}
	if s.owner != 0 {
		w.tell(s.owner)
	}
}

// role returns what a direction says in a transaction: 0 the request, 1 the response.
func role(e *exchange, d flow.Dir) int { return int(d^e.dir) & 1 }

// passed notes that a part of a transaction reaches up to a position.
func (e *exchange) passed(role int, to, now uint64) {
	if to > e.to[role] {
		e.to[role], e.end[role] = to, max(e.end[role], now)
	}
}

// yieldTo ends what was skipped before the message in hand, and with it a response that was
// to be complete by then.
func (w *Worker) yieldTo(s *side) {
	if s.owner == 0 {
		return
	}
	e := &w.all[s.owner]
	if s.base > e.to[role(e, w.hand.d)] && s.base < endless {
		e.passed(role(e, w.hand.d), s.base, w.hand.now)
	}
	if s.finish {
		s.finish = false
		w.complete(s.owner)
	}
}

// extend notes how far the stream of the side in hand has come.
func (w *Worker) extend(s *side) {
	if s.owner == 0 {
		return
	}
	e := &w.all[s.owner]
	e.passed(role(e, w.hand.d), min(s.base, s.top), w.hand.now)
}

// tell adds what the message in hand says to a transaction.
func (w *Worker) tell(k uint32) {
	e := &w.all[k]
	said := w.msg.Attrs.All()
	e.attrs, e.size = w.merge(e.attrs, e.size, said)
	if e.first {
		w.keepAttrs(said)
	}
}

// notice sends the message in hand as an event of its own.
func (w *Worker) notice(j int) {
	h, m := &w.hand, &w.msg
	e := exchange{dissector: uint8(j), dir: h.d, asked: true, lost: m.Lost}
	e.begin[0], e.end[0] = m.Begun, m.Time
	s := &h.t.sides[h.d]
	s.owner = 0
	e.from[0], e.to[0], e.count[0] = s.base, s.base+uint64(m.Pos()), s.first-1
	h.t.count++
	w.keepAttrs(m.Attrs.All())
	w.send(&e, Notified, m.Attrs.All())
}

// request begins a transaction, or notes that one is asked again.
func (w *Worker) request(j int, s *side) {
	h, m := &w.hand, &w.msg
	if w.dissectors[j].Pair == app.ByKey && !m.Stream {
		if k := w.byKey(h.r.Attrs, h.d, m.Said.Key); k != 0 && !w.all[k].answered {
			if s.owner = 0; w.all[k].repeats < 1<<16-1 {
				w.all[k].repeats++
			}
			return
		}
	}
	k := w.beginExchange(j, h.d)
	if s.owner = k; k == 0 {
		w.keepAttrs(m.Attrs.All())
		return
	}
	e := &w.all[k]
	e.asked = true
	e.begin[0], e.end[0], e.from[0], e.to[0] = m.Begun, m.Time, s.base, s.base
	other := &h.t.sides[h.d^1]
	e.count = [2]uint64{s.first - 1, other.count}
	w.append(&h.t.waiting[h.d], k)
	w.tell(k)
	h.t.deadline = min(h.t.deadline, m.Time+uint64(w.conf.TransactionTimeout))
	h.r.State |= asked
	if h.r.State&ended == 0 && h.t.deadline < w.table.due[h.n] {
		w.table.expect(h.n, h.t.deadline)
	}
}

// response goes to the transaction that it answers.
func (w *Worker) response(j int, s *side) {
	h, m := &w.hand, &w.msg
	k := w.answers(j, s)
	if m.Said.Role == app.Interim {
		if k == 0 {
			w.keepAttrs(m.Attrs.All())
			return
		}
		w.ring(j, k)
		s.owner = 0
		return
	}
	if s.owner != 0 && s.owner != k && w.all[s.owner].answered && w.dissectors[j].Pair == app.InOrder {
		w.complete(s.owner)
	}
	if k == 0 {
		if k = w.beginExchange(j, h.d^1); k == 0 {
			s.owner = 0
			w.keepAttrs(m.Attrs.All())
			return
		}
		w.append(&h.t.waiting[h.d^1], k)
	}
	s.owner = k
	e := &w.all[k]
	if !e.answered {
		w.remove(h.t.list(e), k)
		e.answered = true
		w.append(&h.t.waiting[2], k)
		e.begin[1], e.from[1], e.to[1] = m.Begun, s.base, s.base
		e.end[1] = m.Begun
		e.count[1] = s.first - 1
	}
	w.tell(k)
}

// ring notes an interim response. Its transaction waits longer from now on: among those of the same kind, in
// the order of the last one of each, if it may be answered out of order.
func (w *Worker) ring(j int, k uint32) {
	t, e, m := w.hand.t, &w.all[k], &w.msg
	if e.interim < 1<<16-1 {
		e.interim++
	}
	e.aside, e.asideSize = w.merge(e.aside, e.asideSize, m.Attrs.All())
	if e.answered {
		return
	}
	e.end[1] = max(e.end[1], m.Time)
	if w.dissectors[j].Pair == app.ByKey {
		w.remove(t.list(e), k)
		e.ringing = true
		w.append(t.list(e), k)
	}
}

// answers returns the transaction that the message in hand responds to, 0 if there is none.
// Behind a hole in a stream it is to the last request, as the responses to those before it
// were not seen.
func (w *Worker) answers(j int, s *side) uint32 {
	h, m := &w.hand, &w.msg
	if w.dissectors[j].Pair == app.ByKey {
		return w.byKey(h.r.Attrs, h.d^1, m.Said.Key)
	}
	l := &h.t.waiting[h.d^1]
	for m.Lost && m.Stream && l.head != l.tail {
		w.finish(l.head, Unanswered)
	}
	return l.head
}
