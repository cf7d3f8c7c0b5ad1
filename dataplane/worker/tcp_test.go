package worker

import (
	"math/rand/v2"
	"testing"
	"time"
	"unsafe"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect"
)

// counts are what is compared of a direction.
type counts struct {
	packets, late, copies, holes, zeroes uint32
	octets, lost                         uint64
}

func countsOf(s *flow.TCP) counts {
	return counts{
		s.RetransmittedPackets, s.OutOfOrder, s.Duplicates, s.Holes, s.ZeroWindows,
		s.RetransmittedOctets, s.LostOctets,
	}
}

func TestTCP(t *testing.T) {
	for _, c := range tcpCases {
		var b [2]flow.TCP
		var l flow.Latency
		segments := c.segments
		if c.seq != 0 {
			segments = append(handshake(c.seq), segments...)
		}
		for _, g := range segments {
			p, d := g.packet()
			observeTCP(&p, d, &b, &l)
		}
		if got := countsOf(&b[0]); got != c.there {
			t.Errorf("%s: initiator %+v, want %+v", c.name, got, c.there)
		}
		if got := countsOf(&b[1]); got != c.back {
			t.Errorf("%s: responder %+v, want %+v", c.name, got, c.back)
		}
		if got := time.Duration(l.Client); got != c.client {
			t.Errorf("%s: client latency %v, want %v", c.name, got, c.client)
		}
		if got := time.Duration(l.Server); got != c.serv {
			t.Errorf("%s: server latency %v, want %v", c.name, got, c.serv)
		}
	}
}

// What a SYN says is kept, of the first with its number, and so are the extremes of windows.
func TestTCPFacts(t *testing.T) {
	var b [2]flow.TCP
	var l flow.Latency
	p, _ := segment{flags: syn | ece | cwr, seq: 999, window: 64240, id: 5, size: 3}.packet()
	p.MSS, p.Scale, p.Options, p.DF = 1460, 8, 0x31842, true
	observeTCP(&p, flow.Forward, &b, &l)
	p.FragmentID, p.Window, p.TTL, p.MSS = 6, 1, 1, 1
	observeTCP(&p, flow.Forward, &b, &l)
	for i, w := range []uint16{300, 0, 501} {
		p, _ := segment{flags: ack, seq: 1003, window: w, id: uint32(7 + i)}.packet()
		observeTCP(&p, flow.Forward, &b, &l)
	}
	s := &b[0]
	want := flow.TCP{
		SYNSeq: 999, SYNWindow: 64240, SYNLength: 43, SYNTTL: 64, MSS: 1460, Scale: 8, Options: 0x31842,
		SYNFlags:  flow.SYNDontFragment | flow.SYNIdentified | flow.SYNECN | flow.SYNPayload,
		WindowMin: 0, WindowMax: 501, InitialFlags: uint8(syn | ece | cwr), ZeroWindows: 1,
	}
	got := flow.TCP{
		SYNSeq: s.SYNSeq, SYNWindow: s.SYNWindow, SYNLength: s.SYNLength, SYNTTL: s.SYNTTL, MSS: s.MSS,
		Scale: s.Scale, Options: s.Options, SYNFlags: s.SYNFlags, WindowMin: s.WindowMin,
		WindowMax: s.WindowMax, InitialFlags: s.InitialFlags, ZeroWindows: s.ZeroWindows,
	}
	if got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if b[1].Seen != 0 {
		t.Errorf("the silent direction has seen %b", b[1].Seen)
	}
}

// A cut begins counting again and forgets nothing else: together the records say what one
// would have said, except that a gap is lost in the record in which it was open.
func TestTCPCut(t *testing.T) {
	var b [2]flow.TCP
	var l flow.Latency
	feed := func(gs ...segment) {
		for _, g := range gs {
			p, d := g.packet()
			observeTCP(&p, d, &b, &l)
		}
	}
	feed(handshake(1000)...)
	feed(send(60*milli, 1000, 100), send(61*milli, 1200, 100), send(300*milli, 1000, 100))
	if got, want := countsOf(&b[0]), (counts{holes: 1, lost: 100, packets: 1, octets: 100}); got != want {
		t.Errorf("first record %+v, want %+v", got, want)
	}
	cutTCP(&b, &l)
	if got := countsOf(&b[0]); got != (counts{}) || b[0].Seen&flow.SeenWindow != 0 {
		t.Errorf("after the cut %+v, seen %b", got, b[0].Seen)
	}
	if l.Client != uint64(10*milli) || l.Server != uint64(40*milli) || l.Request == 0 {
		t.Errorf("latencies after the cut %+v", l)
	}
	feed(send(400*milli, 1350, 50), send(700*milli, 1100, 100))
	if b[0].Seen&flow.SeenCut != 0 {
		t.Error("the gap of the first record is filled and still remembered")
	}
	feed(send(1000*milli, 1300, 25))
	if got, want := countsOf(&b[0]), (counts{holes: 1, lost: 25, packets: 2, octets: 125}); got != want {
		t.Errorf("second record %+v, want %+v", got, want)
	}
	cutTCP(&b, &l)
	feed(send(1300*milli, 1325, 25))
	if b[0].Open != 0 || b[0].Seen&flow.SeenCut != 0 {
		t.Errorf("%d gaps after the last was filled, seen %b", b[0].Open, b[0].Seen)
	}
}

// Whatever comes, the gaps are what a set of octets says is missing, as long as there are
// no more of them than are kept.
func TestGaps(t *testing.T) {
	const span = 256
	r := rand.New(rand.NewPCG(1, 2))
	for round := range 2000 {
		base := uint32(1<<32 - span/2) // wraps within the span
		var seen [span]bool
		s := direction{NextSeq: base, Seen: flow.SeenSequence}
		top, given := uint32(0), false
		for range 12 {
			from := r.Uint32N(span - 20)
			to := from + 1 + r.Uint32N(20)
			filled := false
			if from > top {
				given = given || int(s.Open) == len(s.Gaps)
				s.lose(base + from)
			} else {
				filled = s.fill(base+from, base+to)
			}
			fresh := false
			for i := from; i < to; i++ {
				fresh = fresh || !seen[i] && i < top
				seen[i] = true
			}
			given = given || s.Open == uint8(len(s.Gaps))
			if !given && from <= top && filled != fresh {
				t.Fatalf("round %d: [%d, %d) filled %v, want %v", round, from, to, filled, fresh)
			}
			top = max(top, to)
			s.NextSeq = base + top
		}
		lost := uint64(0)
		for _, y := range seen[:top] {
			if !y {
				lost++
			}
		}
		if !given && s.LostOctets != lost || s.LostOctets < lost {
			t.Fatalf("round %d: %d octets lost, want %d (given up: %v)", round, s.LostOctets, lost, given)
		}
		for i := range int(s.Open) {
			g := s.Gaps[i]
			if g.From == g.To || int32(g.To-g.From) < 0 || i > 0 && int32(g.From-s.Gaps[i-1].To) < 0 {
				t.Fatalf("round %d: gaps %v of %d", round, s.Gaps, s.Open)
			}
		}
	}
}

// Any packets at all keep the counters within what was sent.
func FuzzTCP(f *testing.F) {
	for _, c := range tcpCases {
		var b []byte
		for _, g := range append(handshake(1000), c.segments...) {
			b = append(b, unsafe.Slice((*byte)(unsafe.Pointer(&g)), unsafe.Sizeof(g))...)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var blocks [2]flow.TCP
		var l flow.Latency
		var octets, packets [2]uint64
		var g segment
		raw := unsafe.Slice((*byte)(unsafe.Pointer(&g)), unsafe.Sizeof(g))
		for n := 0; len(b) >= len(raw); n++ {
			copy(raw, b)
			raw[0] &= 1 // a bool
			b = b[len(raw):]
			g.size &= 0xffff
			g.part %= dissect.LaterFragment
			p, d := g.packet()
			octets[d] += uint64(g.size)
			packets[d]++
			observeTCP(&p, d, &blocks, &l)
			if n%7 == 6 {
				cutTCP(&blocks, &l)
				octets, packets = [2]uint64{}, [2]uint64{}
			}
			for d := range blocks {
				s := &blocks[d]
				judged := uint64(s.RetransmittedPackets + s.OutOfOrder + s.Duplicates)
				if s.RetransmittedOctets > octets[d] || judged > packets[d] ||
					uint64(s.Holes) > packets[d] || s.LostOctets > uint64(s.Holes)*maxWindow ||
					int(s.Open) > len(s.Gaps) || s.WindowMin > s.WindowMax && s.Seen&flow.SeenWindow != 0 {
					t.Fatalf("impossible after %d packets: %+v", n, s)
				}
			}
		}
	})
}

func TestTCPAllocations(t *testing.T) {
	var b [2]flow.TCP
	var l flow.Latency
	p, _ := send(0, 1000, 100).packet()
	if n := testing.AllocsPerRun(1000, func() {
		p.Seq += 150
		observeTCP(&p, flow.Forward, &b, &l)
		p.Seq -= 100
		observeTCP(&p, flow.Forward, &b, &l)
		cutTCP(&b, &l)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// BenchmarkTCP measures one packet of a download: every other one is an acknowledgement.
func BenchmarkTCP(b *testing.B) {
	for _, c := range []struct {
		name string
		step uint32
	}{{"in order", 1460}, {"every segment after a gap", 2920}} {
		b.Run(c.name, func(b *testing.B) {
			var blocks [2]flow.TCP
			var l flow.Latency
			data, _ := send(0, 1000, 1460).packet()
			reply, _ := confirm(0, 1000).packet()
			for b.Loop() {
				data.Seq += c.step
				data.FragmentID++
				data.Time += 1000
				observeTCP(&data, flow.Forward, &blocks, &l)
				reply.Ack = data.Seq
				reply.FragmentID++
				reply.Time += 1000
				observeTCP(&reply, flow.Reverse, &blocks, &l)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(2*b.N), "ns/packet")
		})
	}
}
