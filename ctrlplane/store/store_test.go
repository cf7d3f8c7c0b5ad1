package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func fresh(t *testing.T) *Store {
	t.Helper()
	s, err := Open(filepath.Join(t.TempDir(), "config"), Change{Text: []byte("first"), Who: "weir", Why: "factory"})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *Store) runs(t *testing.T, want string) {
	t.Helper()
	if v, text, err := s.Running(); err != nil || string(text) != want {
		t.Errorf("version %d says %q, want %q (%v)", v.Number, text, want, err)
	}
}

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// A life of a store: everything it does, and what it refuses.
func TestLife(t *testing.T) {
	s, version := fresh(t), must[Version](t)
	s.runs(t, "first")
	if _, err := s.Commit(Change{Who: "ann"}); !errors.Is(err, ErrNone) {
		t.Errorf("a commit of nothing: %v", err)
	}
	must[Candidate](t)(s.Put([]byte("second"), "ann"))
	if _, err := s.Commit(Change{Text: []byte("other"), Who: "bob"}); !errors.Is(err, ErrConflict) {
		t.Errorf("a commit of something else: %v", err)
	}
	v := version(s.Commit(Change{Who: "ann", Why: " more\nof it ", Confirm: time.Minute}))
	if v.Number != 2 || v.Who != "ann" || v.Why != "more of it" || v.When.IsZero() {
		t.Errorf("got %+v", v)
	}
	s.runs(t, "second")
	if _, err := s.Candidate(); !errors.Is(err, ErrNone) {
		t.Errorf("the candidate is still there: %v", err)
	}
	if p, left := s.Pending(); p == nil || p.Previous != 1 || left <= 0 || left > time.Minute {
		t.Errorf("pending %+v, %v", p, left)
	}
	must[Candidate](t)(s.Put([]byte("third"), "bob"))
	if _, err := s.Commit(Change{Who: "bob"}); !errors.Is(err, ErrConflict) {
		t.Errorf("a commit before the last was confirmed: %v", err)
	}
	version(s.Confirm())
	if _, err := s.Confirm(); !errors.Is(err, ErrNone) {
		t.Errorf("confirmed twice: %v", err)
	}
	version(s.Commit(Change{Who: "bob", Confirm: time.Minute}))
	if v = version(s.Rollback(2, Change{Who: "weir"})); v.Number != 4 || v.Why != "back to version 2" {
		t.Errorf("got %+v", v)
	}
	s.runs(t, "second")
	if _, err := s.Rollback(17, Change{}); !errors.Is(err, ErrNone) {
		t.Errorf("back to what never was: %v", err)
	}
	if h := s.History(); len(h) != 4 || h[0].Number != 4 || h[3].Why != "factory" {
		t.Errorf("history %+v", h)
	}
	must[Candidate](t)(s.Put([]byte("fourth"), "ann"))
	version(s.Rollback(1, Change{Who: "bob"}))
	if _, err := s.Commit(Change{Who: "ann"}); !errors.Is(err, ErrConflict) || !strings.Contains(err.Error(), "version 4") {
		t.Errorf("a candidate of a version that does not run: %v", err)
	}
	version(s.Reset(Change{Text: []byte("factory"), Who: "ann"}))
	if h := s.History(); len(h) != 1 || h[0].Number != 6 {
		t.Errorf("history %+v", h)
	}
	left, _ := filepath.Glob(filepath.Join(s.dir, "*", "*"))
	if _, err := s.Candidate(); err == nil || len(left) != 1 {
		t.Errorf("after a reset there are %v and a candidate (%v)", left, err)
	}
}

// Fifty versions before the one that runs are kept, also by those who open the store again.
func TestKept(t *testing.T) {
	s := fresh(t)
	for i := range 60 {
		must[Candidate](t)(s.Put(fmt.Appendf(nil, "text %d", i+2), "ann"))
		must[Version](t)(s.Commit(Change{Who: "ann"}))
	}
	s = must[*Store](t)(Open(s.dir, Change{Text: []byte("unused")}))
	h := s.History()
	if len(h) != Kept+1 || h[0].Number != 61 || h[Kept].Number != 11 {
		t.Fatalf("%d versions, %+v to %+v", len(h), h[0], h[len(h)-1])
	}
	for _, v := range h {
		if _, text, err := s.Version(v.Number); err != nil || string(text) != fmt.Sprintf("text %d", v.Number) {
			t.Errorf("version %d: %q, %v", v.Number, text, err)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(s.dir, "versions", "*")); len(left) != Kept+1 {
		t.Errorf("%d files", len(left))
	}
}

// Of many who commit at the same time, one does.
func TestConcurrent(t *testing.T) {
	s := fresh(t)
	must[Candidate](t)(s.Put([]byte("second"), "ann"))
	var done sync.WaitGroup
	var mu sync.Mutex
	committed := 0
	for range 20 {
		done.Go(func() {
			_, err := s.Commit(Change{Text: []byte("second"), Who: "ann"})
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				committed++
			} else if !errors.Is(err, ErrConflict) && !errors.Is(err, ErrNone) {
				t.Error(err)
			}
		})
	}
	done.Wait()
	if committed != 1 || len(s.History()) != 2 {
		t.Errorf("%d commits, history %+v", committed, s.History())
	}
}

// What was not confirmed in time does not run for who reads later, and a clock that is wrong does not
// make it wait for longer.
func TestTime(t *testing.T) {
	s := fresh(t)
	must[Candidate](t)(s.Put([]byte("second"), "ann"))
	must[Version](t)(s.Commit(Change{Who: "ann", Confirm: time.Hour}))
	for after, want := range map[time.Duration]string{0: "second", 59 * time.Minute: "second", 61 * time.Minute: "first"} {
		if _, text, err := Read(s.dir, time.Now().Add(after)); err != nil || string(text) != want {
			t.Errorf("after %v: %q, %v", after, text, err)
		}
	}
	s.now = func() time.Time { return time.Unix(0, 0) }
	if _, left := s.Pending(); left != time.Hour {
		t.Errorf("%v are left", left)
	}
	s.now = func() time.Time { return time.Now().Add(48 * time.Hour) }
	if _, left := s.Pending(); left != 0 {
		t.Errorf("%v are left", left)
	}
	if gave, err := s.Settle(); !gave || err != nil {
		t.Errorf("given up: %v, %v", gave, err)
	}
	s.runs(t, "first")
	if gave, err := s.Settle(); gave || err != nil {
		t.Errorf("given up again: %v, %v", gave, err)
	}
}

// A text that was damaged on disk does not run: the one before it does.
func TestDamaged(t *testing.T) {
	s := fresh(t)
	must[Candidate](t)(s.Put([]byte("second"), "ann"))
	must[Version](t)(s.Commit(Change{Who: "ann"}))
	if err := os.WriteFile(s.file(2), []byte("secomd"), 0o600); err != nil {
		t.Fatal(err)
	}
	s = must[*Store](t)(Open(s.dir, Change{}))
	s.runs(t, "first")
	must[Candidate](t)(s.Put([]byte("third"), "ann"))
	if v := must[Version](t)(s.Commit(Change{Who: "ann"})); v.Number != 3 {
		t.Errorf("got %+v", v)
	}
	for _, wrong := range []string{"{", `{"format":7}`, `{"format":1,"running":1}`} {
		if err := os.WriteFile(s.path("journal.json"), []byte(wrong), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(s.dir, Change{}); err == nil {
			t.Errorf("a journal of %s is one", wrong)
		}
	}
}
