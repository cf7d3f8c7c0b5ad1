// Package egress takes flows and events out of the workers' rings and hands them to the
// exporters.
package egress

import (
	"encoding/binary"
	"sync/atomic"
	"time"

	"github.com/weir-probe/weir/ctrlplane/kept"
	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dataplane/ring"
	"github.com/weir-probe/weir/dataplane/worker"
	"github.com/weir-probe/weir/dissect/app"
	"github.com/weir-probe/weir/export/sink"
)

// Stage adds what it knows of a flow. It does not block and keeps nothing it is lent.
type Stage interface {
	Enrich(v *flow.View, a *flow.Attrs)
}

// Correlator makes records of its own of those that pass, as a call of its signalling and its media.
// It does not block and keeps nothing it is lent. One goroutine uses it.
type Correlator interface {
	// Take is shown a record, after the stages and before the exporters, and may add to it.
	Take(kind Kind, v *flow.View, a *flow.Attrs)
	// Tick tells the time of the packets, in nanoseconds since the Unix epoch, and hands over
	// what is complete; emit gives a record to the exporters and borrows it.
	Tick(now uint64, emit func(kind Kind, v *flow.View))
	// Flush hands over everything, complete or not, before the end.
	Flush(emit func(kind Kind, v *flow.View))
}

// Watcher looks at the records that are delivered. It does not block and keeps nothing it is lent. One
// goroutine calls it.
type Watcher interface {
	Show(kind Kind, v *flow.View)
	// Tick is called between batches of records.
	Tick()
}

// Source is a worker's ring and what is the same for all of its flows.
type Source struct {
	Name  string // of the worker
	Ring  *ring.Ring
	Facts []byte // attributes, as flow.Attrs.All returns them
	Seed  uint64 // tells the records of this ring from those of others, also of earlier runs
	// Collects says that it is a collector's ring: nobody reports of it as workers do.
	Collects bool
}

// Egress is the consumer of all rings. One goroutine uses it.
type Egress struct {
	sources []Source
	stages  []Stage
	outputs []*Output
	calls   chan func()   // what others want done between two records
	ended   chan struct{} // closed by Flush

	// Offline takes the time from the flows, as for captures, instead of from the clock.
	Offline bool
	// Malformed keeps the packets that dissectors found fault with; nil is nobody.
	Malformed *kept.Keeper
	// Tracked takes the frames of users that are tracked, as messages of kind ring.Tracked, and reports whether
	// they are that; nil is nobody.
	Tracked func(message []byte) bool
	// Commands run when files are complete; nil is none. They are only accounted for.
	Commands *sink.Commands
	// Dissectors are those of the workers (worker.Config.Dissectors), for the account.
	Dissectors []*app.Dissector
	// Correlators make records of others; each sees what those before it have added.
	Correlators []Correlator
	// Tellers count something that the account shall have.
	Tellers []Teller
	// Watchers look at what exporters get, whether one wants it or not.
	Watchers []Watcher
	// Judge decides about the records; nil lets all pass. Change it by Replace once the egress runs.
	Judge Judge
	// Seed is that of the records that correlators make.
	Seed uint64
	// Ledger has the counters of the exporters.
	Ledger *Ledger
	// Every is how often records of statistics are made; 0 is only at the end.
	Every time.Duration

	// Hold is how long records wait for what may still be learned of them; 0 is not at all.
	Hold Hold

	made    uint64 // records of correlators
	at      uint64 // position of the record in hand in its ring
	waiting waiting
	latest  uint64 // end of the last flow, nanoseconds since the Unix epoch
	view    flow.View
	attrs   flow.Attrs
	reports []worker.Report // the last of each worker
	Corrupt uint64          // messages that could not be read
	begun   bool            // the exporters know the time
	flows   atomic.Uint64
	events  atomic.Uint64

	looked    uint64 // when it was last looked who is away
	due       uint64 // when statistics are to be made
	own       flow.Attrs
	judged    flow.Attrs // of records that correlators make
	published atomic.Pointer[Summary]
}

// batch is how many messages are taken from a ring before the next ring's turn.
const batch = 256

// New returns an egress from the rings to the exporters, through the stages in order.
func New(sources []Source, stages []Stage, outputs []*Output) *Egress {
	return &Egress{
		sources: sources, stages: stages, outputs: outputs, Ledger: new(Ledger),
		reports: make([]worker.Report, len(sources)),
		calls:   make(chan func()), ended: make(chan struct{}),
	}
}

// Replace has the egress use what change makes of its outputs, between two records: none is given
// to both, and none to neither. It returns false if the egress has ended before. Any
// goroutine but that of the egress may call it.
func (e *Egress) Replace(change func(outputs []*Output) []*Output) bool {
	done := make(chan struct{})
	select {
	case e.calls <- func() { e.outputs = change(e.outputs); close(done) }:
		<-done
		return true
	case <-e.ended:
		return false
	}
}

// Flows returns how many flows were read. Any goroutine may ask.
func (e *Egress) Flows() uint64 { return e.flows.Load() }

// Events returns how many events were read. Any goroutine may ask.
func (e *Egress) Events() uint64 { return e.events.Load() }

// Run reads until every ring is closed and empty.
func (e *Egress) Run() {
	for !e.Drained() {
		if e.Step() == 0 {
			time.Sleep(Idle)
		}
	}
	e.Flush()
}

// Flush hands over what correlators are still working on, and the last statistics. Nothing may be
// taken after it.
func (e *Egress) Flush() {
	e.release(never)
	for _, c := range e.Correlators {
		c.Flush(e.emit)
	}
	e.statistics(e.now())
	e.publish()
	close(e.ended)
}

// Idle is how long to wait when a Step found nothing.
const Idle = time.Millisecond

// Step takes a batch from every ring, tells the exporters the time, and returns how many
// messages there were.
func (e *Egress) Step() int {
	n := e.poll()
	e.oblige()
	e.tick()
	return n
}

// oblige does what others want done between two records.
func (e *Egress) oblige() {
	select {
	case f := <-e.calls:
		f()
	default:
	}
}

// now returns the time of the packets, in nanoseconds since the Unix epoch.
func (e *Egress) now() uint64 {
	if e.Offline {
		return e.latest
	}
	return uint64(time.Now().UnixNano())
}

// tick tells correlators and exporters the time, and does what is due.
func (e *Egress) tick() {
	now := e.now()
	if !e.Offline && now >= e.looked+uint64(time.Second) {
		e.looked = now
		for _, o := range e.outputs {
			o.look()
		}
		if e.stated() {
			e.reported(now, true)
		}
		e.publish()
	}
	switch next := now + uint64(e.Every); {
	case e.Every == 0:
	case e.due == 0 || e.due > next: // it begins, or they are to be made more often
		e.due = next
	case now >= e.due:
		e.statistics(now)
		e.due = next
	}
	e.release(e.reached())
	if len(e.Correlators) > 0 {
		reached := e.reached()
		for _, c := range e.Correlators {
			c.Tick(reached, e.emit)
		}
	}
	for _, w := range e.Watchers {
		w.Tick()
	}
	for _, o := range e.outputs {
		for i := range o.places {
			o.places[i].Tick(now)
		}
	}
}

// reached returns the time that everything has been seen of, in nanoseconds since the Unix epoch. Of
// captures it is that of the worker that is behind the others, as what one hands over may belong to
// what another does.
func (e *Egress) reached() uint64 {
	if !e.Offline {
		return e.now()
	}
	least := e.latest
	for i := range e.sources {
		if r := e.sources[i].Ring; !r.Closed() || r.Used() > 0 {
			least = min(least, e.reports[i].Time)
		}
	}
	return least
}

func (e *Egress) poll() (n int) {
	for i := range e.sources {
		r := e.sources[i].Ring
		for range batch {
			kind, msg := r.Next()
			if kind == ring.None {
				break
			}
			e.take(i, kind, msg)
			r.Release() // by message: a killed control plane repeats at most one
			e.oblige()  // by message: an exporter that blocks can be replaced as soon as it gives way
			n++
		}
	}
	return n
}

func (e *Egress) take(i int, kind ring.Kind, msg []byte) {
	ok := true
	e.at = e.sources[i].Ring.Position()
	switch kind {
	case ring.Stats:
		ok = e.reports[i].Load(msg)
	case ring.Flow:
		if ok = e.view.Load(msg); ok {
			e.flows.Add(1)
			e.receive(i, Flows, msg)
		}
	case ring.Event:
		if ok = e.view.Load(msg); ok {
			if kind, ok := e.kind(); ok {
				e.events.Add(1)
				e.receive(i, kind, msg)
				return
			}
			ok = false
		}
	case ring.Counters:
		if ok = e.view.Load(msg); ok {
			e.export(i, Devices)
		}
	case ring.Malformed:
		ok = e.Malformed == nil || e.Malformed.Take(msg)
	case ring.Tracked:
		ok = e.Tracked == nil || e.Tracked(msg)
	}
	if !ok {
		e.Corrupt++
	}
}

// kind returns whose event the record is, if it is of somebody that this build knows.
func (e *Egress) kind() (Kind, bool) {
	v, _ := e.view.Value(app.TransactionProtocol)
	for i, d := range app.All {
		if d.Name == string(v.B) {
			return EventsOf(i), true
		}
	}
	return 0, false
}

// export hands the record to the exporters that want its kind.
func (e *Egress) export(i int, kind Kind) {
	e.latest = max(e.latest, e.view.Last)
	if !e.begun && e.Offline {
		e.tick() // before the first message begins
	}
	e.begun = true
	e.attrs.Load(e.view.Attrs)
	e.attrs.Add(e.sources[i].Facts)
	for _, s := range e.stages {
		s.Enrich(&e.view, &e.attrs)
	}
	e.view.Attrs = e.attrs.All()
	if len(e.Correlators) > 0 {
		for _, c := range e.Correlators {
			c.Take(kind, &e.view, &e.attrs)
		}
		e.view.Attrs = e.attrs.All()
	}
	e.view.Kind, e.view.ID = kind.Of(), identifier(e.sources[i].Seed, e.at)
	e.deliver(kind, &e.view, e.judge(kind, &e.view, &e.attrs))
}

// emit takes a record of a correlator.
func (e *Egress) emit(kind Kind, v *flow.View) {
	e.made++
	v.Kind, v.ID = kind.Of(), identifier(e.Seed, e.made)
	if e.Judge == nil {
		e.deliver(kind, v, Verdict{})
		return
	}
	x := *v
	e.judged.Load(v.Attrs)
	x.Attrs = e.judged.All()
	verdict := e.judge(kind, &x, &e.judged)
	e.deliver(kind, &x, verdict)
}

func (e *Egress) deliver(kind Kind, v *flow.View, verdict Verdict) {
	if !verdict.Drop {
		for _, w := range e.Watchers {
			w.Show(kind, v)
		}
	}
	for _, o := range e.outputs {
		switch {
		case !o.Records.Has(kind):
		case verdict.lets(o):
			o.append(v)
		default:
			o.veto()
		}
	}
}

// identifier makes an identifier of a seed and of a number that is unique under it.
func identifier(seed, n uint64) (id flow.ID) {
	binary.BigEndian.PutUint64(id[:], seed)
	binary.BigEndian.PutUint64(id[8:], n)
	return id
}

// Drained reports whether every ring is closed and empty.
func (e *Egress) Drained() bool {
	for _, s := range e.sources {
		if !s.Ring.Closed() || s.Ring.Used() > 0 {
			return false
		}
	}
	return true
}
