package worker

import (
	"math/rand/v2"
	"testing"
	"time"
	"unsafe"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect"
)

// segment is one packet of a made-up connection.
type segment struct {
	reply  bool // from the responder
	at     time.Duration
	flags  uint16
	seq    uint32
	ack    uint32
	size   uint32
	window uint16
	id     uint32
}

func (g segment) packet() (dissect.Packet, flow.Dir) {
	p := dissect.Packet{
		Time: 1e18 + uint64(g.at), TCPFlags: g.flags, Seq: g.seq, Ack: g.ack, PayloadLen: g.size,
		Window: g.window, FragmentID: g.id, Octets: 40 + g.size, TTL: 64, HasTCP: true,
	}
	p.Version, p.Proto = 4, 6
	if g.reply {
		return p, flow.Reverse
	}
	return p, flow.Forward
}

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

const milli = time.Millisecond

// handshake is a connection with a round trip of 10 + 40 milli that begins at sequence number
// seq on both sides.
func handshake(seq uint32) []segment {
	return []segment{
		{at: 0, flags: syn, seq: seq - 1, window: 64240},
		{at: 40 * milli, reply: true, flags: syn | ack, seq: seq - 1, ack: seq, window: 65160},
		{at: 50 * milli, flags: ack, seq: seq, ack: seq, window: 500},
	}
}

// send is payload of the initiator.
func send(at time.Duration, seq, size uint32) segment {
	return segment{at: at, flags: ack, seq: seq, ack: 1000, size: size, window: 500}
}

// confirm is an acknowledgement of the responder.
func confirm(at time.Duration, upto uint32) segment {
	return segment{reply: true, at: at, flags: ack, seq: 1000, ack: upto, window: 500}
}

var tcpCases = []struct {
	name         string
	seq          uint32 // of the first octet; 0 for no handshake
	segments     []segment
	there, back  counts
	client, serv time.Duration
}{
	{
		name: "nothing remarkable", seq: 1000, client: 10 * milli, serv: 40 * milli,
		segments: []segment{send(60*milli, 1000, 100), confirm(90*milli, 1100), send(91*milli, 1100, 100)},
	},
	{
		name: "the sequence wraps", seq: 0xfffffff0, client: 10 * milli, serv: 40 * milli,
		segments: []segment{send(60*milli, 0xfffffff0, 100), send(61*milli, 84, 100), send(300*milli, 0xfffffff0, 100)},
		there:    counts{packets: 1, octets: 100},
	},
	{
		name: "lost downstream of the probe and sent again", seq: 1000, client: 10 * milli, serv: 40 * milli,
		segments: []segment{send(60*milli, 1000, 100), send(61*milli, 1100, 100), send(400*milli, 1000, 100)},
		there:    counts{packets: 1, octets: 100},
	},
	{
		name: "lost upstream of the probe and sent again", seq: 1000, client: 10 * milli, serv: 40 * milli,
		segments: []segment{send(60*milli, 1000, 100), send(61*milli, 1200, 100), send(400*milli, 1100, 100)},
		there:    counts{holes: 1, packets: 1, octets: 100},
	},
	{
		name: "lost upstream and asked for by duplicate acknowledgements, within the round trip",
		seq:  1000, client: 10 * milli, serv: 40 * milli,
		segments: []segment{
			send(60*milli, 1000, 100), confirm(61*milli, 1100), send(61*milli, 1200, 100),
			confirm(62*milli, 1100), confirm(62*milli, 1100), send(63*milli, 1100, 100),
		},
		there: counts{holes: 1, packets: 1, octets: 100},
	},
	{
		name: "lost and never seen", seq: 1000, client: 10 * milli, serv: 40 * milli,
		segments: []segment{send(60*milli, 1000, 100), send(61*milli, 1250, 100)},
		there:    counts{holes: 1, lost: 150},
	},
	{
		name: "two segments change places", seq: 1000, client: 10 * milli, serv: 40 * milli,
		segments: []segment{send(60*milli, 1100, 100), send(61*milli, 1000, 100)},
		there:    counts{holes: 1, late: 1},
	},
	{
		name: "three segments arrive backwards", seq: 1000, client: 10 * milli, serv: 40 * milli,
		segments: []segment{send(60*milli, 1200, 100), send(61*milli, 1100, 100), send(62*milli, 1000, 100)},
		there:    counts{holes: 1, late: 2},
	},
	{
		name: "four segments are shuffled", seq: 1000, client: 10 * milli, serv: 40 * milli,
		segments: []segment{
			send(60*milli, 1100, 100), send(61*milli, 1300, 100), send(62*milli, 1000, 100), send(63*milli, 1200, 100),
		},
		there: counts{holes: 2, late: 2},
	},
	{
		name: "a late segment is not late twice", seq: 1000, client: 10 * milli, serv: 40 * milli,
		segments: []segment{send(60*milli, 1100, 100), send(61*milli, 1000, 100), send(62*milli, 1000, 100)},
		there:    counts{holes: 1, late: 1, packets: 1, octets: 100},
	},
	{
		name: "what was acknowledged already cannot be late", seq: 1000, client: 10 * milli, serv: 40 * milli,
		segments: []segment{send(60*milli, 1100, 100), confirm(61*milli, 1200), send(62*milli, 1000, 100)},
		there:    counts{holes: 1, packets: 1, octets: 100},
	},
	{
		name: "old and new octets in one segment", seq: 1000, client: 10 * milli, serv: 40 * milli,
		segments: []segment{send(60*milli, 1000, 100), send(400*milli, 1050, 100), send(401*milli, 1150, 10)},
		there:    counts{packets: 1, octets: 50},
	},
	{
		name: "part of a gap is filled", seq: 1000, client: 10 * milli, serv: 40 * milli,
		segments: []segment{send(60*milli, 1300, 100), send(400*milli, 1100, 100)},
		there:    counts{holes: 1, lost: 200, packets: 1, octets: 100},
	},
	{
		name: "one segment fills three gaps and what is between", seq: 1000, client: 10 * milli, serv: 40 * milli,
		segments: []segment{
			send(60*milli, 1100, 100), send(60*milli, 1300, 100), send(60*milli, 1500, 100), send(400*milli, 1000, 600),
		},
		there: counts{holes: 3, packets: 1, octets: 600},
	},
	{
		name: "of four gaps the lowest is given up", seq: 1000, client: 10 * milli, serv: 40 * milli,
		segments: []segment{
			send(60*milli, 1100, 10), send(60*milli, 1210, 10), send(60*milli, 1320, 10), send(60*milli, 1430, 10),
			send(400*milli, 1000, 440),
		},
		there: counts{holes: 4, lost: 100, packets: 1, octets: 440},
	},
	{
		name: "SYN sent again before the answer", client: 10 * milli, serv: 40 * milli,
		segments: []segment{
			{at: 0, flags: syn, seq: 999},
			{at: 1000 * milli, flags: syn, seq: 999},
			{at: 1040 * milli, reply: true, flags: syn | ack, seq: 999, ack: 1000},
			{at: 1050 * milli, flags: ack, seq: 1000, ack: 1000, window: 500},
		},
		there: counts{packets: 1},
	},
	{
		name: "SYN+ACK lost behind the probe", client: 10 * milli, serv: 40 * milli,
		segments: []segment{
			{at: 0, flags: syn, seq: 999},
			{at: 40 * milli, reply: true, flags: syn | ack, seq: 999, ack: 1000},
			{at: 1000 * milli, flags: syn, seq: 999},
			{at: 1045 * milli, reply: true, flags: syn | ack, seq: 999, ack: 1000},
			{at: 1055 * milli, flags: ack, seq: 1000, ack: 1000, window: 500},
		},
		there: counts{packets: 1}, back: counts{packets: 1},
	},
	{
		name: "refused",
		segments: []segment{
			{at: 0, flags: syn, seq: 999},
			{at: 40 * milli, reply: true, flags: rst | ack, ack: 1000},
		},
	},
	{
		name: "SYN with data that is sent again in full", serv: 40 * milli, client: 10 * milli,
		segments: []segment{
			{at: 0, flags: syn, seq: 999, size: 50},
			{at: 40 * milli, reply: true, flags: syn | ack, seq: 999, ack: 1000},
			{at: 50 * milli, flags: ack, seq: 1000, ack: 1000, size: 50, window: 500},
		},
		there: counts{packets: 1, octets: 50},
	},
	{
		name: "keep-alives with and without an octet", seq: 1000, client: 10 * milli, serv: 40 * milli,
		segments: []segment{
			send(60*milli, 1000, 100), confirm(61*milli, 1100), send(9000*milli, 1099, 0), confirm(9001*milli, 1100),
			send(18000*milli, 1099, 1), confirm(18001*milli, 1100), send(27000*milli, 1100, 100),
		},
	},
	{
		name: "zero window, probes, and the window opens", seq: 1000, client: 10 * milli, serv: 40 * milli,
		segments: []segment{
			send(60*milli, 1000, 100),
			{reply: true, at: 61 * milli, flags: ack, seq: 1000, ack: 1100},
			send(300*milli, 1100, 1),
			{reply: true, at: 301 * milli, flags: ack, seq: 1000, ack: 1100},
			send(900*milli, 1100, 1), confirm(901*milli, 1100), send(902*milli, 1100, 100),
		},
		back: counts{zeroes: 2},
	},
	{
		name: "a zero-window probe is taken", seq: 1000, client: 10 * milli, serv: 40 * milli,
		segments: []segment{
			send(60*milli, 1000, 100),
			{reply: true, at: 61 * milli, flags: ack, seq: 1000, ack: 1100},
			send(300*milli, 1100, 1), confirm(301*milli, 1101), send(302*milli, 1101, 100),
		},
		back: counts{zeroes: 1},
	},
	{
		name: "an octet at the next number is data while the window is open", seq: 1000,
		client: 10 * milli, serv: 40 * milli,
		segments: []segment{send(60*milli, 1000, 1), send(61*milli, 1001, 1), send(400*milli, 1000, 2)},
		there:    counts{packets: 1, octets: 2},
	},
	{
		name: "windows of SYN, FIN and RST are not zero windows", client: 10 * milli, serv: 40 * milli,
		segments: []segment{
			{at: 0, flags: syn, seq: 999},
			{at: 40 * milli, reply: true, flags: syn | ack, seq: 999, ack: 1000},
			{at: 50 * milli, flags: fin | ack, seq: 1000, ack: 1000},
			{at: 60 * milli, reply: true, flags: rst, seq: 1000},
		},
	},
	{
		name: "FIN sent again", seq: 1000, client: 10 * milli, serv: 40 * milli,
		segments: []segment{
			{at: 60 * milli, flags: fin | ack, seq: 1000, ack: 1000, window: 1},
			{at: 400 * milli, flags: fin | ack, seq: 1000, ack: 1000, window: 1},
			{at: 500 * milli, flags: ack, seq: 1001, ack: 1000, window: 1},
		},
		there: counts{packets: 1},
	},
	{
		name: "RST with any number", seq: 1000, client: 10 * milli, serv: 40 * milli,
		segments: []segment{
			{at: 60 * milli, flags: rst, seq: 500000}, {at: 61 * milli, flags: rst | ack, seq: 900}, send(62*milli, 1000, 10),
		},
	},
	{
		name:     "the beginning was not seen",
		segments: []segment{send(0, 5000, 100), send(1*milli, 5200, 100), send(2*milli, 5100, 100)},
		there:    counts{holes: 1, late: 1},
	},
	{
		name:     "what is before the first segment seen comes late, or again",
		segments: []segment{send(0, 5000, 100), send(1*milli, 4900, 100), send(400*milli, 4800, 100)},
		there:    counts{late: 1, packets: 1, octets: 100},
	},
	{
		name: "only the responder is seen",
		segments: []segment{
			{at: 0, reply: true, flags: syn | ack, seq: 999, ack: 1000},
			{at: 20 * milli, reply: true, flags: ack, seq: 1000, ack: 1100, size: 10, window: 9},
			{at: 30 * milli, reply: true, flags: ack, seq: 1020, ack: 1100, size: 10, window: 9},
			{at: 31 * milli, reply: true, flags: ack, seq: 1010, ack: 1100, size: 10, window: 9},
		},
		back: counts{holes: 1, late: 1},
	},
	{
		name: "another connection on the same ports", seq: 1000, client: 10 * milli, serv: 40 * milli,
		segments: []segment{
			send(60*milli, 1000, 100),
			{at: 9000 * milli, flags: syn, seq: 700000},
			{at: 9001 * milli, reply: true, flags: syn | ack, seq: 800000, ack: 700001},
			{at: 9002 * milli, flags: ack, seq: 700001, ack: 800001, size: 5, window: 9},
		},
	},
	{
		name: "a number no window allows", seq: 1000, client: 10 * milli, serv: 40 * milli,
		segments: []segment{send(60*milli, 1000, 100), send(61*milli, 1<<31, 100), send(62*milli, 1<<31+100, 100)},
	},
	{
		name: "the probe sees packets twice", seq: 1000, client: 10 * milli, serv: 40 * milli,
		segments: []segment{
			{at: 60 * milli, flags: ack, seq: 1000, ack: 1000, size: 9, window: 0, id: 7},
			{at: 60 * milli, flags: ack, seq: 1000, ack: 1000, size: 9, window: 0, id: 7},
			{at: 61 * milli, flags: ack, seq: 1009, ack: 1000, size: 9, window: 0, id: 8},
			{at: 61 * milli, flags: ack, seq: 1018, ack: 1000, size: 9, window: 0, id: 9},
			{at: 62 * milli, flags: ack, seq: 1009, ack: 1000, size: 9, window: 0, id: 8},
			{at: 62 * milli, flags: ack, seq: 1018, ack: 1000, size: 9, window: 0, id: 9},
			// The same octets with an identification of their own are sent again.
			{at: 400 * milli, flags: ack, seq: 1018, ack: 1000, size: 9, window: 1, id: 10},
			// Some send the identification again too, but not so soon.
			{at: 900 * milli, flags: ack, seq: 1018, ack: 1000, size: 9, window: 1, id: 10},
		},
		there: counts{copies: 3, zeroes: 3, packets: 2, octets: 18},
	},
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
	feed(send(400*milli, 1100, 100), send(401*milli, 1350, 50), send(700*milli, 1300, 25))
	if got, want := countsOf(&b[0]), (counts{holes: 1, lost: 25, packets: 2, octets: 125}); got != want {
		t.Errorf("second record %+v, want %+v", got, want)
	}
	if b[0].Seen&flow.SeenCut != 0 {
		t.Error("the gap of the first record is filled and still remembered")
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
			p, d := g.packet()
			p.Fragment = dissect.Fragment(g.id >> 31)
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
