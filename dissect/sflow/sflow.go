// Package sflow reads sFlow of versions 2, 4 (RFC 3176) and 5 (sflow.org): datagrams, samples and the
// records in them.
package sflow

import "github.com/weir-probe/weir/dissect/wire"

// Datagram is what the header of a datagram says, and where its samples are. It borrows the datagram.
type Datagram struct {
	Version  uint32
	Agent    Address
	SubAgent uint32 // not in versions 2 and 4
	Sequence uint32
	Uptime   uint32 // milliseconds
	Samples  uint32 // that there shall be
	r        wire.Reader
}

// Address is an address as XDR has it; Version is 0 if there is none.
type Address struct {
	Version uint8
	Octets  [16]byte // IPv4 addresses are v4-mapped
}

// Read reads the header of a datagram. It fails if there is none.
func Read(b []byte) (d Datagram, ok bool) {
	d.r = wire.Read(b)
	r := &d.r
	if d.Version = r.U32(); d.Version != 2 && d.Version != 4 && d.Version != 5 {
		return d, false
	}
	d.Agent = address(r)
	if d.Version == 5 {
		d.SubAgent = r.U32()
	}
	d.Sequence, d.Uptime, d.Samples = r.U32(), r.U32(), r.U32()
	return d, !r.Short()
}

// address reads an address with its type.
func address(r *wire.Reader) (a Address) {
	switch r.U32() {
	case 1:
		a.Version = 4
		a.Octets = [16]byte{10: 0xff, 11: 0xff}
		copy(a.Octets[12:], r.Bytes(4))
	case 2:
		a.Version = 6
		copy(a.Octets[:], r.Bytes(16))
	}
	return a
}

// Kind is what a sample is of.
type Kind uint8

const (
	Unknown Kind = iota
	Flow
	Counters
	Discard
)

// Sample is a sample: of a packet, of counters, or of a packet that was discarded.
type Sample struct {
	Kind     Kind
	Sequence uint32
	Class    uint32 // of the source: 0 is an interface
	Index    uint32 // number of the source
	Rate     uint32 // one packet in so many
	Pool     uint32 // packets that could have been sampled
	Drops    uint32 // samples, or discarded packets, that were not sent
	Input    Port
	Output   Port
	Reason   uint32 // why it was discarded
	Records  uint32 // that there shall be
	r        wire.Reader
	version  uint32
	at       place  // of versions 2 and 4
	specific uint32 // likewise: counters that follow those of any interface
}

// Port is an interface as samples name it.
type Port struct {
	Format uint32 // 0 an interface, 1 discarded for the reason in Value, 2 so many interfaces
	Value  uint32
}

// Known reports whether p is an interface with a number.
func (p Port) Known() bool { return p.Format == 0 && p.Value != 0 && p.Value != internal }

const internal = 1<<30 - 1 // the packet was of or for the device itself

// formats of samples in version 5
const (
	flowSample = iota + 1
	countersSample
	flowExpanded
	countersExpanded
	discardedPacket
)

// Next returns the next sample. It fails at the end, and if what follows cannot be read: then the
// datagram is Bad.
func (d *Datagram) Next() (s Sample, ok bool) {
	if d.Samples == 0 || d.r.Len() == 0 {
		return s, false
	}
	d.Samples--
	if d.Version != 5 {
		return d.old()
	}
	format, n := d.r.U32(), int(d.r.U32())
	body := d.r.Block(n)
	if d.r.Short() {
		return s, false
	}
	s = Sample{r: body, version: 5}
	s.head(format)
	if s.r.Short() {
		s.Kind = Unknown
	}
	return s, true
}

// Bad reports whether the datagram has ended before what it promised.
func (d *Datagram) Bad() bool { return d.r.Short() || d.Samples > 0 }

// head reads what is before the records of a sample of version 5.
func (s *Sample) head(format uint32) {
	r := &s.r
	switch format {
	case flowSample, countersSample:
		s.Sequence = r.U32()
		source := r.U32()
		s.Class, s.Index = source>>24, source&(1<<24-1)
	case flowExpanded, countersExpanded, discardedPacket:
		s.Sequence, s.Class, s.Index = r.U32(), r.U32(), r.U32()
	default:
		return
	}
	switch format {
	case flowSample:
		s.Kind, s.Rate, s.Pool, s.Drops = Flow, r.U32(), r.U32(), r.U32()
		s.Input, s.Output = port(r.U32()), port(r.U32())
	case flowExpanded:
		s.Kind, s.Rate, s.Pool, s.Drops = Flow, r.U32(), r.U32(), r.U32()
		s.Input, s.Output = Port{r.U32(), r.U32()}, Port{r.U32(), r.U32()}
	case discardedPacket:
		s.Kind, s.Drops = Discard, r.U32()
		s.Input, s.Output, s.Reason = Port{0, r.U32()}, Port{0, r.U32()}, r.U32()
	default:
		s.Kind = Counters
	}
	s.Records = r.U32()
}

// port reads a port in 32 bits, of which two are the format.
func port(u uint32) Port { return Port{u >> 30, u & (1<<30 - 1)} }

// old reads a sample of versions 2 and 4, whose records follow each other without lengths: what is
// not known there ends the datagram.
func (d *Datagram) old() (s Sample, ok bool) {
	r := &d.r
	kind := r.U32()
	s.Sequence = r.U32()
	source := r.U32()
	s.Class, s.Index = source>>24, source&(1<<24-1)
	s.version = d.Version
	switch kind {
	case flowSample:
		s.Kind, s.Rate, s.Pool, s.Drops = Flow, r.U32(), r.U32(), r.U32()
		s.Input, s.Output = port(r.U32()), port(r.U32())
		s.Records = 1
	case countersSample:
		r.U32() // how often
		s.Kind, s.Records = Counters, 1
	default:
		r.Skip(r.Len() + 1)
	}
	s.r = *r
	return s, !r.Short()
}

// Done says that the records of a sample were read, which in versions 2 and 4 has to be known to find
// the next sample.
func (d *Datagram) Done(s *Sample) {
	if s.version != 5 {
		d.r = s.r
		if s.Records > 0 {
			d.r.Skip(d.r.Len() + 1)
		}
	}
}

// Formats of records of flows (enterprise 0).
const (
	Header      = 1
	Ethernet    = 2
	IPv4        = 3
	IPv6        = 4
	Switch      = 1001
	Router      = 1002
	Gateway     = 1003
	User        = 1004
	URL         = 1005
	MPLS        = 1006
	NAT         = 1007
	VLANTunnel  = 1012
	NATPort     = 1020
	EgressVNI   = 1029
	IngressVNI  = 1030
	EgressInner = 1027 // decapsulation
	IngressIn   = 1028
)

// Formats of records of counters (enterprise 0).
const (
	InterfaceCounters = 1
	EthernetCounters  = 2
	VLANCounters      = 5
	ProcessorCounters = 1001
)

// Record is a record of a sample: its format, and a reader of what it says.
type Record struct {
	Version    uint32 // of the datagram
	Enterprise uint32
	Format     uint32
	R          *wire.Reader
	block      wire.Reader
}

// place is where the reading of a sample of versions 2 and 4 stands.
type place uint8

const (
	atPacket place = iota // what was sampled comes first
	atCount               // then how many records are about it
	atMore
)

// Next puts the next record of the sample into x. It fails at the end, or if there is less than there
// shall be; then Records is not 0.
func (s *Sample) Next(x *Record) bool {
	if s.Records == 0 && s.at != atCount {
		return false
	}
	x.Version, x.Enterprise = s.version, 0
	switch {
	case s.version == 5:
	case s.Kind == Counters:
		return s.oldCounters(x)
	default:
		return s.oldFlow(x)
	}
	format, n := s.r.U32(), int(s.r.U32())
	x.block = s.r.Block(n)
	if s.r.Short() {
		return false
	}
	s.Records--
	x.Enterprise, x.Format, x.R = format>>12, format&(1<<12-1), &x.block
	return true
}

// oldFlow is Next for flow samples of versions 2 and 4.
func (s *Sample) oldFlow(x *Record) bool {
	x.R = &s.r
	switch s.at {
	case atPacket:
		t := s.r.U32()
		if t == 0 || t > 3 {
			return false
		}
		x.Format, s.Records, s.at = [...]uint32{0, Header, IPv4, IPv6}[t], 0, atCount
		return !s.r.Short()
	case atCount:
		s.Records, s.at = s.r.U32(), atMore
		if s.Records == 0 {
			return false
		}
	}
	t := s.r.U32()
	if t == 0 || t > 5 || s.r.Short() {
		return false
	}
	s.Records--
	x.Format = Switch - 1 + t
	return true
}

// Sets of counters in versions 2 and 4, and the octets of those that are passed over.
const (
	oldEthernet  = 2
	oldTokenRing = 3
	oldVG        = 5
	oldVLAN      = 7

	tokenRing = 72
	vg        = 80
)

// oldCounters is Next for counters of versions 2 and 4.
func (s *Sample) oldCounters(x *Record) bool {
	x.R = &s.r
	if s.at == atPacket {
		t := s.r.U32()
		if t == 0 || t > oldVLAN || s.r.Short() {
			return false
		}
		s.at, s.specific, x.Format = atMore, t, InterfaceCounters
		switch t {
		case oldVLAN:
			s.Records, x.Format = 0, VLANCounters
		case oldEthernet, oldTokenRing, oldVG:
		default:
			s.Records = 0
		}
		return true
	}
	s.Records = 0
	switch s.specific {
	case oldEthernet:
		x.Format = EthernetCounters
		return true
	case oldTokenRing:
		s.r.Skip(tokenRing)
	case oldVG:
		s.r.Skip(vg)
	}
	return false
}
