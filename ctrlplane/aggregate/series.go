package aggregate

import "time"

// levels are the windows that a Series has: so many of so long.
var levels = [...]struct {
	step time.Duration
	kept uint64
}{{time.Second, 128}, {time.Minute, 64}, {time.Hour, 48}}

// Steps are how long windows of a Series can be.
func Steps() (all []time.Duration) {
	for _, l := range levels {
		all = append(all, l.step)
	}
	return all
}

// Series has tables of windows: of the last 128 seconds, 64 minutes and 48 hours, so that 240 are all there can
// ever be. A record counts in a window of each length. One goroutine uses it.
type Series struct {
	rings [len(levels)]ring
	late  uint64
	free  []*Table
	make  func() *Table
}

// ring has the tables of the windows of a level.
type ring struct {
	step, newest uint64
	all          []*Table // by number of the window since the Unix epoch, modulo
}

// NewSeries returns one without records.
func NewSeries(order Order, good int) *Series {
	s := &Series{make: func() *Table { return NewTable(order, good) }}
	for i, l := range levels {
		s.rings[i] = ring{step: uint64(l.step), all: make([]*Table, l.kept)}
	}
	return s
}

// Late returns how many records were older than the windows of a second, and count only in longer ones.
func (s *Series) Late() uint64 { return s.late }

// oldest returns the number of the oldest window that is kept.
func (r *ring) oldest() uint64 { return max(r.newest, uint64(len(r.all))) - uint64(len(r.all)) + 1 }

// Advance tells the time, in nanoseconds since the Unix epoch. Windows of earlier times make room.
func (s *Series) Advance(now uint64) {
	for i := range s.rings {
		r := &s.rings[i]
		n, kept := now/r.step, uint64(len(r.all))
		for w := r.oldest(); w <= r.newest && w+kept <= n; w++ {
			if t := r.all[w%kept]; t != nil {
				t.Reset()
				r.all[w%kept], s.free = nil, append(s.free, t)
			}
		}
		r.newest = max(r.newest, n)
	}
}

// Add adds sums of a key at a time. Times ahead of that of Advance count there, and those before all windows of
// an hour in the oldest of them.
func (s *Series) Add(at uint64, key []byte, x *Sums) {
	for i := range s.rings {
		r := &s.rings[i]
		n := min(at/r.step, r.newest)
		if n < r.oldest() {
			if i == 0 {
				s.late++
			}
			if i < len(s.rings)-1 {
				continue
			}
			n = r.oldest()
		}
		s.table(r, n).Add(key, x)
	}
}

// table returns that of a window.
func (s *Series) table(r *ring, n uint64) *Table {
	t := &r.all[n%uint64(len(r.all))]
	if *t != nil {
		return *t
	}
	if last := len(s.free) - 1; last >= 0 {
		*t, s.free = s.free[last], s.free[:last]
	} else {
		*t = s.make()
	}
	return *t
}

// Sum returns a table of the windows of a step from one time to before another.
func (s *Series) Sum(step time.Duration, from, to uint64) *Table {
	sum := s.make()
	for i := range s.rings {
		r := &s.rings[i]
		if r.step != uint64(step) {
			continue
		}
		for n := max(from/r.step, r.oldest()); n <= r.newest && n*r.step < to; n++ {
			if t := r.all[n%uint64(len(r.all))]; t != nil {
				sum.Merge(t)
			}
		}
	}
	return sum
}
