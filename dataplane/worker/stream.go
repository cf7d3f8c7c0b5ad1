package worker

import (
	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect"
	"github.com/weir-probe/weir/dissect/app"
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
		pending := h.r.Pending
		w.hangUp(Unanswered)
		if h.t != nil {
			h.t.sides, h.t.decided = [2]side{}, 0
		}
		h.r.Pending, h.r.Begun = pending, 0
	}
	h.r.Start[h.d] = uint16(p.Seq + 1)
	h.r.Begun |= 1 << h.d
}

// start sets where a side begins by the first segment of it that is seen.
func (w *Worker) start(s *side, seq uint32) {
	h := &w.hand
	early := uint16(seq) - h.r.Start[h.d]
	if h.r.Begun>>h.d&1 != 0 && early < startRange {
		seq -= uint32(early)
	} else {
		s.lost = true
	}
	s.started = true
	s.base = origin | uint64(seq)
	s.top = s.base
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
	if !s.started || s.shut {
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
	if !s.started {
		w.start(s, seq)
	}
	if s.shut {
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
	before, pending := s.top, h.r.Pending
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
	if h.r.Pending != pending {
		w.remind()
	}
}

// remind shows what the peer of the side in hand has said again, as it may have waited for a
// dissector that has gone.
func (w *Worker) remind() {
	h := &w.hand
	h.d ^= 1
	if h.r.Pending != 0 && h.t.sides[h.d].have > 0 {
		w.reread(&h.t.sides[h.d])
	}
	h.d ^= 1
}

// holdBack keeps a segment that came too early, or gives up holes before it until there is room.
func (w *Worker) holdBack(s *side, x held, data []byte) {
	for i := range s.held[:s.n] {
		if o := &s.held[i]; o.at <= x.at && o.at+uint64(o.span) >= x.at+uint64(x.span) {
			return // again
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
	if x.size > 0 {
		if x.data = w.copied(data); x.data == 0 {
			w.counts[HoldNoRoom]++
			return false
		}
	}
	i := int(s.n)
	for ; i > 0 && s.held[i-1].at > x.at; i-- {
		s.held[i] = s.held[i-1]
	}
	s.held[i] = x
	s.n++
	return true
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
	for s.n > 0 && !s.shut && int64(s.held[0].at-s.next()) <= 0 {
		x := s.held[0]
		copy(s.held[:], s.held[1:s.n])
		s.n--
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
		w.lose(s, s.held[0].at)
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

// feed takes in a segment that begins at or before the next position and ends behind it.
func (w *Worker) feed(s *side, x held, data []byte) {
	at, end := x.at, x.at+uint64(x.span)
	for !s.shut {
		if int64(end-s.next()) <= 0 {
			return
		}
		skip := s.next() - at
		if skip >= uint64(len(data)) {
			break
		}
		data, at = data[skip:], s.next()
		again := s.have > 0
		if !again {
			s.begun, s.first = x.time, s.count
			n := w.read(s, data)
			if s.shut || n >= len(data) {
				continue
			}
			data, at = data[n:], at+uint64(n)
		}
		n := w.keep(s, data)
		if n == 0 {
			w.counts[StreamNoRoom]++
			w.lose(s, end)
			return
		}
		data, at = data[n:], at+uint64(n)
		if again {
			w.reread(s)
		}
	}
	if !s.shut && int64(end-s.next()) > 0 { // the end of the frame was not captured
		w.lose(s, end)
	}
}

// keep adds octets to the message in hand and returns how many, 0 if there is no room.
func (w *Worker) keep(s *side, data []byte) int {
	n := min(len(data), app.MaxMessage-int(s.have))
	need := int(s.have) + n
	if s.prefix == 0 || need > len(w.arena.bytes(s.prefix)) {
		b := w.arena.take(need)
		if b == 0 {
			return 0
		}
		if s.prefix != 0 {
			copy(w.arena.bytes(b), w.arena.bytes(s.prefix)[:s.have])
			w.arena.give(s.prefix)
		}
		s.prefix = b
	}
	copy(w.arena.bytes(s.prefix)[s.have:], data[:n])
	s.have += uint32(n)
	return n
}

// reread shows what is kept, and what follows the messages in it becomes the next one.
func (w *Worker) reread(s *side) {
	if s.have < s.ask && s.have < app.MaxMessage {
		return
	}
	b := w.arena.bytes(s.prefix)[:s.have]
	have, prefix := s.have, s.prefix
	s.have, s.prefix = 0, 0
	n := w.read(s, b)
	if s.shut || n >= int(have) {
		w.arena.give(prefix)
		return
	}
	s.have, s.prefix = uint32(copy(b, b[n:])), prefix
	if n > 0 {
		s.begun, s.first = w.hand.now, s.count
	}
}

// read shows the octets from base on, message by message, moves base behind those that are
// done with, and returns how many octets that are. A message that lacks its end remains.
func (w *Worker) read(s *side, b []byte) (done int) {
	h, m := &w.hand, &w.msg
	for range inSegment {
		rest := b[done:]
		if len(rest) == 0 || s.shut || h.r.Pending == 0 {
			return len(b)
		}
		m.Begun, m.Time, m.SrcPort, m.DstPort = s.begun, h.now, h.r.SrcPort, h.r.DstPort
		m.Stream, m.Lost, m.Cut = true, s.lost, false
		m.Full, m.Closed = len(rest) >= app.MaxMessage, s.closed
		switch w.consult(rest[:min(len(rest), app.MaxMessage)]) {
		case app.Reject:
			return w.reject(s, done, len(b))
		case app.More:
			w.put(s, len(rest))
			return done
		}
		if h.t == nil || s.shut || h.r.Pending == 0 {
			return len(b)
		}
		s.lost, s.tries, s.cost, s.ask = false, 0, 0, 0
		used, skip := m.Pos(), m.Said.Skip
		if used == 0 && skip == 0 {
			w.counts[GaveUp]++
			w.retire()
			return len(b)
		}
		if skip == app.ToEnd || skip >= endless>>1 {
			w.ignoreRest(s)
			return len(b)
		}
		s.base += uint64(used) + skip
		s.begun = h.now
		if uint64(used)+skip >= uint64(len(rest)) {
			return len(b)
		}
		done += used + int(skip)
		s.first = s.count
	}
	w.counts[BudgetOver]++
	w.lose(s, s.base+uint64(len(b)-done))
	return len(b)
}

// ignoreRest makes a side one of which nothing more is looked at, although it goes on.
func (w *Worker) ignoreRest(s *side) {
	s.base, s.endless = endless, true
}

// put waits for more of a message of which n octets are there. When too many were parsed
// again and again, it takes more new ones to try again.
func (w *Worker) put(s *side, n int) {
	s.cost += uint32(n)
	if s.cost > parsing {
		w.counts[AsksPutOff]++
		s.ask = uint32(n + n/4 + 1)
	}
}

// reject decides what becomes of octets that no dissector knows: b[done:] of n, from base on.
func (w *Worker) reject(s *side, done, n int) int {
	h := &w.hand
	if s.closed {
		if h.r.Pending == 0 {
			w.retire()
		}
		return n
	}
	if !s.lost {
		if h.t.decided != 0 {
			w.counts[GaveUp]++
		}
		w.retire()
		return n
	}
	s.base += uint64(n - done)
	s.cost, s.ask = 0, 0
	if s.tries++; s.tries < attempts {
		return n
	}
	w.counts[GaveUp]++
	w.discard(s)
	s.shut = true
	if h.t.sides[0].shut && h.t.sides[1].shut {
		w.retire()
	}
	return n
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
