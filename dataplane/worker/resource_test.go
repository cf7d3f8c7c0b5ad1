package worker

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dataplane/nic"
)

// Blocks never overlap, none is lost, and when all are back the largest fit again.
func TestArena(t *testing.T) {
	var a arena
	if err := a.open(16 * largest); err != nil {
		t.Fatal(err)
	}
	defer a.unmap()
	rnd := rand.New(rand.NewPCG(1, 2))
	type lent struct {
		b    block
		mark byte
	}
	var out []lent
	refused := 0
	for n := range 50_000 {
		if len(out) > 0 && rnd.IntN(100) < 49 {
			i := rnd.IntN(len(out))
			for _, c := range a.bytes(out[i].b) {
				if c != out[i].mark {
					t.Fatal("a block was written by another")
				}
			}
			a.give(out[i].b)
			out = slices.Delete(out, i, i+1)
			continue
		}
		size := 1 + rnd.IntN(unit<<rnd.IntN(orders))
		b := a.take(size)
		if b == 0 {
			refused++
			continue
		}
		m := a.bytes(b)
		if len(m) < size || len(m) >= 2*max(size, unit) {
			t.Fatalf("%d octets for %d", len(m), size)
		}
		out = append(out, lent{b, byte(n)})
		for i := range m {
			m[i] = byte(n)
		}
	}
	if refused == 0 {
		t.Error("it was never full")
	}
	for _, l := range out {
		a.give(l.b)
	}
	if a.lent != 0 {
		t.Errorf("%d octets are lent", a.lent)
	}
	for range 16 {
		if a.take(largest) == 0 {
			t.Fatal("halves were not joined")
		}
	}
	if a.take(1) != 0 {
		t.Error("more was lent than there is")
	}
}

// A body of 5 GiB, of which a few segments are seen, costs nothing, and the message behind it
// is found.
func TestBodyOverWraps(t *testing.T) {
	const body = 5 << 30
	c := tap().hello().say(0, "GET a\n").say(1, fmt.Sprintf("OK %d x\n", uint64(body)))
	for sent := uint64(0); sent < body; {
		n := min(uint64(900<<20), body-sent)
		if n > 1000 {
			c.seq[1] += uint32(n - 1000)
		}
		c.say(1, fmt.Sprintf("{%d}", min(n, 1000)))
		sent += n
	}
	c.say(0, "GET b\n").say(1, "OK 0 y\n").bye()
	b := watch(t, looking(), c.frames...)
	b.want("events", b.said(false), answered("a", "x", "6", fmt.Sprint(body+16)), answered("b", "y", "6", "7"))
}

// Whoever has no room for a flow, a message or a state says so.
func TestNoRoom(t *testing.T) {
	half := func(port uint16) []nic.Frame {
		c := tap()
		c.port = 7001
		f := c.hello().say(0, "GET {20000}").frames
		for i := range f {
			b := f[i].Bytes()
			b[26+3] = byte(port) // another client
			_ = b
		}
		return f
	}
	var many []nic.Frame
	for i := range 20 {
		many = append(many, half(uint16(10+i))...)
	}
	slices.SortStableFunc(many, func(a, b nic.Frame) int { return int(a.Time) - int(b.Time) })
	conf := looking()
	conf.StreamMemory = 4 * largest
	if c := watch(t, conf, many...).report.Counters; c[StreamNoRoom] != 16 {
		t.Errorf("%d parts of messages found no room, want 16", c[StreamNoRoom])
	}
	conf = looking()
	conf.Streams = 5
	if c := watch(t, conf, many...).report.Counters; c[TalksNoRoom] != 15 {
		t.Errorf("%d flows found no room, want 15", c[TalksNoRoom])
	}
}

// A message that is too long is given up, and one that comes octet by octet is not parsed
// again at every one.
func TestLongMessages(t *testing.T) {
	c := tap().hello().say(0, "GET {30000}\nGET b\n").bye()
	b := watch(t, looking(), c.frames...)
	b.want("events", b.said(false))
	if n := b.report.Counters[MessageTooLong]; n != 1 {
		t.Errorf("%d messages were too long", n)
	}
	c = tap().hello().say(0, "GET ")
	for range 2000 {
		c.now -= 9 * time.Millisecond
		c.say(0, "x")
	}
	c.say(0, "{1000}\n").bye()
	b = watch(t, looking(), c.frames...)
	if n := b.report.Counters[AsksPutOff]; n == 0 || n > 100 || len(b.events) != 1 {
		t.Errorf("asking was put off %d times, %d events", n, len(b.events))
	}
}

// Malformed messages are counted and handed over with their frames, not too many.
func TestMalformed(t *testing.T) {
	conf := looking()
	conf.Malformed = 2
	c := tap().hello().say(0, "GET a\nBAD b\n").say(0, "BAD c\nBAD d\n")
	c.now += time.Second
	b := watch(t, conf, c.say(0, "BAD e\n").frames...)
	if got := strings.Join(b.flawed, "; "); got != "65535 a bad line 66/66; 65535 a bad line 66/66; "+
		"65535 a bad line 60/60" {
		t.Error(got)
	}
	if n := b.report.Counters[MalformedLimited]; n != 1 || b.report.Dissectors[1].Malformed != 4 {
		t.Errorf("%d were too many; %+v", n, b.report.Dissectors[1])
	}
}

// crowd is many flows at once.
func crowd() (all []nic.Frame) {
	rnd := rand.New(rand.NewPCG(5, 6))
	for i := range 40 {
		var f []nic.Frame
		switch i % 4 {
		case 0:
			f = datagrams("> Q1a", "> Q2b", "+3s", "< R2x", "+3s", "< R1y", "+10s", "> Q3c", "+1s", "> Q4d",
				"+20s", "> Q5")
		case 1:
			f = dialogue(long.cut(rnd, 800), [2]uint32{rnd.Uint32(), rnd.Uint32()})
		case 2:
			f = tap().hello().say(0, "GET a\n").lose(1, "OK 0 x\n").say(0, "GET b\n").say(1, "OK 0 y\n").frames
		case 3:
			f = datagrams("> Q1a", "+70s", "> Q2b", "+4s", "> Q3b", "+4s", "> Q4b", "+4s", "< R4b", "+55s", "> N5z")
		}
		shift := uint64(rnd.IntN(int(20 * time.Second)))
		for j := range f {
			b := f[j].Bytes()
			for _, at := range []int{26, 30} {
				b[at+1], b[at+2] = byte(i), 77
			}
			f[j].Time += shift
		}
		all = append(all, f...)
	}
	slices.SortStableFunc(all, func(a, b nic.Frame) int { return int(a.Time) - int(b.Time) })
	return all
}

// saidBy returns what so many workers say of frames that come in bursts of at most so many.
func saidBy(t *testing.T, all []nic.Frame, of uint32, most int) (said []string) {
	for i := range max(of, 1) {
		conf := looking()
		conf.Streams, conf.Transactions, conf.Shard = 1000, 1000, Shard{i, of}
		b := newBench(t, &feed{frames: all, most: most}, conf)
		b.run(0)
		for _, set := range [][]flow.View{b.events, b.flows} {
			for i := range set {
				v := &set[i]
				said = append(said, spoken(v, true)+fmt.Sprint(v.Key, v.First, v.Last, v.Packets, v.Octets, v.End))
			}
		}
	}
	slices.Sort(said)
	return said
}

// One worker and three that share the flows say the same.
func TestShardsSaySame(t *testing.T) {
	all := crowd()
	want := saidBy(t, all, 0, 0)
	for _, c := range []struct {
		of   uint32
		most int
	}{{3, 0}, {0, 1}, {2, 7}} {
		if got := saidBy(t, all, c.of, c.most); !slices.Equal(got, want) {
			for i := range min(len(got), len(want)) {
				if got[i] != want[i] {
					t.Errorf("%d workers, bursts of %d: %d of %d\n%s\nwant\n%s", c.of, c.most, len(got), len(want),
						got[i], want[i])
					break
				}
			}
		}
	}
	if len(want) < 200 {
		t.Errorf("only %d things were said", len(want))
	}
}

// Looking into flows allocates nothing.
func TestTalkAllocates(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 8))
	groups := long.cut(rnd, 300)
	for i := range groups {
		groups[i] = disturb(rnd, groups[i])
	}
	frames := dialogue(groups, [2]uint32{1, 2})
	frames = append(frames, datagrams("> Q1a", "> X", "> Q2b", "+3s", "< R2x", "+3s", "< R1y", "> N1n",
		"> ?")...)
	conf := looking()
	conf.Malformed = 1000
	src := &turn{}
	b := newBench(t, src, conf)
	now := uint64(0)
	n := testing.AllocsPerRun(20, func() {
		for i := 0; i < len(frames); i += nic.Max {
			src.next = frames[i:min(i+nic.Max, len(frames))]
			for j := range src.next {
				src.next[j].Time += now
			}
			b.Step(0)
			discard(b.ring)
			for j := range frames[i:min(i+nic.Max, len(frames))] {
				frames[i+j].Time -= now
			}
		}
		now += 100e9
	})
	if n != 0 || b.counts[Events] < 20*5 || b.counts[RingFull] != 0 {
		t.Errorf("%v allocations, %v", n, b.counts)
	}
}

// What a flow being looked into costs is known.
func TestTalkLayout(t *testing.T) {
	for _, c := range []struct {
		name       string
		size, want uintptr
	}{
		{"talk", unsafe.Sizeof(talk{}), 320},
		{"talk's second side", unsafe.Offsetof(talk{}.sides) + unsafe.Sizeof(side{}), 128},
		{"exchange", unsafe.Sizeof(exchange{}), 128},
		{"held", unsafe.Sizeof([holds]held{}), 192},
	} {
		if c.size != c.want {
			t.Errorf("%s has %d octets, want %d", c.name, c.size, c.want)
		}
	}
}
