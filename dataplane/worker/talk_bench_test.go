package worker

import (
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dataplane/nic"
	"github.com/weir-probe/weir/dataplane/nic/capture"
	"github.com/weir-probe/weir/dataplane/ring"
)

// recording is a source that repeats frames of a capture for ever, each time later.
type recording struct {
	frames []nic.Frame
	at     int
	length uint64 // of a repetition, with a pause in which all flows end
	burst  [nic.Max]nic.Frame
	later  uint64
}

// record reads up to so many frames of a capture into memory, or skips the test.
func record(b testing.TB, name string, most int) *recording {
	b.Helper()
	src, err := capture.Open(filepath.Join(captures(b), name))
	if err != nil {
		b.Skip(err)
	}
	defer src.Close()
	r := &recording{}
	for !src.Done() && len(r.frames) < most {
		for _, f := range src.Burst() {
			octets := slices.Clone(f.Bytes())
			f.Data = unsafe.Pointer(unsafe.SliceData(octets))
			r.frames = append(r.frames, f)
		}
	}
	r.length = r.frames[len(r.frames)-1].Time - r.frames[0].Time + uint64(2*time.Minute)
	return r
}

func (r *recording) Burst() []nic.Frame {
	if r.at == len(r.frames) {
		r.at, r.later = 0, r.later+r.length
	}
	n := copy(r.burst[:], r.frames[r.at:])
	r.at += n
	for i := range r.burst[:n] {
		r.burst[i].Time += r.later
	}
	return r.burst[:n]
}

// BenchmarkInspect measures what looking into flows costs on a mix of real traffic.
func BenchmarkInspect(b *testing.B) {
	for _, name := range []string{"bench/realmix_share.pcap.zst", "bench/trex_sfr_mix.pcap.zst"} {
		src := record(b, name, 100_000)
		for _, streams := range []int{0, 1 << 16} {
			what := "off"
			if streams > 0 {
				what = "on"
			}
			b.Run(filepath.Base(name)+"/dissectors="+what, func(b *testing.B) {
				conf := throughput(1<<17, flow.AllBlocks)
				conf.Streams, conf.StreamMemory, conf.Transactions = streams, 128<<20, 1<<16
				conf.TransactionTimeout = 10 * time.Second
				testSchema()
				out, err := ring.Format(make([]byte, ring.Size(1<<22)))
				if err != nil {
					b.Fatal(err)
				}
				w, err := New(src, out, conf)
				if err != nil {
					b.Fatal(err)
				}
				defer w.Close()
				bursts := (len(src.frames) + nic.Max - 1) / nic.Max
				runtime.LockOSThread()
				defer runtime.UnlockOSThread()
				spent := -cpuTime(b)
				measured(b, len(src.frames), func() {
					for range bursts {
						w.Step(0)
						discard(out)
					}
				})
				spent += cpuTime(b)
				b.ReportMetric(float64(spent)/float64(b.N*len(src.frames)), "cpu-ns/packet")
				c := &w.counts
				b.ReportMetric(float64(c[Events])/float64(c[Received])*1000, "events/kpacket")
				b.ReportMetric(float64(c[RingFull]+c[EventsRingFull]+c[TalksNoRoom]+c[StreamNoRoom]), "refused")
			})
		}
	}
}

// cpuTime returns how long the processor has worked for this thread: other programs do not
// change it much.
func cpuTime(b *testing.B) int64 {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		b.Fatal(err)
	}
	return t.Nano()
}
