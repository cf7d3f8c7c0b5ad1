package worker

import (
	"github.com/weir-probe/weir/dissect"
	"github.com/weir-probe/weir/dissect/app"
)

// A message in parts, which is one of SCTP or a datagram in fragments, is held as a segment is: at is what its
// parts have in common, and 32 bits that say which part is to come; time is that of the first part, and span
// how many parts there are, twice, and 1 if there is more of one of them.

// mostInParts is how many messages of a side are put together at a time.
const mostInParts = 4

// part is one of a message.
type part struct {
	octets    []byte
	next      uint32 // of the part that follows
	last, cut bool
}

// inParts returns which of the messages in parts is that with id, -1 if none is.
func (w *Worker) inParts(s *side, id uint64) int {
	if s.n > 0 {
		for i, x := range w.held(s) {
			if x.at>>32 == id {
				return i
			}
		}
	}
	return -1
}

// beginPart begins a message in parts, and reports whether there was room. The oldest makes room for it.
func (w *Worker) beginPart(s *side, id uint64, p part) bool {
	if s.n == mostInParts {
		oldest := 0
		for i, x := range w.held(s) {
			if x.time < w.held(s)[oldest].time {
				oldest = i
			}
		}
		w.dropParts(s, oldest)
	}
	data := p.octets[:min(len(p.octets), app.MaxMessage)]
	x := held{at: id<<32 | uint64(p.next), time: w.hand.now, size: uint32(len(data)), span: 2 | more(p.cut)}
	return w.insert(s, x, data)
}

func more(cut bool) uint32 {
	if cut {
		return 1
	}
	return 0
}

// addPart adds the next part to message i, and shows the message if it is the last. Of what is
// too long only the beginning is shown.
func (w *Worker) addPart(s *side, i int, p part) {
	x := &w.held(s)[i]
	x.at = x.at>>32<<32 | uint64(p.next)
	x.span += 2
	if x.span&1 == 0 {
		n := min(len(p.octets), app.MaxMessage-int(x.size))
		x.span |= more(p.cut || n < len(p.octets))
		if !w.grow(x, p.octets[:n]) {
			w.dropParts(s, i)
			return
		}
	}
	if p.last {
		w.showParts(s, i)
	}
}

// showParts shows message i as far as it is there.
func (w *Worker) showParts(s *side, i int) {
	h := &w.hand
	y := w.unhold(s, i)
	s.count-- // datagram counts it
	switch whole := y.span&1 == 0; {
	case h.r.Proto != protoUDP:
	case whole:
		w.counts[DatagramsWhole]++
	default:
		w.counts[DatagramsCut]++
	}
	h.earlier, h.begun = uint64(y.span>>1-1), y.time
	w.datagram(w.arena.bytes(y.data)[:y.size], y.span&1 != 0)
	h.earlier, h.begun = 0, 0
	w.arena.give(y.data)
}

// grow adds octets to a message in parts, and reports whether there was room.
func (w *Worker) grow(x *held, data []byte) bool {
	need := int(x.size) + len(data)
	if need > len(w.arena.bytes(x.data)) {
		b := w.arena.take(need)
		if b == 0 {
			w.counts[HoldNoRoom]++
			return false
		}
		copy(w.arena.bytes(b), w.arena.bytes(x.data)[:x.size])
		w.arena.give(x.data)
		x.data = b
	}
	copy(w.arena.bytes(x.data)[x.size:], data)
	x.size = uint32(need)
	return true
}

// dropParts gives message i up, of which a part did not come. Of a datagram the beginning is shown.
func (w *Worker) dropParts(s *side, i int) {
	h := &w.hand
	if h.r.Proto == protoUDP {
		w.held(s)[i].span |= 1
		d := h.d
		if h.d = 0; s == &h.t.sides[1] {
			h.d = 1
		}
		w.showParts(s, i)
		h.d = d
		return
	}
	x := w.unhold(s, i)
	w.counts[SCTPFragments] += uint64(x.span >> 1)
	w.arena.give(x.data)
}

// incomplete gives all messages of the flow in hand up that are not complete.
func (w *Worker) incomplete() {
	for d := range 2 {
		for w.hand.t != nil && w.hand.t.sides[d].n > 0 {
			w.dropParts(&w.hand.t.sides[d], 0)
		}
	}
}

// fragment takes in a fragment of a datagram of UDP. They have to come in order, with nothing else of the flow
// between them; what is there of a datagram is shown when something else comes. Those that are of no interest
// by what they begin with are not put together.
func (w *Worker) fragment(p *dissect.Packet) {
	h := &w.hand
	x := part{octets: p.Payload, last: p.Last}
	x.next = uint32(p.FragmentAt)*8 + uint32(p.FragmentOf)
	x.cut = len(p.Payload) < int(p.PayloadLen)
	if p.Fragment == dissect.LaterFragment {
		x.octets, x.cut = p.Payload[:min(len(p.Payload), int(p.FragmentOf))], len(p.Payload) < int(p.FragmentOf)
		w.nextFragment(p, x)
		return
	}
	w.incomplete()
	switch {
	case h.r.Pending == 0 || len(x.octets) == 0:
	case h.t == nil && w.maybe(h.pending, x.octets) == 0:
		w.datagram(x.octets, true)
	case x.cut || !w.enter() || !w.beginPart(&h.t.sides[h.d], uint64(p.FragmentID), x):
		w.counts[DatagramsCut]++
		w.datagram(x.octets, true)
	default:
		h.t.sides[h.d].count++
	}
}

// nextFragment adds a later fragment to the datagram that it continues.
func (w *Worker) nextFragment(p *dissect.Packet, x part) {
	h := &w.hand
	if h.t == nil {
		return
	}
	s := &h.t.sides[h.d]
	i := w.inParts(s, uint64(p.FragmentID))
	if i < 0 {
		return
	}
	switch ahead := int64(p.FragmentAt)*8 - int64(uint32(w.held(s)[i].at)); {
	case ahead < 0: // again
	case ahead > 0 || x.cut:
		w.dropParts(s, i)
	default:
		s.count++
		w.addPart(s, i, x)
	}
}
