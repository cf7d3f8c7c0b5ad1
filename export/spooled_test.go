package export_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/export"
	"github.com/weir-probe/weir/export/exporttest"
	"github.com/weir-probe/weir/export/spool"
)

// spooled returns options with a spool in the directory.
func spooled(t testing.TB, dir string, o export.Options) export.Options {
	t.Helper()
	l, err := spool.Open(spool.Options{Dir: dir, Format: "ports"})
	if err != nil {
		t.Fatal(err)
	}
	o.Spool, o.Backoff, o.Retry, o.Age = l, time.Millisecond, 2*time.Millisecond, 1
	return o
}

// eventually waits for something to become true.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("in vain: %s", what)
		}
	}
}

// fill appends flows from to to-1, sends all of them if their age is 1, and returns what is to be delivered.
func fill(e *export.Exporter, from, to int) string {
	var b strings.Builder
	for i := from; i < to; i++ {
		e.Append(exporttest.Flow(3 * i))
		fmt.Fprintf(&b, " %d", uint16(20000+3*i))
	}
	e.Tick(uint64(time.Now().UnixNano()))
	return b.String()
}

// plain is what was delivered without what separates messages.
func plain(s string) string { return strings.NewReplacer("[", "", "]", "").Replace(s) }

// accounted checks that every flow is in one count.
func accounted(t *testing.T, c *export.Counters) {
	t.Helper()
	in, out := c.Records.Load()+c.Recovered.Load(), c.Exported.Load()+c.DroppedTotal()+c.Spooled.Load()
	if in != out || c.Pending() != 0 {
		t.Errorf("%d flows given and %d found, %d exported, %d dropped, %d in the spool", c.Records.Load(),
			c.Recovered.Load(), c.Exported.Load(), c.DroppedTotal(), c.Spooled.Load())
	}
}

// away is a destination that may be there or not, and tell how it was reached.
type away struct {
	*scripted
	gone atomic.Bool
}

func newAway(gone bool) *away {
	a := &away{}
	a.gone.Store(gone)
	a.scripted = newScripted(func(context.Context, []byte) error {
		if a.gone.Load() {
			return errNever
		}
		return nil
	})
	return a
}

// While the destination is away everything waits on disk, much more than the queue holds, and arrives in order
// and once when it is back.
func TestSpoolBridges(t *testing.T) {
	s := newAway(true)
	e := export.New("test", &ports{}, s, spooled(t, t.TempDir(), export.Options{Queue: 4, Block: true}))
	want := fill(e, 0, 300)
	eventually(t, "all wait", func() bool { return e.Stats().Spooled == 300 })
	st := e.Stats()
	if st.Pending != 0 || st.Oldest.IsZero() || st.SpoolOctets == 0 || st.Last == nil {
		t.Errorf("stats %+v", st)
	}
	s.gone.Store(false)
	eventually(t, "all arrive", func() bool { return e.Stats().Exported == 300 })
	want += fill(e, 300, 303)
	eventually(t, "more arrive", func() bool { return e.Stats().Exported == 303 })
	if st := e.Stats(); st.Replayed != 300 || st.SpoolOctets != 0 || !st.Oldest.IsZero() || st.Messages != 101 {
		t.Errorf("stats %+v", st)
	}
	if err := e.Close(within(t, 10*time.Second)); err != nil {
		t.Fatal(err)
	}
	if got := plain(s.text()); got != want {
		t.Errorf("delivered %q", got)
	}
	accounted(t, e.Counters())
}

// What waits when the process ends is delivered by the next, whether it has the old counters or new ones.
func TestSpoolSurvives(t *testing.T) {
	dir, s := t.TempDir(), newAway(true)
	var kept export.Counters
	e := export.New("test", &ports{}, s, spooled(t, dir, export.Options{Queue: 4, Block: true, Counters: &kept}))
	want := fill(e, 0, 100)
	if err := e.Close(within(t, 10*time.Second)); err != nil {
		t.Fatal(err)
	}
	accounted(t, &kept)
	if kept.Spooled.Load() != 100 {
		t.Fatalf("%d flows are in the spool", kept.Spooled.Load())
	}
	e = export.New("test", &ports{}, s, spooled(t, dir, export.Options{Counters: &kept}))
	want += fill(e, 100, 120)
	if err := e.Close(within(t, 10*time.Second)); err != nil {
		t.Fatal(err)
	}
	accounted(t, &kept)
	if kept.Recovered.Load() != 0 || kept.Spooled.Load() != 120 {
		t.Errorf("counters that knew the spool recovered %d flows", kept.Recovered.Load())
	}
	s.gone.Store(false)
	e = export.New("test", &ports{}, s, spooled(t, dir, export.Options{}))
	if err := e.Close(within(t, 10*time.Second)); err != nil {
		t.Fatal(err)
	}
	accounted(t, e.Counters())
	if c := e.Counters(); c.Recovered.Load() != 120 || c.Exported.Load() != 120 || plain(s.text()) != want {
		t.Errorf("delivered %q, stats %+v", s.text(), e.Stats())
	}
}

// A process that is killed leaves flows in memory, which the next counts as interrupted: those in the spool are not.
func TestSpoolInterrupted(t *testing.T) {
	dir, s := t.TempDir(), newAway(true)
	var c export.Counters
	e := export.New("test", &ports{}, s, spooled(t, dir, export.Options{Counters: &c}))
	fill(e, 0, 30)
	if err := e.Close(within(t, 10*time.Second)); err != nil {
		t.Fatal(err)
	}
	c.Records.Add(7) // which were in memory
	e = export.New("test", &ports{}, s, spooled(t, dir, export.Options{Counters: &c}))
	if n := c.Dropped[export.Interrupted].Load(); n != 7 {
		t.Errorf("%d flows interrupted, want 7", n)
	}
	e.Close(within(t, 10*time.Second))
	accounted(t, &c)
}

// A destination slower than the flows come is sent them in order through the spool; nothing is lost.
func TestSpoolSlow(t *testing.T) {
	s := newScripted(func(context.Context, []byte) error { time.Sleep(200 * time.Microsecond); return nil })
	e := export.New("test", &ports{}, s, spooled(t, t.TempDir(), export.Options{Queue: 8, Block: true}))
	want := fill(e, 0, 3000)
	if err := e.Close(within(t, time.Minute)); err != nil {
		t.Fatal(err)
	}
	if plain(s.text()) != want {
		t.Error("what was delivered is not what was sent")
	}
	if e.Counters().Replayed.Load() == 0 {
		t.Error("the spool was not used: the test shows less than it means to")
	}
	accounted(t, e.Counters())
}

// shuts is what sinks do that are closed while they send.
func shuts(s *scripted) sender {
	return func(context.Context, []byte) error { <-s.end; return export.ErrUndeliverable }
}

// Every way a sink can behave, with a spool: the books balance, and what is lost has the right reason.
func TestSpoolBooks(t *testing.T) {
	for _, c := range []struct {
		name   string
		sink   func(*scripted) sender
		o      export.Options
		close  time.Duration
		reason export.Reason
	}{
		{"fails", fails, export.Options{}, time.Minute, export.Reasons},
		{"fails for too long", fails, export.Options{Patience: time.Nanosecond}, time.Minute, export.SendFailed},
		{"cannot", cannot, export.Options{}, time.Minute, export.SendFailed},
		{"hangs", hangs, export.Options{Queue: 2, Block: true}, 10 * time.Millisecond, export.Reasons},
		{"hangs until closed", sticks, export.Options{Queue: 2, Block: true}, 10 * time.Millisecond, export.Reasons},
		{"is closed", shuts, export.Options{Queue: 2, Block: true}, 10 * time.Millisecond, export.Reasons},
		{"is closed, impatient", shuts, export.Options{Patience: time.Minute}, 10 * time.Millisecond, export.Reasons},
		{"paused", fails, export.Options{Paused: true}, time.Minute, export.Reasons},
		{"slow", dawdles, export.Options{Queue: 2, Block: true}, time.Minute, export.Reasons},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScripted(nil)
			s.send = c.sink(s)
			e := export.New("test", &ports{}, s, spooled(t, t.TempDir(), c.o))
			fill(e, 0, 60)
			err := e.Close(within(t, c.close))
			accounted(t, e.Counters())
			lost := e.Counters().DroppedTotal()
			if c.reason == export.Reasons && (lost > 0 || err != nil) {
				t.Errorf("%d flows lost, %v: %+v", lost, err, e.Stats())
			}
			if c.reason < export.Reasons && (lost == 0 || e.Counters().Dropped[c.reason].Load() != lost) {
				t.Errorf("dropped %v", e.Stats().Dropped)
			}
		})
	}
}

// keyed is a Storer that notes what it is told of messages.
type keyed struct {
	*away
	got     []string
	refused uint32
}

func (k *keyed) Keyed() bool { return true }

func (k *keyed) Store(ctx context.Context, m []byte, of export.Batch) error {
	if err := k.send(ctx, m); err != nil {
		return err
	}
	k.got = append(k.got, fmt.Sprintf("%q %+v", m, of))
	if k.refused > 0 {
		return &export.Refused{Records: k.refused, Err: errNever}
	}
	return nil
}

// parts is a format whose records can be told apart.
type parts struct{ lines }

func (parts) Separable() bool { return true }

// A Storer is told the same of a message that was in the spool as of one that was not.
func TestSpoolItems(t *testing.T) {
	var got [2][]string
	for i, gone := range []bool{false, true} {
		k := &keyed{away: newAway(gone)}
		e := export.New("test", &parts{}, k, spooled(t, t.TempDir(), export.Options{Records: 4}))
		for i := range 10 {
			v := exporttest.Flow(3 * i)
			v.Kind, v.ID = flow.KindCall, flow.ID{1, 15: byte(i)}
			e.Append(v)
		}
		if gone {
			eventually(t, "two messages wait", func() bool { return e.Stats().Spooled == 8 })
			k.gone.Store(false)
			eventually(t, "they arrive", func() bool { return e.Stats().Exported == 8 })
		}
		if err := e.Close(within(t, 10*time.Second)); err != nil {
			t.Fatal(err)
		}
		got[i] = k.got
	}
	if len(got[0]) != 3 || !slices.Equal(got[0], got[1]) {
		t.Errorf("from memory\n%s\nfrom the spool\n%s", strings.Join(got[0], "\n"), strings.Join(got[1], "\n"))
	}
}

// Records that the destination refuses are counted so, also from the spool.
func TestSpoolRefused(t *testing.T) {
	k := &keyed{away: newAway(true), refused: 2}
	e := export.New("test", &parts{}, k, spooled(t, t.TempDir(), export.Options{Records: 5}))
	fill(e, 0, 20)
	eventually(t, "all wait", func() bool { return e.Stats().Spooled == 20 })
	k.gone.Store(false)
	eventually(t, "all arrive", func() bool { return e.Stats().Spooled == 0 && e.Stats().Pending == 0 })
	if err := e.Close(within(t, 10*time.Second)); err != nil {
		t.Fatal(err)
	}
	if st := e.Stats(); st.Dropped[export.Rejected] != 8 || st.Exported != 12 || st.Replayed != 12 {
		t.Errorf("stats %+v", st)
	}
	accounted(t, e.Counters())
}

// A spool too small for what comes loses by its policy, and says so.
func TestSpoolFull(t *testing.T) {
	for _, policy := range []spool.Policy{spool.Oldest, spool.Newest} {
		s := newAway(true)
		l, err := spool.Open(spool.Options{Dir: t.TempDir(), Size: 64 << 10, Policy: policy})
		if err != nil {
			t.Fatal(err)
		}
		o := export.Options{Spool: l, Queue: 4, Block: true, Backoff: time.Millisecond, Age: 1}
		e := export.New("test", &ports{}, s, o)
		const n = 9000
		fill(e, 0, n)
		eventually(t, "nothing is pending", func() bool { return e.Stats().Pending == 0 })
		s.gone.Store(false)
		if err := e.Close(within(t, time.Minute)); err != nil {
			t.Fatal(err)
		}
		accounted(t, e.Counters())
		last := strings.Contains(s.text(), fmt.Sprint(uint16((20000+3*(n-1))&0xffff)))
		if st := e.Stats(); st.Dropped[export.SpoolFull] == 0 || policy == spool.Oldest != last && st.Spooled == 0 {
			t.Errorf("%s: the newest arrived: %v; %+v", policy, last, st)
		}
	}
}

// A spool that fails costs what it does not take, and nothing else.
func TestSpoolFails(t *testing.T) {
	o := spooled(t, t.TempDir(), export.Options{Queue: 4, Block: true})
	s := newAway(true)
	e := export.New("test", &ports{}, s, o)
	o.Spool.Close()
	fill(e, 0, 30)
	e.Close(within(t, 10*time.Second))
	st := e.Stats()
	if st.Dropped[export.SpoolFailed] == 0 ||
		!errors.Is(st.Last.Err, spool.ErrClosed) && !errors.Is(st.Last.Err, errNever) {
		t.Errorf("stats %+v", st)
	}
	accounted(t, e.Counters())
}

// The message in the sender's hands keeps its place before those that go to the spool meanwhile, also for the
// next process.
func TestSpoolKeepsOrder(t *testing.T) {
	dir := t.TempDir()
	begun := make(chan struct{}, 1)
	s := newScripted(func(ctx context.Context, _ []byte) error {
		notify(begun)
		<-ctx.Done() // it neither takes the first message nor refuses it
		return ctx.Err()
	})
	e := export.New("test", &ports{}, s, spooled(t, dir, export.Options{Queue: 4, Block: true}))
	want := fill(e, 0, 3)
	<-begun
	want += fill(e, 3, 60)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := e.Close(ctx); err != nil {
		t.Fatal(err)
	}
	accounted(t, e.Counters())
	next := newScripted(takes)
	e = export.New("test", &ports{}, next, spooled(t, dir, export.Options{}))
	if err := e.Close(within(t, 10*time.Second)); err != nil {
		t.Fatal(err)
	}
	if got := plain(next.text()); got != want {
		t.Errorf("delivered %q", got)
	}
}

func notify(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
