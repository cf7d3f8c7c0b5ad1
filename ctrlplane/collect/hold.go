package collect

import (
	"bytes"

	"github.com/weir-probe/weir/dissect/netflow"
)

// held are sets of data whose templates are not known yet: UDP brings them in any order, and after a
// start exporters may not say them for minutes.
type held struct {
	sets  []waiting // in the order they came
	size  int       // octets
	limit int
	wait  uint64 // nanoseconds
}

// waiting is a set that waits.
type waiting struct {
	m     netflow.Message // without its body
	s     *session
	set   netflow.Set
	until uint64
}

const overhead = 256 // octets that a set takes besides its own

// hold keeps a set until its template comes.
func (w *Worker) hold(m *netflow.Message, s *session, set netflow.Set) {
	h := &w.held
	size := len(set.Body) + overhead
	if h.wait == 0 || h.size+size > h.limit {
		w.counts.add(HeldFull, 1)
		return
	}
	kept := *m
	kept.Body = nil
	h.sets = append(h.sets, waiting{kept, s, netflow.Set{ID: set.ID, Body: bytes.Clone(set.Body)}, w.now + h.wait})
	h.size += size
	w.counts.add(Held, 1)
}

// release reads the sets that have been waiting for a template.
func (w *Worker) release(s *session, id uint16) {
	h := &w.held
	if len(h.sets) == 0 {
		return
	}
	kept := h.sets[:0]
	for _, x := range h.sets {
		t := s.template(id)
		if x.s.exporter != s.exporter || x.set.ID != id || t == nil {
			kept = append(kept, x)
			continue
		}
		h.size -= len(x.set.Body) + overhead
		w.data(data{&x.m, x.s, t, x.s.clock(&x.m)}, x.set.Body)
		w.counts.add(HeldRead, 1)
	}
	clear(h.sets[len(kept):])
	h.sets = kept
}

// expire gives up sets that have been waiting for too long, and hands over records that have.
func (w *Worker) expire(now uint64) {
	w.due(now)
	h := &w.held
	n := 0
	for n < len(h.sets) && h.sets[n].until <= now {
		h.size -= len(h.sets[n].set.Body) + overhead
		n++
	}
	if n > 0 {
		w.counts.add(HeldLost, uint64(n))
		kept := copy(h.sets, h.sets[n:])
		clear(h.sets[kept:])
		h.sets = h.sets[:kept]
	}
}
