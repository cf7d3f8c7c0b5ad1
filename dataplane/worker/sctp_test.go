package worker

import (
	"encoding/binary"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/weir-probe/weir/dataplane/nic"
)

// chunk is a DATA chunk.
type chunk struct {
	server bool
	flags  byte
	stream uint16
	tsn    uint32
	text   string
}

func (c chunk) octets() string {
	n := dataHeader + len(c.text)
	b := []byte{0, c.flags, byte(n >> 8), byte(n)}
	b = binary.BigEndian.AppendUint32(b, c.tsn)
	b = binary.BigEndian.AppendUint16(b, c.stream)
	return string(b) + "\x00\x00\x00\x00\x00\x00" + c.text + strings.Repeat("\x00", -n&3)
}

// associated returns packets of an association, one every 10 ms, each with some chunks.
func associated(packets ...[]chunk) (frames []nic.Frame) {
	for i, chunks := range packets {
		p := pkt{at: time.Duration(i) * 10 * time.Millisecond, src: "a", dst: "b", sport: 40000, dport: 7002}
		text := "\x00\x00\x00\x00" // the SCTP header is 4 octets longer
		for _, c := range chunks {
			if text += c.octets(); c.server {
				p.src, p.dst, p.sport, p.dport = "b", "a", 7002, 40000
			}
		}
		f := p.says(text)
		f.Bytes()[23] = protoSCTP
		frames = append(frames, f)
	}
	return frames
}

// each puts every chunk into a packet of its own.
func each(chunks ...chunk) (packets [][]chunk) {
	for _, c := range chunks {
		packets = append(packets, []chunk{c})
	}
	return packets
}

const (
	begins = firstPart
	inside = 0
	closes = lastPart
	alone  = wholeData
)

// SCTP carries messages in chunks, long ones in parts.
func TestChunks(t *testing.T) {
	frames := associated([]chunk{{text: "Q1a", flags: alone}, {text: "Q5", flags: closes}, {text: "Q2bc", flags: alone}},
		[]chunk{{text: "Q3", flags: alone}})
	broken := associated([]chunk{{text: "Q4", flags: alone}})[0]
	copy(broken.Bytes()[14+20+12:], "\x00\x03\x00\x03")
	b := watch(t, looking(), append(frames, broken)...)
	b.want("events", b.said(false), keyed("a", "", "unanswered", "REQUEST_BYTES=3"),
		keyed("bc", "", "unanswered", "REQUEST_BYTES=4"), keyed("", "", "unanswered", "REQUEST_BYTES=2"))
	if n := b.report.Counters[SCTPFragments]; n != 1 {
		t.Errorf("%d fragments", n)
	}
}

var abc = keyed("abc", "", "unanswered", "REQUEST_BYTES=5")

var partings = []struct {
	name   string
	says   [][]chunk
	events []string
	lost   uint64
}{
	{
		name: "over three packets",
		says: each(chunk{false, begins, 1, 7, "Q1a"}, chunk{false, inside, 1, 8, "b"}, chunk{false, closes, 1, 9, "c"},
			chunk{true, begins, 1, 1 << 31, "R"}, chunk{true, closes, 1, 1<<31 + 1, "1x"}),
		events: []string{keyed("abc", "x", "complete", "REQUEST_BYTES=5 RESPONSE_BYTES=3")},
	},
	{
		name: "in one packet, over the end of the numbers",
		says: [][]chunk{{{false, begins, 1, 1<<32 - 2, "Q1a"}, {false, inside, 1, 1<<32 - 1, "b"},
			{false, closes, 1, 0, "c"}}},
		events: []string{abc},
	},
	{
		name: "of two streams, and of the other side",
		says: each(chunk{false, begins, 1, 7, "Q1a"}, chunk{false, begins, 2, 17, "Q2"},
			chunk{true, begins, 1, 8, "N9"}, chunk{false, closes, 1, 8, "bc"}, chunk{true, closes, 1, 9, "n"},
			chunk{false, closes, 2, 18, "d"}),
		events: []string{"ASKER=server KEY_SAID=n PROTOCOL=key REQUEST_BYTES=3 STATE=notice", abc,
			keyed("d", "", "unanswered", one)},
	},
	{
		name: "sent again",
		says: each(chunk{false, begins, 1, 7, "Q1a"}, chunk{false, inside, 1, 8, "b"},
			chunk{false, begins, 1, 7, "Q1a"}, chunk{false, inside, 1, 8, "b"}, chunk{false, closes, 1, 9, "c"}),
		events: []string{abc},
	},
	{
		name: "a part is missing",
		says: each(chunk{false, begins, 1, 7, "Q1a"}, chunk{false, closes, 1, 9, "c"}, chunk{false, closes, 1, 10, "c"},
			chunk{false, begins, 1, 11, "Q1ab"}, chunk{false, closes, 1, 12, "c"}),
		events: []string{abc}, lost: 3,
	},
	{
		name: "one begins before another closes, and does not end",
		says: each(chunk{false, begins, 1, 7, "Q1a"}, chunk{false, inside, 1, 8, "b"},
			chunk{false, begins, 1, 9, "Q1a"}),
		lost: 3,
	},
	{
		name: "more at a time than are put together",
		says: each(chunk{false, begins, 1, 7, "Q1a"}, chunk{false, begins, 2, 17, "Q2a"},
			chunk{false, begins, 3, 27, "Q3a"}, chunk{false, begins, 4, 37, "Q4a"}, chunk{false, begins, 5, 47, "Q5a"},
			chunk{false, closes, 1, 8, "bc"}, chunk{false, closes, 5, 48, "bc"}, chunk{false, closes, 2, 18, "bc"}),
		events: []string{abc, abc}, lost: 4,
	},
	{
		name: "longer than is put together",
		says: each(chunk{false, begins, 1, 7, "Q1" + strings.Repeat("a", 9000)},
			chunk{false, inside, 1, 8, strings.Repeat("b", 9000)}, chunk{false, inside, 1, 9, strings.Repeat("b", 9000)},
			chunk{false, closes, 1, 10, "c"}),
		events: []string{keyed(strings.Repeat("a", 255), "", "unanswered", "REQUEST_BYTES=20480")},
	},
}

func TestParts(t *testing.T) {
	for _, c := range partings {
		t.Run(c.name, func(t *testing.T) {
			b := watch(t, looking(), associated(c.says...)...)
			b.want("events", b.said(false), c.events...)
			if n := b.report.Counters[SCTPFragments]; n != c.lost {
				t.Errorf("%d fragments, want %d", n, c.lost)
			}
		})
	}
	b := watch(t, looking(), associated(each(chunk{false, begins, 1, 7, "Q1a"}, chunk{false, inside, 1, 8, "b"},
		chunk{false, closes, 1, 9, "c"})...)...)
	b.want("events", b.said(true), "ASKER=client KEY_ASKED=abc PROTOCOL=key REQUEST_BYTES=5 REQUEST_END=20ms "+
		"REQUEST_PKTS=3 REQUEST_START=0s STATE=unanswered")
}

// Whatever parts come, all memory comes back, and some are lost, but not silently.
func TestAnyParts(t *testing.T) {
	conf := looking()
	conf.StreamMemory = 2 * largest
	src := &turn{}
	b := newBench(t, src, conf)
	rnd := rand.New(rand.NewPCG(3, 4))
	const packets = 20000
	for i := range packets {
		c := chunk{rnd.IntN(4) == 0, byte(rnd.IntN(3)), uint16(rnd.IntN(6)), uint32(rnd.IntN(4)), "N1a"}
		if c.text = strings.Repeat(c.text, 1+rnd.IntN(100)); rnd.IntN(50) == 0 {
			c.text = strings.Repeat("N", 1+1000*rnd.IntN(20))
		}
		src.next = associated([]chunk{c})
		src.next[0].Time = epoch + uint64(i)*1e6
		b.Step(0)
		b.drain()
	}
	b.Flush(0)
	b.drain()
	b.idle()
	if n := b.report.Counters[SCTPFragments]; n == 0 || n >= packets || len(b.events) < 100 {
		t.Errorf("%d of %d parts were lost, %d events", n, packets, len(b.events))
	}
}

// Putting parts together allocates nothing.
func TestPartsAllocate(t *testing.T) {
	frames := associated(each(chunk{false, begins, 1, 7, "N1a"}, chunk{false, inside, 1, 8, strings.Repeat("b", 999)},
		chunk{false, closes, 1, 9, "c"}, chunk{false, begins, 1, 10, "N1a"})...)
	src := &turn{}
	b := newBench(t, src, looking())
	if n := testing.AllocsPerRun(20, func() {
		src.next = frames
		b.Step(0)
		discard(b.ring)
		for i := range frames {
			frames[i].Time += 100e9
		}
	}); n != 0 || b.counts[Events] < 20 {
		t.Errorf("%v allocations, %d events", n, b.counts[Events])
	}
}
