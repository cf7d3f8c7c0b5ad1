package worker

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"github.com/weir-probe/weir/dataplane/nic"
	"github.com/weir-probe/weir/dataplane/ring"
)

// within returns a frame with user data in a tunnel of GTP, from a to b: what is said of inner, behind its
// Ethernet header.
func within(teid uint32, inner pkt) nic.Frame {
	b := inner.bytes()[14:]
	h := binary.BigEndian.AppendUint16([]byte{0x30, 255}, uint16(len(b)))
	return pkt{src: "a", dst: "b", sport: portGTPU, dport: portGTPU}.says(string(append(binary.BigEndian.AppendUint32(h, teid), b...)))
}

func trackAll(t testing.TB, traces ...Trace) *Tracked {
	t.Helper()
	all, err := Track(traces)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func net4(s string) netip.Prefix { return netip.MustParsePrefix(s) }

// kept shows frames to a worker and returns of which requests they are, in their order.
func kept(t *testing.T, conf Config, tracked *Tracked, frames ...nic.Frame) (got []string) {
	t.Helper()
	src := &turn{next: frames}
	b := newBench(t, src, conf)
	b.Track(tracked)
	b.Step(0)
	for {
		kind, msg := b.ring.Next()
		if kind == ring.None {
			return got
		}
		var k Kept
		if kind != ring.Tracked {
			continue
		}
		frame, ok := k.Load(msg)
		n := slices.IndexFunc(frames, func(f nic.Frame) bool { return string(f.Bytes()) == string(frame) })
		if !ok || n < 0 || k.Wire != frames[n].Wire || k.Time != frames[n].Time {
			t.Fatalf("what was kept is none of the frames: %+v", k)
		}
		got = append(got, fmt.Sprintf("%d:%d", k.Of, n))
	}
}

func wants(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("kept %v, want %v", got, want)
	}
}

// TestTracked keeps the frames of addresses, prefixes and tunnels, for every request that wants them, and no
// others: not those of another user with the same address in another tunnel.
func TestTracked(t *testing.T) {
	user := pkt{src: "198.51.100.7", dst: "203.0.113.80", sport: 4000, dport: 80}
	back := pkt{src: "203.0.113.80", dst: "198.51.100.7", sport: 80, dport: 4000}
	signal := pkt{src: "b", dst: "a", sport: portGTPC, dport: portGTPC}.says("\x32\x14\x00\x04\x00\x00\x0c\x01\x00\x01\x00\x00")
	ends := pkt{src: "a", dst: "b", sport: portGTPU, dport: portGTPU}.says("\x30\xfe\x00\x00\x00\x00\x00\x0a")
	frames := []nic.Frame{
		user.frame(), back.frame(), within(10, user), within(11, user), signal, ends,
		pkt{src: "198.51.100.8", dst: "192.0.2.1", sport: 1, dport: 2}.frame(), pkt{src: "a", dst: "b", sport: 1, dport: 2}.frame(),
	}
	mine := Trace{Request: 7, Net: net4("198.51.100.7/32")}
	tunnel := Trace{Request: 7, Net: net4("10.0.0.2/32"), TEID: 10}
	control := Trace{Request: 7, Net: net4("10.0.0.1/32"), TEID: 0xc01, Control: true}
	all := trackAll(t, mine, tunnel, control)
	wants(t, kept(t, usual(), all, frames...), "7:0", "7:1", "7:2", "7:4", "7:5")
	loose := mine
	loose.Loose = true
	wants(t, kept(t, usual(), trackAll(t, loose), frames...), "7:0", "7:1", "7:2", "7:3")
	other := Trace{Request: 9, Net: net4("203.0.113.0/24")}
	wants(t, kept(t, usual(), trackAll(t, mine, other), frames...), "7:0", "9:0", "7:1", "9:1")
	wants(t, kept(t, usual(), trackAll(t, Trace{Request: 1, Net: net4("198.51.100.6/31")}), frames...), "1:0", "1:1")
	wants(t, kept(t, usual(), nil, frames...))
}

// TestTrackedShares has workers that share all frames keep each once, and one that samples keep all.
func TestTrackedShares(t *testing.T) {
	var frames []nic.Frame
	for i := range uint16(40) {
		frames = append(frames, pkt{src: "198.51.100.7", dst: fmt.Sprintf("203.0.113.%d", i), sport: 1, dport: 2, id: i}.frame())
	}
	n := 0
	for i := range uint32(3) {
		conf := usual()
		conf.Shard = Shard{i, 3}
		n += len(kept(t, conf, trackAll(t, Trace{Net: net4("198.51.100.7/32")}), frames...))
	}
	conf := usual()
	conf.Sampling = 10
	if all := kept(t, conf, trackAll(t, Trace{Net: net4("198.51.100.7/32")}), frames...); n != 40 || len(all) != 40 {
		t.Errorf("%d kept by three workers, %d by one that samples, of 40", n, len(all))
	}
}

// TestTrackedFragments keeps all fragments of a datagram with user data.
func TestTrackedFragments(t *testing.T) {
	whole := within(10, pkt{src: "198.51.100.7", dst: "203.0.113.80", sport: 1, dport: 2, payload: 200})
	first, later := slices.Clone(whole.Bytes()[:14+20+96]), slices.Clone(whole.Bytes()[:14+20])
	later = append(later, whole.Bytes()[14+20+96:]...)
	for _, f := range [][]byte{first, later} {
		binary.BigEndian.PutUint16(f[16:], uint16(len(f)-14))
		f[19] = 77
	}
	first[20], later[21] = 0x20, 96/8
	frames := []nic.Frame{framed(later, epoch), framed(first, epoch), framed(later, epoch)}
	all := trackAll(t, Trace{Request: 3, Net: net4("10.0.0.2/32"), TEID: 10})
	wants(t, kept(t, usual(), all, frames[1:]...), "3:0", "3:1")
	wants(t, kept(t, usual(), all, frames[2:]...), "3:0")
	all = trackAll(t, Trace{Request: 3, Net: net4("10.0.0.2/32"), TEID: 10})
	wants(t, kept(t, usual(), all, frames[0]), []string{}...)
}

// TestTrackedRoom leaves records half of the ring, and counts what it drops. It allocates nothing.
func TestTrackedRoom(t *testing.T) {
	src, conf := &turn{}, usual()
	conf.Wait = false
	b := newBench(t, src, conf)
	b.Track(trackAll(t, Trace{Net: net4("198.51.100.7/32")}))
	f := pkt{src: "198.51.100.7", dst: "203.0.113.80", sport: 1, dport: 2, payload: 1400}.frame()
	burst := slices.Repeat([]nic.Frame{f}, 16)
	for range 20 {
		src.next = burst
		b.Step(0)
	}
	n, lost := b.counts[TrackedFrames], b.counts[TrackedRingFull]
	if n+lost != 320 || lost == 0 || b.ring.Used() > b.ring.Cap()*5/8 {
		t.Errorf("%d kept, %d lost, %d octets of %d", n, lost, b.ring.Used(), b.ring.Cap())
	}
	if a := testing.AllocsPerRun(20, func() { discard(b.ring); src.next = burst; b.Step(0) }); a != 0 {
		t.Errorf("%v allocations", a)
	}
}

// TestTrack refuses what cannot be tracked.
func TestTrack(t *testing.T) {
	good := Trace{Net: net4("192.0.2.1/32")}
	many := make([]Trace, MaxTracked+1)
	for i := range many {
		many[i] = good
		many[i].Request = uint16(i)
	}
	for _, bad := range [][]Trace{{{}}, {{Net: net4("192.0.2.0/24"), TEID: 1}}, {{Net: netip.MustParsePrefix("::/0")}}, many,
		slices.Repeat([]Trace{good}, MaxTraces+1)} {
		if _, err := Track(bad); err == nil {
			t.Errorf("%v can be tracked", bad[:1])
		}
	}
}

// BenchmarkTracked is what a burst costs with nobody tracked, and with somebody else tracked.
func BenchmarkTracked(b *testing.B) {
	for name, t := range map[string]*Tracked{"nobody": nil, "another": trackAll(b, Trace{Net: net4("198.51.100.7/32")})} {
		b.Run(name, func(b *testing.B) {
			src := &turn{}
			w := newBench(b, src, usual())
			w.Track(t)
			burst := slices.Repeat([]nic.Frame{pkt{src: "a", dst: "b", sport: 1, dport: 2}.frame()}, nic.Max)
			for b.Loop() {
				src.next = burst
				w.Step(0)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/nic.Max, "ns/packet")
		})
	}
}

// TestTrackedNoMore hands nothing over once nobody is tracked any more.
func TestTrackedNoMore(t *testing.T) {
	src := &turn{}
	b := newBench(t, src, usual())
	f := pkt{src: "198.51.100.7", dst: "203.0.113.80", sport: 1, dport: 2}.frame()
	for i, traces := range [][]Trace{nil, {{Net: net4("198.51.100.7/32")}}, nil, {}} {
		b.Track(trackAll(t, traces...))
		src.next = []nic.Frame{f}
		b.Step(0)
		if n := b.counts[TrackedFrames]; n != uint64(min(i, 1)) {
			t.Errorf("%d frames", n)
		}
	}
}
