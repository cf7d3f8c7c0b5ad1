package app

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"github.com/weir-probe/weir/dataplane/flow"
)

// harm is what a network does to a stream, and what is to be said of it.
type harm struct {
	name           string
	packets        int
	first          uint16  // sequence number
	lose           float64 // share of packets
	run            int     // packets lost at a time
	again, reorder float64
	jitter         float64 // greatest delay, uniformly distributed, milliseconds

	lost, duplicates, swapped int
	gaps, longest             int
}

// arrived is a packet that came.
type arrived struct {
	n  int // of the stream
	at float64
}

// arrivals lets the network have its way with a stream of a packet every 20 ms. Neither the first
// packet nor the last is lost, as nobody could know.
func (h *harm) arrivals(rnd *rand.Rand) (all []arrived) {
	gap, moved := 0, 0
	for n := 0; n < h.packets; n++ {
		inner := n > 0 && n < h.packets-h.run-1
		if inner && gap == 0 && rnd.Float64() < h.lose/float64(max(h.run, 1)) {
			gap = max(h.run, 1)
			h.gaps++
			h.lost += gap
			h.longest = max(h.longest, gap)
		}
		if gap > 0 {
			if gap--; gap == 0 { // one that comes keeps gaps apart
				n++
				all = append(all, arrived{n, 20*float64(n) + h.jitter*rnd.Float64()})
			}
			continue
		}
		at := 20*float64(n) + h.jitter*rnd.Float64()
		switch {
		case inner && rnd.Float64() < h.reorder && all[len(all)-1].n == n-1 && n > 1 && moved != n-1:
			all = append(all, arrived{n, 20*float64(n) - 30 - h.jitter}) // before the one before it
			h.swapped++
			moved = n
			continue
		case inner && rnd.Float64() < h.again:
			all = append(all, arrived{n, at + 1})
			h.duplicates++
		}
		all = append(all, arrived{n, at})
	}
	for i := range all {
		all[i].at = math.Round(all[i].at*1000) / 1000 // microseconds
	}
	slices.SortStableFunc(all, func(a, b arrived) int { return cmp.Compare(a.at, b.at) })
	return all
}

// meanJitter is what RFC 3550, A.8, makes of arrivals, microseconds: written down once more.
func meanJitter(all []arrived) float64 {
	j, sum := 0.0, 0.0
	for i := 1; i < len(all); i++ {
		d := all[i].at - all[i-1].at - 20*float64(all[i].n-all[i-1].n)
		j += (math.Abs(d) - j) / 16
		sum += j
	}
	return 1000 * sum / float64(len(all)-1)
}

// conversation returns what is said by a stream that arrives so.
func (h *harm) conversation(all []arrived) conversation {
	c := says(h.name, 17, flow.Forward, nil)
	c.turns = nil
	s := &spoken{ssrc: 0xabcd0123, seq: h.first, ts: math.MaxUint32 - 16000, payload: 8, step: 160, octets: 160}
	for _, a := range all {
		c.turns = append(c.turns, turn{octets: s.packet(a.n), time: noon + 1e9 + uint64(1000*math.Round(a.at*1000))})
	}
	return c
}

// TestRTPTruth meters streams that were harmed in known ways: what is counted is exact, and jitter is
// what the distribution of delays makes it. tshark judges the same captures.
func TestRTPTruth(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 8))
	for _, h := range []harm{
		{name: "nothing", packets: 500, first: 1},
		{name: "one in a hundred", packets: 5000, first: 65000, lose: 0.01},
		{name: "a fifth", packets: 5000, first: 0, lose: 0.2},
		{name: "in runs of 5", packets: 5000, first: 40000, lose: 0.05, run: 5},
		{name: "in runs of 200", packets: 5000, first: 40000, lose: 0.1, run: 200},
		{name: "twice", packets: 3000, first: 65535, again: 0.05},
		{name: "in another order", packets: 3000, first: 65530, reorder: 0.05},
		{name: "jitter of 10 ms", packets: 20000, first: 9, jitter: 10},
		{name: "all, and two wraps", packets: 80000, first: 60000, lose: 0.02, run: 2, again: 0.01, reorder: 0.01,
			jitter: 5},
	} {
		t.Run(h.name, func(t *testing.T) {
			all := h.arrivals(rnd)
			file := filepath.Join(t.TempDir(), "stream.pcap")
			said := h.conversation(all)
			record(t, file, []conversation{said}, len(all))
			c := conversations(t, file)
			x := meter(t, c[0], &RTP)
			want := fmt.Sprint(len(all), h.lost, h.duplicates, h.swapped, h.gaps, h.longest)
			got := fmt.Sprint(x.value("RTP_IN_PKTS"), x.value("RTP_IN_LOST_PKTS"), x.value("RTP_IN_DUPLICATE_PKTS"),
				x.value("RTP_IN_REORDERED_PKTS"), x.value("RTP_IN_LOSS_RUNS"), x.value("RTP_IN_MAX_LOSS_RUN"))
			if got != want {
				t.Errorf("packets, lost, duplicates, reordered, gaps, longest: %s, want %s", got, want)
			}
			jitter, again := x.value("RTP_IN_JITTER_USEC"), meanJitter(all)
			if math.Abs(jitter-again) > 0.001*again+1 {
				t.Errorf("jitter %.1f µs, worked out again %.1f", jitter, again)
			}
			if third := 1000 * h.jitter / 3; h.lose+h.again+h.reorder == 0 && math.Abs(jitter-third) > 0.05*third+1 {
				t.Errorf("jitter %.1f µs, of evenly distributed delays it is %.1f", jitter, third)
			}
			s := sharkStreams(t, file)
			if len(s) != 1 {
				t.Fatalf("tshark finds %d streams", len(s))
			}
			t.Logf("lost %d, duplicates %d, jitter %.3f ms; tshark: lost %d, jitter %.3f ms", h.lost, h.duplicates, jitter/1e3,
				s[0].lost, s[0].meanJitter)
			if s[0].packets != len(all) || s[0].lost != h.lost-h.duplicates || !near(jitter/1e3, s[0].meanJitter) {
				t.Errorf("tshark says %+v", s[0])
			}
		})
	}
}

// disorder returns the numbers of packets in the order in which they come: with losses, copies, and many late
// at once, none more than behind after one that was sent later. A few in order prove that it is RTP, before
// which others were sent.
func disorder(rnd *rand.Rand, behind int) (come []int) {
	const proof = 5
	type sent struct{ n, place int }
	var all []sent
	begin, late := max(behind-proof, 0)/2, 0
	for n := range 4000 {
		if n >= begin && n < begin+proof {
			all = append(all, sent{n, -1})
			continue
		}
		if late--; late < 0 && rnd.IntN(30) == 0 {
			late = rnd.IntN(2 * behind)
		}
		copies := [...]int{0, 1, 1, 1, 1, 1, 1, 1, 2, 3}[rnd.IntN(10)]
		for range copies {
			place := n
			if late > 0 {
				place += rnd.IntN(behind + 1)
			}
			all = append(all, sent{n, place})
		}
	}
	slices.SortStableFunc(all, func(a, b sent) int { return a.place - b.place })
	for _, s := range all {
		come = append(come, s.n)
	}
	return come
}

// lostOf returns how many are missing between the lowest and the highest, and how many came again.
func lostOf(come []int) (lost, again int) {
	seen := map[int]bool{}
	for _, n := range come {
		seen[n] = true
	}
	return slices.Max(come) - slices.Min(come) + 1 - len(seen), len(come) - len(seen)
}

// TestRTPDisorder holds that what is lost is exact as long as nothing is further behind than the window, from
// the first packet on, whatever else happens.
func TestRTPDisorder(t *testing.T) {
	rnd := rand.New(rand.NewPCG(11, 12))
	for _, behind := range []int{1, 5, 30, rtpWindow - 1} {
		sum := 0
		for range 50 {
			h := harm{name: "disorder", first: uint16(rnd.Uint32())}
			come := disorder(rnd, behind)
			var all []arrived
			for i, n := range come {
				all = append(all, arrived{n, 20 * float64(i)})
			}
			c := h.conversation(all)
			x := meter(t, &c, &RTP)
			lost, again := lostOf(come)
			if x.value("RTP_IN_LOST_PKTS") != float64(lost) || x.value("RTP_IN_DUPLICATE_PKTS") != float64(again) {
				t.Fatalf("%d behind: %s lost, %s again of %s, want %d, %d", behind, x.fields["RTP_IN_LOST_PKTS"],
					x.fields["RTP_IN_DUPLICATE_PKTS"], x.fields["RTP_IN_PKTS"], lost, again)
			}
			sum += lost
		}
		t.Logf("at most %d behind: %d lost, all of them told", behind, sum)
	}
}

// TestRTPBefore holds that what is before the first packet and beyond the window takes nothing off the lost.
func TestRTPBefore(t *testing.T) {
	h := harm{name: "before", first: 1000}
	var all []arrived
	for n := 100; n < 170; n++ {
		if n%10 != 5 { // 7 are lost
			all = append(all, arrived{n, float64(n)})
		}
	}
	for n := range 10 {
		all = append(all, arrived{90 + n, float64(170 + n)})
	}
	c := h.conversation(all)
	x := meter(t, &c, &RTP)
	if got := x.fields["RTP_IN_LOST_PKTS"]; got != "7" || x.fields["RTP_IN_REORDERED_PKTS"] != "10" {
		t.Errorf("%s lost, want 7: %v", got, x.fields)
	}
}
