package spool

import (
	"crypto/rand"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// ErrBusy is returned by Open if another log, perhaps of another process, has the directory.
var ErrBusy = errors.New("the spool is in use by another exporter or process")

// state is what a log knows of itself, written to a file of its own whenever it changes. The file has two
// places that are written in turn, so that one of them is whole whatever happens.
type state struct {
	turn       uint64
	salt       uint64 // identifies the log
	generation uint64
	read, end  mark // of what is settled, and of all entries
}

const (
	stateName  = "position"
	stateMagic = 0x7765697270730001
	stateSize  = 9 * 8 // its checksum included
	statePlace = 512   // octets from one place to the other
)

// openState opens the file, locks the directory by it and reads what it says: nothing if it is new.
func openState(dir string) (f *os.File, s state, err error) {
	if f, err = os.OpenFile(filepath.Join(dir, stateName), os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		return nil, s, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			err = ErrBusy
		}
		return nil, s, err
	}
	b := make([]byte, 2*statePlace)
	n, _ := f.ReadAt(b, 0)
	for at := 0; at+stateSize <= n; at += statePlace {
		var t state
		if t.parse(b[at:at+stateSize]) && (s.salt == 0 || t.turn > s.turn) {
			s = t
		}
	}
	if n < len(b) { // have both places, so that a full disk does not keep the position from being noted
		if _, err := f.WriteAt(b[n:], int64(n)); err != nil {
			f.Close()
			return nil, s, err
		}
	}
	return f, s, nil
}

func (s *state) parse(b []byte) bool {
	if be.Uint64(b) != stateMagic || be.Uint64(b[stateSize-8:]) != uint64(crc32.Checksum(b[:stateSize-8], table)) {
		return false
	}
	s.turn, s.salt, s.generation = be.Uint64(b[8:]), be.Uint64(b[16:]), be.Uint64(b[24:])
	s.read = mark{be.Uint64(b[32:]), be.Uint64(b[40:])}
	s.end = mark{be.Uint64(b[48:]), be.Uint64(b[56:])}
	return s.salt != 0
}

// store writes the state to its next place.
func (s *state) store(f *os.File) error {
	s.turn++
	var space [stateSize]byte
	b := be.AppendUint64(space[:0], stateMagic)
	for _, v := range []uint64{
		s.turn, s.salt, s.generation, s.read.sequence, s.read.before, s.end.sequence, s.end.before,
	} {
		b = be.AppendUint64(b, v)
	}
	b = be.AppendUint64(b, uint64(crc32.Checksum(b, table)))
	if _, err := f.WriteAt(b, int64(s.turn%2)*statePlace); err != nil {
		return fmt.Errorf("spool position: %w", err)
	}
	return nil
}

// random returns a number that nobody can guess.
func random() uint64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return be.Uint64(b[:]) | 1
}
