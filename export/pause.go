package export

import "sync"

// gate is open or shut.
type gate struct {
	mu   sync.Mutex
	shut bool
	turn chan struct{} // closed when the gate turns
}

func (g *gate) set(shut bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.turn != nil {
		close(g.turn)
	}
	g.shut, g.turn = shut, make(chan struct{})
}

// state returns whether the gate is shut, and a channel that is closed when that may have changed.
func (g *gate) state() (shut bool, turned <-chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.shut, g.turn
}

// Pause has the exporter send nothing until Resume. An attempt that has begun is not broken off. What
// comes waits in the spool, or in the queue if there is none; what finds no room is counted as paused.
func (e *Exporter) Pause() {
	e.gate.set(true)
	notify(e.changed)
}

// Resume has the exporter send again.
func (e *Exporter) Resume() {
	e.gate.set(false)
	notify(e.changed)
}

func (e *Exporter) paused() bool {
	shut, _ := e.gate.state()
	return shut
}

// notify wakes who waits at c, now or the next time.
func notify(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
