package worker

import (
	"unsafe"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect"
)

// A stream is shown to dissectors message by message. What is shown lies in the segment
// itself if a message begins there and ends there; else its first octets are kept until the
// rest has come. Segments that come too early are held. A hole is given up when no more can
// be held, or when the peer acknowledges what the probe has not seen.

const (
	maxJump = 1 << 30 // the largest window there is (RFC 7323, section 2.3)
	origin  = 1 << 33 // position of the first octet, so that lower ones are positions too
	endless = 1 << 63 // position that no stream reaches
)

// stream takes in a TCP segment of the flow in hand.
func (w *Worker) stream(p *dissect.Packet) {
	h := &w.hand
	if !p.HasTCP || h.r.State&ended != 0 && h.t != nil && h.t.sides[0].shut && h.t.sides[1].shut {
		return
	}
	if p.TCPFlags&syn != 0 {
		w.synchronise(p)
	}
	if h.t == nil && (len(p.Payload) == 0 || !w.enter()) {
		if len(p.Payload) > 0 {
			w.retire()
		}
		return
	}
	if p.TCPFlags&ack != 0 {
		w.acknowledged(p.Ack)
	}
	if h.r.Pending != 0 && (p.PayloadLen > 0 || p.TCPFlags&fin != 0) && p.TCPFlags&rst == 0 {
		w.segment(p)
	}
	if p.TCPFlags&rst != 0 || h.r.State&ended != 0 {
		why := Unanswered
		if p.TCPFlags&rst != 0 {
			why = Reset
		}
		w.hangUp(why)
	}
}

// synchronise notes where the side of a SYN begins. If the sides have spoken already this is
// another connection.
func (w *Worker) synchronise(p *dissect.Packet) {
	h := &w.hand
	known := h.r.Begun>>h.d&1 != 0 && h.r.Start[h.d] == uint16(p.Seq+1)
	if h.t != nil && h.t.sides[h.d].started && !known {
		w.hangUp(Unanswered)
		if h.t != nil {
			w.bequeath()
			h.t.sides, h.t.decided, h.t.switched = [2]side{}, 0, false
		}
		h.narrow(w.any[0])
		h.r.Begun = 0
	}
	h.r.Start[h.d] = uint16(p.Seq + 1)
	h.r.Begun |= 1 << h.d
}

// start sets where a side begins by the first segment of it that is seen, and reports whether
// that can be of the stream.
func (w *Worker) start(s *side, seq uint32) bool {
	h := &w.hand
	ack := uint32(s.acked)
	if far := int32(seq - ack); s.acked != 0 && (far > maxJump || far < -maxJump) {
		w.counts[StreamJumps]++
		return false
	}
	early := uint16(seq) - h.r.Start[h.d]
	if h.r.Begun>>h.d&1 != 0 && early < startRange {
		seq -= uint32(early)
	} else {
		s.lost = true
	}
	s.started = true
	s.base = origin | uint64(seq)
	s.top = s.base
	if s.acked != 0 {
		s.acked = s.place(ack)
	}
	return true
}

// place returns the position of a sequence number that is not far from the last.
func (s *side) place(seq uint32) uint64 { return s.top + uint64(int64(int32(seq-uint32(s.top)))) }

// next returns the position behind the octets that are there without a hole.
func (s *side) next() uint64 { return s.base + uint64(s.have) }

// acknowledged is told what the side in hand has got from its peer. What is missing of that
// will never be seen.
func (w *Worker) acknowledged(number uint32) {
	h := &w.hand
	s := &h.t.sides[h.d^1]
	switch {
	case s.shut:
		return
	case !s.started:
		s.acked = origin | uint64(number)
		return
	}
	if a := s.place(number); int64(a-s.acked) > 0 && int64(a-s.top) < maxJump {
		s.acked = a
	}
	if s.n > 0 && int64(s.acked-s.next()) > 0 {
		h.d ^= 1
		w.giveUpHole()
		h.d ^= 1
	}
}

// segment takes in what p says.
func (w *Worker) segment(p *dissect.Packet) {
	h := &w.hand
	s := &h.t.sides[h.d]
	seq := p.Seq + uint32(p.TCPFlags&syn/syn)
	if s.shut || !s.started && !w.start(s, seq) {
		return
	}
	at := s.place(seq)
	if int64(at-s.top) > maxJump || int64(s.top-at) > maxJump {
		w.counts[StreamJumps]++
		return
	}
	end := at + uint64(p.PayloadLen)
	if p.TCPFlags&fin != 0 {
		s.fin = end
	}
	if p.PayloadLen > 0 {
		s.count++
	}
	before, pending := s.top, h.pending
	s.top = max(s.top, end)
	switch {
	case int64(end-s.next()) <= 0:
	case int64(at-s.next()) > 0:
		w.holdBack(s, held{at: at, time: h.now, size: uint32(len(p.Payload)), span: p.PayloadLen}, p.Payload)
	default:
		w.feed(s, held{at: at, time: h.now, span: p.PayloadLen}, p.Payload)
		w.fill(s)
	}
	if h.t != nil && !s.shut {
		w.advance(s, before)
	}
	if h.pending != pending {
		w.remind()
	}
}

// remind shows what the peer of the side in hand has said again, as it may have waited for a
// dissector that has gone.
func (w *Worker) remind() {
	h := &w.hand
	h.d ^= 1
	if h.pending != 0 && h.t.sides[h.d].have > 0 {
		w.reread(&h.t.sides[h.d])
	}
	h.d ^= 1
}

// holdBack keeps a segment that came too early, or gives up holes before it until there is room.
func (w *Worker) holdBack(s *side, x held, data []byte) {
	if s.n > 0 {
		for _, o := range w.held(s) {
			if o.at <= x.at && o.at+uint64(o.span) >= x.at+uint64(x.span) {
				return // again
			}
		}
	}
	for !s.shut && int64(x.at-s.next()) > 0 {
		if s.n < holds && w.insert(s, x, data) {
			if int64(s.acked-s.next()) > 0 {
				w.giveUpHole()
			}
			return
		}
		if s.n == holds {
			w.counts[HoldFull]++
		}
		if s.n == 0 {
			w.lose(s, x.at)
			break
		}
		w.giveUpHole()
	}
	if !s.shut {
		w.feed(s, x, data)
		w.fill(s)
	}
}

// insert puts a segment among those held, if there is memory for it.
func (w *Worker) insert(s *side, x held, data []byte) bool {
	if s.n == 0 {
		s.holds = w.arena.take(int(unsafe.Sizeof([holds]held{})))
	}
	if x.size > 0 && s.holds != 0 {
		x.data = w.copied(data)
	}
	if s.holds == 0 || x.size > 0 && x.data == 0 {
		w.counts[HoldNoRoom]++
		if s.n == 0 {
			w.arena.give(s.holds)
			s.holds = 0
		}
		return false
	}
	s.n++
	early := w.held(s)
	i := len(early) - 1
	for ; i > 0 && early[i-1].at > x.at; i-- {
		early[i] = early[i-1]
	}
	early[i] = x
	return true
}

// held returns the segments that a side holds; there are some.
func (w *Worker) held(s *side) []held {
	return (*[holds]held)(unsafe.Pointer(unsafe.SliceData(w.arena.bytes(s.holds))))[:s.n]
}

// unhold takes the i-th of the segments that a side holds out of them. Its data is the caller's.
func (w *Worker) unhold(s *side, i int) held {
	early := w.held(s)
	x := early[i]
	copy(early[i:], early[i+1:])
	if s.n--; s.n == 0 {
		w.arena.give(s.holds)
		s.holds = 0
	}
	return x
}

// copied copies octets into a block, 0 if there is no room.
func (w *Worker) copied(data []byte) block {
	if len(data) > largest {
		return 0
	}
	b := w.arena.take(len(data))
	if b != 0 {
		copy(w.arena.bytes(b), data)
	}
	return b
}

// fill goes on with the held segments whose turn has come.
func (w *Worker) fill(s *side) {
	for s.n > 0 && !s.shut {
		early := w.held(s)
		if int64(early[0].at-s.next()) > 0 {
			return
		}
		x := w.unhold(s, 0)
		if x.data != 0 {
			w.feed(s, x, w.arena.bytes(x.data)[:x.size])
		} else {
			w.feed(s, x, nil)
		}
		w.arena.give(x.data)
	}
}

// giveUpHole goes on behind the hole before the first held segment of the side in hand.
func (w *Worker) giveUpHole() {
	s := &w.hand.t.sides[w.hand.d]
	if s.n > 0 {
		w.lose(s, w.held(s)[0].at)
		w.fill(s)
	}
}

// lose forgets the message in hand, as the octets up to a position will not come.
func (w *Worker) lose(s *side, to uint64) {
	w.counts[StreamHoles]++
	w.arena.give(s.prefix)
	s.prefix, s.have, s.cost, s.ask = 0, 0, 0, 0
	s.base, s.lost = to, true
}

// advance says what has passed to the transaction that it belongs to.
func (w *Worker) advance(s *side, before uint64) {
	h := &w.hand
	if s.top > before {
		w.extend(s)
	}
	if s.finish && int64(s.top-s.base) >= 0 {
		s.finish = false
		w.complete(s.owner)
	}
	if s.fin != 0 && !s.shut && h.t != nil && (int64(s.next()-s.fin) >= 0 || s.endless && s.top >= s.fin) {
		w.close(Unanswered)
	}
}

// close ends the side in hand: what is held is looked at in spite of the holes, and what is
// not complete will not be. Requests to it that were not answered have that state.
func (w *Worker) close(why State) {
	h := &w.hand
	s := &h.t.sides[h.d]
	for s.n > 0 && !s.shut {
		w.giveUpHole()
	}
	s.closed = true
	if s.have > 0 && !s.shut {
		s.ask = 0
		w.reread(s)
	}
	if h.t == nil || s.shut {
		return
	}
	w.discard(s)
	s.shut = true
	w.settleSide(why)
	if h.t.sides[h.d^1].shut {
		w.retire()
	}
}

// hangUp ends both sides.
func (w *Worker) hangUp(why State) {
	h := &w.hand
	d := h.d
	for h.d = range flow.Dir(2) {
		if h.t != nil && !h.t.sides[h.d].shut {
			w.close(why)
		}
	}
	h.d = d
	if h.r.Pending != 0 {
		w.retire()
	}
}
