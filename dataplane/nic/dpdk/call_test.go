//go:build cgo && !nodpdk

package dpdk

import (
	"runtime"
	"testing"
)

// TestOneCallPerBurst counts the calls into C. The EAL's own thread makes a few a second.
func TestOneCallPerBurst(t *testing.T) {
	q := open(t, PortConfig{Device: "net_null_calls,size=64"}).Queues()[0]
	const bursts, others = 10_000, 100
	frames, before := 0, runtime.NumCgoCall()
	for range bursts {
		frames += len(q.Burst())
	}
	if calls := runtime.NumCgoCall() - before; calls < bursts || calls > bursts+others {
		t.Errorf("%d calls into C for %d bursts", calls, bursts)
	}
	if frames < bursts {
		t.Errorf("%d frames in %d bursts of a port that always has some", frames, bursts)
	}
}
