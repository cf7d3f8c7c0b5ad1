package worker

import (
	"unsafe"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dataplane/ring"
	"github.com/weir-probe/weir/dissect/app"
)

// complete ends a transaction whose response is complete.
func (w *Worker) complete(k uint32) {
	state := Complete
	if !w.all[k].asked {
		state = Unasked
	}
	w.finish(k, state)
}

// finish ends transaction k of the flow in hand.
func (w *Worker) finish(k uint32, state State) {
	t, e := w.hand.t, &w.all[k]
	w.tallyUp(&t.tally, e)
	w.takeAside(e)
	if !e.told {
		w.sendOpen(e, state)
	}
	w.remove(t.list(e), k)
	w.unchain(k)
	w.arena.give(e.attrs)
	for d := range t.sides {
		if t.sides[d].owner == k {
			t.sides[d].owner, t.sides[d].finish = 0, false
		}
	}
	t.open--
	w.spare = append(w.spare, k)
}

// takeAside adds to a transaction that ends what only interim responses have said.
func (w *Worker) takeAside(e *exchange) {
	if e.aside == 0 {
		return
	}
	said := w.arena.bytes(e.aside)[:e.asideSize]
	e.attrs, e.size = w.merge(e.attrs, e.size, said)
	if e.first {
		w.keepAttrs(said)
	}
	w.arena.give(e.aside)
	e.aside = 0
}

// tallyUp counts a transaction that ends.
func (w *Worker) tallyUp(t *tally, e *exchange) {
	t.count++
	l, ok := e.latency()
	if !ok {
		return
	}
	if t.timed == 0 || l < t.min {
		t.min = l
	}
	t.max = max(t.max, l)
	t.sum += l
	t.timed++
}

// latency returns the time from the end of the request to the beginning of the response,
// and whether both were seen in that order.
func (e *exchange) latency() (uint64, bool) {
	return e.begin[1] - e.end[0], e.asked && e.answered && e.begin[1] >= e.end[0]
}

// settleSide ends what the side in hand, which has said everything, had to do with: its
// response is complete, and there will be no other.
func (w *Worker) settleSide(why State) {
	h := &w.hand
	if s := &h.t.sides[h.d]; s.owner != 0 && w.all[s.owner].answered {
		if why == Reset && w.all[s.owner].asked {
			w.finish(s.owner, why)
		} else {
			w.complete(s.owner)
		}
	}
	for h.t.waiting[h.d^1].head != 0 {
		w.finish(h.t.waiting[h.d^1].head, why)
	}
	for k := h.t.waiting[3].head; k != 0; {
		one := k
		if k = w.all[k].next; w.all[one].dir != h.d {
			w.finish(one, why)
		}
	}
}

// unanswered are the lists of a talk whose transactions have no response.
var unanswered = [...]int{0, 1, 3}

// abandon ends all transactions of the flow in hand.
func (w *Worker) abandon(why State) {
	t := w.hand.t
	for t.waiting[2].head != 0 {
		w.complete(t.waiting[2].head)
	}
	for _, i := range unanswered {
		for t.waiting[i].head != 0 {
			w.finish(t.waiting[i].head, why)
		}
	}
	w.hand.r.State &^= asked
}

// overdue ends the transactions of flow n to which no response came until a time.
func (w *Worker) overdue(n uint32, until uint64) {
	h := w.grasp(n, until)
	timeout := uint64(w.conf.TransactionTimeout)
	if h.t == nil || int64(until-h.t.deadline) < 0 {
		return
	}
	h.t.deadline = never
	waiting := false
	for _, i := range unanswered {
		l := &h.t.waiting[i]
		for l.head != 0 && int64(until-w.all[l.head].due(timeout)) >= 0 {
			w.finish(l.head, Unanswered)
		}
		if l.head != 0 {
			waiting = true
			h.t.deadline = min(h.t.deadline, w.all[l.head].due(timeout))
		}
	}
	if !waiting {
		h.r.State &^= asked
	}
}

// conclude ends what flow n says, as it ends.
func (w *Worker) conclude(n uint32) {
	h := w.grasp(n, w.table.hot[n].Last)
	if h.t == nil || h.r.Pending == 0 {
		return
	}
	if transport(h.r.Proto) == 0 {
		w.hangUp(Unanswered)
		return
	}
	if w.incomplete(); h.t == nil { // nobody knew what there was of a datagram
		return
	}
	w.abandon(Unanswered)
	w.retire()
}

// expect says when record n has to be looked at next: at a time, or when a transaction of it
// times out.
func (w *Worker) expect(n uint32, at uint64) {
	if r := &w.table.hot[n]; r.State&asked != 0 {
		at = min(at, w.talks[r.Attrs].deadline)
	}
	w.table.expect(n, at)
}

// sendOpen sends a transaction as it is now.
func (w *Worker) sendOpen(e *exchange, state State) {
	var said []byte
	if e.attrs != 0 {
		said = w.arena.bytes(e.attrs)[:e.size]
	}
	w.send(e, state, said)
}

// send hands an event over: the record of the flow in hand as it is, what is known of the
// transaction, and attributes.
func (w *Worker) send(e *exchange, state State, said []byte) {
	h, a := &w.hand, &w.merged
	w.counts[TransactionsDone]++
	a.Reset()
	a.Text(app.TransactionProtocol, w.dissectors[e.dissector].Name)
	a.Text(app.TransactionState, stateNames[state])
	a.Text(app.TransactionAsker, askers[e.dir&1])
	if e.asked {
		a.Uint(app.TransactionRequestBegin, e.begin[0])
		a.Uint(app.TransactionRequestEnd, e.end[0])
		a.Uint(app.TransactionRequestOctets, e.to[0]-e.from[0])
		a.Uint(app.TransactionRequestPackets, h.t.sides[e.dir&1].count-e.count[0])
	}
	if e.answered {
		a.Uint(app.TransactionResponseBegin, e.begin[1])
		a.Uint(app.TransactionResponseEnd, e.end[1])
		a.Uint(app.TransactionResponseOctets, e.to[1]-e.from[1])
		a.Uint(app.TransactionResponsePackets, h.t.sides[e.dir&1^1].count-e.count[1])
	}
	if l, ok := e.latency(); ok {
		a.Uint(app.TransactionLatency, l)
	}
	if e.repeats > 0 {
		a.Uint(app.TransactionRepeats, uint64(e.repeats))
	}
	if e.interim > 0 {
		a.Uint(app.TransactionInterim, uint64(e.interim))
	}
	if e.lost {
		a.Uint(app.TransactionLost, 1)
	}
	w.addAll(a, said)
	if w.message(ring.Event, h.n, a.All()) == nil {
		w.counts[EventsRingFull]++
		return
	}
	w.counts[Events]++
}

var askers = [2]string{"client", "server"}

// message puts a copy of record n and attributes into the ring. It returns nil if there is no
// room.
func (w *Worker) message(k ring.Kind, n uint32, attrs []byte) []byte {
	const size = unsafe.Sizeof(flow.Record{})
	b := w.reserve(k, int(size)+len(attrs))
	if b == nil {
		return nil
	}
	to := (*flow.Record)(unsafe.Pointer(unsafe.SliceData(b)))
	to.Hot = w.table.hot[n]
	if w.table.cold != nil {
		to.Cold = w.table.cold[n]
	} else {
		to.Cold = flow.Cold{}
	}
	copy(b[size:], attrs)
	return b
}

// found returns the attributes of flow n: what dissectors found, and what is counted of its
// transactions.
func (w *Worker) found(n uint32, more bool) []byte {
	r := &w.table.hot[n]
	if r.Attrs == 0 {
		return nil
	}
	t, a := &w.talks[r.Attrs], &w.merged
	a.Reset()
	if t.count > 0 {
		a.Uint(app.Transactions, t.count)
	}
	if t.timed > 0 {
		a.Uint(app.TransactionLatencyMin, t.min)
		a.Uint(app.TransactionLatencyAvg, t.sum/t.timed)
		a.Uint(app.TransactionLatencyMax, t.max)
	}
	w.addAll(a, w.measured(t, more))
	if t.attrs != 0 {
		w.addAll(a, w.arena.bytes(t.attrs)[:t.size])
	}
	return a.All()
}

// measures returns the dissector of a talk that has something to report, nil if there is none.
func (w *Worker) measures(t *talk) *app.Dissector {
	if t.decided == 0 || t.state == 0 || w.dissectors[t.decided-1].Report == nil {
		return nil
	}
	return w.dissectors[t.decided-1]
}

// measured returns what the dissector of a talk has measured since it was asked last; more says that the flow
// goes on. A dissector that sees no more of it is asked once more only.
func (w *Worker) measured(t *talk, more bool) []byte {
	d, a := w.measures(t), &w.msg.Attrs
	if d == nil {
		return nil
	}
	a.Reset()
	d.Report(w.arena.bytes(t.state)[:d.State], a, more && t.pending != 0)
	w.counts[AttrsDropped] += a.Dropped
	a.Dropped = 0
	if t.pending == 0 {
		w.arena.give(t.state)
		t.state = 0
	}
	return a.All()
}

// bequeath leaves to the flow in hand what the dissector has measured that goes.
func (w *Worker) bequeath() {
	t := w.hand.t
	w.keepAttrs(w.measured(t, false))
	w.arena.give(t.state)
	t.state = 0
}

// keepAttrs adds attributes to those of the flow in hand.
func (w *Worker) keepAttrs(more []byte) {
	t := w.hand.t
	t.attrs, t.size = w.merge(t.attrs, t.size, more)
}

// maxAttrs is how many octets of attributes are kept: as many as flow.Attrs holds, less
// those that are added to every event.
const maxAttrs = maxAttributes - 256

// maxAttributes is how many octets of attributes go with a record at most.
const maxAttributes = 2048

// merge adds to the n octets of attributes in b those of more that are not among them, and
// returns where they are now.
func (w *Worker) merge(b block, n uint16, more []byte) (block, uint16) {
	for len(more) >= 4 {
		size := min(4+int(ne.Uint16(more[2:])), len(more))
		one := more[:size]
		more = more[size:]
		if b != 0 && contains(w.arena.bytes(b)[:n], ne.Uint16(one)) {
			continue
		}
		need := int(n) + size
		if need > maxAttrs {
			w.counts[AttrsDropped]++
			continue
		}
		if b == 0 || need > len(w.arena.bytes(b)) {
			larger := w.arena.take(need)
			if larger == 0 {
				w.counts[AttrsNoRoom]++
				continue
			}
			if b != 0 {
				copy(w.arena.bytes(larger), w.arena.bytes(b)[:n])
				w.arena.give(b)
			}
			b = larger
		}
		n += uint16(copy(w.arena.bytes(b)[n:], one))
	}
	return b, n
}

// contains reports whether an attribute with that number is among some.
func contains(attrs []byte, number uint16) bool {
	for len(attrs) >= 4 {
		if ne.Uint16(attrs) == number {
			return true
		}
		attrs = attrs[min(4+int(ne.Uint16(attrs[2:])), len(attrs)):]
	}
	return false
}

// addAll adds attributes one by one, as far as a record may have them.
func (w *Worker) addAll(a *flow.Attrs, more []byte) {
	for len(more) >= 4 {
		size := min(4+int(ne.Uint16(more[2:])), len(more))
		if len(a.All())+size <= maxAttributes {
			a.Add(more[:size])
		} else {
			w.counts[AttrsDropped]++
		}
		more = more[size:]
	}
}
