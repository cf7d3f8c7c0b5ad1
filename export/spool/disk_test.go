package spool

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// smallDisk mounts a disk of so many octets.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("weir", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Skipf("mounting a small disk needs root: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// TestNoRoom has somebody else fill the disk: entries are refused until there is room again, whatever the policy,
// and what was there already is read.
func TestNoRoom(t *testing.T) {
	for _, policy := range []Policy{Oldest, Newest} {
		disk := smallDisk(t, "256k")
		l, b := open(t, Options{Dir: filepath.Join(disk, "spool"), Policy: policy, Segment: 5000})
		put(t, l, 0, 30)
		filler := filepath.Join(disk, "filler")
		if err := os.WriteFile(filler, make([]byte, 1<<20), 0o600); !errors.Is(err, unix.ENOSPC) {
			t.Fatal(err)
		}
		refused := uint64(0)
		for i := 30; i < 2000; i++ {
			if err := l.Append(sample(i)); errors.Is(err, ErrFull) {
				refused += uint64(i%3 + 1)
			} else if err != nil {
				t.Fatal(err)
			}
		}
		large := &Entry{Records: 1, Body: make([]byte, 100_000)}
		if err := l.Append(large); !errors.Is(err, ErrFull) {
			t.Errorf("%s: an entry larger than what is free: %v", policy, err)
		}
		if err := os.Remove(filler); err != nil {
			t.Fatal(err)
		}
		put(t, l, 2000, 2030)
		got := drain(t, l)
		if records(got)+refused+b.lost[Full].Load() != records(numbers(0, 2030)) || b.lost[Corrupt].Load() > 0 {
			t.Errorf("%s: %d records read, %d refused, %d removed", policy, records(got), refused, b.lost[Full].Load())
		}
		if len(got) < 30 || got[len(got)-1] != 2029 {
			t.Errorf("%s: read %v", policy, got)
		}
	}
}

// TestFreed removes files that are not on the disk yet: their room is free at once.
func TestFreed(t *testing.T) {
	disk := smallDisk(t, "256k")
	l, _ := open(t, Options{Dir: filepath.Join(disk, "spool"), Size: 10 << 20, Segment: 5000})
	for i := range 20000 { // nobody calls Tick
		if err := l.Append(sample(i)); err != nil {
			t.Fatalf("entry %d: %v", i, err)
		}
	}
}

// TestStatsDoNotWait asks how a log does while it waits for the disk.
func TestStatsDoNotWait(t *testing.T) {
	l, _ := open(t, Options{Dir: t.TempDir()})
	put(t, l, 0, 3)
	l.mu.Lock()
	defer l.mu.Unlock()
	if s := l.Stats(); s.Records != 6 {
		t.Errorf("stats %+v", s)
	}
}
