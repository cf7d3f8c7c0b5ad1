package collect

import (
	"encoding/binary"
	"net/netip"

	"github.com/weir-probe/weir/dissect"
	"github.com/weir-probe/weir/dissect/netflow"
)

// streams are connections of a capture over which IPFIX may come (RFC 7011, section 10.4).
type streams map[streamKey]*stream

type streamKey struct{ from, to netip.AddrPort }

// stream is one side of a connection.
type stream struct {
	next   uint32            // sequence number that is expected
	octets []byte            // of the message that is being put together
	early  map[uint32][]byte // segments behind a hole, by sequence number
	lost   bool              // octets are missing, and a segment is looked for that begins with a message
	other  bool              // what it carries is not IPFIX
}

// Bounds of what is put together.
const (
	mostStreams = 1 << 12
	mostEarly   = 1 << 6 // segments behind a hole
)

const (
	tcpFIN = 1
	tcpSYN = 2
	tcpRST = 4
)

// segment takes a segment of TCP. Each message that is complete with it is taken as one of a connection is.
func (c *Collector) segment(w *Worker, all streams, p *dissect.Packet, now uint64) {
	key := streamKey{
		netip.AddrPortFrom(netip.AddrFrom16(p.Src), p.SrcPort), netip.AddrPortFrom(netip.AddrFrom16(p.Dst), p.DstPort),
	}
	s := all[key]
	if p.TCPFlags&tcpSYN != 0 || s == nil && len(p.Payload) > 0 {
		if len(all) >= mostStreams {
			w.counts.add(ExportersFull, 1)
			return
		}
		syn := p.TCPFlags & tcpSYN
		s = &stream{next: p.Seq + uint32(syn/tcpSYN), lost: syn == 0}
		all[key] = s
	}
	if s == nil {
		return
	}
	if !s.other {
		s.take(p.Seq, p.Payload)
		c.messages(w, s, key.from, now)
	}
	if p.TCPFlags&(tcpFIN|tcpRST) != 0 {
		c.ended(w, s, key.from, now)
		delete(all, key)
	}
}

// ended takes what waits behind holes: nothing that fills them will follow.
func (c *Collector) ended(w *Worker, s *stream, from netip.AddrPort, now uint64) {
	for len(s.early) > 0 {
		s.skip()
		c.messages(w, s, from, now)
	}
}

// take adds what is new of a segment, and what has been waiting for it. A hole that too much waits behind is
// given up, and what there is of the message with it.
func (s *stream) take(seq uint32, b []byte) {
	switch ahead := int32(seq - s.next); {
	case len(b) == 0 || ahead < 0 && int(-ahead) >= len(b):
		return
	case ahead > 0 && len(s.early) < mostEarly:
		if s.early == nil {
			s.early = map[uint32][]byte{}
		}
		s.early[seq] = append([]byte(nil), b...)
		return
	case ahead > 0:
		s.skip()
		s.take(seq, b)
		return
	case ahead < 0:
		b = b[-ahead:]
	}
	s.octets = append(s.octets, b...)
	s.next += uint32(len(b))
	for seq, b := range s.early {
		if int32(seq-s.next) <= 0 {
			delete(s.early, seq)
			s.take(seq, b)
			return
		}
	}
}

// skip gives up what is missing before the first segment that waits.
func (s *stream) skip() {
	least, begun := uint32(0), false
	for seq := range s.early {
		if !begun || int32(seq-least) < 0 {
			least, begun = seq, true
		}
	}
	b := s.early[least]
	delete(s.early, least)
	s.next, s.octets, s.lost = least, nil, true
	s.take(least, b)
}

// messages takes those that are complete.
func (c *Collector) messages(w *Worker, s *stream, from netip.AddrPort, now uint64) {
	const header = 16
	for len(s.octets) >= 4 {
		n := int(binary.BigEndian.Uint16(s.octets[2:]))
		bad := binary.BigEndian.Uint16(s.octets) != netflow.IPFIX || n < header
		if bad && s.lost {
			s.octets = nil
			return
		}
		if s.lost = false; bad {
			w.counts.add(Unread, 1)
			s.octets, s.early, s.other = nil, nil, true
			return
		}
		if len(s.octets) < n {
			return
		}
		w.Take(s.octets[:n], from, now)
		s.octets = s.octets[n:]
	}
}
