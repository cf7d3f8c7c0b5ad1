// Package dissect turns frames into packets: what their headers say.
//
// A frame is read from the front, a header at a time, by the functions in layers. Tunnels are
// opened as they are met, and the packet inside takes the place of the one around it. If it
// turns out that what is inside cannot be metered, the frame is read once more with that
// tunnel left closed: whatever a tunnel carries, the packet around it is metered.
package dissect

import (
	"github.com/weir-probe/weir/dataplane/flow"
)

// Packet is what the headers of a frame say about the packet to be metered: the
// innermost one, or the outermost if so configured. It borrows the frame.
type Packet struct {
	flow.Key          // in the packet's own orientation; Ingress 0
	Time       uint64 // nanoseconds since the Unix epoch
	Wire       uint32 // octets of the frame on the wire
	Octets     uint32 // length of the metered IP packet by its own header
	PayloadLen uint32 // octets of transport payload by the headers, even if the frame was cut
	Payload    []byte // as much of it as was captured
	Seq, Ack   uint32 // TCP, valid if HasTCP
	FlowLabel  uint32 // IPv6
	FragmentID uint32 // IPv4 identification or that of the IPv6 fragment header
	FragmentAt uint16 // where in its datagram a fragment begins, in units of 8 octets; valid if Fragment is not Whole
	FragmentOf uint16 // octets of the datagram that it carries, likewise
	TCPFlags   uint16 // 12 control bits (RFC 9293, RFC 3540)
	Window     uint16 // TCP, not scaled
	HasTCP     bool   // the fixed part of a TCP header was there; the options may be cut
	ICMP       uint16 // type×256+code, if Proto is ICMP or ICMPv6
	TOS, TTL   uint8
	Fragment   Fragment
	Last       bool   // nothing of its datagram is behind a fragment; valid if Fragment is not Whole
	Stop       Stop   // why dissection ended
	Port       uint16 // interface

	// Valid if TCPFlags has SYN.
	MSS     uint16
	Scale   uint8  // shift + 1, 0 for no window scale option
	Options uint32 // kinds of the TCP options in order, a nibble each, the first in the lowest
	DF      bool   // IPv4 don't fragment

	// Of the Ethernet header nearest to the packet; so are VLAN, CVLAN and MPLS.
	SrcMAC, DstMAC [6]byte // valid if HasMAC
	HasMAC         bool
	CVLAN          uint16
	MPLS           [3]uint32 // see flow.Link

	// The tunnel around the packet; Depth 0 for none. See flow.Outer.
	Outer Outer

	limit uint8 // tunnels that may be opened
	left  int   // octets from the header being read to the end of what encloses it, even if cut
}

// Outer is the innermost tunnel around a packet.
type Outer struct {
	Src, Dst [16]byte
	// ID is the VNI, VSID, TEID, key or call of GRE, or tunnel of L2TP; Session that of L2TP or
	// ERSPAN, or the flow identifier of NVGRE. 0 for tunnels without.
	ID, Session      uint32
	SrcPort, DstPort uint16
	Proto, Version   uint8
	Type             flow.Tunnel
	Depth            uint8
}

// Fragment says which part of an IP datagram a packet is. The fragments of a tunnel's packet
// are not joined: the first is opened like any other, for the packet inside tells its own
// length, and the later ones are metered as fragments of the packet around the tunnel.
type Fragment uint8

const (
	Whole Fragment = iota
	FirstFragment
	LaterFragment // has no transport header: ports are 0
)
