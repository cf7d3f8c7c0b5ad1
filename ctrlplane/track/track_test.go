package track

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/weir-probe/weir/dataplane/nic"
	"github.com/weir-probe/weir/dataplane/nic/capture"
	"github.com/weir-probe/weir/dataplane/worker"
)

const imsi = "001010000000001"

func newTracker(t *testing.T) *Tracker {
	t.Helper()
	k := New()
	k.Configure(filepath.Join(t.TempDir(), "tracks"), 1<<20, nil)
	t.Cleanup(k.Close)
	return k
}

func begin(t *testing.T, k *Tracker, size int64, length time.Duration) Track {
	t.Helper()
	x, err := k.Begin(Wish{IMSI: imsi, Size: size, For: length, By: "ann"})
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// frame is what a worker puts into its ring.
func frame(of int, n int) []byte {
	k := worker.Kept{Time: 1_700_000_000e9, Wire: uint32(n), Link: nic.Ethernet, Of: uint16(of)}
	return append(append([]byte{}, unsafe.Slice((*byte)(unsafe.Pointer(&k)), unsafe.Sizeof(k))...), make([]byte, n)...)
}

func state(t *testing.T, k *Tracker, id int) Track {
	t.Helper()
	for _, x := range k.All() {
		if x.ID == id {
			return x
		}
	}
	t.Fatalf("there is no track %d", id)
	return Track{}
}

func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("in vain: %s", what)
		}
	}
}

// TestTrack keeps the packets of two requests apart, ends by size, by time and when asked, and removes what it is
// asked to.
func TestTrack(t *testing.T) {
	k := newTracker(t)
	a, b := begin(t, k, LeastSize, time.Hour), begin(t, k, 300_000, 300*time.Millisecond)
	for range 60 {
		if !k.Take(frame(a.ID, 1400)) || !k.Take(frame(b.ID, 100)) || !k.Take(frame(99, 100)) {
			t.Fatal("a frame is refused")
		}
		time.Sleep(100 * time.Microsecond)
	}
	if k.Take([]byte("x")) {
		t.Error("rubbish is taken")
	}
	until(t, "both end", func() bool { return state(t, k, a.ID).File != "" && state(t, k, b.ID).File != "" })
	x, y := state(t, k, a.ID), state(t, k, b.ID)
	if x.Ended != "size" || x.Packets != LeastSize/(1400+perPacket) || x.Saved+x.Lost != x.Packets {
		t.Errorf("%+v", x)
	}
	if y.Ended != "time" || y.Packets != 60 || y.By != "ann" || k.Followed() != nil {
		t.Errorf("%+v", y)
	}
	if i, err := os.Stat(x.File); err != nil || i.Size() > LeastSize || i.Mode().Perm() != 0o640 {
		t.Errorf("%v, %v", i, err)
	}
	f, _, err := k.Open(b.ID)
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	r, err := capture.Open(y.File)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for !r.Done() {
		n += len(r.Burst())
	}
	if r.Close(); n != int(y.Saved) {
		t.Errorf("%d frames are in the file, %d were saved", n, y.Saved)
	}
	if _, err := k.Remove(a.ID); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(x.File); !errors.Is(err, os.ErrNotExist) || len(k.All()) != 1 {
		t.Errorf("%v is left: %v", x.File, err)
	}
	if _, err := k.Stop(a.ID); !errors.Is(err, ErrNone) {
		t.Error(err)
	}
	c := begin(t, k, LeastSize, time.Hour)
	if f, _, err := k.Open(c.ID); err == nil || f != nil {
		t.Error("one that goes on is read")
	}
	if d, err := k.Stop(c.ID); err != nil || d.Ended != "asked" || d.File != "" {
		t.Errorf("%+v, %v", d, err)
	}
}

// TestAdmit refuses what is too much or makes no sense, and never removes what was kept to make room.
func TestAdmit(t *testing.T) {
	k := newTracker(t)
	for _, c := range []struct {
		wish Wish
		says string
	}{
		{Wish{IMSI: "12", Size: LeastSize, For: time.Minute}, "no IMSI"},
		{Wish{IMSI: "../../etc/passwd", Size: LeastSize, For: time.Minute}, "no IMSI"},
		{Wish{IMSI: imsi, Size: 1, For: time.Minute}, "too small"},
		{Wish{IMSI: imsi, Size: 2 << 20, For: time.Minute}, "room for"},
		{Wish{IMSI: imsi, Size: LeastSize}, "no time"},
		{Wish{IMSI: imsi, Size: LeastSize, For: LongestTime + 1}, "no time"},
	} {
		if _, err := k.Begin(c.wish); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%+v: %v", c.wish, err)
		}
	}
	for range (1 << 20) / LeastSize {
		begin(t, k, LeastSize, time.Minute)
	}
	if _, err := k.Begin(Wish{IMSI: imsi, Size: LeastSize, For: time.Minute}); err == nil {
		t.Error("there is room for more than there is")
	}
	k.Configure("", 1<<30, nil)
	if _, err := k.Begin(Wish{IMSI: imsi, Size: LeastSize, For: time.Minute}); err == nil || !strings.Contains(err.Error(), "track_dir") {
		t.Error(err)
	}
}

// TestTell tells the dataplane what to hand over, the latest at least, and again when there is another.
func TestTell(t *testing.T) {
	k := newTracker(t)
	x := begin(t, k, LeastSize, time.Hour)
	got := make(chan int, 100)
	k.Attach(func(traces []worker.Trace) error { got <- len(traces); return nil })
	for n := range 3 {
		k.Told(make([]worker.Trace, n))
	}
	until(t, "it is told", func() bool { return <-got == 2 })
	k.Told([]worker.Trace{{Request: uint16(x.ID), Net: netip.MustParsePrefix("192.0.2.1/32")}})
	until(t, "it is told", func() bool { return <-got == 1 })
	if n := state(t, k, x.ID).Known; n != 1 {
		t.Errorf("%d known", n)
	}
	k.Attach(func([]worker.Trace) error { got <- 7; return errors.New("no") })
	until(t, "another is told", func() bool { return <-got == 7 })
	until(t, "it is said what goes wrong", func() bool { return state(t, k, x.ID).Error == "no" })
}
