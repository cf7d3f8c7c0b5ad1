package dissect

import (
	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/wire"
)

// Protocol numbers that more than byProtocol needs.
const (
	protoICMP     = 1
	protoIPv4     = 4
	protoIPv6     = 41
	protoICMPv6   = 58
	protoMobility = 135
	protoHIP      = 139
	protoShim6    = 140
)

// ip reads an IP header of the version that it says itself.
func (p *Packet) ip(b []byte) ([]byte, layer) {
	if len(b) == 0 {
		return p.stop(CutHeader)
	}
	if b[0]>>4 == 6 {
		return p.ipv6(b)
	}
	return p.ipv4(b)
}

func (p *Packet) ipv4(b []byte) ([]byte, layer) {
	h, rest, ok := wire.AsIPv4(b)
	if !ok {
		if wire.CutIPv4(b) {
			return p.stop(CutHeader)
		}
		return p.stop(BadHeader)
	}
	p.Version = 4
	wire.Map(&p.Src, h.Src())
	wire.Map(&p.Dst, h.Dst())
	p.TOS, p.TTL, p.FlowLabel = h.TOS(), h.TTL(), 0
	p.DF, p.FragmentID = h.DontFragment(), uint32(h.ID())
	p.network(h.TotalLen())
	p.part(h.FragmentOffset(), h.MoreFragments(), len(h))
	return p.upper(rest, len(h), h.Protocol())
}

func (p *Packet) ipv6(b []byte) ([]byte, layer) {
	h, rest, ok := wire.AsIPv6(b)
	if !ok {
		if len(b) == 0 || b[0]>>4 == 6 {
			return p.stop(CutHeader)
		}
		return p.stop(BadHeader)
	}
	p.Version, p.Src, p.Dst = 6, h.Src(), h.Dst()
	p.TOS, p.TTL, p.FlowLabel = h.TrafficClass(), h.HopLimit(), h.FlowLabel()
	p.DF, p.FragmentID, p.Fragment = false, 0, Whole
	p.network(h.TotalLen())
	return p.upper(rest, len(h), h.NextHeader())
}

// network begins an IP packet of total octets, or as many as are left if its header does not
// tell. Nothing of the packet around it shines through.
func (p *Packet) network(total int) {
	if total != 0 {
		p.left = total
	}
	p.Octets = uint32(p.left)
	p.SrcPort, p.DstPort = 0, 0
}

// upper continues behind a header of IP, n octets long, with a protocol.
func (p *Packet) upper(rest []byte, n int, proto uint8) ([]byte, layer) {
	p.Stop, p.Proto = NoTransport, proto
	p.Payload, p.PayloadLen = rest, uint32(p.left-n)
	if p.Fragment == LaterFragment {
		return nil, none
	}
	return rest, byProtocol(p.Version, proto)
}

// part tells which part of a datagram a packet is by its offset, in units of 8 octets, and
// whether more follow. n is the length of the header that says so.
func (p *Packet) part(offset uint16, more bool, n int) {
	p.Fragment, p.FragmentAt, p.FragmentOf = Whole, offset, uint16(min(p.left-n, 1<<16-1))
	p.Last = !more
	switch {
	case offset > 0:
		p.Fragment = LaterFragment
	case more:
		p.Fragment = FirstFragment
	}
}

// cut ends dissection inside what follows an IP header. How long the payload is is not known.
func (p *Packet) cut() ([]byte, layer) {
	p.Payload, p.PayloadLen = nil, 0
	return p.stop(CutTransport)
}

// transport ends dissection behind a transport header of n octets.
func (p *Packet) transport(b []byte, n int) ([]byte, layer) {
	p.Payload, p.PayloadLen = nil, uint32(max(p.left-n, 0))
	if len(b) < n {
		return p.stop(CutTransport)
	}
	p.Payload = b[n:]
	return p.stop(Complete)
}

// ports takes the ports that TCP, UDP and SCTP begin with, if they are there.
func (p *Packet) ports(b []byte) {
	if h, _, ok := wire.AsPorts(b); ok {
		p.SrcPort, p.DstPort = h.Src(), h.Dst()
	}
}

// ipinip opens a tunnel that has no header of its own (RFC 2003, RFC 2473, RFC 4213).
func (p *Packet) ipinip(b []byte) ([]byte, layer) {
	t, open := flow.SixInFour, (*Packet).ipv6
	if p.Proto == protoIPv4 {
		open = (*Packet).ipv4
	}
	if (p.Proto == protoIPv4) == (p.Version == 4) {
		t = flow.IPinIP
	}
	if !p.enter(t, 0, 0) {
		return asIs()
	}
	return open(p, b)
}
