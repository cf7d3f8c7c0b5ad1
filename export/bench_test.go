package export_test

import (
	"context"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/weir-probe/weir/export"
	"github.com/weir-probe/weir/export/exporttest"
)

// BenchmarkAppend is a flow on its way through an exporter into a sink that takes everything, without a spool,
// with one that is idle, and with one that everything goes through.
func BenchmarkAppend(b *testing.B) {
	for _, c := range []string{"none", "idle", "used"} {
		b.Run("spool="+c, func(b *testing.B) {
			o := export.Options{Block: true}
			if c != "none" {
				o = spooled(b, b.TempDir(), o)
			}
			s := newScripted(takes)
			o.Paused = c == "used"
			e := export.New("test", quiet{}, &nowhere{s}, o)
			v := exporttest.Flow(0)
			n, before := 0, processor(b)
			for b.Loop() {
				e.Append(v)
				if n++; n%20 == 0 { // flows of a message
					e.Tick(uint64(time.Now().UnixNano()) + 1e10)
				}
				for n%4000 == 0 && e.Stats().Queued > 0 { // what comes does not fill half of the queue
					runtime.Gosched()
				}
			}
			b.ReportMetric(float64(processor(b)-before)/float64(b.N), "cpu-ns/op")
			b.ReportMetric(float64(e.Counters().Spooled.Load()+e.Counters().Replayed.Load())/float64(b.N), "spooled/op")
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			if err := e.Close(ctx); err != nil {
				b.Fatal(err)
			}
		})
	}
}

// processor returns the time this process has had on processors: on a machine that does other things the time
// that passes says little.
func processor(b *testing.B) int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return u.Utime.Nano() + u.Stime.Nano()
}

// nowhere takes everything and keeps nothing.
type nowhere struct{ *scripted }

func (nowhere) Send(context.Context, []byte) error { return nil }
