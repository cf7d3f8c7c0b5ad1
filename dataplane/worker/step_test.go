package worker

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
	"unsafe"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dataplane/nic"
	"github.com/weir-probe/weir/dataplane/ring"
)

// load is a source of frames of 64 octets, without FCS 60, from so many flows in random
// order, both directions of each. It makes a burst by changing the addresses of old frames.
type load struct {
	frames [nic.Max]nic.Frame
	octets [4][nic.Max][64]byte
	turn   int
	flows  uint32
	state  uint32
	now    uint64
}

func newLoad(flows int, proto string) *load {
	l := &load{flows: uint32(flows), state: 1, now: epoch}
	p := pkt{sport: 40000, dport: 80, payload: 6}
	if proto == "tcp" {
		p.flags, p.seq, p.ack = "A", 1000, 2000
	}
	b := p.bytes()
	for i := range l.octets {
		for j := range l.octets[i] {
			copy(l.octets[i][j][:], b)
		}
	}
	for j := range l.frames {
		l.frames[j] = nic.Frame{Len: uint32(len(b)), Wire: uint32(len(b)), Link: nic.Ethernet}
	}
	return l
}

func (l *load) Burst() []nic.Frame {
	l.turn = (l.turn + 1) % len(l.octets)
	for j := range l.frames {
		b := &l.octets[l.turn][j]
		l.state = l.state*1664525 + 1013904223
		l.number(b, uint32(uint64(l.state)*uint64(l.flows)>>32), l.state&8 != 0)
		l.frames[j].Data, l.frames[j].Time = unsafe.Pointer(b), l.now
	}
	return l.frames[:]
}

// number makes b a frame of flow n.
func (l *load) number(b *[64]byte, n uint32, reverse bool) {
	client, server, cport, sport := 26, 30, 34, 36
	if reverse {
		client, server, cport, sport = 30, 26, 36, 34
	}
	ne.PutUint32(b[client:], n&0xffff*2654435761|1)
	ne.PutUint32(b[server:], 0x0101a8c0+n>>16)
	ne.PutUint16(b[cport:], uint16(40000+n%20000))
	ne.PutUint16(b[sport:], 80<<8)
}

// throughput is the configuration that is measured.
func throughput(flows int, blocks flow.Block) Config {
	conf := usual()
	conf.Flows, conf.Blocks, conf.Wait = flows+flows/8+nic.Max, blocks, false
	return conf
}

// stepper is a worker whose table is full of the flows of a load.
func stepper(b testing.TB, flows int, blocks flow.Block, proto string) (*Worker, *load, *ring.Ring) {
	b.Helper()
	r, err := ring.Format(make([]byte, ring.Size(1<<20)))
	if err != nil {
		b.Fatal(err)
	}
	l := newLoad(flows, proto)
	w, err := New(l, r, throughput(flows, blocks))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { w.Close() })
	for range flows/8 + 100 {
		w.Step(l.now)
	}
	return w, l, r
}

var loads = []struct {
	name   string
	blocks flow.Block
}{{"none", 0}, {"all", flow.AllBlocks}}

// BenchmarkStep measures a packet's way from the source to its flow.
func BenchmarkStep(b *testing.B) {
	for _, flows := range []int{1000, 100_000, 1_000_000} {
		for _, c := range loads {
			b.Run(fmt.Sprintf("flows=%d/blocks=%s", flows, c.name), func(b *testing.B) {
				w, l, r := stepper(b, flows, c.blocks, "tcp")
				measured(b, nic.Max, func() {
					l.now += 5000
					w.Step(l.now)
					discard(r)
				})
			})
		}
	}
}

// BenchmarkHop measures each part of Step by itself, the generator of the frames too.
func BenchmarkHop(b *testing.B) {
	for _, flows := range []int{1000, 100_000, 1_000_000} {
		w, l, r := stepper(b, flows, flow.AllBlocks, "tcp")
		frames := l.Burst()
		hop := func(name string, f func()) {
			b.Run(fmt.Sprintf("flows=%d/%s", flows, name), func(b *testing.B) { measured(b, nic.Max, f) })
		}
		hop("source", func() { l.Burst() })
		hop("dissect", func() {
			for i := range frames {
				w.packets[i].Dissect(&frames[i], false)
			}
		})
		hop("source+receive", func() { w.receive(l.now) })
		hop("source+receive+lookup", func() { w.receive(l.now); w.lookup() })
		hop("source+receive+lookup+account", func() { w.receive(l.now); w.lookup(); w.account() })
		hop("expire", func() { l.now += 5000; w.now = l.now; w.expire(); w.out.Commit(); discard(r) })
	}
}

// BenchmarkFlow measures the life of a flow of one packet: opened, evicted, handed over.
func BenchmarkFlow(b *testing.B) {
	for _, c := range loads {
		b.Run("blocks="+c.name, func(b *testing.B) {
			w, l, r := stepper(b, 1000, c.blocks, "udp")
			l.flows = 1 << 31
			measured(b, nic.Max, func() {
				l.now += 5000
				w.Step(l.now)
				discard(r)
			})
		})
	}
}

// measured reports nanoseconds per item, allocations and garbage collections.
func measured(b *testing.B, items int, f func()) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	b.ReportAllocs()
	for b.Loop() {
		f()
	}
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*items), "ns/packet")
	b.ReportMetric(float64(after.NumGC-before.NumGC), "gc")
	b.ReportMetric(0, "ns/op")
}

func discard(r *ring.Ring) {
	for k, _ := r.Next(); k != ring.None; k, _ = r.Next() {
		continue
	}
	r.Release()
}

// Nothing is allocated, whether packets join flows, open them, end them or are fragments.
func TestStepAllocates(t *testing.T) {
	w, l, r := stepper(t, 1000, flow.AllBlocks, "tcp")
	once := &turn{}
	var pieces []nic.Frame
	for i := range nic.Max {
		pieces = append(pieces, piece(0, uint16(i/3), 7-i%8).frame())
	}
	for _, c := range []struct {
		name string
		f    func()
	}{
		{"joining", func() { w.Step(l.now) }},
		{"opening and evicting", func() { l.flows = 1 << 31; w.Step(l.now) }},
		{"expiring", func() { l.now += 20e9; w.Step(l.now) }},
		{"fragments", func() { once.next = pieces; w.src = once; w.Step(0); w.src = l }},
		{"flushing", func() { w.Step(l.now); w.Flush(l.now) }},
	} {
		before := w.counts
		if n := testing.AllocsPerRun(200, func() { c.f(); discard(r) }); n != 0 {
			t.Errorf("%s: %v allocations", c.name, n)
		}
		if w.counts[Received] == before[Received] {
			t.Errorf("%s: nothing was received", c.name)
		}
	}
	for _, c := range []Counter{EndedIdle, EndedResource, EndedForced, FragmentsJoined} {
		if w.counts[c] == 0 {
			t.Errorf("%s is 0", CounterDocs[c].Name)
		}
	}
}

// The table finds exactly what was put in and not yet removed, in either direction.
func TestTable(t *testing.T) {
	const records = 500
	tb, err := newTable(records, false, spread(3))
	if err != nil {
		t.Fatal(err)
	}
	defer tb.unmap()
	rnd := rand.New(rand.NewPCG(1, 2))
	there := map[flow.Key]uint32{}
	for range 200_000 {
		a, b := byte(rnd.IntN(30)), byte(rnd.IntN(30))
		k := flow.Key{Src: [16]byte{a}, Dst: [16]byte{15: b}, SrcPort: 7, Version: 6}
		hash := tb.hash(&k)
		if rev := k.Reversed(); tb.hash(&rev) != hash {
			t.Fatal("the hash of the reverse differs")
		} else if n, d := tb.find(&rev, hash); n != nobody && d == flow.Forward {
			t.Fatal("found in the wrong direction")
		}
		n, _ := tb.find(&k, hash)
		want, ok := there[k]
		switch {
		case ok != (n != nobody) || ok && n != want:
			t.Fatalf("record %d, want %d %v", n, want, ok)
		case ok && rnd.IntN(2) == 0:
			tb.remove(n)
			delete(there, k)
		case !ok && len(there) < records:
			n = tb.add(hash)
			tb.hot[n].Key, tb.due[n] = k, 1
			there[k] = n
		}
		if tb.active() != len(there) {
			t.Fatalf("%d active, want %d", tb.active(), len(there))
		}
	}
}

// Keys chosen without the seed, alike in every way that cancels out, do not meet.
func TestHashSpreads(t *testing.T) {
	tb := table{seed: spread(99)}
	seen := map[uint32]bool{}
	n := 0
	for a := range 256 {
		for b := range 64 { // the sum and the difference of the addresses stay the same
			k := flow.Key{Src: [16]byte{15: byte(a)}, Dst: [16]byte{15: byte(255 - a)}}
			k.SrcPort, k.DstPort = uint16(b), uint16(63-b)
			if a < 128 {
				n++
				seen[tb.hash(&k)] = true
			}
		}
	}
	if len(seen) < n-3 {
		t.Errorf("%d hashes of %d keys", len(seen), n)
	}
}
