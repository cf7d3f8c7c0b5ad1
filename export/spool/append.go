package spool

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// Append writes an entry behind the others. It returns ErrFull if there is no room for it.
func (l *Log) Append(e *Entry) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.show()
	if l.closed {
		return ErrClosed
	}
	now := uint64(time.Now().UnixNano())
	for {
		err := l.write(e, now)
		full := errors.Is(err, ErrFull) || errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
		switch {
		case err == nil:
			l.tally()
			return nil
		case !full:
			l.err, l.missed = err, 1
			return fmt.Errorf("spool %s: %w", l.o.Dir, err)
		case l.o.Policy == Newest || len(l.segments) == 0,
			len(l.segments) == 1 && l.segments[0].size <= titleSize:
			l.err, l.missed = err, 1 // there is nothing to give way: somebody else has the room
			return ErrFull
		}
		l.discard(Full)
	}
}

// write writes the entry if there is room for it.
func (l *Log) write(e *Entry, now uint64) error {
	need := 2*headerSize + int64(len(e.Preface)+len(e.Head)+len(e.Body))
	if need+titleSize > l.o.Size {
		return ErrFull
	}
	if l.active != nil && l.active.size > titleSize && l.active.size+need > l.o.Segment {
		l.active = nil
	}
	if l.active == nil {
		need += titleSize
	}
	if l.octets()+need > l.o.Size {
		return ErrFull
	}
	if l.active == nil {
		if err := l.begin(now); err != nil {
			return err
		}
	}
	h := header{mark: l.state.end, time: now, generation: l.generation, kind: preface}
	l.space = l.space[:0]
	if e.Preface != nil && !bytes.Equal(e.Preface, l.explained) {
		l.space = appendEntry(l.space, h, l.state.salt, [2][]byte{nil, e.Preface})
	}
	h.kind, h.records, h.gap = message, e.Records, l.missed
	l.space = appendEntry(l.space, h, l.state.salt, [2][]byte{e.Head, e.Body})
	s := l.active
	if _, err := s.file.WriteAt(l.space, s.size); err != nil {
		_ = s.file.Truncate(s.size) // if that fails too, what is there is a damaged place
		return err
	}
	s.size, s.last = s.size+int64(len(l.space)), now
	l.explained = append(l.explained[:0], e.Preface...)
	l.state.end, l.missed = h.end(), 0
	l.settle(l.state.read)
	return nil
}

// begin begins a file.
func (l *Log) begin(now uint64) error {
	s := &segment{
		path: filepath.Join(l.o.Dir, l.state.end.fileName()), first: l.state.end,
		salt: l.state.salt, size: titleSize, time: now, last: now,
	}
	f, err := os.OpenFile(s.path, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	if _, err := f.WriteAt(appendTitle(nil, l.state.salt, l.o.Format), 0); err != nil {
		f.Close()
		os.Remove(s.path)
		return err
	}
	s.file = f
	l.segments, l.active, l.explained = append(l.segments, s), s, l.explained[:0]
	return nil
}

// remove removes the oldest file.
func (l *Log) remove() {
	s := l.segments[0]
	if s == l.active {
		l.active = nil
	}
	if s.file != nil { // or it keeps its room on the disk
		s.file.Close()
	}
	if l.reading.s == s {
		l.reading.close()
	}
	if err := os.Remove(s.path); err != nil {
		l.err = err
	}
	l.segments = l.segments[1:]
}

// discard removes the oldest file with what was not read of it.
func (l *Log) discard(why Loss) {
	end, lost := l.endOf(0), uint64(0)
	if l.read.less(end) {
		lost, l.gap = end.since(l.read), true
		l.read = end
		l.settle(end)
	}
	l.remove()
	l.lost[why] += lost
	l.tally()
}

// release removes the files that nobody needs any more.
func (l *Log) release() {
	for len(l.segments) > 0 && !l.state.read.less(l.endOf(0)) {
		l.remove()
	}
}
