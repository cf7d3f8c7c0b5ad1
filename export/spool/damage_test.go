package spool

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// files returns the content of all files of a log.
func files(t testing.TB, dir string) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	found, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		if all[f.Name()], err = os.ReadFile(filepath.Join(dir, f.Name())); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// whole checks that what a damaged log delivers is most of n messages, in order, and that the rest is counted.
func whole(t *testing.T, dir, what string, n, damaged int) {
	t.Helper()
	l, err := Open(Options{Dir: dir, Segment: 600})
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	defer l.Close()
	b := new(books)
	l.Count(b.account())
	got := drain(t, l)
	if !slices.IsSorted(got) || len(slices.Compact(slices.Clone(got))) != len(got) || len(got) < n-damaged {
		t.Fatalf("%s: read %v", what, got)
	}
	lost, total := b.lost[Corrupt].Load(), records(numbers(0, n))
	if records(got)+lost != total || b.records.Load() != 0 {
		t.Fatalf("%s: %d records read, %d counted as corrupt, %d were there", what, records(got), lost, total)
	}
}

// TestDamage inverts every octet of every file of a log, one at a time: it costs one message at most, and
// what it costs is counted.
func TestDamage(t *testing.T) {
	const n = 8
	o := Options{Dir: t.TempDir(), Segment: 600}
	l, _ := open(t, o)
	put(t, l, 0, n)
	l.Close()
	all := files(t, o.Dir)
	dir := t.TempDir()
	for name, content := range all {
		for at := range content {
			if name == stateName && at%statePlace >= stateSize {
				continue // padding
			}
			for other, b := range all {
				if b = slices.Clone(b); other == name {
					b[at] ^= 0xff
				}
				if err := os.WriteFile(filepath.Join(dir, other), b, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			whole(t, dir, fmt.Sprintf("octet %d of %s", at, name), n, 1)
		}
	}
}

// TestTorn cuts the last file at every length, and loses whole files.
func TestTorn(t *testing.T) {
	const n = 8
	o := Options{Dir: t.TempDir(), Segment: 600}
	l, _ := open(t, o)
	put(t, l, 0, n)
	l.Close()
	all := files(t, o.Dir)
	names := slices.DeleteFunc(slices.Sorted(func(yield func(string) bool) {
		for name := range all {
			if !yield(name) {
				return
			}
		}
	}), func(s string) bool { return !strings.HasSuffix(s, suffix) })
	for i, name := range names {
		for size := range all[name] {
			if i < len(names)-1 && size > 0 {
				break // only the last is cut
			}
			dir := t.TempDir()
			for other, b := range all {
				if other == name && size == 0 {
					continue
				} else if other == name {
					b = b[:size]
				}
				if err := os.WriteFile(filepath.Join(dir, other), b, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			whole(t, dir, fmt.Sprintf("%s with %d octets", name, size), n, n)
		}
	}
}

// TestForgery puts what looks like an entry into a message and damages the header before it.
func TestForgery(t *testing.T) {
	o := Options{Dir: t.TempDir()}
	l, _ := open(t, o)
	h := header{mark: mark{1, 1}, records: 1, kind: message}
	forged := appendEntry(nil, h, 0x1122334455667788, [2][]byte{nil, []byte("message 9 forged")})
	if err := l.Append(&Entry{Records: 1, Body: forged}); err != nil {
		t.Fatal(err)
	}
	put(t, l, 1, 2)
	path := l.active.path
	l.Close()
	b, _ := os.ReadFile(path)
	b[titleSize+9] ^= 1
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	l, a := open(t, o)
	if got := drain(t, l); !slices.Equal(got, []int{1}) || a.lost[Corrupt].Load() != 1 {
		t.Errorf("read %v, %d records lost", got, a.lost[Corrupt].Load())
	}
}

// FuzzLog reads files that anybody may have written.
func FuzzLog(f *testing.F) {
	o := Options{Dir: f.TempDir(), Segment: 600}
	l, _ := open(f, o)
	put(f, l, 0, 6)
	l.Close()
	for name, b := range files(f, o.Dir) {
		f.Add(name == stateName, b)
	}
	all := files(f, o.Dir)
	f.Fuzz(func(t *testing.T, state bool, b []byte) {
		dir := t.TempDir()
		for name, content := range all {
			if state == (name == stateName) {
				content = b
			}
			if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		l, a := open(t, Options{Dir: dir, Segment: 600})
		for range 100 {
			e, err := l.Next()
			if err != nil {
				t.Fatal(err)
			}
			if e == nil {
				break
			}
			l.Done()
		}
		put(t, l, 0, 1)
		if drain(t, l); a.records.Load() != 0 {
			t.Errorf("%d records in an empty log", a.records.Load())
		}
	})
}
