package dissect

import (
	"github.com/weir-probe/weir/dataplane/nic"
	"github.com/weir-probe/weir/dissect/wire"
)

// plain fills p from a frame that is as most are: Ethernet without tags, IPv4 without options, a whole
// TCP segment without SYN or a whole UDP datagram that is no tunnel. It says of it just what the layers
// say, in half the time, and returns false for every other frame, whatever it has done to p.
func (p *Packet) plain(f *nic.Frame) bool {
	b := f.Bytes()
	if f.Link != nic.Ethernet || len(b) < plainLen {
		return false
	}
	eth, rest, _ := wire.AsEthernet(b)
	h := wire.IPv4(rest[:20])
	total := h.TotalLen()
	whole := h.FragmentOffset() == 0 && !h.MoreFragments()
	if byEtherType(eth.Type()) != ipv4 || h[0] != 0x45 || !whole || total < 20+wire.UDPLen || total > len(rest) {
		return false
	}
	*p = Packet{}
	p.Time, p.Wire, p.Port = f.Time, max(f.Wire, f.Len), f.Port
	p.SrcMAC, p.DstMAC, p.HasMAC = eth.Src(), eth.Dst(), true
	p.Version, p.Proto, p.TOS, p.TTL = 4, h.Protocol(), h.TOS(), h.TTL()
	wire.Map(&p.Src, h.Src())
	wire.Map(&p.Dst, h.Dst())
	p.DF, p.FragmentID = h.DontFragment(), uint32(h.ID())
	p.Octets, p.FragmentOf, p.Last = uint32(total), uint16(total-20), true
	switch byProtocol(4, p.Proto) {
	case tcp:
		return p.plainTCP(rest[20:total])
	case udp:
		return p.plainUDP(rest[20:total])
	}
	return false
}

// plainLen is the length of the shortest frame that is plain.
const plainLen = 14 + 20 + wire.UDPLen

func (p *Packet) plainTCP(b []byte) bool {
	h, rest, ok := wire.AsTCP(b)
	if !ok || h.Len() > len(b) || h.Flags()&wire.SYN != 0 {
		return false
	}
	p.ports(b)
	p.HasTCP, p.Seq, p.Ack, p.TCPFlags, p.Window = true, h.Seq(), h.Ack(), h.Flags(), h.Window()
	p.Payload, p.PayloadLen, p.Stop = rest, uint32(len(rest)), Complete
	return true
}

func (p *Packet) plainUDP(b []byte) bool {
	h, rest, ok := wire.AsUDP(b)
	if !ok || h.Len() != len(b) {
		return false
	}
	p.ports(b)
	p.Payload, p.PayloadLen, p.Stop = rest, uint32(len(rest)), Complete
	return byPort(p.SrcPort, p.DstPort) == none && !teredoLike(rest)
}
