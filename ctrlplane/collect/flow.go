package collect

import (
	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dataplane/ring"
	"github.com/weir-probe/weir/dissect/netflow"
)

// flow completes the record in hand and hands it over.
func (w *Worker) flow(m *netflow.Message, s *session) {
	a := &w.a
	if a.Has != 0 {
		w.times(s)
	}
	if a.Section != nil {
		w.section()
	}
	if a.Lists[0].ID != 0 {
		w.lists(s, 0)
	}
	rate, origin := s.sampled(a, m.Sampled())
	scale(a, rate, origin)
	w.emit(s, rate)
}

// times makes sure that the record has times, and takes over what it says of the exporter's clock.
func (w *Worker) times(s *session) {
	a := &w.a
	if a.Has&flow.NoteInit != 0 {
		s.mu.Lock()
		s.boot, s.known = a.Init, true
		s.mu.Unlock()
		a.Boot = a.Init
	}
	if a.Has&flow.NoteUptimes != 0 {
		w.estimate(s)
	}
}

// estimate finds out when an exporter began that says times of its uptime and not what they count
// from: as no flow ends after it was exported, it began before each export by more than the uptime
// at the end of each flow. The least bound seen is the best.
func (w *Worker) estimate(s *session) {
	const unlikely = 2 * 3600 * 1e9 // a flow that ended so long before its export: it began anew
	a := &w.a
	boot := a.Boot
	if boot == 0 {
		w.counts.add(TimesEstimated, 1)
		bound := a.Export - min(a.Export, uint64(max(a.Last21, a.First22))*1e6)
		s.mu.Lock()
		if s.boot == 0 || bound < s.boot || bound > s.boot+unlikely {
			s.boot = bound
		}
		boot = s.boot
		s.mu.Unlock()
	}
	if a.First == 0 {
		a.First = boot + uint64(a.First22)*1e6
	}
	if a.Last == 0 {
		a.Last = boot + uint64(a.Last21)*1e6
	}
}

// emit hands the record over, which was sampled at a rate; 0 is unknown.
func (w *Worker) emit(s *session, rate uint64) {
	a := &w.a
	w.settle()
	w.sign(s)
	if a.Lost > 0 {
		w.counts.add(ElementsLost, uint64(a.Lost))
	}
	a.Carry()
	w.counts.add(Records, 1)
	s.stats.records.Add(1)
	if w.c.duplicate(a, s, w.now) {
		w.counts.add(Duplicates, 1)
		return
	}
	if w.combines() {
		w.combine(s, rate)
		return
	}
	b := w.reserve(ring.Flow, a.Size())
	if b == nil {
		w.counts.add(RingFull, 1)
		return
	}
	a.Put(b)
}

// settle gives a record the times it needs to be handed on, which it does not say if its exporter
// did not: when it was observed, or else sent.
func (w *Worker) settle() {
	a := &w.a
	if a.Has&flow.NoteObserved != 0 {
		a.Last = max(a.Last, a.Observed)
	}
	switch {
	case a.First == 0 && a.Last == 0:
		a.First, a.Last = a.Export, a.Export
	case a.First == 0:
		a.First = a.Last
	case a.Last == 0:
		a.Last = a.First
	}
	if w.c.o.Reforge && a.Export > 0 {
		a.First, a.Last = a.First+w.now-a.Export, a.Last+w.now-a.Export
	}
}

// sign says who sent the record and when. It comes last, so that what a record says itself, as one that
// was collected before, goes before it.
func (w *Worker) sign(s *session) {
	w.a.Attrs.Add(s.facts)
	w.a.Attrs.Uint(flow.ExportTime, w.a.Export)
	w.a.Attrs.Uint(flow.CollectedAt, w.now)
}

// reserve returns room in the ring, nil if there is none.
func (w *Worker) reserve(kind ring.Kind, n int) []byte {
	for {
		if b := w.out.Reserve(kind, n); b != nil || w.wait == nil {
			return b
		}
		w.out.Commit()
		w.wait()
	}
}
