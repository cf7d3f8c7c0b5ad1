package worker

import (
	"encoding/binary"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect"
)

// sctpChunk is one of an SCTP packet: its type, its flags and as much of it as there is.
type sctpChunk struct {
	kind, flags uint8
	octets      []byte
	cut         bool
}

// nextChunk takes a chunk from the front of b, and returns what is behind it. It is not ok at the end, or where
// the length makes no sense (RFC 9260, section 3.2).
func nextChunk(b []byte) (c sctpChunk, rest []byte, ok bool) {
	if len(b) < 4 {
		return c, nil, false
	}
	n := int(b[2])<<8 | int(b[3])
	if n < 4 {
		return c, nil, false
	}
	return sctpChunk{b[0], b[1], b[:min(n, len(b))], n > len(b)}, b[min((n+3)&^3, len(b)):], true
}

// observeAssociation adds the chunks of a packet to what its direction did.
func observeAssociation(p *dissect.Packet, s *flow.SCTP) {
	b := p.Payload
	for range maxChunks {
		c, rest, ok := nextChunk(b)
		if !ok {
			return
		}
		b = rest
		s.Chunks++
		s.Kinds |= 1 << min(c.kind, 31)
		switch {
		case c.kind == flow.ChunkData && len(c.octets) >= dataHeader:
			observeData(&c, s)
		case (c.kind == flow.ChunkInit || c.kind == flow.ChunkInitAck) && len(c.octets) >= 14:
			s.Tag, s.Out = binary.BigEndian.Uint32(c.octets[4:]), binary.BigEndian.Uint16(c.octets[12:])
		case c.kind == flow.ChunkAbort && len(c.octets) >= 6:
			s.Cause = binary.BigEndian.Uint16(c.octets[4:])
		}
	}
}

// observeData tells a DATA chunk that is new from one that was seen before, by its TSN (RFC 9260, section 3.3.1).
func observeData(c *sctpChunk, s *flow.SCTP) {
	tsn, stream := binary.BigEndian.Uint32(c.octets[4:]), binary.BigEndian.Uint16(c.octets[8:])
	s.Data++
	if s.HasData == 0 {
		s.HasData, s.Top, s.Seen, s.Payload = 1, tsn, 0, binary.BigEndian.Uint32(c.octets[12:])
	}
	const window = 64
	switch ahead := int32(tsn - s.Top); {
	case ahead >= window:
		s.Top, s.Seen = tsn, 1
	case ahead > 0:
		s.Top, s.Seen = tsn, s.Seen<<ahead|1
	case ahead <= -window, s.Seen>>-ahead&1 != 0:
		s.Again++
		return
	case ahead < 0:
		s.Late++
		fallthrough
	default:
		s.Seen |= 1 << -ahead
	}
	i := 0
	for i < int(s.Count) && s.Streams[i] != stream {
		i++
	}
	switch {
	case i == flow.SCTPStreams:
		return
	case i == int(s.Count):
		s.Streams[i] = stream
		s.Count++
	}
	if c.flags&firstPart != 0 {
		s.Messages[i]++
	}
	s.Octets[i] += uint64(int(c.octets[2])<<8|int(c.octets[3])) - dataHeader
}

// endAssociation ends flow n if the i-th packet aborts its association or completes the shutdown.
func (w *Worker) endAssociation(n uint32, p *dissect.Packet) {
	r := &w.table.hot[n]
	if r.Ignored&aggregate != 0 || r.State&ended != 0 {
		return
	}
	b := p.Payload
	for range maxChunks {
		c, rest, ok := nextChunk(b)
		if !ok {
			return
		}
		if b = rest; c.kind == flow.ChunkAbort || c.kind == flow.ChunkShutdownComplete {
			r.State |= ended
			w.table.expect(n, p.Time+uint64(w.linger))
			return
		}
	}
}

// begins reports whether a packet can only begin a connection or association: a SYN, or an INIT.
func (w *Worker) begins(i int) bool {
	p := &w.packets[i]
	switch w.protos[i] {
	case protoTCP:
		return p.TCPFlags&(syn|ack) == syn
	case protoSCTP:
		return len(p.Payload) >= 4 && p.Payload[0] == flow.ChunkInit
	}
	return false
}

// cutAssociation begins a new record of an association that goes on: what is known of it stays, what is counted
// starts again.
func cutAssociation(c *flow.Cold) {
	for d := range flow.Dir(2) {
		s := c.SCTP(d)
		*s = flow.SCTP{
			Seen: s.Seen, Top: s.Top, Tag: s.Tag, Payload: s.Payload, Kinds: s.Kinds, Out: s.Out, HasData: s.HasData,
			Streams: s.Streams, Count: s.Count,
		}
	}
}
