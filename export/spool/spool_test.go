package spool

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// books is an account in memory of its own.
type books struct {
	records atomic.Uint64
	lost    [Losses]atomic.Uint64
}

func (b *books) account() (a Account) {
	a.Records = &b.records
	for i := range b.lost {
		a.Lost[i] = &b.lost[i]
	}
	return a
}

func (b *books) losses() (n uint64) {
	for i := range b.lost {
		n += b.lost[i].Load()
	}
	return n
}

func open(t testing.TB, o Options) (*Log, *books) {
	t.Helper()
	l, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	b := new(books)
	l.Count(b.account())
	return l, b
}

// put appends messages from to to-1; message i holds i%3+1 records.
func put(t testing.TB, l *Log, from, to int) {
	t.Helper()
	for i := from; i < to; i++ {
		if err := l.Append(sample(i)); err != nil {
			t.Fatalf("message %d: %v", i, err)
		}
	}
}

func sample(i int) *Entry {
	return &Entry{
		Records: uint32(i%3 + 1), Head: []byte{byte(i)}, Preface: []byte("preface of " + fmt.Sprint(i/3)),
		Body: []byte(fmt.Sprintf("message %d %s", i, strings.Repeat("x", i%50))),
	}
}

// drain reads everything and returns the numbers of the messages, each checked. Where one is missing, or the
// preface of one was damaged, the next has to say so.
func drain(t testing.TB, l *Log) (got []int) {
	t.Helper()
	for known := true; ; {
		e, err := l.Next()
		if err != nil {
			t.Fatal(err)
		}
		if e == nil {
			return got
		}
		var n int
		if _, err := fmt.Sscanf(string(e.Body), "message %d", &n); err != nil {
			t.Fatalf("read %q", e.Body)
		}
		if w := sample(n); string(w.Body) != string(e.Body) || string(w.Head) != string(e.Head) || w.Records != e.Records {
			t.Fatalf("message %d is %+v", n, e)
		}
		missing := len(got) > 0 && n != got[len(got)-1]+1
		explained := string(e.Preface) == string(sample(n).Preface)
		if !e.Gap && (missing || known && !explained) {
			t.Fatalf("message %d comes after %v with preface %q, and no gap", n, got, e.Preface)
		}
		known = explained
		got = append(got, n)
		l.Done()
	}
}

func records(messages []int) (n uint64) {
	for _, i := range messages {
		n += uint64(i%3 + 1)
	}
	return n
}

func numbers(from, to int) (all []int) {
	for i := from; i < to; i++ {
		all = append(all, i)
	}
	return all
}

// TestOrder writes and reads alternately, over many files, and in the end none is left.
func TestOrder(t *testing.T) {
	dir := t.TempDir()
	l, b := open(t, Options{Dir: dir, Segment: 2000})
	put(t, l, 0, 100)
	if s := l.Stats(); s.Records != records(numbers(0, 100)) || s.Octets == 0 || s.Oldest.IsZero() {
		t.Errorf("stats %+v", s)
	}
	var got []int
	for i := 100; i < 200; i++ {
		e, err := l.Next()
		if err != nil || e == nil {
			t.Fatal(e, err)
		}
		if want := fmt.Sprintf("preface of %d", (i-100)/3); string(e.Preface) != want || e.Gap {
			t.Errorf("message %d comes with %q, gap %v", i-100, e.Preface, e.Gap)
		}
		got = append(got, i-100)
		put(t, l, i, i+1)
		l.Done()
	}
	got = append(got, drain(t, l)...)
	if !slices.Equal(got, numbers(0, 200)) {
		t.Errorf("read %v", got)
	}
	if files, _ := filepath.Glob(filepath.Join(dir, "*"+suffix)); len(files) > 0 || !l.Empty() || b.records.Load() != 0 {
		t.Errorf("left over: %q, %d records", files, b.records.Load())
	}
}

// crash has a copy of the directory as a process would leave it that is killed now.
func crash(t testing.TB, dir string) string {
	t.Helper()
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return to
}

// TestCrash kills the process after every step: what it had read and not settled comes again, nothing else does.
func TestCrash(t *testing.T) {
	o := Options{Dir: t.TempDir(), Segment: 1000}
	l, _ := open(t, o)
	for i := range 60 {
		put(t, l, i, i+1)
		if i%2 == 0 {
			e, _ := l.Next()
			again, b := open(t, Options{Dir: crash(t, o.Dir), Segment: 1000})
			if n := b.records.Load(); n != records(numbers(i/2, i+1)) {
				t.Errorf("%d records are there again, want %d", n, records(numbers(i/2, i+1)))
			}
			if got := drain(t, again); !slices.Equal(got, numbers(i/2, i+1)) || b.losses() > 0 {
				t.Errorf("after message %d the other process reads %v", i, got)
			}
			if e == nil || e.Generation != 1 {
				t.Fatalf("entry %+v", e)
			}
			l.Done()
		}
	}
}

// TestGenerations tells apart who wrote what.
func TestGenerations(t *testing.T) {
	o := Options{Dir: t.TempDir()}
	for i := range 3 {
		l, _ := open(t, o)
		put(t, l, i, i+1)
		l.Close()
	}
	l, _ := open(t, o)
	for i := range 3 {
		e, err := l.Next()
		if err != nil || e == nil || e.Generation != uint32(i+1) {
			t.Errorf("entry %d is %+v, %v", i, e, err)
		}
		l.Done()
	}
}

// TestRoom fills a log: the oldest or the newest give way, and the books balance.
func TestRoom(t *testing.T) {
	for _, policy := range []Policy{Oldest, Newest} {
		o := Options{Dir: t.TempDir(), Size: smallestSize, Policy: policy}
		l, b := open(t, o)
		var refused uint64
		const n = 2000
		first := -1
		for i := range n {
			if err := l.Append(sample(i)); errors.Is(err, ErrFull) {
				refused += uint64(i%3 + 1)
			} else if err != nil {
				t.Fatal(err)
			}
			if i == 10 { // in hand while its file is removed
				e, _ := l.Next()
				first = int(e.Head[0])
			}
		}
		if s := l.Stats(); s.Octets > smallestSize || s.Records != b.records.Load() {
			t.Errorf("%s: stats %+v", policy, s)
		}
		o.Dir = crash(t, o.Dir)
		again, other := open(t, o)
		if left := records(drain(t, again)); other.losses() > 0 || left != l.Stats().Records && policy == Newest {
			t.Errorf("%s: another process finds %d records and misses %d", policy, left, other.losses())
		}
		l.Done()
		got := drain(t, l)
		total := records(numbers(0, n))
		if records(got)+uint64(first%3+1)+refused+b.lost[Full].Load() != total || first != 0 {
			t.Errorf("%s: %d read, %d refused, %d removed of %d", policy, records(got), refused,
				b.lost[Full].Load(), total)
		}
		if kept := slices.Contains(got, n-1); kept != (policy == Oldest) || (refused > 0) != (policy == Newest) {
			t.Errorf("%s: the newest was kept: %v, %d refused", policy, kept, refused)
		}
		if err := l.Append(&Entry{Records: 1, Body: make([]byte, smallestSize)}); !errors.Is(err, ErrFull) {
			t.Errorf("%s: an entry larger than the log: %v", policy, err)
		}
	}
}

// TestAge lets entries wait for too long, read or not.
func TestAge(t *testing.T) {
	for _, read := range []bool{false, true} {
		l, b := open(t, Options{Dir: t.TempDir(), Age: time.Nanosecond})
		put(t, l, 0, 10)
		time.Sleep(time.Millisecond)
		if read {
			if got := drain(t, l); len(got) > 0 {
				t.Errorf("read %v", got)
			}
		} else if err := l.Tick(time.Now().Add(time.Second)); err != nil {
			t.Error(err)
		}
		if n := b.lost[Expired].Load(); n != records(numbers(0, 10)) || b.records.Load() != 0 || !l.Empty() {
			t.Errorf("%d records expired, %d are there", n, b.records.Load())
		}
	}
}

// TestSync brings files to the disk.
func TestSync(t *testing.T) {
	l, _ := open(t, Options{Dir: t.TempDir(), Sync: time.Millisecond, Segment: 500})
	for i := range 50 {
		put(t, l, i, i+1)
		if err := l.Tick(time.Now().Add(time.Duration(i) * time.Second)); err != nil {
			t.Fatal(err)
		}
		for _, s := range l.segments {
			if s.file != nil && s != l.active {
				t.Fatal("a complete file is still open")
			}
		}
	}
	if got := drain(t, l); len(got) != 50 {
		t.Errorf("read %v", got)
	}
}

// TestOpen refuses what cannot work, each with a message that says why.
func TestOpen(t *testing.T) {
	dir := t.TempDir()
	l, _ := open(t, Options{Dir: dir, Format: "ipfix"})
	put(t, l, 0, 2)
	if _, err := Open(Options{Dir: dir, Format: "ipfix"}); !errors.Is(err, ErrBusy) {
		t.Errorf("a second log in the directory: %v", err)
	}
	id := l.ID()
	l.Close()
	if _, err := l.Next(); !errors.Is(err, ErrClosed) || !errors.Is(l.Append(sample(0)), ErrClosed) {
		t.Error("a closed log works")
	}
	_, err := Open(Options{Dir: dir, Format: "json"})
	if err == nil || !strings.Contains(err.Error(), "3 records wait there as ipfix") {
		t.Errorf("another format: %v", err)
	}
	l, _ = open(t, Options{Dir: dir, Format: "ipfix"})
	if drain(t, l); l.ID() != id {
		t.Error("the log does not know itself")
	}
	l.Close()
	open(t, Options{Dir: dir, Format: "json"}) // empty: the format may change
	for want, o := range map[string]Options{
		"begin it with /": {Dir: "spool"}, "dir is empty": {Size: 1 << 20}, "at least": {Dir: dir, Size: 1},
		"unknown": {Dir: dir, Policy: "some"}, "negative": {Dir: dir, Rate: -1}, "duration": {Dir: dir, Age: -1},
		"not a directory": {Dir: "/dev/null/x"},
	} {
		if _, err := Open(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", o, err, want)
		}
	}
}

// BenchmarkLog writes a message of 1400 octets, reads it and is done with it.
func BenchmarkLog(b *testing.B) {
	l, _ := open(b, Options{Dir: b.TempDir()})
	e := &Entry{Records: 20, Head: make([]byte, 12), Body: make([]byte, 1400)}
	for range 100 {
		if err := l.Append(e); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(1400)
	for b.Loop() {
		if err := l.Append(e); err != nil {
			b.Fatal(err)
		}
		if _, err := l.Next(); err != nil {
			b.Fatal(err)
		}
		l.Done()
	}
}
