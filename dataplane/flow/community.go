package flow

import (
	"bytes"
	"crypto/sha1"
	"encoding/base64"
)

// communityID computes the identifier that the Community ID specification, version 1, gives a flow:
// "1:" and, in base64, the SHA-1 of a seed of 0, both addresses, the protocol, a zero and both ports.
func communityID(v *View, _ Dir, dst []byte) (Value, bool) {
	sum := v.digest()
	return Value{B: base64.StdEncoding.AppendEncode(append(dst, "1:"...), sum[:])}, true
}

// CommunityDigest returns the SHA-1 in the Community ID of the flow, and whether it has one.
func (v *View) CommunityDigest() (sum [sha1.Size]byte, ok bool) {
	if !hasCommunityID(v.Record, Forward) {
		return sum, false
	}
	return v.digest(), true
}

func (v *View) digest() [sha1.Size]byte {
	var buf [2 + 16 + 16 + 2 + 4]byte
	a, b, ports := endpoint{v.addr(&v.Src), v.SrcPort}, endpoint{v.addr(&v.Dst), v.DstPort}, true
	switch v.Proto {
	case protoTCP, protoUDP, protoSCTP:
		a, b = ordered(a, b)
	case protoICMP, protoICMPv6:
		a, b = orderedICMP(a, b, icmpPeers(v.Proto))
	default:
		a, b = ordered(endpoint{addr: a.addr}, endpoint{addr: b.addr})
		ports = false
	}
	h := append(append(buf[:2], a.addr...), b.addr...)
	h = append(h, v.Proto, 0)
	if ports {
		h = be.AppendUint16(be.AppendUint16(h, a.port), b.port)
	}
	return sha1.Sum(h)
}

func hasCommunityID(r *Record, d Dir) bool {
	if !hasAddresses(r, d) || !hasProto(r, d) {
		return false
	}
	switch r.Proto {
	case protoTCP, protoUDP, protoSCTP:
		return hasPorts(r, d)
	case protoICMP, protoICMPv6:
		return r.Ignored&KeyPorts == 0 && (r.SrcPort != 0 || r.DstPort != 0)
	}
	return true
}

type endpoint struct {
	addr []byte
	port uint16
}

func (r *Record) addr(a *[16]byte) []byte {
	if r.Version == 4 {
		return a[12:]
	}
	return a[:]
}

// ordered returns the smaller endpoint first.
func ordered(a, b endpoint) (endpoint, endpoint) {
	if c := bytes.Compare(a.addr, b.addr); c > 0 || c == 0 && a.port > b.port {
		return b, a
	}
	return a, b
}

// orderedICMP turns the type and code of a Key into the ports of the specification: of a message
// that asks its type and the type of the answer, of one that does not its type and code.
func orderedICMP(from, to endpoint, peers []icmpPeer) (endpoint, endpoint) {
	if to.port == 0 {
		from, to = to, from
	}
	kind, code := to.port>>8, to.port&0xff
	for _, p := range peers {
		switch uint8(kind) {
		case p.ask:
			return ordered(endpoint{from.addr, kind}, endpoint{to.addr, uint16(p.answer)})
		case p.answer:
			return ordered(endpoint{from.addr, kind}, endpoint{to.addr, uint16(p.ask)})
		}
	}
	return endpoint{from.addr, kind}, endpoint{to.addr, code}
}

// icmpPeer is a pair of ICMP types of which one answers the other.
type icmpPeer struct{ ask, answer uint8 }

// icmpPeers returns the pairs the specification takes from Zeek.
func icmpPeers(proto uint8) []icmpPeer {
	if proto == protoICMP {
		return icmp4Peers[:]
	}
	return icmp6Peers[:]
}

// ICMPAnswer returns the ICMP type that answers one, and whether there is such a type.
func ICMPAnswer(proto, typ uint8) (uint8, bool) {
	for _, p := range icmpPeers(proto) {
		switch typ {
		case p.ask:
			return p.answer, true
		case p.answer:
			return p.ask, true
		}
	}
	return 0, false
}

var icmp4Peers = [...]icmpPeer{
	{8, 0},   // echo
	{13, 14}, // timestamp
	{15, 16}, // information
	{10, 9},  // router solicitation, advertisement
	{17, 18}, // address mask
}

var icmp6Peers = [...]icmpPeer{
	{128, 129}, // echo
	{130, 131}, // multicast listener query, report
	{133, 134}, // router solicitation, advertisement
	{135, 136}, // neighbour solicitation, advertisement
	{139, 140}, // node information
	{144, 145}, // home agent address discovery
}
