package worker

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"
	"unsafe"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dataplane/nic"
	"github.com/weir-probe/weir/dataplane/ring"
	"github.com/weir-probe/weir/dissect/app"
)

// calls is a source of calls that go on for ever: G.711 in both directions, a packet every 20 ms.
type calls struct {
	streams uint32
	at      uint32 // the next stream
	round   uint32 // packets that each has sent
	buffers [nic.Max][]byte
	burst   [nic.Max]nic.Frame
}

// Where things are in a frame of calls.
const (
	frameIP  = 14
	frameUDP = frameIP + 20
	frameRTP = frameUDP + 8
	voice20  = 160 // octets of G.711 in 20 ms
)

func newCalls(n int) *calls {
	c := &calls{streams: uint32(2 * n)}
	for i := range c.buffers {
		c.buffers[i] = pkt{src: "10.0.0.1", dst: "10.0.0.2", payload: 12 + voice20}.bytes()
		copy(c.buffers[i][frameRTP:], []byte{0x80, 8})
	}
	return c
}

func (c *calls) Burst() []nic.Frame {
	const tick = 20e6
	for i := range c.burst {
		b, call := c.buffers[i], c.at/2
		from, to := uint32(10)<<24|call, uint32(11)<<24|call
		if c.at&1 != 0 {
			from, to = to, from
		}
		be := binary.BigEndian
		be.PutUint32(b[frameIP+12:], from)
		be.PutUint32(b[frameIP+16:], to)
		be.PutUint32(b[frameUDP:], 20000<<16|20000)
		be.PutUint16(b[frameRTP+2:], uint16(c.round+c.at))
		be.PutUint32(b[frameRTP+4:], c.round*voice20)
		be.PutUint32(b[frameRTP+8:], c.at+1)
		time := epoch + uint64(c.round)*tick + uint64(c.at)*tick/uint64(c.streams)
		c.burst[i] = framed(b, time)
		if c.at++; c.at == c.streams {
			c.at, c.round = 0, c.round+1
		}
	}
	return c.burst[:]
}

func (c *calls) Done() bool { return false }

// hearing is a configuration with room for calls.
func hearing(n int) Config {
	testSchema()
	conf := throughput(n, flow.AllBlocks)
	conf.Streams, conf.StreamMemory, conf.Transactions = 2*n+1000, max(n*4096, 1<<20), 1000
	conf.TransactionTimeout = 5 * time.Second
	return conf
}

// TestRTPCalls meters calls: every packet is counted, from the first on, in records that are cut.
func TestRTPCalls(t *testing.T) {
	const n, rounds = 32, 300
	conf := hearing(n)
	conf.Active, conf.Wait = 2*time.Second, true
	src := newCalls(n)
	b := newBench(t, src, conf)
	for src.round < rounds {
		b.Step(0)
		b.drain()
	}
	end := &feed{frames: []nic.Frame{pkt{src: "a", dst: "b", at: time.Hour}.frame()}}
	b.src = end
	b.run(time.Hour + time.Minute)
	counted, rated, cut := [2]uint64{}, 0, 0
	for _, v := range b.flows {
		if v.Application != app.RTP.Number {
			continue
		}
		cut++
		for d := range counted {
			x, _ := v.Value(app.RTPPackets[d])
			counted[d] += x.U
			if l, ok := v.Value(app.RTPLostPackets[d]); !ok || l.U > 0 {
				t.Errorf("lost %v, %v", l.U, ok)
			}
			if r, ok := v.Value(app.RTPRatingNtop[d]); ok && r.U > 9300 {
				rated++
			}
		}
	}
	want := uint64(n * rounds)
	if counted != [2]uint64{want, want} || cut < 3*n || rated < 2*cut-2*n {
		t.Errorf("%v packets in %d records, %d of which are rated, want %d each way", counted, cut, rated, want)
	}
}

// TestRTPAllocates holds that nothing is allocated for packets of RTP, or for records of them.
func TestRTPAllocates(t *testing.T) {
	const n = 64
	conf := hearing(n)
	conf.Active = time.Second
	src := newCalls(n)
	b := newBench(t, src, conf)
	step := func() {
		b.Step(0)
		discard(b.ring)
	}
	for src.round < 20 {
		step()
	}
	if allocs := testing.AllocsPerRun(1000, step); allocs != 0 || b.counts[RingFull] != 0 {
		t.Errorf("%v allocations, %d records refused", allocs, b.counts[RingFull])
	}
	if x := b.index[slices.Index(b.dissectors, &app.RTP)]; x.Flows != n || x.Messages < 1000*nic.Max {
		t.Errorf("metered %+v", x)
	}
}

// hearer is a worker that meters calls, and the processor time that it takes.
type hearer struct {
	*Worker
	spent []int64 // nanoseconds, of each slice
}

// newHearer returns one that knows all of its calls.
func newHearer(b *testing.B, src *calls, conf Config) *hearer {
	b.Helper()
	out, err := ring.Format(make([]byte, ring.Size(1<<22)))
	if err != nil {
		b.Fatal(err)
	}
	w, err := New(src, out, conf)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { w.Close() })
	for src.round < 10 {
		w.Step(0)
		discard(out)
	}
	return &hearer{Worker: w}
}

// work meters so many bursts.
func (h *hearer) work(b *testing.B, bursts int) {
	begin := cpuTime(b)
	for range bursts {
		h.Step(0)
		discard(h.out)
	}
	h.spent = append(h.spent, cpuTime(b)-begin)
}

// BenchmarkRTP measures what metering calls costs, with no dissector and with all, in turns, as both are to
// have the same share of what other programs do to the machine: 10 000 calls are 20 000 streams and a
// million packets a second. An operation is a burst by each.
func BenchmarkRTP(b *testing.B) {
	const slice = 100 // bursts: several milliseconds
	for _, n := range []int{100, 10_000} {
		b.Run(fmt.Sprintf("calls=%d", n), func(b *testing.B) {
			conf := hearing(n)
			heard := newHearer(b, newCalls(n), conf)
			conf.Streams = 0
			plain := newHearer(b, newCalls(n), conf)
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			b.ReportAllocs()
			b.ResetTimer()
			for done := 0; done < b.N; done += slice {
				plain.work(b, slice)
				heard.work(b, slice)
			}
			b.StopTimer()
			slices.Sort(plain.spent)
			slices.Sort(heard.spent)
			at := len(plain.spent) / 2
			b.ReportMetric(float64(plain.spent[at])/slice/nic.Max, "plain-cpu-ns/packet")
			b.ReportMetric(float64(heard.spent[at])/slice/nic.Max, "rtp-cpu-ns/packet")
			b.ReportMetric(float64(heard.spent[at])/float64(plain.spent[at]), "times-plain")
			b.ReportMetric(slice*nic.Max*1e9/float64(heard.spent[at]), "rtp-packets/s")
			octets := unsafe.Sizeof(slot{}) + unsafe.Sizeof(flow.Record{}) + unsafe.Sizeof(talk{}) // of its flow
			b.ReportMetric(float64(heard.arena.lent)/float64(n)+float64(octets), "octets/call")
		})
	}
}
