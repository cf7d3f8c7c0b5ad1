package export_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/export"
	"github.com/weir-probe/weir/export/exporttest"
)

// ports is a format that writes the source port of each flow, three to a message, and
// refuses ICMP.
type ports struct{ n, explained int }

func (p *ports) Begin(dst []byte, _ uint64) []byte { p.n = 0; return append(dst, '[') }
func (p *ports) Seal(dst []byte) []byte            { return append(dst, ']') }
func (p *ports) Takes(v *flow.View) bool           { return v.Proto != 1 }
func (p *ports) Explain()                          { p.explained++ }
func (p *ports) Append(dst []byte, v *flow.View) ([]byte, bool) {
	if p.n == 3 {
		return dst, false
	}
	p.n++
	return fmt.Appendf(dst, " %d", v.SrcPort), true
}

// scripted is a sink that does what it is told.
type scripted struct {
	send func(ctx context.Context, message []byte) error
	mu   sync.Mutex
	got  bytes.Buffer
	end  chan struct{} // closed by Close
	once sync.Once
}

func newScripted(send func(context.Context, []byte) error) *scripted {
	return &scripted{send: send, end: make(chan struct{})}
}

func (s *scripted) Send(ctx context.Context, message []byte) error {
	if err := s.send(ctx, message); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.got.Write(message)
	return nil
}

func (s *scripted) Close() error {
	s.once.Do(func() { close(s.end) })
	return nil
}

func (s *scripted) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.got.String()
}

func takes(context.Context, []byte) error { return nil }

func within(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

// balanced checks that every flow has met exactly one fate.
func balanced(t *testing.T, c *export.Counters, records uint64) {
	t.Helper()
	if n := c.Records.Load(); n != records {
		t.Errorf("%d flows were counted, %d appended", n, records)
	}
	if e, d := c.Exported.Load(), c.DroppedTotal(); e+d != records {
		t.Errorf("%d flows appended, but %d exported and %d dropped", records, e, d)
	}
}

// A queue large enough, a collector that listens: all is delivered, in order.
func TestDelivery(t *testing.T) {
	s := newScripted(takes)
	e := export.New("test", &ports{}, s, export.Options{})
	for i := range 9 {
		e.Append(exporttest.Flow(i))
	}
	if err := e.Close(within(t, 10*time.Second)); err != nil {
		t.Fatal(err)
	}
	want := "[ 20000 20002 20003][ 20004 20005 20006][ 20008]" // 1 and 7 are ICMP
	if got := s.text(); got != want {
		t.Errorf("delivered %q, want %q", got, want)
	}
	balanced(t, e.Counters(), 9)
	if n := e.Counters().Dropped[export.Unrepresentable].Load(); n != 2 {
		t.Errorf("%d flows unrepresentable, want 2", n)
	}
	st := e.Stats()
	if st.Messages != 3 || st.Octets != uint64(len(want)) || st.Pending != 0 || st.Name != "test" {
		t.Errorf("stats are %+v", st)
	}
}

// Others may look at the counters while the exporter works; what they see is never impossible.
func TestStatsWhileWorking(t *testing.T) {
	e := export.New("test", &ports{}, newScripted(takes), export.Options{Queue: 3})
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			if s := e.Stats(); s.Pending > s.Records || s.Queued > 3 {
				t.Errorf("stats are %+v", s)
			}
			select {
			case <-done:
				return
			default:
			}
		}
	})
	const n = 5000
	for range n {
		e.Append(exporttest.Flow(0))
	}
	if err := e.Close(within(t, 10*time.Second)); err != nil {
		t.Fatal(err)
	}
	close(done)
	wg.Wait()
	balanced(t, e.Counters(), n)
}

// A flow does not wait longer than it may for others to fill its message.
func TestAge(t *testing.T) {
	s := newScripted(takes)
	e := export.New("test", &ports{}, s, export.Options{Age: time.Second})
	defer e.Close(within(t, 10*time.Second))
	e.Tick(exporttest.Epoch)
	e.Append(exporttest.Flow(0))
	e.Tick(exporttest.Epoch + 999_999_999)
	if st := e.Stats(); st.Queued != 0 || st.Pending != 1 {
		t.Errorf("before its time the message was queued: %+v", st)
	}
	e.Tick(exporttest.Epoch + 1_000_000_000)
	for end := time.Now().Add(10 * time.Second); s.text() == "" && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	if got := s.text(); got != "[ 20000]" {
		t.Errorf("delivered %q", got)
	}
}

// sender is what Send of a scripted sink does.
type sender func(ctx context.Context, message []byte) error

var errNever = errors.New("no such luck")

func fails(*scripted) sender {
	return func(context.Context, []byte) error { return errNever }
}
func cannot(*scripted) sender {
	return func(context.Context, []byte) error { return export.ErrUndeliverable }
}
func hangs(*scripted) sender {
	return func(ctx context.Context, _ []byte) error { <-ctx.Done(); return ctx.Err() }
}
func sticks(s *scripted) sender {
	return func(context.Context, []byte) error { <-s.end; return errNever }
}
func dawdles(*scripted) sender {
	return func(context.Context, []byte) error { time.Sleep(time.Millisecond); return nil }
}

// Every way a sink can behave, with both policies: the books balance, and the reason is right.
func TestBooks(t *testing.T) {
	const ms = time.Millisecond
	for _, c := range []struct {
		name   string
		sink   func(*scripted) sender
		o      export.Options
		close  time.Duration
		reason export.Reason // of at least one loss; Reasons for none
	}{
		{"fails", fails, export.Options{Queue: 100, Patience: 5 * ms, Backoff: ms}, time.Minute,
			export.SendFailed},
		{"cannot", cannot, export.Options{Queue: 100, Patience: time.Hour}, time.Minute, export.SendFailed},
		{"hangs", hangs, export.Options{Queue: 100}, 10 * ms, export.ShutdownTimeout},
		{"hangs until closed", sticks, export.Options{Queue: 100}, 10 * ms, export.ShutdownTimeout},
		{"full", sticks, export.Options{Queue: 2}, 10 * ms, export.QueueFull},
		{"slow", dawdles, export.Options{Queue: 2, Block: true}, time.Minute, export.Reasons},
		{"fails and blocks", fails, export.Options{Queue: 1, Block: true, Patience: ms, Backoff: ms},
			time.Minute, export.SendFailed},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScripted(nil)
			s.send = c.sink(s)
			e := export.New("test", &ports{}, s, c.o)
			const n = 60
			for i := range n {
				e.Append(exporttest.Flow(3 * i))
			}
			err := e.Close(within(t, c.close))
			balanced(t, e.Counters(), n)
			late := err != nil && strings.Contains(err.Error(), "not sent in time")
			if c.reason == export.ShutdownTimeout && !late {
				t.Errorf("Close says %v", err)
			}
			if lost := e.Counters().DroppedTotal(); c.reason == export.Reasons && lost > 0 {
				t.Errorf("%d flows lost", lost)
			}
			if c.reason < export.Reasons && e.Counters().Dropped[c.reason].Load() == 0 {
				t.Errorf("no flow was dropped as %s: %+v", c.reason, e.Stats())
			}
		})
	}
}

// A message is tried again until the sink takes it, and arrives once.
func TestRetry(t *testing.T) {
	n := 0
	s := newScripted(func(context.Context, []byte) error {
		if n++; n <= 3 {
			return errors.New("not yet")
		}
		return nil
	})
	o := export.Options{Backoff: time.Millisecond, Retry: 2 * time.Millisecond}
	e := export.New("test", &ports{}, s, o)
	e.Append(exporttest.Flow(0))
	if err := e.Close(within(t, 10*time.Second)); err != nil {
		t.Fatal(err)
	}
	st := e.Stats()
	if s.text() != "[ 20000]" || st.Retries != 3 || st.Failures != 3 {
		t.Errorf("delivered %q, stats %+v", s.text(), st)
	}
	if st.Last == nil || st.Last.Err.Error() != "not yet" {
		t.Errorf("last failure is %v", st.Last)
	}
	balanced(t, e.Counters(), 1)
}

// When a message is lost the format is told, because it may have held a template.
func TestExplain(t *testing.T) {
	s := newScripted(nil)
	s.send = func(context.Context, []byte) error { <-s.end; return errors.New("closed") }
	f := &ports{}
	e := export.New("test", f, s, export.Options{Queue: 1})
	for i := range 30 {
		e.Append(exporttest.Flow(3 * i))
	}
	if f.explained == 0 {
		t.Error("messages were dropped, but the format was not told to explain them again")
	}
	e.Close(within(t, time.Millisecond))
	balanced(t, e.Counters(), 30)
}

// A format that never takes a flow does not hold the exporter up.
func TestUnappendable(t *testing.T) {
	e := export.New("test", full{}, newScripted(takes), export.Options{})
	e.Append(exporttest.Flow(0))
	if err := e.Close(within(t, 10*time.Second)); err != nil {
		t.Fatal(err)
	}
	balanced(t, e.Counters(), 1)
	if e.Counters().Dropped[export.Unrepresentable].Load() != 1 {
		t.Errorf("stats are %+v", e.Stats())
	}
}

type full struct{}

func (full) Begin(dst []byte, _ uint64) []byte              { return dst }
func (full) Seal(dst []byte) []byte                         { return dst }
func (full) Append(dst []byte, _ *flow.View) ([]byte, bool) { return dst, false }

// Counters in memory that outlives a process tell what it took with it.
func TestInterrupted(t *testing.T) {
	var c export.Counters
	c.Records.Store(10)
	c.Exported.Store(6)
	c.Dropped[export.QueueFull].Store(1)
	e := export.New("test", &ports{}, newScripted(takes), export.Options{Counters: &c})
	if n := c.Dropped[export.Interrupted].Load(); n != 3 {
		t.Errorf("%d flows interrupted, want 3", n)
	}
	e.Append(exporttest.Flow(0))
	if err := e.Close(within(t, 10*time.Second)); err != nil {
		t.Fatal(err)
	}
	balanced(t, &c, 11)
}

// A sink that neither sends nor closes does not keep the exporter from closing.
func TestWedged(t *testing.T) {
	block := make(chan struct{})
	s := &wedged{newScripted(func(context.Context, []byte) error { <-block; return nil }), block}
	e := export.New("test", &ports{}, s, export.Options{})
	e.Append(exporttest.Flow(0))
	if err := e.Close(within(t, time.Millisecond)); err == nil {
		t.Error("Close reports no error although the sink is wedged")
	}
	balanced(t, e.Counters(), 1)
	close(block) // what the sender does now no longer counts
	for end := time.Now().Add(10 * time.Second); s.text() == "" && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	balanced(t, e.Counters(), 1)
}

type wedged struct {
	*scripted
	block chan struct{}
}

func (w *wedged) Close() error { <-w.block; return nil }

// A sink with connections gets what they begin with from the format.
func TestPreface(t *testing.T) {
	s := &stream{scripted: newScripted(takes)}
	f := &opener{}
	e := export.New("test", f, s, export.Options{})
	if err := e.Close(within(t, 10*time.Second)); err != nil {
		t.Fatal(err)
	}
	if got := string(s.open([]byte("x"), nil)); got != "xhello" {
		t.Errorf("a stream begins with %q", got)
	}
}

type stream struct {
	*scripted
	open func(dst, next []byte) []byte
}

func (s *stream) Preface(open func(dst, next []byte) []byte) { s.open = open }

type opener struct{ ports }

func (*opener) Open() func(dst, next []byte) []byte {
	return func(dst, _ []byte) []byte { return append(dst, "hello"...) }
}

// Each reason has a name and a sentence of its own.
func TestReasons(t *testing.T) {
	seen := map[string]bool{}
	for r := range export.Reasons {
		if r.String() == "" || seen[r.String()] || !strings.HasSuffix(r.Doc(), ".") {
			t.Errorf("reason %d is %q: %q", r, r.String(), r.Doc())
		}
		seen[r.String()] = true
	}
}

// Append allocates nothing, whatever the format.
func TestAllocations(t *testing.T) {
	e := export.New("test", quiet{}, newScripted(takes), export.Options{})
	v := exporttest.Flow(0)
	e.Append(v)
	if n := testing.AllocsPerRun(1000, func() { e.Append(v) }); n != 0 {
		t.Errorf("Append allocates %v times", n)
	}
	if err := e.Close(within(t, 10*time.Second)); err != nil {
		t.Fatal(err)
	}
}

type quiet struct{ full }

func (quiet) Append(dst []byte, _ *flow.View) ([]byte, bool) { return append(dst[:0], 'x'), true }
