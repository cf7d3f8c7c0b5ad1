package collect

import (
	"github.com/weir-probe/weir/dataplane/flow"
)

// option takes over what the options record in hand says of its exporter.
func (w *Worker) option(s *session) {
	a := &w.a
	if a.Has&flow.NoteInit != 0 {
		s.mu.Lock()
		s.boot, s.known = a.Init, true
		s.mu.Unlock()
	}
	s.announced(a)
	if w.c.o.Learn != "" && len(a.Foreign) > 0 {
		w.describes()
	}
}
