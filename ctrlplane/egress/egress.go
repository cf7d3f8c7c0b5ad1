// Package egress takes flows out of the workers' rings and hands them to the exporters.
package egress

import (
	"sync/atomic"
	"time"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dataplane/ring"
	"github.com/weir-probe/weir/dataplane/worker"
	"github.com/weir-probe/weir/export"
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
	sources   []Source
	stages    []Stage
	exporters []*export.Exporter

	// Offline takes the time from the flows, as for captures, instead of from the clock.
	Offline bool

	latest  uint64 // end of the last flow, nanoseconds since the Unix epoch
	view    flow.View
	attrs   flow.Attrs
	reports []worker.Report // the last of each worker
	Corrupt uint64          // messages that could not be read
	flows   atomic.Uint64
}

// batch is how many messages are taken from a ring before the next ring's turn.
const batch = 256

// New returns an egress from the rings to the exporters, through the stages in order.
func New(sources []Source, stages []Stage, exporters []*export.Exporter) *Egress {
	return &Egress{
		sources: sources, stages: stages, exporters: exporters,
		reports: make([]worker.Report, len(sources)),
	}
}

// Reports returns the last report of each worker, in the order of the sources.
func (e *Egress) Reports() []worker.Report { return e.reports }

// Flows returns how many flows were read. Any goroutine may ask.
func (e *Egress) Flows() uint64 { return e.flows.Load() }

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
	for _, x := range e.exporters {
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
	switch kind {
	case ring.Stats:
		if !e.reports[i].Load(msg) {
			e.Corrupt++
		}
	case ring.Flow:
		if !e.view.Load(msg) {
			e.Corrupt++
			return
		}
		first := e.flows.Add(1) == 1
		e.latest = max(e.latest, e.view.Last)
		if first && e.Offline {
			e.tick() // before the first message begins
		}
		e.export(i)
	}
}

func (e *Egress) export(i int) {
	e.attrs.Load(e.view.Attrs)
	e.attrs.Add(e.sources[i].Facts)
	for _, s := range e.stages {
		s.Enrich(&e.view, &e.attrs)
	}
	e.view.Attrs = e.attrs.All()
	for _, x := range e.exporters {
		x.Append(&e.view)
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
