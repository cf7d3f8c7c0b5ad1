package export_test

import (
	"testing"
	"time"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/export"
	"github.com/weir-probe/weir/export/exporttest"
	"github.com/weir-probe/weir/export/spool"
)

// A paused exporter takes flows and sends none. With a spool they wait there, without they are dropped when the
// queue is full, even if it would otherwise block.
func TestPause(t *testing.T) {
	s := newAway(false)
	e := export.New("test", &ports{}, s, spooled(t, t.TempDir(), export.Options{Queue: 2, Block: true}))
	want := fill(e, 0, 30)
	eventually(t, "all arrive", func() bool { return e.Stats().Exported == 30 })
	e.Pause()
	want += fill(e, 30, 60)
	eventually(t, "all wait", func() bool { return e.Stats().Spooled == 30 })
	if st := e.Stats(); !st.Paused || st.Exported != 30 {
		t.Errorf("stats %+v", st)
	}
	e.Resume()
	eventually(t, "all arrive", func() bool { return e.Stats().Exported == 60 })
	if err := e.Close(within(t, 10*time.Second)); err != nil || plain(s.text()) != want {
		t.Errorf("delivered %q, %v", s.text(), err)
	}
	accounted(t, e.Counters())

	s = newAway(false)
	e = export.New("test", &ports{}, s, export.Options{Queue: 2, Block: true, Paused: true, Age: 1})
	fill(e, 0, 30)
	if n := e.Counters().Dropped[export.WhilePaused].Load(); n != 24 {
		t.Errorf("%d flows dropped while the queue was full", n)
	}
	e.Resume()
	eventually(t, "the queue is sent", func() bool { return e.Stats().Exported == 6 })
	e.Pause()
	fill(e, 30, 36)
	if err := e.Close(within(t, 10*time.Second)); err != nil {
		t.Error(err)
	}
	if st := e.Stats(); st.Exported != 6 || st.Dropped[export.WhilePaused] != 30 {
		t.Errorf("stats %+v", st)
	}
	accounted(t, e.Counters())
}

// Pausing and resuming at any moment loses nothing and repeats nothing.
func TestPauseAtAnyTime(t *testing.T) {
	s := newScripted(takes)
	e := export.New("test", &ports{}, s, spooled(t, t.TempDir(), export.Options{Queue: 4, Block: true}))
	end := make(chan struct{})
	go func() {
		defer close(end)
		for range 200 {
			e.Pause()
			time.Sleep(20 * time.Microsecond)
			e.Resume()
			time.Sleep(20 * time.Microsecond)
		}
	}()
	var want string
	for i := 0; ; i++ {
		want += fill(e, 30*i, 30*i+30)
		select {
		case <-end:
			if err := e.Close(within(t, time.Minute)); err != nil {
				t.Fatal(err)
			}
			if plain(s.text()) != want {
				t.Error("what was delivered is not what was sent")
			}
			accounted(t, e.Counters())
			return
		default:
		}
	}
}

// No more is sent than may be: the second message would have to wait for hours.
func TestRates(t *testing.T) {
	for name, o := range map[string]export.Options{
		"messages": {MessageRate: 1e-4}, "octets": {OctetRate: 1e-3, Size: 1},
	} {
		s := newScripted(takes)
		e := export.New("test", &parts{}, s, o)
		for range 2000 {
			e.Append(exporttest.Flow(0))
			e.Tick(uint64(time.Now().UnixNano()) + 1e10)
		}
		eventually(t, "one arrives", func() bool { return e.Stats().Exported > 0 })
		if err := e.Close(within(t, 10*time.Millisecond)); err == nil {
			t.Errorf("%s: all were sent", name)
		}
		if n := e.Counters().Messages.Load(); n == 0 || n > 900 {
			t.Errorf("%s: %d were sent", name, n)
		}
		accounted(t, e.Counters())
	}
	l, err := spool.Open(spool.Options{Dir: t.TempDir(), Rate: 1e-4})
	if err != nil {
		t.Fatal(err)
	}
	s := newAway(true)
	e := export.New("test", &ports{}, s, export.Options{Spool: l, Backoff: time.Millisecond, Age: 1})
	fill(e, 0, 30)
	eventually(t, "all wait", func() bool { return e.Stats().Spooled == 30 })
	if s.gone.Store(false); e.Close(within(t, 10*time.Second)) != nil {
		t.Error("Close waits for what is on disk")
	}
	if st := e.Stats(); st.Spooled < 27 {
		t.Errorf("stats %+v", st)
	}
	accounted(t, e.Counters())
}

// Flows that an exporter does not want are counted, but not given to it.
func TestWants(t *testing.T) {
	s := newScripted(takes)
	e := export.New("test", &ports{}, s, export.Options{Wants: func(v *flow.View) bool { return v.SrcPort%2 == 0 }})
	fill(e, 0, 6)
	if err := e.Close(within(t, 10*time.Second)); err != nil {
		t.Fatal(err)
	}
	if st := e.Stats(); plain(s.text()) != " 20000 20006 20012" || st.Records != 3 || st.Filtered != 3 {
		t.Errorf("delivered %q, %+v", s.text(), st)
	}
}
