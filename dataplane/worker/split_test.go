package worker

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/weir-probe/weir/dataplane/nic"
)

// turns is what two sides say, one after the other.
type turns []struct {
	side int
	text string
}

var long = turns{
	{0, "GET a\nGET bcdefgh\nPUT 300 c\n{300}"},
	{1, "WAIT a moment\nOK 0 x\nOK 2000 y\n{2000}NOTE n\nOK 5 z\n{5}"},
	{0, "GET d\n"},
	{1, "OK 70000 w\n{70000}"},
	{0, "NOTE o\nGET e\n"},
	{1, "OK * v\n{500}GET nonsense\n"},
}

// utterance is a segment of what a side says.
type utterance struct {
	side int
	from uint32 // offset in all that the side says
	text []byte
	ack  uint32 // octets of the other side
}

// cut makes segments of random sizes of what is said.
func (s turns) cut(rnd *rand.Rand, most int) (groups [][]utterance) {
	var at [2]uint32
	for _, t := range s {
		octets := expand(t.text)
		var group []utterance
		for len(octets) > 0 {
			n := min(1+rnd.IntN(most), len(octets))
			group = append(group, utterance{t.side, at[t.side], octets[:n], at[1-t.side]})
			at[t.side] += uint32(n)
			octets = octets[n:]
		}
		groups = append(groups, group)
	}
	return groups
}

// disturb sends segments in another order, so that no more are early than can be held, and
// some again, alone or with what was around them.
func disturb(rnd *rand.Rand, group []utterance) []utterance {
	var out []utterance
	for i := 0; i < len(group); {
		n := min(1+rnd.IntN(holds), len(group)-i)
		some := slices.Clone(group[i : i+n])
		rnd.Shuffle(n, func(a, b int) { some[a], some[b] = some[b], some[a] })
		out = append(out, some...)
		if i += n; rnd.IntN(2) == 0 {
			again := group[rnd.IntN(i)]
			if rnd.IntN(2) == 0 && i > 1 { // two in one
				k := rnd.IntN(i - 1)
				again = group[k]
				again.text = append(slices.Clone(again.text), group[k+1].text...)
			}
			if len(again.text) < 9000 {
				out = append(out, again)
			}
		}
	}
	return out
}

// frames makes a connection of segments.
func dialogue(groups [][]utterance, isn [2]uint32) []nic.Frame {
	c := tap()
	c.seq = isn
	c.hello()
	base := c.seq
	for _, group := range groups {
		for _, s := range group {
			c.seq[s.side], c.seq[1-s.side] = base[s.side]+s.from, base[1-s.side]+s.ack
			p := c.pkt(s.side, "PA")
			c.send(p.says(string(s.text)))
			for _, side := range []int{s.side} {
				c.seq[side] = max(c.seq[side], base[side]+s.from+uint32(len(s.text)))
			}
		}
	}
	var total [2]uint32
	for _, group := range groups {
		for _, s := range group {
			total[s.side] = max(total[s.side], s.from+uint32(len(s.text)))
		}
	}
	c.seq = [2]uint32{base[0] + total[0], base[1] + total[1]}
	return c.bye().frames
}

// patient is a configuration in which nothing times out.
func patient() Config {
	conf := looking()
	conf.TransactionTimeout, conf.Idle, conf.Active = time.Hour, time.Hour, 24*time.Hour
	conf.Lateness = time.Second
	return conf
}

// However a stream is cut into segments, in whatever order they come and how often, the same
// is said of it.
func TestSplits(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	whole := watch(t, patient(), dialogue(long.cut(rnd, 9000), [2]uint32{1000, 1 << 31})...)
	want, flows := whole.said(false), whole.found()
	if len(want) != 5 || whole.report.Counters[StreamHoles] != 0 {
		t.Fatalf("%q", want)
	}
	for n := range 60 {
		most := []int{1, 2, 7, 40, 700, 9000}[n%6]
		say := long
		if most < 40 {
			say = long[:2]
		}
		isn := [2]uint32{rnd.Uint32(), rnd.Uint32()}
		if n%3 == 0 {
			isn = [2]uint32{^uint32(0) - uint32(rnd.IntN(500)), ^uint32(0) - uint32(rnd.IntN(3000))}
		}
		groups := say.cut(rnd, most)
		for i := range groups {
			if n >= 12 {
				groups[i] = disturb(rnd, groups[i])
			}
		}
		b := watch(t, patient(), dialogue(groups, isn)...)
		got, found := b.said(false), b.found()
		if most < 40 {
			if !slices.Equal(got, want[:3]) {
				t.Errorf("%d, of at most %d: %q\nwant %q", n, most, got, want[:3])
			}
			continue
		}
		if !slices.Equal(got, want) || !slices.Equal(found, flows) || b.report.Counters[StreamHoles] != 0 {
			t.Errorf("%d, of at most %d: %q %q\nwant %q %q", n, most, got, found, want, flows)
		}
	}
}

// Whatever segments are lost, what is said is true of what was seen, or flagged; and memory
// that is too small changes nothing but what is known.
func TestLosses(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	for n := range 100 {
		groups := long.cut(rnd, 1+rnd.IntN(900))
		lost := 0
		for i := range groups {
			groups[i] = slices.DeleteFunc(disturb(rnd, groups[i]), func(utterance) bool {
				if rnd.IntN(20) == 0 {
					lost++
					return true
				}
				return false
			})
		}
		conf := patient()
		if n%4 == 0 {
			conf.StreamMemory, conf.Transactions, conf.Streams = largest, 2, 1
		}
		b := watch(t, conf, dialogue(groups, [2]uint32{rnd.Uint32(), rnd.Uint32()})...)
		flagged := false
		for _, s := range b.said(false) {
			flagged = flagged || strings.Contains(s, "LOST=1")
		}
		if flagged && lost == 0 && n%4 != 0 {
			t.Errorf("%d: flagged, though nothing was lost", n)
		}
	}
}
