package dissect

import (
	"encoding/binary"

	"github.com/weir-probe/weir/dataplane/nic"
	"github.com/weir-probe/weir/dissect/wire"
)

var be = binary.BigEndian

// plain fills p from a frame that is as most are: Ethernet without tags, IPv4 without options, a whole
// TCP segment without SYN or a whole UDP datagram that is no tunnel. It says of it just what the layers
// say, in a third of the time, and returns false for every other frame, whose packet it leaves as it was.
func (p *Packet) plain(f *nic.Frame) bool {
	if f.Link != nic.Ethernet || f.Len < plainLen {
		return false
	}
	b := f.Bytes()
	h := (*[plainLen]byte)(b)
	total := int(be.Uint16(h[16:]))
	const type45, fragmented = 0x0800_45, 0x3fff
	if be.Uint32(h[12:])>>8 != type45 || be.Uint16(h[20:])&fragmented != 0 ||
		total < 20+wire.UDPLen || total > len(b)-14 {
		return false
	}
	switch b = b[34 : 14+total]; h[23] {
	case 6:
		if !p.plainTCP(b) {
			return false
		}
	case 17:
		if !p.plainUDP(b) {
			return false
		}
	default:
		return false
	}
	p.Time, p.Wire, p.Port = f.Time, max(f.Wire, f.Len), f.Port
	p.DstMAC, p.SrcMAC, p.HasMAC = [6]byte(h[:6]), [6]byte(h[6:12]), true
	p.Version, p.Proto, p.TOS, p.TTL = 4, h[23], h[15], h[22]
	wire.Map(&p.Src, [4]byte(h[26:]))
	wire.Map(&p.Dst, [4]byte(h[30:]))
	p.SrcPort, p.DstPort = be.Uint16(h[34:]), be.Uint16(h[36:])
	p.DF, p.FragmentID = h[20]&0x40 != 0, uint32(be.Uint16(h[18:]))
	p.Octets, p.FragmentOf, p.Last, p.Stop = uint32(total), uint16(total-20), true, Complete
	p.unsay()
	return true
}

// plainLen is the length of the shortest frame that is plain.
const plainLen = 14 + 20 + wire.UDPLen

// plainTCP fills p from a segment if it is whole and no SYN.
func (p *Packet) plainTCP(b []byte) bool {
	h, rest, ok := wire.AsTCP(b)
	if !ok || h.Len() > len(b) || h.Flags()&wire.SYN != 0 {
		return false
	}
	p.HasTCP, p.Seq, p.Ack, p.TCPFlags, p.Window = true, h.Seq(), h.Ack(), h.Flags(), h.Window()
	p.Payload, p.PayloadLen = rest, uint32(len(rest))
	return true
}

// plainUDP fills p from a datagram if it is whole and no tunnel.
func (p *Packet) plainUDP(b []byte) bool {
	h, rest, ok := wire.AsUDP(b)
	if !ok || h.Len() != len(b) || teredoLike(rest) || byPort(be.Uint16(b), be.Uint16(b[2:])) != none {
		return false
	}
	p.HasTCP, p.Seq, p.Ack, p.TCPFlags, p.Window = false, 0, 0, 0, 0
	p.Payload, p.PayloadLen = rest, uint32(len(rest))
	return true
}

// unsay clears what a frame before may have said and no plain frame says.
func (p *Packet) unsay() {
	p.VLAN, p.Tunnel, p.Ingress = 0, 0, 0
	p.FlowLabel, p.ICMP = 0, 0
	p.FragmentAt, p.Fragment = 0, Whole
	p.MSS, p.Scale, p.Options = 0, 0, 0
	p.CVLAN, p.MPLS = 0, [3]uint32{}
	if p.Outer.Depth > 0 { // else it is empty
		p.Outer = Outer{}
	}
	p.limit, p.left = 0, 0
}
