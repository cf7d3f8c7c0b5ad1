// Package egress takes flows and events out of the workers' rings and hands them to the
// exporters.
package egress

import (
	"sync/atomic"
	"time"

	"github.com/weir-probe/weir/ctrlplane/malformed"
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

// Source is a worker's ring and what is the same for all of its flows.
type Source struct {
	Ring  *ring.Ring
	Facts []byte // attributes, as flow.Attrs.All returns them
}

// Egress is the consumer of all rings. One goroutine uses it.
type Egress struct {
	sources []Source
	stages  []Stage
	outputs []Output

	// Offline takes the time from the flows, as for captures, instead of from the clock.
	Offline bool
	// Malformed keeps the packets that dissectors found fault with; nil is nobody.
	Malformed *malformed.Keeper
	// Commands run when files are complete; nil is none. They are only accounted for.
	Commands *sink.Commands
	// Dissectors are those of the workers (worker.Config.Dissectors), for the account.
	Dissectors []*app.Dissector

	latest  uint64 // end of the last flow, nanoseconds since the Unix epoch
	view    flow.View
	attrs   flow.Attrs
	reports []worker.Report // the last of each worker
	Corrupt uint64          // messages that could not be read
	begun   bool            // the exporters know the time
	flows   atomic.Uint64
	events  atomic.Uint64
}

// batch is how many messages are taken from a ring before the next ring's turn.
const batch = 256

// New returns an egress from the rings to the exporters, through the stages in order.
func New(sources []Source, stages []Stage, outputs []Output) *Egress {
	return &Egress{
		sources: sources, stages: stages, outputs: outputs,
		reports: make([]worker.Report, len(sources)),
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
}

// Idle is how long to wait when a Step found nothing.
const Idle = time.Millisecond

// Step takes a batch from every ring, tells the exporters the time, and returns how many
// messages there were.
func (e *Egress) Step() int {
	n := e.poll()
	e.tick()
	return n
}

// tick tells the exporters the time.
func (e *Egress) tick() {
	now := e.latest
	if !e.Offline {
		now = uint64(time.Now().UnixNano())
	}
	for _, x := range e.outputs {
		x.Tick(now)
	}
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
			n++
		}
	}
	return n
}

func (e *Egress) take(i int, kind ring.Kind, msg []byte) {
	ok := true
	switch kind {
	case ring.Stats:
		ok = e.reports[i].Load(msg)
	case ring.Flow:
		if ok = e.view.Load(msg); ok {
			e.flows.Add(1)
			e.export(i, Flows)
		}
	case ring.Event:
		if ok = e.view.Load(msg); ok {
			if kind := e.kind(); kind != 0 {
				e.events.Add(1)
				e.export(i, kind)
				return
			}
			ok = false
		}
	case ring.Malformed:
		ok = e.Malformed == nil || e.Malformed.Take(msg)
	}
	if !ok {
		e.Corrupt++
	}
}

// kind returns whose event the record is; 0 is nobody's that this build knows.
func (e *Egress) kind() Records {
	v, _ := e.view.Value(app.TransactionProtocol)
	for i, d := range app.All {
		if d.Name == string(v.B) {
			return EventsOf(i)
		}
	}
	return 0
}

// export hands the record to the exporters that want its kind.
func (e *Egress) export(i int, kind Records) {
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
	for _, x := range e.outputs {
		if x.Records&kind != 0 {
			x.Append(&e.view)
		}
	}
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
