package worker

import (
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dataplane/nic"
	"github.com/weir-probe/weir/dataplane/ring"
	"github.com/weir-probe/weir/dissect/app"
)

// former is how many dissectors there were before those for mail, databases, files, addresses, routes
// and all else.
const former = 14

// BenchmarkProtocols measures what the dissectors beyond the former ones cost on a mix of real traffic. Two
// workers take turns at the same frames, so that whatever else the machine does slows both.
func BenchmarkProtocols(b *testing.B) {
	for _, name := range []string{"bench/realmix_share.pcap.zst", "bench/trex_sfr_mix.pcap.zst"} {
		b.Run(filepath.Base(name), func(b *testing.B) {
			src := record(b, name, 100_000)
			few, all := reader(b, src, app.All[:former]), reader(b, src, app.All)
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			few.pass()
			all.pass()
			spent := [2]int64{}
			for b.Loop() {
				for i, r := range [2]*reading{few, all} {
					begin := cpuTime(b)
					r.pass()
					spent[i] += cpuTime(b) - begin
				}
			}
			packets := float64(b.N * len(src.frames))
			b.ReportMetric(float64(spent[0])/packets, "former-cpu-ns/packet")
			b.ReportMetric(float64(spent[1])/packets, "all-cpu-ns/packet")
			b.ReportMetric(100*(float64(spent[1])/float64(spent[0])-1), "%more")
			b.ReportMetric(float64(len(app.All)), "dissectors")
		})
	}
}

// reading is a worker that repeats frames.
type reading struct {
	w      *Worker
	out    *ring.Ring
	bursts int
}

// reader returns a worker with some dissectors for the frames of src.
func reader(b *testing.B, src *recording, dissectors []*app.Dissector) *reading {
	b.Helper()
	testSchema()
	conf := throughput(1<<17, flow.AllBlocks)
	conf.Streams, conf.StreamMemory, conf.Transactions = 1<<16, 128<<20, 1<<16
	conf.TransactionTimeout, conf.Dissectors = 10*time.Second, dissectors
	out, err := ring.Format(make([]byte, ring.Size(1<<22)))
	if err != nil {
		b.Fatal(err)
	}
	w, err := New(&recording{frames: src.frames, length: src.length}, out, conf)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { w.Close() })
	return &reading{w, out, (len(src.frames) + nic.Max - 1) / nic.Max}
}

// pass has the worker meter all frames once.
func (r *reading) pass() {
	for range r.bursts {
		r.w.Step(0)
		discard(r.out)
	}
}
