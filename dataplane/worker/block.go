package worker

import (
	"math/bits"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect"
)

// measure adds the i-th packet to the cold blocks that are asked for.
func (w *Worker) measure(c *flow.Cold, i int) {
	p, r, d, blocks := &w.packets[i], &w.table.hot[w.flows[i]], w.dirs[i]&1, w.conf.Blocks
	if blocks&flow.BlockLink != 0 {
		observeLink(p, r, d, &c.Link)
	}
	if blocks&flow.BlockSizes != 0 {
		observeSizes(p, d, &c.Sizes)
	}
	if blocks&flow.BlockTiming != 0 {
		observeTiming(p, d, &c.Timing)
	}
	if blocks&flow.BlockRate != 0 {
		observeRate(p, d, &c.Rate)
	}
	if blocks&(flow.BlockTCP|flow.BlockLatency) != 0 {
		w.observeExchange(c, i)
	}
	if blocks&flow.BlockOuter != 0 && p.Outer.Depth > 0 {
		observeOuter(p, r, d, &c.Outer)
	}
}

// observeExchange follows what the two ends say to each other. It makes no sense of
// connections that are metered together.
func (w *Worker) observeExchange(c *flow.Cold, i int) {
	p, d := &w.packets[i], w.dirs[i]
	switch {
	case w.conf.Ignore&aggregate != 0:
	case p.HasTCP:
		observeTCP(p, d, &c.TCP, &c.Latency)
	case w.protos[i] == protoSCTP:
		if w.conf.Blocks&flow.BlockTCP != 0 {
			observeAssociation(p, c.SCTP(d))
		}
		fallthrough
	case w.protos[i] == protoUDP:
		observeLatency(p, d, &c.Latency)
	}
}

// aggregate are the parts of the key without which a flow is many exchanges.
const aggregate = flow.KeyProto | flow.KeyAddresses | flow.KeyPorts

// observeLink is called after the packet was counted in r.
func observeLink(p *dissect.Packet, r *flow.Hot, d flow.Dir, l *flow.Link) {
	d &= 1
	l.L2Octets[d] += uint64(p.Wire)
	if r.Packets[d] != 1 {
		return
	}
	l.FlowLabel[d], l.Ingress[d] = p.FlowLabel, uint32(p.Port)
	if p.ICMP != 0 || p.Proto == protoICMP || p.Proto == protoICMPv6 {
		l.ICMP[d] = p.ICMP
		l.HasICMP |= 1 << d
	}
	if r.Packets[d^1] != 0 {
		return
	}
	l.MPLS, l.CVLAN = p.MPLS, p.CVLAN
	if p.HasMAC {
		l.HasMAC = 1
		l.SrcMAC, l.DstMAC = p.SrcMAC, p.DstMAC
		if d == flow.Reverse {
			l.SrcMAC, l.DstMAC = p.DstMAC, p.SrcMAC
		}
	}
}

func observeSizes(p *dissect.Packet, d flow.Dir, s *flow.Sizes) {
	d &= 1
	s.Size[sizeClass(p.Octets)]++
	if p.TTL > 0 {
		s.TTL[ttlClass(p.TTL)]++
	}
	if s.MinLen[d] == 0 || p.Octets < s.MinLen[d] {
		s.MinLen[d] = p.Octets
	}
	s.MaxLen[d] = max(s.MaxLen[d], p.Octets)
	if p.Fragment != dissect.Whole {
		s.Fragments[d]++
	}
	if p.TOS&3 == 3 {
		s.ECN[d]++
	}
}

// sizeClass returns the place of a length in flow.Sizes.Size.
func sizeClass(octets uint32) int {
	if octets > 1024 {
		if octets <= 1514 {
			return 4
		}
		return 5
	}
	return bits.Len32((max(octets, 1) - 1) >> 7)
}

// ttlClass returns the place of a TTL, at least 1, in flow.Sizes.TTL: 1, 2 to 5, 6 to 32,
// and from there classes of 32.
func ttlClass(ttl uint8) int {
	switch {
	case ttl == 1:
		return 0
	case ttl <= 5:
		return 1
	}
	return int(2 + (ttl-1)>>5)
}

// observeTiming measures the time between the packets of a direction. A packet that is
// earlier than one before counts as simultaneous.
func observeTiming(p *dissect.Packet, d flow.Dir, t *flow.Timing) {
	d &= 1
	if t.DirLast[d] == 0 {
		t.DirFirst[d], t.DirLast[d] = p.Time, p.Time
		return
	}
	t.DirFirst[d] = min(t.DirFirst[d], p.Time)
	us := uint64(0)
	if p.Time > t.DirLast[d] {
		us = (p.Time - t.DirLast[d]) / 1000
		t.DirLast[d] = p.Time
	}
	if t.IATCount[d] == 0 {
		t.IATMin[d] = 1<<32 - 1
	}
	t.IATCount[d]++
	t.IATSum[d] += us
	t.IATMin[d] = min(t.IATMin[d], uint32(min(us, 1<<32-1)))
	t.IATMax[d] = max(t.IATMax[d], uint32(min(us, 1<<32-1)))
	hi, square := bits.Mul64(us, us)
	sum, carry := bits.Add64(t.IATSquares[d], square, 0)
	if hi|carry != 0 {
		sum = 1<<64 - 1
	}
	t.IATSquares[d] = sum
}

// observeRate counts octets by seconds from the first packet on.
func observeRate(p *dissect.Packet, d flow.Dir, r *flow.Rate) {
	if r.Second == 0 {
		r.Second = p.Time
	}
	if gone := int64(p.Time - r.Second); gone >= second {
		completeSeconds(r, uint64(gone)/second)
	}
	r.Octets[d&1] += uint64(p.Octets)
}

// completeSeconds ends the second being filled and says that n-1 empty ones followed.
func completeSeconds(r *flow.Rate, n uint64) {
	for d := range r.Octets {
		octets := uint32(min(r.Octets[d], 1<<32-1))
		r.Max[d] = max(r.Max[d], octets)
		if r.Seconds == 0 || octets < r.Min[d] {
			r.Min[d] = octets
		}
		if n > 1 {
			r.Min[d] = 0
		}
		r.Octets[d] = 0
	}
	r.Seconds = uint32(min(uint64(r.Seconds)+n, 1<<32-1))
	r.Second += n * second
}

// observeOuter keeps the tunnel of the first packet that came through one, and what
// identifies it in each direction. It is called after the packet was counted in r.
func observeOuter(p *dissect.Packet, r *flow.Hot, d flow.Dir, o *flow.Outer) {
	d &= 1
	from := &p.Outer
	if r.Packets[d] == 1 {
		o.ID[d], o.Session[d] = from.ID, from.Session
	}
	if o.Depth != 0 {
		return
	}
	o.Src, o.Dst, o.SrcPort, o.DstPort = from.Src, from.Dst, from.SrcPort, from.DstPort
	if d == flow.Reverse {
		o.Src, o.Dst, o.SrcPort, o.DstPort = from.Dst, from.Src, from.DstPort, from.SrcPort
	}
	o.Proto, o.Version, o.Type, o.Depth = from.Proto, from.Version, from.Type, from.Depth
	o.ID[d], o.Session[d] = from.ID, from.Session
}

// coldLines returns how many cache lines of flow.Cold most packets need the first of.
func coldLines(blocks flow.Block) uintptr {
	ends := [...]uintptr{1, 3, 5, 6, 11, 11} // in the order of the constants
	blocks &^= flow.BlockOuter               // few packets come through a tunnel
	if blocks&(flow.BlockTCP|flow.BlockLatency) != 0 {
		blocks |= flow.BlockTCP | flow.BlockLatency
	}
	if blocks == 0 {
		return 0
	}
	return ends[bits.Len16(uint16(blocks&flow.AllBlocks))-1]
}
