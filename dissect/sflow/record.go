package sflow

import "github.com/weir-probe/weir/dissect/wire"

// The structures of records. What is short in a record is zero; its reader tells.

// Sampled is the beginning of a packet.
type Sampled struct {
	Protocol uint32 // 1 Ethernet, 11 IPv4, 12 IPv6
	Length   uint32 // octets of the frame
	Stripped uint32 // octets that were taken off it before it was sampled
	Octets   []byte
}

// Sampled reads a record of the format Header.
func (x *Record) Sampled() (s Sampled) {
	s.Protocol, s.Length = x.R.U32(), x.R.U32()
	if x.Version == 5 {
		s.Stripped = x.R.U32()
	}
	s.Octets = opaque(x.R)
	return s
}

// opaque reads octets with their length, padded to four.
func opaque(r *wire.Reader) []byte {
	n := int(r.U32())
	b := r.Bytes(n)
	r.Skip(min(-n&3, r.Len()))
	return b
}

// Frame is an Ethernet header.
type Frame struct {
	Length   uint32
	Src, Dst [6]byte
	Type     uint32
}

// Frame reads a record of the format Ethernet.
func (x *Record) Frame() (f Frame) {
	f.Length = x.R.U32()
	copy(f.Src[:], x.R.Bytes(8))
	copy(f.Dst[:], x.R.Bytes(8))
	f.Type = x.R.U32()
	return f
}

// Packet is what IP and transport headers said.
type Packet struct {
	Version          uint8
	Length, Protocol uint32
	Src, Dst         [16]byte
	SrcPort, DstPort uint32
	Flags, TOS       uint32
}

// Packet reads a record of the format IPv4 or IPv6.
func (x *Record) Packet() (p Packet) {
	r := x.R
	p.Version = 4
	p.Length, p.Protocol = r.U32(), r.U32()
	if x.Format == IPv6 {
		p.Version = 6
		copy(p.Src[:], r.Bytes(16))
		copy(p.Dst[:], r.Bytes(16))
	} else {
		p.Src, p.Dst = [16]byte{10: 0xff, 11: 0xff}, [16]byte{10: 0xff, 11: 0xff}
		copy(p.Src[12:], r.Bytes(4))
		copy(p.Dst[12:], r.Bytes(4))
	}
	p.SrcPort, p.DstPort, p.Flags, p.TOS = r.U32(), r.U32(), r.U32(), r.U32()
	return p
}

// Tags are the VLANs and priorities of a frame as it came and as it left.
type Tags struct{ SrcVLAN, SrcPriority, DstVLAN, DstPriority uint32 }

// Tags reads a record of the format Switch.
func (x *Record) Tags() Tags { return Tags{x.R.U32(), x.R.U32(), x.R.U32(), x.R.U32()} }

// Route is how a packet was routed.
type Route struct {
	Next             Address
	SrcMask, DstMask uint32
}

// Route reads a record of the format Router.
func (x *Record) Route() (t Route) {
	t.Next = address(x.R)
	t.SrcMask, t.DstMask = x.R.U32(), x.R.U32()
	return t
}

// Systems are the autonomous systems of a packet's ends and of those next to the router.
type Systems struct {
	Next          Address
	Own, Src      uint32
	SrcPeer       uint32
	Dst, DstPeer  uint32 // the last and the first of the path; 0 if there is none
	LocalPref     uint32
	HasPreference bool
}

// Systems reads a record of the format Gateway.
func (x *Record) Systems() (s Systems) {
	r := x.R
	if x.Version == 5 {
		s.Next = address(r)
	}
	s.Own, s.Src, s.SrcPeer = r.U32(), r.U32(), r.U32()
	if x.Version == 2 {
		s.path(r)
		return s
	}
	for range bounded(r, r.U32(), 8) {
		r.U32() // a set or a sequence
		s.path(r)
	}
	for range bounded(r, r.U32(), 4) {
		r.U32() // a community
	}
	s.LocalPref = r.U32()
	s.HasPreference = !r.Short()
	return s
}

// path reads autonomous systems on the way to the destination.
func (s *Systems) path(r *wire.Reader) {
	for range bounded(r, r.U32(), 4) {
		s.Dst = r.U32()
		if s.DstPeer == 0 {
			s.DstPeer = s.Dst
		}
	}
}

// bounded returns a number of elements of at least so many octets that a reader can have, and makes it
// short if there shall be more.
func bounded(r *wire.Reader, n uint32, octets int) int {
	if int64(n)*int64(octets) > int64(r.Len()) {
		r.Skip(r.Len() + 1)
		return 0
	}
	return int(n)
}

// Users are who the ends belong to.
type Users struct{ Src, Dst []byte }

// Users reads a record of the format User.
func (x *Record) Users() (u Users) {
	if x.Version == 5 {
		x.R.U32() // character set
	}
	u.Src = opaque(x.R)
	if x.Version == 5 {
		x.R.U32()
	}
	u.Dst = opaque(x.R)
	return u
}

// Location is what was asked for.
type Location struct {
	Direction uint32 // 1 the address is the source's, 2 the destination's
	URL, Host []byte
}

// Location reads a record of the format URL.
func (x *Record) Location() (l Location) {
	l.Direction = x.R.U32()
	l.URL = opaque(x.R)
	if x.Version == 5 {
		l.Host = opaque(x.R)
	}
	return l
}

// Labels are the label stacks of a packet as it came and as it left, the first three of each.
type Labels struct {
	Next    Address
	In, Out [3]uint32
}

// Labels reads a record of the format MPLS.
func (x *Record) Labels() (l Labels) {
	l.Next = address(x.R)
	for _, stack := range [...]*[3]uint32{&l.In, &l.Out} {
		for i := range bounded(x.R, x.R.U32(), 4) {
			if u := x.R.U32(); i < len(stack) {
				stack[i] = u
			}
		}
	}
	return l
}

// Translated are addresses after translation.
type Translated struct{ Src, Dst Address }

// Translated reads a record of the format NAT.
func (x *Record) Translated() Translated { return Translated{address(x.R), address(x.R)} }

// Pair reads two numbers: the ports of NATPort.
func (x *Record) Pair() (a, b uint32) { return x.R.U32(), x.R.U32() }

// Stack reads a list of tags and returns the first two, and how many there are: VLANTunnel.
func (x *Record) Stack() (tags [2]uint32, n int) {
	n = bounded(x.R, x.R.U32(), 4)
	for i := range n {
		if u := x.R.U32(); i < len(tags) {
			tags[i] = u
		}
	}
	return tags, n
}

// Interface reads a record of the format InterfaceCounters: its numbers in their order, of which three
// have 64 bits.
func (x *Record) Interface() (c [19]uint64) {
	const speed, inOctets, outOctets = 2, 5, 12
	for i := range c {
		if i == speed || i == inOctets || i == outOctets {
			c[i] = x.R.U64()
		} else {
			c[i] = uint64(x.R.U32())
		}
	}
	return c
}

// Numbers reads as many numbers as there is room for in to: EthernetCounters.
func (x *Record) Numbers(to []uint32) {
	for i := range to {
		to[i] = x.R.U32()
	}
}
