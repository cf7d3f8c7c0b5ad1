package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/weir-probe/weir/ctrlplane/egress"
)

// progress is a line that is written again and again, for runs that take a while.
type progress struct {
	stop, done chan struct{}
}

// watch tells every second how far a replay is. Nothing is said of short ones, nor where
// nobody looks at a terminal.
func (r *replay) watch(w io.Writer, in *replayInput, e *egress.Egress) *progress {
	p := &progress{make(chan struct{}), make(chan struct{})}
	go func() {
		defer close(p.done)
		if f, ok := w.(*os.File); r.quiet || !ok || !isTerminal(f) {
			return
		}
		start, drawn := time.Now(), false
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-p.stop:
				if drawn {
					fmt.Fprint(w, "\r\x1b[K")
				}
				return
			case <-tick.C:
				fmt.Fprintf(w, "\r\x1b[K%s", progressLine(in, e, time.Since(start)))
				drawn = true
			}
		}
	}()
	return p
}

// end erases the line.
func (p *progress) end() {
	close(p.stop)
	<-p.done
}

func progressLine(in *replayInput, e *egress.Egress, took time.Duration) string {
	line := fmt.Sprintf("%s: %d flows so far", took.Round(time.Second), e.Flows())
	done, total := in.progress()
	if done > 0 {
		rate := float64(done) / took.Seconds()
		line += fmt.Sprintf(", %.1f MB at %.1f MB/s", float64(done)/1e6, rate/1e6)
		if total > done && rate > 0 {
			left := time.Duration(float64(total-done) / rate * float64(time.Second))
			line += fmt.Sprintf(", %d%%, %s left", 100*done/total, left.Round(time.Second))
		}
	}
	return line
}

func isTerminal(f *os.File) bool {
	s, err := f.Stat()
	return err == nil && s.Mode()&os.ModeCharDevice != 0
}
