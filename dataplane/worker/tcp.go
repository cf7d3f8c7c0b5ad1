package worker

// What is said about a TCP connection, and what exactly is meant. Each direction is judged
// by itself, in one pass, at the time a packet is seen; nothing is revised later except
// LostOctets. The definitions are those of Wireshark's sequence analysis unless noted.
//
// The end of a segment is its sequence number plus its payload, plus one for SYN and one
// for FIN. NextSeq is the highest end seen; octets below it that were never seen are the
// gaps. All comparisons are modulo 2^32 (RFC 9293, section 3.4).
//
//   - Duplicate: the probe saw the same packet twice, as mirror ports that copy ingress and
//     egress make it. It has the IPv4 identification, sequence number, acknowledgement,
//     length, window and flags of one of the last three packets of its direction, which
//     came in the same or the previous tick of 8.4 ms: later than that it is a stack that
//     sends its identification again (RFC 6864, section 4.1). A duplicate is counted here
//     and takes no part in anything else. A packet without identification (IPv6; IPv4
//     identification 0) is never called one: it could as well be a retransmission or a
//     duplicate acknowledgement. Wireshark, which does not look at identifications, calls
//     duplicates retransmissions.
//   - Zero-window probe: one octet of payload at NextSeq while the last window of the peer
//     is 0. It does not advance NextSeq. If the next segment starts behind the octet the
//     peer took it, and there is no hole.
//   - Keep-alive: at most one octet of payload at NextSeq-1 without SYN, FIN or RST. It has
//     no other effect. A longer segment at NextSeq-1 is new data that repeats a probe.
//   - Hole: a segment without RST starts above NextSeq; the sequence space between is a gap.
//     At the moment it opens nothing tells loss upstream of the probe from reordering or from
//     packets the probe missed; LostOctets does later. Each opening counts once.
//   - Lost octets: the sizes of all gaps opened less what was seen of them since. The three
//     highest gaps can be filled; when a fourth opens the lowest stays lost. A gap that was
//     still open when a record was cut stays lost in that record, and filling it later
//     changes nothing in the next.
//   - A segment starting below NextSeq, with payload, SYN or FIN, is exactly one of these:
//     an out-of-order packet if it brings octets never seen, less time has passed since
//     NextSeq advanced than a round trip of the handshake takes (3 ms if that is not known),
//     the peer has not acknowledged it already, and it does not answer two duplicate
//     acknowledgements within 20 ms; otherwise a retransmitted packet.
//     So a segment lost upstream of the probe and sent again counts as a hole and as a
//     retransmission; lost downstream, as a retransmission.
//   - Retransmitted octets: payload of retransmitted packets that lies below NextSeq. A
//     segment that repeats old octets and adds new ones counts with the old ones only.
//   - Zero window: a packet that announces a window of 0, without SYN, FIN or RST.
//   - Window minimum and maximum: as in the header, not scaled, SYN and RST left out
//     (a SYN's is never scaled, an RST's means nothing).
//   - A connection whose beginning was not seen starts with its first segment; what is below
//     that was never seen, so within 64 KiB it can come late and is no loss.
//   - A SYN with another sequence number than the last is a new connection on the same
//     ports: the sequence starts again, counters go on. The same SYN again is a
//     retransmission. So does a segment start the sequence again that is more than 2^30
//     octets, the largest window there is (RFC 7323, section 2.3), from NextSeq.
//   - RST says nothing about the sequence: its number may be anybody's guess.
//   - The end of a segment that was fragmented is not known; the next segment starts the
//     sequence again.
//   - When only one direction passes the probe everything holds except what needs the
//     peer: no latency, no zero-window probe, and no acknowledgement that makes a
//     retransmission out of a late segment.
//   - Lengths are those of the headers: a frame cut by the capture counts in full.

import (
	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect"
	"github.com/weir-probe/weir/dissect/wire"
)

// Control bits of the header.
const (
	fin = wire.FIN
	syn = wire.SYN
	rst = wire.RST
	ack = wire.ACK
	ece = wire.ECE
	cwr = wire.CWR
)

const (
	maxWindow    = 1 << 30  // octets
	repeatTick   = 23       // bits of nanoseconds: 8.4 ms
	lateStart    = 64 << 10 // octets below the first segment that may come late
	reorderTime  = 3e6      // ns, if the round trip is not known
	recoveryTime = 20e6     // ns from duplicate acknowledgements to what they ask for
)

// direction is one direction of a connection.
type direction flow.TCP

// observeTCP accounts for p, a packet with a TCP header, that goes in direction d of the
// flow whose TCP blocks are t and whose latencies are l.
func observeTCP(p *dissect.Packet, d flow.Dir, t *[2]flow.TCP, l *flow.Latency) {
	s, peer := (*direction)(&t[d]), (*direction)(&t[d^1])
	if s.Seen&flow.SeenPacket == 0 {
		s.Seen |= flow.SeenPacket
		s.InitialFlags = uint8(p.TCPFlags)
	}
	if s.repeats(p) {
		s.Duplicates++
		return
	}
	if p.TCPFlags&syn != 0 {
		s.open(p)
	}
	if p.TCPFlags&syn != 0 || l.SYNACK != 0 {
		observeHandshake(p, d, l)
	}
	if p.TCPFlags&rst != 0 {
		return
	}
	s.window(p)
	fresh := s.sequence(p, peer, l)
	if p.TCPFlags&ack != 0 {
		s.acknowledge(p)
	}
	if fresh {
		observeLatency(p, d, l)
	}
}

// repeats reports whether p is one of the last packets again. The tick is added to the
// digest of a packet, so that the same packet one tick later has a digest known in advance.
func (s *direction) repeats(p *dissect.Packet) bool {
	if p.FragmentID == 0 || p.Version != 4 {
		return false
	}
	const tick = 0x9e3779b9
	x := uint64(p.Seq)<<32 | uint64(p.Ack)
	y := uint64(p.FragmentID)<<48 ^ uint64(p.PayloadLen)<<28 ^ uint64(p.TCPFlags)<<16 ^ uint64(p.Window)
	h := uint32((x*0x9e3779b97f4a7c15+y*0xd6e8feb86659fd93)>>32) + uint32(p.Time>>repeatTick)*tick
	r := &s.Recent
	if e, f, g := h-r[0], h-r[1], h-r[2]; e == 0 || e == tick || f == 0 || f == tick || g == 0 || g == tick {
		return true
	}
	r[2], r[1], r[0] = r[1], r[0], h
	return false
}

// open notes what a SYN says. One with another sequence number starts the sequence again.
func (s *direction) open(p *dissect.Packet) {
	if s.Seen&flow.SeenSYN != 0 && s.SYNSeq == p.Seq {
		return
	}
	s.Seen = s.Seen&^(flow.SeenSequence|flow.SeenAck|flow.SeenProbe|flow.SeenCut) | flow.SeenSYN
	s.Open, s.DupAcks = 0, 0
	s.SYNSeq, s.SYNWindow, s.SYNTTL = p.Seq, p.Window, p.TTL
	s.SYNLength = uint16(min(p.Octets, 1<<16-1))
	s.Options, s.MSS, s.Scale = p.Options, p.MSS, p.Scale
	s.SYNFlags = 0
	if p.DF {
		s.SYNFlags |= flow.SYNDontFragment
	}
	if p.Version == 6 {
		s.SYNFlags |= flow.SYNVersion6
	} else if p.FragmentID != 0 {
		s.SYNFlags |= flow.SYNIdentified
	}
	if p.TCPFlags&(ece|cwr) == ece|cwr {
		s.SYNFlags |= flow.SYNECN
	}
	if p.PayloadLen > 0 {
		s.SYNFlags |= flow.SYNPayload
	}
}

func (s *direction) window(p *dissect.Packet) {
	if p.TCPFlags&syn != 0 {
		return
	}
	if s.Seen&flow.SeenWindow == 0 {
		s.Seen |= flow.SeenWindow
		s.WindowMin, s.WindowMax = p.Window, p.Window
		if p.Window == 0 && p.TCPFlags&fin == 0 {
			s.ZeroWindows++
		}
		return
	}
	s.WindowMin = min(s.WindowMin, p.Window)
	s.WindowMax = max(s.WindowMax, p.Window)
	if p.Window == 0 && p.TCPFlags&fin == 0 {
		s.ZeroWindows++
	}
}

// acknowledge notes what p acknowledges and counts duplicate acknowledgements: nothing
// but the last acknowledgement and window again (RFC 5681, section 2).
func (s *direction) acknowledge(p *dissect.Packet) {
	switch {
	case s.Seen&flow.SeenAck == 0 || s.Ack != p.Ack:
		s.Seen |= flow.SeenAck
		s.DupAcks = 0
	case p.PayloadLen == 0 && p.Window == s.Window && p.Window != 0 && p.Seq == s.NextSeq &&
		p.TCPFlags&(syn|fin) == 0 && s.DupAcks < 255:
		s.DupAcks++
	}
	s.Ack, s.AckTime, s.Window = p.Ack, p.Time, p.Window
}

// sequence follows the sequence numbers and reports whether p brought payload not seen before.
func (s *direction) sequence(p *dissect.Packet, peer *direction, l *flow.Latency) bool {
	size := p.PayloadLen
	if p.TCPFlags&(syn|fin) != 0 {
		size++
		if p.TCPFlags&(syn|fin) == syn|fin {
			size++
		}
	}
	ahead := int32(p.Seq - s.NextSeq)
	if s.Seen&flow.SeenSequence == 0 || ahead > maxWindow || ahead < -maxWindow || p.Fragment != dissect.Whole {
		s.start(p, size)
		return p.PayloadLen > 0
	}
	if ahead < 0 {
		return s.old(p, size, peer, l)
	}
	if ahead > 0 {
		if ahead != 1 || s.Seen&flow.SeenProbe == 0 {
			s.lose(p.Seq)
		}
	} else if size == 1 && p.PayloadLen == 1 && peer.Seen&flow.SeenAck != 0 && peer.Window == 0 {
		s.Seen |= flow.SeenProbe
		return false
	}
	s.advance(p.Seq+size, p.Time)
	return p.PayloadLen > 0
}

// start takes p for the first segment of what is known of the sequence.
func (s *direction) start(p *dissect.Packet, size uint32) {
	s.Open = 0
	s.Seen = s.Seen&^(flow.SeenProbe|flow.SeenCut) | flow.SeenSequence
	if p.Fragment != dissect.Whole {
		s.Seen &^= flow.SeenSequence
	}
	if p.TCPFlags&syn == 0 {
		s.Gaps[0] = flow.Gap{From: p.Seq - lateStart, To: p.Seq}
		s.Open = 1
		s.Seen |= flow.SeenCut
		s.Reported = p.Seq
	}
	s.NextSeq, s.TopTime = p.Seq+size, p.Time
}

// advance moves the end of what was seen to at least end.
func (s *direction) advance(end uint32, now uint64) {
	if end == s.NextSeq {
		return
	}
	s.NextSeq, s.TopTime = end, now
	s.Seen &^= flow.SeenProbe
	if s.Open > 0 && end-s.Gaps[0].From > maxWindow {
		s.forget()
	}
}

// old accounts for a segment that starts below NextSeq.
func (s *direction) old(p *dissect.Packet, size uint32, peer *direction, l *flow.Latency) bool {
	before := s.NextSeq - p.Seq
	if size == 0 || before == 1 && p.PayloadLen == size && size == 1 {
		return false
	}
	end := p.Seq + size
	filled := s.fill(p.Seq, end)
	beyond := size > before
	switch {
	case before == 1 && p.PayloadLen > 1 && !peer.has(p.Seq+p.PayloadLen):
	case (filled || beyond) && s.late(p, peer, l):
		s.OutOfOrder++
	default:
		s.RetransmittedPackets++
		s.RetransmittedOctets += uint64(min(p.PayloadLen, before))
	}
	if beyond {
		s.advance(end, p.Time)
	}
	return (filled || beyond) && p.PayloadLen > 0
}

// late tells a segment that was overtaken from one that was sent again.
func (s *direction) late(p *dissect.Packet, peer *direction, l *flow.Latency) bool {
	if p.PayloadLen > 0 && peer.has(p.Seq+p.PayloadLen) {
		return false
	}
	if peer.DupAcks >= 2 && peer.Ack == p.Seq && p.Time-peer.AckTime < recoveryTime {
		return false
	}
	limit := l.Client + l.Server
	if limit == 0 {
		limit = reorderTime
	}
	return p.Time-s.TopTime < limit
}

// has reports whether s acknowledged everything below seq.
func (s *direction) has(seq uint32) bool {
	return s.Seen&flow.SeenAck != 0 && int32(seq-s.Ack) <= 0
}

// cutTCP begins a new record of a flow that goes on. Counters and extremes start again; what
// is known of the connection stays: the sequence, the SYNs, the first flags, the network
// latencies, and a request that waits for its response.
func cutTCP(t *[2]flow.TCP, l *flow.Latency) {
	for i := range t {
		s := &t[i]
		s.RetransmittedPackets, s.RetransmittedOctets, s.LostOctets = 0, 0, 0
		s.OutOfOrder, s.Duplicates, s.Holes, s.ZeroWindows = 0, 0, 0, 0
		s.Seen &^= flow.SeenWindow
		if s.Open > 0 {
			s.Seen |= flow.SeenCut
			s.Reported = s.NextSeq
		}
	}
	l.Application = 0
}
