package dissect

import (
	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dataplane/nic"
	"github.com/weir-probe/weir/dissect/wire"
)

// layer is a kind of header.
type layer uint8

const (
	none layer = iota
	ethernet
	pseudowire
	vlan
	llc
	mpls
	pppoe
	ppp
	wifi
	cooked
	cooked2
	loopback
	ip
	ipv4
	ipv6
	extension
	fragment
	ah
	tcp
	udp
	sctp
	icmp
	gre
	erspan
	ipinip
	vxlan
	gpe
	geneve
	gtpu
	l2tp
	teredo
	mplsudp
	capwap
	gtp0

	firstTunnel = gre
)

// layers is the protocol stack. Each function reads the header that b begins with into p and
// returns what follows it and what that is; or none, having set p.Stop. To teach the probe a
// header write its file, and add it here and to the function that says what it follows.
//
// A function must return a part of b that was not capped: Dissect tells by the capacity how
// long the header was.
var layers = [...]func(p *Packet, b []byte) (rest []byte, next layer){
	ethernet:   (*Packet).ethernet,
	pseudowire: (*Packet).frame,
	wifi:       (*Packet).wifi,
	vlan:       (*Packet).vlan,
	llc:        (*Packet).llc,
	mpls:       (*Packet).mpls,
	pppoe:      (*Packet).pppoe,
	ppp:        (*Packet).ppp,
	cooked:     (*Packet).cooked,
	cooked2:    (*Packet).cooked2,
	loopback:   (*Packet).loopback,
	ip:         (*Packet).ip,
	ipv4:       (*Packet).ipv4,
	ipv6:       (*Packet).ipv6,
	extension:  (*Packet).extension,
	fragment:   (*Packet).fragment,
	ah:         (*Packet).ah,
	tcp:        (*Packet).tcp,
	udp:        (*Packet).udp,
	sctp:       (*Packet).sctp,
	icmp:       (*Packet).icmp,
	gre:        (*Packet).gre,
	erspan:     (*Packet).erspan,
	ipinip:     (*Packet).ipinip,
	vxlan:      (*Packet).vxlan,
	gpe:        (*Packet).gpe,
	geneve:     (*Packet).geneve,
	gtpu:       (*Packet).gtpu,
	l2tp:       (*Packet).l2tp,
	teredo:     (*Packet).teredo,
	mplsudp:    (*Packet).mplsudp,
	capwap:     (*Packet).capwap,
	gtp0:       (*Packet).gtp0,
}

// byLink tells what a frame of a link-layer type begins with.
func byLink(t nic.Link) layer {
	switch t {
	case nic.Ethernet:
		return ethernet
	case nic.RawIP, rawBSD, rawOpenBSD:
		return ip
	case nic.IPv4:
		return ipv4
	case nic.IPv6:
		return ipv6
	case nic.LinuxSLL:
		return cooked
	case nic.LinuxSLL2:
		return cooked2
	case nic.Null, nic.Loop:
		return loopback
	case nic.PPP:
		return ppp
	}
	return none
}

// Numbers of raw IP in files that took the writer's DLT_RAW for a link-layer type.
const (
	rawBSD     nic.Link = 12
	rawOpenBSD nic.Link = 14
)

// byEtherType tells what follows an EtherType.
func byEtherType(t uint16) layer {
	switch t {
	case 0x0800:
		return ipv4
	case 0x86dd:
		return ipv6
	case 0x8100, 0x88a8, 0x9100:
		return vlan
	case 0x8847, 0x8848:
		return mpls
	case 0x8864:
		return pppoe
	case 0x880b:
		return ppp
	case 0x6558: // transparent Ethernet bridging (RFC 1701)
		return ethernet
	}
	return none
}

// byProtocol tells what follows a protocol number in an IP header.
func byProtocol(version, n uint8) layer {
	switch n {
	case 6:
		return tcp
	case 17:
		return udp
	case protoICMP, protoICMPv6:
		return icmp
	case 132:
		return sctp
	case protoIPv4, protoIPv6:
		return ipinip
	case 47:
		return gre
	case 51:
		return ah
	}
	if version == 6 {
		switch n {
		case 0, 43, 60, protoMobility, protoHIP, protoShim6:
			return extension
		case 44:
			return fragment
		}
	}
	return none
}

// byPort tells what a UDP datagram may carry. A port proves nothing: the functions of these
// layers look whether it does, and if not leave the datagram as it is.
func byPort(src, dst uint16) layer {
	switch dst {
	case 4789, 8472:
		return vxlan
	case 4790:
		return gpe
	case 6081:
		return geneve
	case 2152:
		return gtpu
	case 3386:
		return gtp0
	case 6635:
		return mplsudp
	}
	switch {
	case src == 1701 || dst == 1701:
		return l2tp
	case src == teredoPort || dst == teredoPort:
		return teredo
	case src == 5247 || dst == 5247:
		return capwap
	}
	return none
}

// maxLayers bounds the work for a frame.
const maxLayers = 16

// Dissect fills p from a frame: with the innermost IP packet, or with the outermost if outer.
// p may have been used before. It borrows the frame until that is given back.
func (p *Packet) Dissect(f *nic.Frame, outer bool) {
	if p.plain(f) {
		return
	}
	p.limit = maxLayers
	if outer {
		p.limit = 0
	}
	p.read(f)
	if p.Stop.Refused() && p.Outer.Depth > 0 {
		why := p.Stop
		p.limit = p.Outer.Depth - 1
		p.read(f) // is not refused: its innermost IP header was read the first time
		p.Stop = why.inner()
	}
}

// read fills p from a frame, opening at most p.limit tunnels.
func (p *Packet) read(f *nic.Frame) {
	limit := p.limit
	*p = Packet{}
	p.limit, p.Stop = limit, UnknownLink
	p.Time, p.Wire, p.Port = f.Time, max(f.Wire, f.Len), f.Port
	p.left = int(p.Wire)
	rest, next := f.Bytes(), byLink(f.Link)
	for n := 0; next != none; n++ {
		if n == maxLayers {
			p.deep(next)
			return
		}
		before := cap(rest)
		rest, next = layers[next](p, rest)
		p.left -= before - cap(rest)
	}
}

// deep ends dissection because of too many headers, of which next would be one more.
func (p *Packet) deep(next layer) {
	switch {
	case p.Version == 0:
		p.Stop = TooDeep
	case next >= firstTunnel:
		p.Stop = InnerRefused
	default:
		p.cut()
	}
}

// stop ends dissection.
func (p *Packet) stop(why Stop) ([]byte, layer) {
	p.Stop = why
	return nil, none
}

// asIs ends dissection at a header that was understood, leaving what it encloses closed.
func asIs() ([]byte, layer) { return nil, none }

// follow continues with what type t says, or ends dissection because that is not IP.
func (p *Packet) follow(rest []byte, t uint16) ([]byte, layer) {
	next := byEtherType(t)
	if next == none {
		return p.stop(NotIP)
	}
	return rest, next
}

// trim removes from b, which begins at the header being read, what lies behind n octets.
func (p *Packet) trim(b []byte, n int) []byte {
	p.left = min(p.left, n)
	return b[:min(len(b), n)]
}

// enter opens a tunnel: the packet found so far becomes the outer one. It reports whether
// tunnels so deep may be opened; if not nothing has changed.
func (p *Packet) enter(t flow.Tunnel, id, session uint32) bool {
	if p.Outer.Depth >= p.limit {
		return false
	}
	p.Outer = Outer{
		Src: p.Src, Dst: p.Dst, ID: id, Session: session, SrcPort: p.SrcPort, DstPort: p.DstPort,
		Proto: p.Proto, Version: p.Version, Type: t, Depth: p.Outer.Depth + 1,
	}
	p.Version, p.Tunnel = 0, 0
	if t == flow.VXLAN || t == flow.Geneve || t == flow.NVGRE {
		p.Tunnel = id
	}
	return true
}

// encloses tells what IP header rest, the part of b behind the header being read, begins
// with: none if it is no IP header or promises more than there is room for. It is for where
// no field says that IP follows, or where the field proves little.
func (p *Packet) encloses(b, rest []byte) layer {
	room := p.room(b, rest)
	if h, _, ok := wire.AsIPv4(rest); ok && h.TotalLen() >= len(h) && h.TotalLen() <= room {
		return ipv4
	}
	if h, _, ok := wire.AsIPv6(rest); ok && h.TotalLen() >= len(h) && h.TotalLen() <= room {
		return ipv6
	}
	return none
}

// room is p.left for rest, the part of b behind the header being read.
func (p *Packet) room(b, rest []byte) int { return p.left - (cap(b) - cap(rest)) }
