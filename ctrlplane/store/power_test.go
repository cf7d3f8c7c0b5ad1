package store

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// operations are what changes a store. old is what runs before, and next what runs when it was done.
var operations = []struct {
	name      string
	old, next string
	prepare   func(s *Store) error // after "first" runs
	do        func(s *Store) error
}{
	{"put", "first", "first", nothing, put("second")},
	{"put again", "first", "first", put("other"), put("second")},
	{"discard", "first", "first", put("second"), (*Store).Discard},
	{"commit", "first", "second", put("second"), commit(0)},
	{"commit to confirm", "first", "second", put("second"), commit(time.Hour)},
	{"confirm", "second", "second", both(put("second"), commit(time.Hour)), confirm},
	{"rollback", "second", "first", both(put("second"), commit(0)), rollback},
	{"give up", "second", "first", both(put("second"), commit(time.Hour)), rollback},
	{"reset", "second", "factory", both(both(put("second"), commit(time.Hour)), put("third")), reset},
}

func nothing(*Store) error { return nil }

func put(text string) func(*Store) error {
	return func(s *Store) error { _, err := s.Put([]byte(text), "ann"); return err }
}

func commit(d time.Duration) func(*Store) error {
	return func(s *Store) error { _, err := s.Commit(Change{Who: "ann", Confirm: d}); return err }
}

func both(a, b func(*Store) error) func(*Store) error {
	return func(s *Store) error { return errors.Join(a(s), b(s)) }
}

func confirm(s *Store) error { _, err := s.Confirm(); return err }

func rollback(s *Store) error { _, err := s.Rollback(1, Change{Who: "ann"}); return err }

func reset(s *Store) error {
	_, err := s.Reset(Change{Text: []byte("factory"), Who: "ann"})
	return err
}

// power is a disk that loses power after so many steps. What was not synced by then is lost, or is
// not: torn says which.
type power struct {
	left     int
	torn     bool
	off      bool
	durable  map[string]string
	unsynced []entry
}

// entry is a change of a directory that is only in the memory of the kernel.
type entry struct {
	dir string
	do  func(map[string]string)
}

var errOff = errors.New("no power")

func (p *power) step() bool {
	if p.left == 0 {
		p.off = true
	}
	p.left--
	return p.off
}

func (p *power) write(path string, data []byte) error {
	if p.step() {
		return errOff
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		return err
	}
	if _, there := p.durable[path]; there {
		p.durable[path] = "" // it was truncated
	}
	content := ""
	p.unsynced = append(p.unsynced, entry{filepath.Dir(path), func(d map[string]string) { d[path] = content }})
	if p.step() {
		content = string(data[:len(data)/2])
		return errOff
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		return err
	}
	if p.step() {
		return errOff
	}
	content = string(data)
	if _, there := p.durable[path]; there {
		p.durable[path] = content
	}
	return nil
}

func (p *power) rename(from, to string) error {
	if p.step() {
		return errOff
	}
	p.unsynced = append(p.unsynced, entry{filepath.Dir(to), func(d map[string]string) {
		if c, ok := d[from]; ok {
			d[to] = c
			delete(d, from)
		}
	}})
	return os.Rename(from, to)
}

func (p *power) remove(path string) error {
	if p.step() {
		return errOff
	}
	p.unsynced = append(p.unsynced, entry{filepath.Dir(path), func(d map[string]string) { delete(d, path) }})
	return os.Remove(path)
}

func (p *power) sync(dir string) error {
	if p.step() {
		return errOff
	}
	var rest []entry
	for _, e := range p.unsynced {
		if e.dir != dir {
			rest = append(rest, e)
			continue
		}
		e.do(p.durable)
	}
	p.unsynced = rest
	return nil
}

// fail leaves in a directory what is on the disk.
func (p *power) fail(t *testing.T, dir string) {
	t.Helper()
	if !p.torn {
		for _, e := range p.unsynced {
			e.do(p.durable)
		}
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	for path, text := range p.durable {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestPower has the power fail before every step of every operation. What runs then is what ran before
// or what shall run; it is the latter if the operation had said that it is done; and the store works.
func TestPower(t *testing.T) {
	failures := 0
	for _, o := range operations {
		for _, torn := range []bool{false, true} {
			for k, done := 0, false; !done; k++ {
				dir := filepath.Join(t.TempDir(), "config")
				p := &power{left: -1, torn: torn, durable: map[string]string{}}
				s, err := open(p, dir, Change{Text: []byte("first")})
				if err == nil {
					err = o.prepare(s)
				}
				if err != nil {
					t.Fatal(err)
				}
				p.left = k
				err = o.do(s)
				done = !p.off
				p.fail(t, dir)
				failures++
				settled(t, fmt.Sprintf("%s, step %d, torn %v", o.name, k, torn), dir, [2]string{o.old, o.next}, err == nil)
			}
		}
	}
	t.Logf("power failed %d times", failures)
	if failures < 100 {
		t.Errorf("power failed %d times only", failures)
	}
}

// settled checks what is found after a failure.
func settled(t *testing.T, where, dir string, states [2]string, done bool) {
	t.Helper()
	s, err := Open(dir, Change{Text: []byte("unused")})
	if err != nil {
		t.Errorf("%s: %v", where, err)
		return
	}
	_, text, err := s.Running()
	if err != nil || string(text) != states[0] && string(text) != states[1] || done && string(text) != states[1] {
		t.Errorf("%s: %q runs (%v), done is %v", where, text, err, done)
	}
	if _, early, err := Read(dir, time.Now()); err != nil || string(early) != string(text) {
		t.Errorf("%s: others read %q (%v)", where, early, err)
	}
	if p, _ := s.Pending(); p != nil {
		if _, err := s.Confirm(); err != nil {
			t.Errorf("%s: %v", where, err)
		}
	}
	if err := both(put("last"), commit(0))(s); err != nil {
		t.Errorf("%s: %v", where, err)
	}
	s.runs(t, "last")
}

// TestPowerFirst has the power fail while a store is made.
func TestPowerFirst(t *testing.T) {
	for k := 0; ; k++ {
		dir := filepath.Join(t.TempDir(), "config")
		p := &power{left: k, torn: k%2 == 0, durable: map[string]string{}}
		_, err := open(p, dir, Change{Text: []byte("first")})
		done := !p.off
		p.fail(t, dir)
		s, again := Open(dir, Change{Text: []byte("first")})
		if again != nil || done && err != nil {
			t.Fatalf("step %d: %v, %v", k, err, again)
		}
		s.runs(t, "first")
		if done {
			return
		}
	}
}

// TestKilled kills a process before every system call by which it changes the store. Power stays, so
// everything that was called has happened.
func TestKilled(t *testing.T) {
	if os.Getenv("WEIR_STORE_DIR") != "" {
		victim(t)
		return
	}
	killed := 0
	for i, o := range operations {
		if testing.Short() && o.name != "commit to confirm" {
			continue
		}
		for k, done := 0, false; !done; k++ {
			dir := filepath.Join(t.TempDir(), "config")
			s, err := Open(dir, Change{Text: []byte("first")})
			if err == nil {
				err = o.prepare(s)
			}
			if err != nil {
				t.Fatal(err)
			}
			c := exec.Command(os.Args[0], "-test.run", "^TestKilled$")
			c.Env = append(os.Environ(), "WEIR_STORE_DIR="+dir, fmt.Sprintf("WEIR_STORE_STEP=%d %d", i, k))
			out, err := c.CombinedOutput()
			status, _ := c.ProcessState.Sys().(syscall.WaitStatus)
			if done = err == nil; !done && status.Signal() != syscall.SIGKILL {
				t.Fatalf("%s, step %d: %v: %s", o.name, k, err, out)
			}
			killed++
			settled(t, fmt.Sprintf("%s, call %d", o.name, k), dir, [2]string{o.old, o.next}, done)
		}
	}
	t.Logf("%d processes were killed", killed)
}

// victim is the process that is killed.
func victim(t *testing.T) {
	number, step, _ := strings.Cut(os.Getenv("WEIR_STORE_STEP"), " ")
	i, _ := strconv.Atoi(number)
	left, _ := strconv.Atoi(step)
	s, err := Open(os.Getenv("WEIR_STORE_DIR"), Change{})
	if err != nil {
		t.Fatal(err)
	}
	s.disk = files{step: func() {
		if left == 0 {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
		left--
	}}
	if err := operations[i].do(s); err != nil {
		t.Fatal(err)
	}
}

// TestFull has every step fail and the process go on: it knows what runs, and goes on when there is
// room again.
func TestFull(t *testing.T) {
	for _, o := range operations {
		for k := 0; k < 12; k++ {
			s := fresh(t)
			if err := o.prepare(s); err != nil {
				t.Fatal(err)
			}
			p := &power{left: k, durable: map[string]string{}}
			s.disk = p
			err := o.do(s)
			s.disk = files{}
			_, text, e := s.Running()
			if e != nil || string(text) != o.old && string(text) != o.next || err == nil && string(text) != o.next {
				t.Errorf("%s, step %d: %q runs (%v), %v", o.name, k, text, e, err)
			}
			settled(t, fmt.Sprintf("%s, full at step %d", o.name, k), s.dir, [2]string{string(text), string(text)}, err == nil)
		}
	}
}
