package app

import (
	"slices"

	"github.com/weir-probe/weir/dataplane/flow"
)

// segment takes in octets of a stream.
func (r *driver) segment(s *side, t turn) {
	if over := min(t.lost, s.skip); t.lost > 0 {
		r.jump(s, over)
		if t.lost > over {
			s.buf, s.lost = nil, true
		}
	}
	over := min(uint64(len(t.octets)), s.skip)
	r.jump(s, over)
	rest := t.octets[over:]
	if len(rest) == 0 || s.closed {
		return
	}
	if len(s.buf) == 0 {
		s.begun = t.time
	}
	before := len(r.pending)
	s.buf, s.last = append(slices.Clone(s.buf), rest...), t.time
	r.read(t.dir)
	if other := &r.sides[1-t.dir]; len(r.pending) != before && len(other.buf) > 0 {
		r.read(1 - t.dir) // it may have waited for a dissector that has gone
	}
}

// jump leaves n of the octets to be skipped behind.
func (r *driver) jump(s *side, n uint64) {
	if s.skip != ToEnd {
		s.skip -= n
	}
	if s.skip == 0 {
		r.yieldTo(s)
	}
}

// close tells that a side says no more.
func (r *driver) close(dir flow.Dir, why string) {
	s := &r.sides[dir]
	if s.closed {
		return
	}
	s.closed = true
	r.read(dir)
	s.buf = nil
	r.settle(dir, why)
}

func (r *driver) hangUp(why string) {
	r.close(flow.Forward, why)
	r.close(flow.Reverse, why)
	r.retire()
}

// retire ends looking into the flow.
func (r *driver) retire() {
	r.abandon(abandoned)
	r.pending = nil
	for i := range r.sides {
		r.sides[i].buf = nil
	}
}

// read shows what a side has said until it is not understood any further.
func (r *driver) read(dir flow.Dir) {
	s := &r.sides[dir]
	for len(s.buf) > 0 && len(r.pending) > 0 {
		switch r.ask(dir, s.buf[:min(len(s.buf), MaxMessage)]) {
		case More:
			return
		case Reject:
			r.refuse(s)
			return
		}
		if len(r.pending) == 0 {
			return
		}
		m := &r.m
		s.lost, s.tries, s.begun, s.skip = s.lost && m.Said.Astray, 0, s.last, m.Said.Skip
		s.buf = s.buf[m.Pos():]
		over := min(uint64(len(s.buf)), s.skip)
		s.buf = s.buf[over:]
		r.jump(s, over)
	}
}

// refuse decides what becomes of a stream that nobody knows: behind a hole it may go on with
// the rest of a message.
func (r *driver) refuse(s *side) {
	s.buf = nil
	if s.tries++; !s.closed && (!s.lost || s.tries >= attempts) {
		r.retire()
	}
}
