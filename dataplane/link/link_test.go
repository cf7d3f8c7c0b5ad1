package link

import (
	"errors"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/weir-probe/weir/dataplane/ring"
	"github.com/weir-probe/weir/dataplane/worker"
)

// offer makes a ring and a ledger and listens; it returns the producer's end.
func offer(t *testing.T, path string, stop func()) (*Server, *ring.Ring) {
	t.Helper()
	fd, mem, err := ring.Memory(ring.Size(1 << 16))
	if err != nil {
		t.Fatal(err)
	}
	r, err := ring.Format(mem)
	if err != nil {
		t.Fatal(err)
	}
	ledger, _, err := ring.Memory(4096)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Listen(path, Offer{Workers: []Worker{{Name: "lan/0", Core: 1}}}, []int{fd, ledger}, stop)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close(); unix.Close(fd); unix.Close(ledger) })
	return s, r
}

func say(r *ring.Ring, s string) {
	copy(r.Reserve(ring.Flow, len(s)), s)
	r.Commit()
}

func hear(t *testing.T, r *ring.Ring, want string) {
	t.Helper()
	if _, msg := r.Next(); string(msg) != want {
		t.Fatalf("read %q, want %q", msg, want)
	}
	r.Release()
}

// TestAttachAgain loses a control plane and finds everything where it was.
func TestAttachAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dir", "dataplane.sock")
	stopped := make(chan struct{})
	s, r := offer(t, path, func() { close(stopped) })
	say(r, "one")
	say(r, "two")
	a, err := Attach(path)
	if err != nil {
		t.Fatal(err)
	}
	if w := a.Offer.Workers; len(w) != 1 || w[0] != (Worker{"lan/0", 1}) {
		t.Errorf("workers %+v", w)
	}
	hear(t, a.Rings[0], "one")
	a.Ledger[17] = 42
	if _, err := Attach(path); !errors.Is(err, ErrBusy) {
		t.Errorf("a second attachment: %v", err)
	}
	a.Detach()
	for s.Attached() {
		time.Sleep(time.Millisecond)
	}
	say(r, "three")
	if a, err = Attach(path); err != nil {
		t.Fatal(err)
	}
	defer a.Detach()
	hear(t, a.Rings[0], "two")
	hear(t, a.Rings[0], "three")
	if a.Ledger[17] != 42 {
		t.Error("the ledger forgot")
	}
	if err := a.Stop(); err != nil {
		t.Fatal(err)
	}
	<-stopped
	s.Close()
	<-a.Gone()
}

func TestListenTwice(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dataplane.sock")
	offer(t, path, func() {})
	if _, err := Listen(path, Offer{}, nil, func() {}); err == nil {
		t.Error("two dataplanes at one socket")
	}
}

func TestAttachNobody(t *testing.T) {
	if _, err := Attach(filepath.Join(t.TempDir(), "none.sock")); err == nil {
		t.Error("attached to nothing")
	}
}

// A dataplane that is asked reads its configuration again, says what is wrong with it, and offers the
// new one to who attaches later.
func TestReload(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dataplane.sock")
	s, _ := offer(t, path, func() {})
	a, err := Attach(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Reload(); err == nil || !strings.Contains(err.Error(), "reads its configuration once") {
		t.Errorf("got %v", err)
	}
	wrong := errors.New("no such\ninterface")
	s.OnReload(func(o *Offer) error { o.Config = "schema = 1"; return wrong })
	if err := a.Reload(); err == nil || !strings.Contains(err.Error(), "no such interface") {
		t.Errorf("got %v", err)
	}
	wrong = nil
	if err := a.Reload(); err != nil {
		t.Error(err)
	}
	a.Detach()
	for s.Attached() {
		time.Sleep(time.Millisecond)
	}
	if a, err = Attach(path); err != nil {
		t.Fatal(err)
	}
	defer a.Detach()
	if a.Offer.Config != "schema = 1" {
		t.Errorf("got %+v", a.Offer)
	}
	s.Close()
	<-a.Gone()
	if err := a.Reload(); err == nil {
		t.Error("nobody read it")
	}
}

// TestTrack hands over what packets are known by, and nothing once the control plane has gone.
func TestTrack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dataplane.sock")
	s, _ := offer(t, path, func() {})
	s.patience = 100 * time.Millisecond
	a, err := Attach(path)
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(2 * s.patience) // the time of the offer is up
	one := worker.Trace{Request: 7, Net: netip.MustParsePrefix("192.0.2.1/32"), TEID: 9, Control: true}
	if err := a.Track([]worker.Trace{one}); err == nil || !strings.Contains(err.Error(), "tracks nobody") {
		t.Errorf("got %v", err)
	}
	got := make(chan []worker.Trace, 10)
	wrong := error(nil)
	s.OnTrack(func(traces []worker.Trace) error { got <- traces; return wrong })
	many := slices.Repeat([]worker.Trace{one}, worker.MaxTraces)
	for _, want := range [][]worker.Trace{{one}, nil, many, {}, {one}} {
		if err := a.Track(want); err != nil {
			t.Error(err)
		}
		if traces := <-got; len(traces) != len(want) || len(want) > 0 && traces[len(traces)-1] != one {
			t.Errorf("%d traces came, %d were told", len(traces), len(want))
		}
	}
	wrong = errors.New("too many\nof them")
	if err := a.Track(nil); err == nil || !strings.Contains(err.Error(), "too many of them") {
		t.Errorf("got %v", err)
	}
	<-got
	a.Detach()
	if traces := <-got; len(traces) > 0 {
		t.Errorf("%v are followed though nobody is there", traces)
	}
}
