package spool

import (
	"errors"
	"io"
	"io/fs"
	"slices"
	"time"
)

// Next returns the entry that is to be delivered next, or nil if there is none. It returns the same
// until Done; the entry is good until then.
func (l *Log) Next() (*Entry, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.show()
	if l.closed {
		return nil, ErrClosed
	}
	before := l.read
	for l.held == nil && l.read.less(l.state.end) {
		if err := l.step(); err != nil {
			l.err = err
			return nil, err
		}
	}
	if lost := l.lost != [Losses]uint64{}; lost || l.held == nil && before.less(l.read) {
		m := l.read
		if l.held != nil {
			m = mark{m.sequence - 1, m.before - uint64(l.held.Records)}
		}
		l.settle(m)
		l.tally()
	}
	if l.held == nil {
		l.release()
	}
	return l.held, nil
}

// Done says that the entry that Next returned is settled.
func (l *Log) Done() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held == nil || l.closed {
		return
	}
	l.held = nil
	l.settle(l.read)
	l.release()
	l.tally()
	l.show()
}

// step goes on to the next entry, or past something else.
func (l *Log) step() error {
	if l.reading.s == nil {
		return l.enter()
	}
	var h header
	c := &l.reading
	clean, err := c.next(&h)
	if !clean {
		l.gap = true
	}
	switch {
	case errors.Is(err, io.EOF):
		return l.leave()
	case err != nil:
		return err
	case h.before < l.read.before && !h.less(l.read) || l.state.end.less(h.end()):
		c.at += h.size() // of another log
		return nil
	case h.less(l.read): // settled before
	default:
		l.take(&h)
		return nil
	}
	if h.kind == preface {
		l.explain(&h)
	}
	c.at += h.size()
	return nil
}

// take makes the entry before which the cursor is the one that is held, unless it is damaged or too old.
func (l *Log) take(h *header) {
	c := &l.reading
	if l.read.less(h.mark) {
		l.lose(Corrupt, h.since(l.read))
	}
	l.read = h.end()
	head, body, ok := c.payload(h)
	c.at += h.size()
	switch {
	case h.kind == preface:
		l.read = h.mark
		if l.gap = l.gap || !ok; ok {
			l.preface = append(l.preface[:0], body...)
		}
	case !ok:
		l.lose(Corrupt, uint64(h.records))
	case l.o.Age > 0 && h.time+uint64(l.o.Age) < uint64(time.Now().UnixNano()):
		l.lose(Expired, uint64(h.records))
	default:
		l.held = &Entry{
			Records: h.records, Head: head, Body: body, Preface: l.preface,
			Time: h.time, Generation: h.generation, Gap: l.gap || h.gap != 0,
		}
		l.gap = false
	}
}

// explain reads a preface.
func (l *Log) explain(h *header) {
	if _, body, ok := l.reading.payload(h); ok {
		l.preface = append(l.preface[:0], body...)
	}
}

// lose notes that records were lost where reading is.
func (l *Log) lose(why Loss, records uint64) {
	l.lost[why] += records
	l.gap = true
}

// enter opens the file that has the next entry.
func (l *Log) enter() error {
	for i, s := range l.segments {
		if i+1 < len(l.segments) && !l.read.less(l.segments[i+1].first) {
			continue
		}
		l.preface = l.preface[:0]
		err := l.reading.open(s)
		if errors.Is(err, fs.ErrNotExist) {
			l.skip(l.endOf(i))
			return nil
		}
		return err
	}
	l.skip(l.state.end) // no file has it
	return nil
}

// leave goes on to the next file, if there is one.
func (l *Log) leave() error {
	if i := slices.Index(l.segments, l.reading.s); i >= 0 {
		l.skip(l.endOf(i))
	}
	l.reading.close()
	return nil
}

// skip goes on to a mark: nothing before it can be read.
func (l *Log) skip(to mark) {
	if l.read.less(to) {
		l.lose(Corrupt, to.since(l.read))
		l.read = to
	}
}
