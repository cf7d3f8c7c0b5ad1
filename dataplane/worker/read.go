package worker

import "github.com/weir-probe/weir/dissect/app"

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
		s.lost, s.tries, s.cost, s.ask = s.lost && m.Said.Astray, 0, 0, 0
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
