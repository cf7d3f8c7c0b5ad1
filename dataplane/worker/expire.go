package worker

import (
	"runtime"
	"time"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dataplane/ring"
)

// How a flow ends depends on the times of its own packets and on nothing else. When one
// comes at or after the deadline of its flow, the flow is cut before the packet is counted.
// The sweep only decides when a flow without further packets is handed over, so that one
// worker and many make the same records. It looks at a flow no sooner than a quarter of
// Config.Lateness after its deadline, so that packets may come out of order by as much, and
// no later than three quarters; the rest is for a busy worker.

const (
	scans   = 1 << 13 // records a Step looks at
	handed  = 2 * 64  // records it hands over: more than a burst of frames opens
	compare = 8       // candidates for eviction
	second  = 1e9
	yields  = 64               // tries to find room in the ring before the worker sleeps
	nap     = time.Millisecond // between further ones
)

// sweep is the way through the table in search of flows that ended. A pass begins with
// every tick, takes half of it, and looks for what ended a tick ago.
type sweep struct {
	tick  uint64 // nanoseconds
	seen  uint64 // number of the tick in which the pass began
	begun uint64 // time at which it did
	next  uint32 // record to look at
	end   uint32 // where the pass ends
	anew  bool   // when records are to be looked at is not known: the timeouts are others
	sure  bool   // the pass in hand finds that out
}

// deadline returns when the flow of record n ends if no packet comes, and why. A closed
// connection only lingers. A flow without packets since it was cut can only be idle.
func (w *Worker) deadline(n uint32) (uint64, flow.EndReason) {
	r := &w.table.hot[n]
	switch {
	case r.State&ended != 0:
		return w.table.due[n], flow.EndDetected
	case r.State&empty != 0:
		return r.Last + uint64(w.idle), flow.EndIdle
	}
	active, idle := r.First+uint64(w.active), r.Last+uint64(w.idle)
	if int64(active-idle) < 0 {
		return active, flow.EndActive
	}
	return idle, flow.EndIdle
}

// renew cuts the flow of the i-th packet if its time is over or if the packet opens the
// next connection on the same ports.
func (w *Worker) renew(i int) {
	p, n := &w.packets[i], w.flows[i]
	r := &w.table.hot[n]
	at, why := w.deadline(n)
	if r.State&asked != 0 {
		w.overdue(n, min(p.Time, at))
	}
	again := r.State&ended != 0 && w.begins(i)
	if int64(p.Time-at) < 0 && !again {
		if r.State&empty != 0 {
			r.State &^= empty
			r.First = p.Time
		}
		return
	}
	w.show(i)
	w.export(n, why)
	if why == flow.EndActive {
		w.empty(n)
		if r.State&asked != 0 {
			w.overdue(n, min(p.Time, r.Last+uint64(w.idle)))
		}
		if int64(p.Time-r.Last) < w.idle {
			r.State &^= empty
			r.First = p.Time
			return
		}
		w.counts[Emptied]++
		w.conclude(n)
	}
	w.reopen(i)
}

// empty begins a new record of a flow that goes on. Its direction, the state of its
// connection, what was found out about it, and its network latencies stay; what is
// counted, the extremes, and what is said of the first packet start again.
func (w *Worker) empty(n uint32) {
	r := &w.table.hot[n]
	*r = flow.Hot{
		Key: r.Key, First: r.First, Last: r.Last, Ignored: r.Ignored,
		Application: r.Application, Confidence: r.Confidence, Pending: r.Pending, Attrs: r.Attrs,
		State: r.State | empty, FIN: r.FIN, Start: r.Start, Begun: r.Begun,
	}
	if w.table.cold != nil {
		c := &w.table.cold[n]
		*c = flow.Cold{TCP: c.TCP, Latency: c.Latency}
		if r.Proto == protoSCTP {
			cutAssociation(c)
		} else {
			cutTCP(&c.TCP, &c.Latency)
		}
	}
	if r.Attrs != 0 {
		w.talks[r.Attrs].tally = tally{}
	}
	w.expect(n, r.Last+uint64(w.idle))
}

// expire hands over flows that ended, makes room in the table, and reports.
func (w *Worker) expire() {
	w.look()
	for w.table.active() > w.conf.Flows {
		w.evict()
	}
	if w.now-w.reported >= second {
		w.report()
	}
}

// look goes on with the pass, as far as its share of the tick is over, and begins the next
// when its time has come. Offline it does all at once, so that nothing but the frames
// decides what a flow is.
func (w *Worker) look() {
	s := &w.sweep
	tick := w.now / s.tick
	if tick < s.seen || s.next >= s.end && tick > s.seen {
		s.next, s.end = 0, w.table.top
		if tick < s.seen { // time went backwards
			s.end = 0
		}
		s.seen, s.begun = tick, w.now
		s.sure, s.anew = s.anew, false
	}
	if s.next >= s.end {
		return
	}
	limit, to := (max(s.seen, 1)-1)*s.tick, uint64(s.end)
	left := handed
	if w.conf.Wait {
		left = len(w.table.hot)
	} else {
		if gone := 2 * (w.now - s.begun); gone < s.tick {
			to = to*gone/s.tick + 1
		}
		to = min(to, uint64(s.next)+scans)
	}
	due := w.table.due[:to]
	for ; uint64(s.next) < to && left > 0; s.next++ {
		if due[s.next] <= limit || s.sure && due[s.next] != never {
			w.settle(s.next, limit)
			left--
		}
	}
}

// settle hands record n over if the deadline of its flow is not after limit.
func (w *Worker) settle(n uint32, limit uint64) {
	for {
		at, why := w.deadline(n)
		if w.table.hot[n].State&asked != 0 {
			w.overdue(n, min(at, limit))
		}
		if int64(at-limit) > 0 {
			w.expect(n, at)
			return
		}
		w.export(n, why)
		if why != flow.EndActive {
			w.drop(n)
			return
		}
		w.empty(n)
	}
}

// evict hands over the flow of a few that had no packet for the longest time.
func (w *Worker) evict() {
	t, oldest := &w.table, nobody
	for i := 0; i < compare || oldest == nobody; i++ {
		if w.victim++; w.victim >= t.top {
			w.victim = 0
		}
		n := w.victim
		if t.due[n] != never && (oldest == nobody || t.hot[n].Last < t.hot[oldest].Last) {
			oldest = n
		}
	}
	at, why := w.deadline(oldest)
	if why == flow.EndActive || int64(at-w.now) > 0 {
		why = flow.EndResource
	}
	w.export(oldest, why)
	w.drop(oldest)
}

// export sends a copy of record n to the control plane.
func (w *Worker) export(n uint32, why flow.EndReason) {
	r := &w.table.hot[n]
	if r.Attrs != 0 && why != flow.EndActive {
		w.conclude(n)
	}
	if r.State&empty != 0 {
		w.counts[Emptied]++
		return
	}
	r.End = why
	w.counts[EndedIdle+Counter(why-flow.EndIdle)]++
	if w.message(ring.Flow, n, w.found(n, why == flow.EndActive)) == nil {
		w.counts[RingFull]++
		return
	}
	w.counts[Exported]++
}

// drop takes record n, which was handed over, out of the table.
func (w *Worker) drop(n uint32) {
	if w.table.hot[n].Attrs != 0 {
		w.forget(n)
	}
	w.table.remove(n)
}

// reserve returns room in the ring or nil. It waits for it as long as it takes if nothing
// may be lost, a second without progress if this is the last chance, and not at all while
// metering live.
func (w *Worker) reserve(k ring.Kind, size int) []byte {
	b := w.out.Reserve(k, size)
	if b != nil || !w.conf.Wait && w.patience == 0 {
		return b
	}
	w.counts[RingWaits]++
	w.out.Commit()
	for tries := 0; b == nil && (w.conf.Wait || tries < w.patience); tries++ {
		if tries < yields {
			runtime.Gosched()
		} else {
			time.Sleep(nap)
		}
		b = w.out.Reserve(k, size)
	}
	if b == nil {
		w.patience = 0 // nobody is there
	}
	return b
}

// Flush hands over everything: flows whose deadline has passed with their own reason, the
// others as ended by force. It waits for the consumer unless that makes no progress for a
// second, and sends a last report. now is as for Step.
func (w *Worker) Flush(now uint64) {
	w.patience = yields + int(time.Second/nap)
	w.n, w.shown, w.slotted, w.touched = 0, 0, 0, 0
	w.clock(now, nil)
	for w.fragments.n > 0 {
		w.packets[w.n] = *w.fragments.take(0)
		w.counts[FragmentsLate]++
		w.admit()
	}
	w.lookup()
	w.account()
	w.inspect()
	for n := range w.table.top {
		if w.table.due[n] == never {
			continue
		}
		w.settle(n, w.now)
		if w.table.due[n] != never {
			w.export(n, flow.EndForced)
			w.drop(n)
		}
	}
	w.out.Commit()
	w.report()
	w.out.Commit()
}
