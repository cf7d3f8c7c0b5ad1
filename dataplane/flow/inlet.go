package flow

import (
	"math"
	"unsafe"
)

// Specifier is an element in a template and the octets that it takes (RFC 7011, section 3.2).
type Specifier struct {
	PEN    uint32
	ID     uint16
	Length uint16
}

// Varies is the Length of an element whose values each say their own (RFC 7011, section 7).
const Varies = 1<<16 - 1

// An Inlet reads the records of a template into Arrivals: the opposite of a Plan. It does not
// change once it is made, and any number of goroutines may use it.
type Inlet struct {
	steps    []intake
	said     Said    // what its records say whatever is in them
	ignored  KeyPart // what they do not say of the key
	shortest int     // octets of a record
	fixed    bool    // every record has so many
	icmp     bool    // ports may stand for type and code
}

// intake is how one value gets from a record into an Arrival.
type intake struct {
	field *Field // nil for what is only noted or passed over
	note  func(a *Arrival, b []byte)
	pen   uint32
	id    uint16
	size  uint16 // octets on the wire; Varies
	off   uint16 // in Record, the direction counted in
	how   take
	stay  bool // the next intake reads the same octets
}

// take is how octets get from a record into a slot or an attribute.
type take uint8

const (
	takeNothing take = iota
	take8            // into a slot of so many bits, of as many on the wire
	take16           //
	take32           //
	take64           //
	take32to64       // into a slot of more bits
	takeUint         // into a slot, whatever the widths are
	takeMillis       // milliseconds since the epoch
	takeTime         // by way of a Value
	takeUptime       // milliseconds of the exporter's uptime
	take4            // an IPv4 address
	take128          // an IPv6 address
	take6            // a MAC address
	takeAttr         // a number, as an attribute
	takeOctets       // octets, as an attribute
	takeNote         // by a function
	takeForeign      // nobody knows what it is
)

// Shortest returns the least octets that a record of the template takes; 0 if one takes none, and
// the template is good for nothing.
func (in *Inlet) Shortest() int { return in.shortest }

// Read reads the record that b begins with into a, which has begun, and returns what follows it. It
// returns false if b ends before the record does; a then has what came before.
func (in *Inlet) Read(b []byte, a *Arrival) (rest []byte, ok bool) {
	a.Said.Union(&in.said)
	a.Ignored = in.ignored
	if in.fixed && len(b) < in.shortest {
		return nil, false
	}
	for i := range in.steps {
		s := &in.steps[i]
		n := int(s.size)
		if !in.fixed {
			if n == Varies {
				if b, n, ok = Variable(b); !ok {
					return nil, false
				}
			}
			if n > len(b) {
				return nil, false
			}
		}
		s.take(a, b[:n:n])
		if !s.stay {
			b = b[n:]
		}
	}
	in.finish(a)
	return b, true
}

// Variable reads the length of a value that says its own.
func Variable(b []byte) (rest []byte, n int, ok bool) {
	if len(b) == 0 {
		return nil, 0, false
	}
	if b[0] < 255 {
		return b[1:], int(b[0]), true
	}
	if len(b) < 3 {
		return nil, 0, false
	}
	return b[3:], int(be.Uint16(b[1:])), true
}

// take puts one value where it belongs.
func (s *intake) take(a *Arrival, b []byte) {
	at := unsafe.Add(unsafe.Pointer(&a.Record), s.off)
	switch s.how {
	case takeNothing:
	case take8:
		*(*uint8)(at) = b[0]
	case take16:
		*(*uint16)(at) = be.Uint16(b)
	case take32:
		*(*uint32)(at) = be.Uint32(b)
	case take64:
		*(*uint64)(at) = be.Uint64(b)
	case take32to64:
		*(*uint64)(at) = uint64(be.Uint32(b))
	case take4:
		s.address4(a, at, b)
	case take128:
		s.address6(a, at, b)
	case take6:
		*(*[6]byte)(at) = [6]byte(b)
		a.HasMAC = 1
	case takeMillis:
		*(*uint64)(at) = be.Uint64(b) * 1e6
	case takeUptime:
		s.uptime(a, at, b)
	case takeForeign:
		a.Element(s.pen, s.id|s.varies(), b)
	default:
		s.other(a, at, b)
	}
}

// varies returns the bit of an element whose length varies.
func (s *intake) varies() uint16 {
	if s.size == Varies {
		return 1 << 15
	}
	return 0
}

// other is take for what is rarer or takes longer.
func (s *intake) other(a *Arrival, at unsafe.Pointer, b []byte) {
	switch s.how {
	case takeAttr:
		if len(b) > 0 && len(b) <= 8 {
			a.Attrs.Uint(s.field, s.field.Read(b, a.Boot).U)
		}
	case takeOctets:
		s.octets(a, b)
	case takeNote:
		s.note(a, b)
	case takeTime, takeUint:
		if len(b) > 0 && len(b) <= 8 {
			store(at, s.field.slot.size, s.field.Read(b, a.Boot).U)
		}
	}
}

// octets says octets or text, if there are any. In formats without variable length text has
// zeroes behind it.
func (s *intake) octets(a *Arrival, b []byte) {
	if s.field.Type == String {
		n := len(b)
		for n > 0 && b[n-1] == 0 {
			n--
		}
		b = b[:n]
	}
	if len(b) > 0 {
		a.Attrs.Bytes(s.field, b)
	}
}

// store puts a number into so many octets, the greatest if it is too great.
func store(at unsafe.Pointer, size uint16, u uint64) {
	switch size {
	case 1:
		*(*uint8)(at) = uint8(min(u, math.MaxUint8))
	case 2:
		*(*uint16)(at) = uint16(min(u, math.MaxUint16))
	case 4:
		*(*uint32)(at) = uint32(min(u, math.MaxUint32))
	case 8:
		*(*uint64)(at) = u
	}
}

// address4 and address6 put an address into its slot. Exporters that have both in a template say
// zeroes for the one that the flow does not have.
func (s *intake) address4(a *Arrival, at unsafe.Pointer, b []byte) {
	if be.Uint32(b) == 0 && a.Version == 6 {
		return
	}
	p := (*[16]byte)(at)
	*p = [16]byte{10: 0xff, 11: 0xff}
	copy(p[12:], b)
	a.Version = 4
}

func (s *intake) address6(a *Arrival, at unsafe.Pointer, b []byte) {
	if be.Uint64(b) == 0 && be.Uint64(b[8:]) == 0 && a.Version == 4 {
		return
	}
	*(*[16]byte)(at) = [16]byte(b)
	a.Version = 6
}

// uptime puts a time in milliseconds of the exporter's uptime into its slot.
func (s *intake) uptime(a *Arrival, at unsafe.Pointer, b []byte) {
	ms := be.Uint32(b)
	first := s.off == uint16(unsafe.Offsetof(rec.First))
	ns, ok := a.at(ms)
	switch {
	case !ok && first:
		a.First22, a.Has = ms, a.Has|NoteUptimes
		return
	case !ok:
		a.Last21, a.Has = ms, a.Has|NoteUptimes
		return
	case first:
		a.Has |= NoteFirst
	default:
		a.Has |= NoteLast
	}
	*(*uint64)(at) = ns
}

// finish makes of what a record said what all records of weir's have.
func (in *Inlet) finish(a *Arrival) {
	if a.Has&(NoteDuration|NoteBeforeFirst|NoteBeforeLast) != 0 {
		a.relative()
	}
	if !in.icmp {
		return
	}
	switch {
	case a.Ignored&KeyProto == 0 && isICMP(&a.Record):
		a.query()
	case a.SrcPort == 0 && a.DstPort == 0: // as in hasPorts
		a.Said.clear(placeSrcPort)
		a.Said.clear(placeDstPort)
		fallthrough
	default:
		a.Said.clear(placeICMP)
		a.Said.clear(placeICMP + 2)
	}
}

// Places in Record of what depends on the protocol.
const (
	placeFirst   = uint16(unsafe.Offsetof(rec.First))
	placeLast    = uint16(unsafe.Offsetof(rec.Last))
	placeSrcPort = uint16(unsafe.Offsetof(rec.SrcPort))
	placeDstPort = uint16(unsafe.Offsetof(rec.DstPort))
	placeICMP    = uint16(unsafe.Offsetof(rec.ICMP))
	placeFlags   = uint16(unsafe.Offsetof(rec.TCPFlags))
	placeTOS     = uint16(unsafe.Offsetof(rec.TOS))
	placeMinTTL  = uint16(unsafe.Offsetof(rec.MinTTL))
	placeMaxTTL  = uint16(unsafe.Offsetof(rec.MaxTTL))
)

// relative works out times that are told by how long before the export they were, or by a duration.
func (a *Arrival) relative() {
	if a.Has&NoteBeforeFirst != 0 && a.Export > a.Before[0] {
		a.begin(a.Export - a.Before[0])
	}
	if a.Has&NoteBeforeLast != 0 && a.Export > a.Before[1] {
		a.end(a.Export - a.Before[1])
	}
	if a.Has&NoteDuration == 0 {
		return
	}
	switch first, last := a.First != 0, a.Last != 0; {
	case first && !last:
		a.end(a.First + a.Duration)
	case last && !first && a.Last > a.Duration:
		a.begin(a.Last - a.Duration)
	}
}

// begin and end say when the flow did, nanoseconds since the Unix epoch.
func (a *Arrival) begin(ns uint64) {
	a.First, a.Has = ns, a.Has|NoteFirst
	a.Said.set(placeFirst)
}

func (a *Arrival) end(ns uint64) {
	a.Last, a.Has = ns, a.Has|NoteLast
	a.Said.set(placeLast)
}

// query gives an ICMP flow the key that weir's own have: no ports, but type and code in that of the
// destination. Exporters without an element for them say them there, too.
func (a *Arrival) query() {
	if a.HasICMP == 0 && a.SrcPort == 0 {
		a.ICMP[Forward], a.HasICMP = a.DstPort, 1
		a.Said.set(placeICMP)
	}
	a.SrcPort, a.DstPort = 0, a.ICMP[Forward]
	a.Said.clear(placeSrcPort)
	a.Said.clear(placeDstPort)
}
