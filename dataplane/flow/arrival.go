package flow

import "unsafe"

// An Arrival is a record that others made, as it is put together from what they sent. One is used
// again and again; Begin starts the next. What it was given must stay until the message is taken.
type Arrival struct {
	Record
	Attrs
	Said
	Clock
	Notes
}

// Clock is what the times of a record are relative to.
type Clock struct {
	Export uint64 // when the message was sent by its own clock, nanoseconds since the Unix epoch
	Uptime uint32 // of the exporter then, milliseconds; valid if HasUptime
	Boot   uint64 // when its uptime was 0, nanoseconds since the Unix epoch; 0 is unknown

	HasUptime bool
}

// at returns the time when the exporter had been up for so many milliseconds. The count wraps after
// 49.7 days, so it is the time nearest to that of the message. It fails if nothing is known of when
// the exporter began.
func (c *Clock) at(ms uint32) (ns uint64, ok bool) {
	switch {
	case c.HasUptime:
		return c.Export + uint64(int64(int32(ms-c.Uptime))*1e6), true
	case c.Boot != 0:
		const wrap = 1 << 32 * 1e6
		ns = c.Boot + uint64(ms)*1e6
		if ns+wrap/2 < c.Export { // it has been up for longer
			ns += (c.Export - ns + wrap/2) / wrap * wrap
		}
		return ns, true
	}
	return 0, false
}

// Notes are what a record says to its collector rather than of its flow.
type Notes struct {
	Has      Note
	First22  uint32 // uptime of the first packet, if nobody knows when that was: NoteUptimes
	Last21   uint32 // and of the last
	Sampler  uint64 // which of its samplers chose the packets
	Interval uint64 // one packet in so many
	Space    uint64 // packets left out between those chosen in a row, of which there are Run
	Run      uint64 //
	Chosen   uint64 // packets chosen of each Of
	Of       uint64 //
	Init     uint64 // when the exporter's uptime was 0, nanoseconds since the Unix epoch
	Duration uint64 // of the flow, nanoseconds
	Observed uint64 // when it happened, nanoseconds since the Unix epoch
	Before   [2]uint64
	Wire     uint32  // octets of the packet that Section is the beginning of, with its frame
	Section  []byte  // octets of a packet, borrowed
	Starts   Section // what it begins with
	Lists    [4]List // structured data (RFC 6313)
	Foreign  []byte  // elements nobody here knows: enterprise and element, 4 + 2 octets; length, 2; octets
	Lost     uint32  // such elements that there was no room for
}

// Note is a set of members of Notes that have values.
type Note uint32

const (
	NoteUptimes Note = 1 << iota
	NoteSampler
	NoteInterval
	NoteSpace
	NoteRun
	NoteChosen
	NoteOf
	NoteInit
	NoteDuration
	NoteObserved
	NoteFirst // of the flow is known
	NoteLast
	NoteBeforeFirst // Before[0]: so many nanoseconds before the export
	NoteBeforeLast
	NoteExporter // the record names the exporter that it came from first
	NoteDomain   // and its observation domain
)

// Section is what a part of a packet begins with.
type Section uint8

const (
	NoSection Section = iota
	FrameSection
	IPSection
)

// List is structured data of RFC 6313: the element and its octets, borrowed.
type List struct {
	ID     uint16
	Octets []byte
}

const maxForeign = 1 << 10 // octets of Notes.Foreign

// Begin makes room for a record of a message with that clock.
func (a *Arrival) Begin(c Clock) {
	foreign := a.Foreign[:0]
	a.Record, a.Said, a.Clock = Record{}, Said{}, c
	if a.Has != 0 || a.Starts != NoSection || len(foreign) != cap(foreign) || a.Lost != 0 {
		a.Notes = Notes{}
	}
	a.Foreign = foreign
	a.Collected = 1
	a.Attrs.Reset()
}

// Controls says TCP's control bits of the packets from client to server.
func (a *Arrival) Controls(bits uint16) {
	a.TCPFlags[Forward] = bits
	a.Said.set(placeFlags)
}

// Element notes an element that is not understood, to be handed on as it is. The highest bit of id says
// that its length may vary. It returns false if there is no room for it.
func (a *Arrival) Element(pen uint32, id uint16, b []byte) bool {
	if len(a.Foreign)+8+len(b) > maxForeign {
		a.Lost++
		return false
	}
	if a.Foreign == nil {
		a.Foreign = make([]byte, 0, maxForeign)
	}
	a.Foreign = be.AppendUint16(be.AppendUint32(a.Foreign, pen), id)
	a.Foreign = append(be.AppendUint16(a.Foreign, uint16(len(b))), b...)
	return true
}

// Size returns how many octets the record takes as a message of a ring.
func (a *Arrival) Size() int { return int(unsafe.Sizeof(a.Record)) + 4 + saidSize + a.Attrs.n }

// Put writes the message that View.Load reads into Size octets, which are aligned to 8.
func (a *Arrival) Put(dst []byte) {
	*(*Record)(unsafe.Pointer(unsafe.SliceData(dst))) = a.Record
	b := dst[unsafe.Sizeof(a.Record):]
	ne.PutUint16(b, 0)
	ne.PutUint16(b[2:], uint16(saidSize))
	a.Said.put(b[4:])
	copy(b[4+saidSize:], a.Attrs.All())
}

// Carry says in an attribute of its own what is in Notes.Foreign.
func (a *Arrival) Carry() {
	if len(a.Foreign) == 0 {
		return
	}
	if b := a.grow(CollectedElements, len(a.Foreign)); b != nil {
		copy(b, a.Foreign)
	}
}

// Say says that f is v: in the member of Record that is the field's, or as an attribute. A number too great
// for its member is the greatest there.
func (a *Arrival) Say(f *Field, v Value) {
	at := unsafe.Add(unsafe.Pointer(&a.Record), f.place())
	switch f.Type {
	case IPv4Address, IPv6Address, MACAddress, String, OctetArray:
		if !f.kept() {
			a.Attrs.Bytes(f, v.B)
			return
		}
		a.octets(f, at, v.B)
	default:
		if !f.kept() {
			a.Attrs.Uint(f, v.U)
			return
		}
		store(at, f.slot.size, v.U)
	}
	a.Said.set(f.place())
}

// octets puts an address into its member.
func (a *Arrival) octets(f *Field, at unsafe.Pointer, b []byte) {
	switch f.Type {
	case IPv4Address:
		p := (*[16]byte)(at)
		*p = [16]byte{10: 0xff, 11: 0xff}
		copy(p[12:], b)
		a.Version = 4
	case IPv6Address:
		copy((*[16]byte)(at)[:], b)
		a.Version = 6
	case MACAddress:
		copy((*[6]byte)(at)[:], b)
		a.HasMAC = 1
	}
}
