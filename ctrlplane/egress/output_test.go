package egress

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/export"
	"github.com/weir-probe/weir/export/exporttest"
	"github.com/weir-probe/weir/export/formats"
)

// faulty is a sink that can be away.
type faulty struct {
	memory
	away atomic.Bool
}

func (f *faulty) Send(ctx context.Context, b []byte) error {
	if f.away.Load() {
		return errors.New("away")
	}
	return f.memory.Send(ctx, b)
}

// share is an output of n places named a, b and so on.
type share struct {
	*Output
	sinks []*faulty
}

func newShare(t *testing.T, names string, spread Spread, f *Filter) *share {
	t.Helper()
	s := &share{Output: NewOutput("o", Only(Flows), f)}
	s.Spread = spread
	template := exporttest.Template(t, exporttest.Schema(t), "FLOW_START_MILLISECONDS")
	o := export.Options{Patience: time.Millisecond, Backoff: time.Millisecond, Records: 1}
	if f != nil {
		o.Wants = f.Wants
	}
	for _, name := range strings.Fields(names) {
		format, err := formats.New("json", export.FormatOptions{Template: template})
		if err != nil {
			t.Fatal(err)
		}
		k := &faulty{}
		s.sinks = append(s.sinks, k)
		s.Add(export.New(name, format, k, o), "udp://"+name)
	}
	return s
}

// give gives flows and returns how many records each place was given.
func (s *share) give(flows ...*flow.View) (got []uint64) {
	before := s.records()
	for _, v := range flows {
		s.append(v)
	}
	for i, n := range s.records() {
		got = append(got, n-before[i])
	}
	return got
}

func (s *share) records() (got []uint64) {
	for _, x := range s.Exporters() {
		got = append(got, x.Counters().Records.Load())
	}
	return got
}

func (s *share) close(t *testing.T) {
	t.Helper()
	for _, x := range s.Exporters() {
		if err := x.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}
}

// numbered returns flows that differ.
func numbered(n int) (all []*flow.View) {
	for i := range n {
		all = append(all, exporttest.Flow(i))
	}
	return all
}

func backwards(v *flow.View) *flow.View {
	r := *v.Record
	r.Src, r.Dst, r.SrcPort, r.DstPort = r.Dst, r.Src, r.DstPort, r.SrcPort
	return &flow.View{Record: &r}
}

func TestReplicateAndTurns(t *testing.T) {
	all := newShare(t, "a b c", Replicate, nil)
	if got := fmt.Sprint(all.give(numbered(9)...)); got != "[9 9 9]" {
		t.Errorf("every place gets everything: %s", got)
	}
	all.close(t)
	turns := newShare(t, "a b c", RoundRobin, nil)
	if got := fmt.Sprint(turns.give(numbered(9)...)); got != "[3 3 3]" {
		t.Errorf("each in turn: %s", got)
	}
	turns.close(t)
}

// All records of a flow, both ways, go to one place, places have like shares, and without a place
// only its own share moves.
func TestHash(t *testing.T) {
	const n = 3000
	s, fewer := newShare(t, "a b c", Hash, nil), newShare(t, "a c", Hash, nil)
	moved := 0
	for i, v := range numbered(n) {
		at, again := s.heaviest(v.Record), s.heaviest(backwards(v).Record)
		if at != again {
			t.Fatalf("flow %d goes to %d one way and to %d the other", i, at, again)
		}
		then := map[int]int{0: 0, 1: 2}[fewer.heaviest(v.Record)]
		if at == 1 {
			moved++
		} else if then != at {
			t.Fatalf("flow %d moves from %d to %d although %d is still there", i, at, then, at)
		}
	}
	if moved < n/4 || moved > n/2 {
		t.Errorf("%d of %d flows were the share of one place in three", moved, n)
	}
	for i, got := range s.give(numbered(n)...) {
		if got < n/4 || got > n/2 {
			t.Errorf("place %d got %d of %d", i, got, n)
		}
	}
	s.close(t)
	fewer.close(t)
}

func TestHashCost(t *testing.T) {
	s := newShare(t, "a b c d", Hash, nil)
	defer s.close(t)
	v := exporttest.Flow(1)
	if n := testing.AllocsPerRun(100, func() { s.heaviest(v.Record) }); n != 0 {
		t.Errorf("choosing a place allocates %v times", n)
	}
}

// A place that is away keeps its share unless it may fail over; then it gets one record now and
// again, and its share as soon as that arrives.
func TestFailover(t *testing.T) {
	for _, spread := range []Spread{RoundRobin, Hash} {
		stay, move := newShare(t, "a b", spread, nil), newShare(t, "a b", spread, nil)
		move.Failover = true
		for _, s := range []*share{stay, move} {
			s.sinks[0].away.Store(true)
			s.give(numbered(100)...)
			settled(t, s.Exporters()[0])
			s.look()
		}
		if got := stay.give(numbered(100)...); got[0] < 20 {
			t.Errorf("%v: a place that is away lost its share: %d", spread, got)
		}
		if got := move.give(numbered(100)...); got[0] != 1 || got[1] != 99 {
			t.Errorf("%v: a place that is away got %d", spread, got)
		}
		settled(t, move.Exporters()[0])
		move.look()
		move.sinks[0].away.Store(false)
		if got := move.give(numbered(100)...); got[0] != 1 {
			t.Errorf("%v: a place that is away got %d", spread, got)
		}
		settled(t, move.Exporters()[0])
		move.look()
		if got := move.give(numbered(100)...); got[0] < 20 {
			t.Errorf("%v: a place that is back got %d", spread, got)
		}
		stay.close(t)
		move.close(t)
	}
}

// settled waits until nothing of an exporter is pending.
func settled(t *testing.T, x *export.Exporter) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); x.Counters().Pending() > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s does not settle", x.Name())
		}
	}
}

// What a filter leaves out is counted once for each place that would have got it, and takes
// nobody's turn.
func TestFiltered(t *testing.T) {
	asked := 0
	odd := func(v *flow.View) bool { asked++; return v.SrcPort%2 == 1 }
	for spread, want := range map[Spread]string{Replicate: "[3 3] [7 7]", RoundRobin: "[2 1] [7 0]"} {
		asked = 0
		s := newShare(t, "a b", spread, NewFilter(odd))
		got := fmt.Sprint(s.give(numbered(10)...))
		var filtered []uint64
		for _, x := range s.Exporters() {
			filtered = append(filtered, x.Counters().Filtered.Load())
		}
		if got += fmt.Sprint(" ", filtered); got != want || asked != 10 {
			t.Errorf("%v: got %s, want %s; asked %d times", spread, got, want, asked)
		}
		s.close(t)
	}
}
