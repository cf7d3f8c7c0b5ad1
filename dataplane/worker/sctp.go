package worker

import (
	"encoding/binary"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect"
)

// SCTP chunks (RFC 9260, section 3.3.1).
const (
	dataHeader = 16
	lastPart   = 1
	firstPart  = 2
	wholeData  = firstPart | lastPart
	maxChunks  = 64
)

// chunks shows the messages in an SCTP packet, and puts those together that come in parts.
func (w *Worker) chunks(p *dissect.Packet) {
	b := p.Payload
	for range maxChunks {
		c, rest, ok := nextChunk(b)
		if !ok || w.hand.r.Pending == 0 {
			break
		}
		b = rest
		if c.kind != flow.ChunkData || len(c.octets) <= dataHeader {
			continue
		}
		w.msg.PPID = binary.BigEndian.Uint32(c.octets[12:])
		if c.flags&wholeData == wholeData {
			w.datagram(c.octets[dataHeader:], c.cut)
		} else {
			w.takePart(c.octets, c.cut)
		}
	}
	w.msg.PPID = 0
}

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
	i := w.inParts(s, stream)
	ahead := int32(0)
	if i >= 0 {
		ahead = int32(tsn - uint32(w.held(s)[i].at))
	}
	first := c[1]&firstPart != 0
	switch {
	case ahead < 0: // again
	case i >= 0 && !first && ahead == 0:
		w.addPart(s, i, part{octets: c[dataHeader:], next: tsn + 1, last: c[1]&lastPart != 0, cut: cut})
	case i >= 0:
		w.dropParts(s, i)
		fallthrough
	case i < 0:
		if !first || !w.beginPart(s, stream, part{octets: c[dataHeader:], next: tsn + 1, cut: cut}) {
			w.counts[SCTPFragments]++
		}
	}
}
