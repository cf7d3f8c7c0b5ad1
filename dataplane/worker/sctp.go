package worker

import (
	"encoding/binary"

	"github.com/weir-probe/weir/dissect"
	"github.com/weir-probe/weir/dissect/app"
)

// SCTP chunks (RFC 9260, section 3.3.1).
const (
	chunkData  = 0
	dataHeader = 16
	lastPart   = 1
	firstPart  = 2
	wholeData  = firstPart | lastPart
	maxChunks  = 64
	inParts    = 4 // messages in parts of a side that are put together at a time
)

// chunks shows the messages in an SCTP packet, and puts those together that come in parts.
func (w *Worker) chunks(p *dissect.Packet) {
	b := p.Payload
	for range maxChunks {
		if len(b) < 4 || w.hand.r.Pending == 0 {
			return
		}
		n := int(b[2])<<8 | int(b[3])
		if n < 4 {
			return
		}
		cut := n > len(b)
		c := b[:min(n, len(b))]
		if b[0] == chunkData && len(c) > dataHeader {
			if b[1]&wholeData == wholeData {
				w.datagram(c[dataHeader:], cut)
			} else {
				w.takePart(c, cut)
			}
		}
		b = b[min((n+3)&^3, len(b)):]
	}
}

// A message in parts is held as a segment is: at is its stream and the TSN of the part that is to
// come, time that of the first part, and span how many parts there are, twice, and 1 if there is
// more of one of them.

// takePart takes in a part of a message. As parts have TSNs that follow each other, one that comes
// behind a hole cannot be put together with those before it.
func (w *Worker) takePart(c []byte, cut bool) {
	h := &w.hand
	if !w.enter() {
		w.counts[SCTPFragments]++
		w.retire()
		return
	}
	s := &h.t.sides[h.d]
	s.count++
	stream, tsn := uint64(binary.BigEndian.Uint16(c[8:])), binary.BigEndian.Uint32(c[4:])
	i := w.inStream(s, stream)
	ahead := int32(0)
	if i >= 0 {
		ahead = int32(tsn - uint32(w.held(s)[i].at))
	}
	first := c[1]&firstPart != 0
	switch {
	case ahead < 0: // again
	case i >= 0 && !first && ahead == 0:
		w.addPart(s, i, c, cut)
	case i >= 0:
		w.dropParts(s, i)
		fallthrough
	case i < 0:
		if !first || !w.beginPart(s, stream<<32|uint64(tsn+1), c[dataHeader:], cut) {
			w.counts[SCTPFragments]++
		}
	}
}

// inStream returns which of the messages in parts is of a stream, -1 if none is.
func (w *Worker) inStream(s *side, stream uint64) int {
	if s.n > 0 {
		for i, x := range w.held(s) {
			if x.at>>32 == stream {
				return i
			}
		}
	}
	return -1
}

// beginPart begins a message in parts. The oldest makes room for it.
func (w *Worker) beginPart(s *side, at uint64, data []byte, cut bool) bool {
	if s.n == inParts {
		oldest := 0
		for i, x := range w.held(s) {
			if x.time < w.held(s)[oldest].time {
				oldest = i
			}
		}
		w.dropParts(s, oldest)
	}
	data = data[:min(len(data), app.MaxMessage)]
	return w.insert(s, held{at: at, time: w.hand.now, size: uint32(len(data)), span: 2 | more(cut)}, data)
}

func more(cut bool) uint32 {
	if cut {
		return 1
	}
	return 0
}

// addPart adds the next part to message i, and shows the message if it is the last. Of what is
// too long only the beginning is shown.
func (w *Worker) addPart(s *side, i int, c []byte, cut bool) {
	x := &w.held(s)[i]
	x.at = x.at>>32<<32 | uint64(uint32(x.at)+1)
	x.span += 2
	if x.span&1 == 0 {
		data := c[dataHeader:]
		n := min(len(data), app.MaxMessage-int(x.size))
		x.span |= more(cut || n < len(data))
		if !w.grow(x, data[:n]) {
			w.dropParts(s, i)
			return
		}
	}
	if c[1]&lastPart == 0 {
		return
	}
	y := w.unhold(s, i)
	s.count-- // datagram counts it
	w.hand.earlier, w.hand.begun = uint64(y.span>>1-1), y.time
	w.datagram(w.arena.bytes(y.data)[:y.size], y.span&1 != 0)
	w.hand.earlier, w.hand.begun = 0, 0
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

// dropParts gives message i up, of which a part did not come.
func (w *Worker) dropParts(s *side, i int) {
	x := w.unhold(s, i)
	w.counts[SCTPFragments] += uint64(x.span >> 1)
	w.arena.give(x.data)
}

// incomplete gives all messages of the flow in hand up that are not complete.
func (w *Worker) incomplete() {
	for d := range w.hand.t.sides {
		for s := &w.hand.t.sides[d]; s.n > 0; {
			w.dropParts(s, 0)
		}
	}
}
