package worker

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect"
)

func TestSizeClasses(t *testing.T) {
	for _, c := range []struct {
		octets uint32
		want   int
	}{
		{0, 0}, {1, 0}, {128, 0}, {129, 1}, {256, 1}, {257, 2}, {512, 2}, {513, 3}, {1024, 3}, {1025, 4},
		{1514, 4}, {1515, 5}, {65535, 5}, {1<<32 - 1, 5},
	} {
		if got := sizeClass(c.octets); got != c.want {
			t.Errorf("%d octets in class %d, want %d", c.octets, got, c.want)
		}
	}
}

// The classes of TTLs are those of ntop's elements 347, 346 and 334 to 341.
func TestTTLClasses(t *testing.T) {
	upper := []int{1, 5, 32, 64, 96, 128, 160, 192, 224, 255}
	for ttl := 1; ttl < 256; ttl++ {
		want := 0
		for ttl > upper[want] {
			want++
		}
		if got := ttlClass(uint8(ttl)); got != want {
			t.Errorf("TTL %d in class %d, want %d", ttl, got, want)
		}
	}
}

func TestSizes(t *testing.T) {
	var s flow.Sizes
	for _, p := range []dissect.Packet{
		{Octets: 100, TTL: 64, TOS: 3}, {Octets: 50, TTL: 1, Fragment: dissect.LaterFragment}, {Octets: 1500},
	} {
		observeSizes(&p, flow.Reverse, &s)
	}
	want := flow.Sizes{
		Size: [6]uint32{2, 0, 0, 0, 1}, TTL: [10]uint32{1, 0, 0, 1},
		MinLen: [2]uint32{0, 50}, MaxLen: [2]uint32{0, 1500}, Fragments: [2]uint32{0, 1}, ECN: [2]uint32{0, 1},
	}
	if s != want {
		t.Errorf("%+v\nwant %+v", s, want)
	}
}

func TestTiming(t *testing.T) {
	var w flow.Timing
	for _, us := range []uint64{100, 110, 140, 120, 1 << 50} {
		observeTiming(&dissect.Packet{Time: epoch + us*1000}, flow.Forward, &w)
	}
	last := uint64(1<<50 - 140)
	want := flow.Timing{
		DirFirst: [2]uint64{epoch + 100_000}, DirLast: [2]uint64{epoch + 1<<50*1000},
		IATSum: [2]uint64{10 + 30 + 0 + last}, IATSquares: [2]uint64{1<<64 - 1},
		IATMin: [2]uint32{0}, IATMax: [2]uint32{1<<32 - 1}, IATCount: [2]uint32{4},
	}
	if w != want {
		t.Errorf("%+v\nwant %+v", w, want)
	}
}

func TestRate(t *testing.T) {
	type at struct{ ms, octets uint64 }
	for _, c := range []struct {
		name    string
		packets []at
		want    flow.Rate
	}{
		{"not a second", []at{{0, 100}, {999, 100}}, flow.Rate{Octets: [2]uint64{200}}},
		{"seconds", []at{{0, 100}, {500, 100}, {1000, 50}, {2999, 70}, {3000, 1}},
			flow.Rate{Second: 3000, Octets: [2]uint64{1}, Max: [2]uint32{200}, Min: [2]uint32{50}, Seconds: 3}},
		{"a gap", []at{{0, 100}, {5500, 10}},
			flow.Rate{Second: 5000, Octets: [2]uint64{10}, Max: [2]uint32{100}, Min: [2]uint32{0}, Seconds: 5}},
		{"backwards", []at{{1000, 100}, {0, 10}, {2000, 5}},
			flow.Rate{Second: 2000, Octets: [2]uint64{5}, Max: [2]uint32{110}, Min: [2]uint32{110}, Seconds: 1}},
		{"more than fits", []at{{0, 1 << 31}, {0, 1 << 31}, {1000, 0}},
			flow.Rate{Second: 1000, Max: [2]uint32{1<<32 - 1}, Min: [2]uint32{1<<32 - 1}, Seconds: 1}},
	} {
		var r flow.Rate
		for _, p := range c.packets {
			observeRate(&dissect.Packet{Time: epoch + p.ms*1e6, Octets: uint32(p.octets)}, flow.Forward, &r)
		}
		c.want.Second = epoch + c.want.Second*1e6
		if r != c.want {
			t.Errorf("%s: %+v\nwant %+v", c.name, r, c.want)
		}
	}
}

func TestEntropy(t *testing.T) {
	l := makeLogs()
	rnd := rand.New(rand.NewPCG(1, 2))
	for n := 1; n < 400; n++ {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(rnd.IntN(1 + rnd.IntN(256)))
		}
		counts := map[byte]float64{}
		m := min(n, sample)
		for _, c := range b[:m] {
			counts[c]++
		}
		want := 0.0
		for _, c := range counts {
			want -= c / float64(m) * math.Log2(c/float64(m))
		}
		if got := float64(l.entropy(b)); math.Abs(got-want*1000) > 1 {
			t.Errorf("%d octets: %v, want %v", n, got, want*1000)
		}
	}
	if got := l.entropy(make([]byte, 256)); got != 0 {
		t.Errorf("entropy of zeroes %d", got)
	}
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	if got := l.entropy(all); got != 8000 {
		t.Errorf("entropy of every octet once %d", got)
	}
}

// Entropy is of the first payload of each direction of each record, also when records
// are cut within a burst.
func TestEntropyOfRecords(t *testing.T) {
	b := meter(t, usual(),
		pkt{at: 0, sport: 1, dport: 2}, pkt{at: 1 * s, sport: 1, dport: 2, payload: 4},
		pkt{at: 2 * s, sport: 1, dport: 2, payload: 256},
		pkt{at: 50 * s, sport: 1, dport: 2, payload: 8},
		pkt{at: 51 * s, src: "b", dst: "a", sport: 2, dport: 1, payload: 1})
	if len(b.records) != 2 {
		t.Fatal(told(b.records))
	}
	for i, want := range [][2]uint16{{2001, 0}, {3001, 1}} {
		if got := b.records[i].Entropy; got != want {
			t.Errorf("record %d: %d, want %d", i, got, want)
		}
	}
}

func TestOuter(t *testing.T) {
	var o flow.Outer
	r := &flow.Hot{Packets: [2]uint64{0, 1}}
	p := &dissect.Packet{Outer: dissect.Outer{
		Src: [16]byte{1}, Dst: [16]byte{2}, ID: 7, Session: 8, SrcPort: 10, DstPort: 20, Proto: 17, Version: 4,
		Type: flow.GTPU, Depth: 2,
	}}
	observeOuter(p, r, flow.Reverse, &o)
	r.Packets = [2]uint64{1, 1}
	p.Outer.ID, p.Outer.Src, p.Outer.Depth = 9, [16]byte{3}, 1
	observeOuter(p, r, flow.Forward, &o)
	r.Packets = [2]uint64{2, 1}
	p.Outer.ID = 10
	observeOuter(p, r, flow.Forward, &o)
	want := flow.Outer{
		Src: [16]byte{2}, Dst: [16]byte{1}, SrcPort: 20, DstPort: 10,
		ID: [2]uint32{9, 7}, Session: [2]uint32{8, 8},
		Proto: 17, Version: 4, Type: flow.GTPU, Depth: 2,
	}
	if o != want {
		t.Errorf("%+v\nwant %+v", o, want)
	}
}

// Blocks that nobody asked for are not maintained, and the others do not depend on them.
func TestBlocksAreIndependent(t *testing.T) {
	packets := []pkt{
		tcp(0, "S", 1, 0), back(10*ms, "SA", 1, 2), tcp(30*ms, "A", 2, 2),
		{at: 40 * ms, sport: 4000, dport: 80, flags: "PA", seq: 2, ack: 2, payload: 50},
		{at: 1200 * ms, src: "b", dst: "a", sport: 80, dport: 4000, flags: "PA", seq: 2, ack: 52, payload: 9},
	}
	whole := meter(t, usual(), packets...).records[0]
	for i := range 7 {
		conf := usual()
		conf.Blocks = 1 << i
		r := meter(t, conf, packets...).records[0]
		if r.Hot != whole.Hot {
			t.Errorf("block %d changes the hot part", i)
		}
		want := flow.Cold{}
		switch conf.Blocks {
		case flow.BlockLink:
			want.Link = whole.Link
		case flow.BlockSizes:
			want.Sizes = whole.Sizes
		case flow.BlockTiming:
			want.Timing = whole.Timing
		case flow.BlockRate:
			want.Rate = whole.Rate
		case flow.BlockTCP, flow.BlockLatency:
			want.TCP, want.Latency = whole.TCP, whole.Latency
		case flow.BlockOuter:
			want.Outer = whole.Outer
		}
		if r.Cold != want {
			t.Errorf("block %d: %+v\nwant %+v", i, r.Cold, want)
		}
	}
	conf := usual()
	conf.Blocks = 0
	if r := meter(t, conf, packets...).records[0]; r.Hot != whole.Hot || (r.Cold != flow.Cold{}) {
		t.Error("cold blocks without asking for them")
	}
}
