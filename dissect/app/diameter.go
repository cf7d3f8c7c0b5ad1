package app

import (
	"unsafe"

	"github.com/weir-probe/weir/dissect/wire"
)

// Diameter understands authentication, policy and charging in the core of networks (RFC 6733) over TCP and
// SCTP, with the commands of 3GPP's interfaces.
var Diameter = Dissector{
	Name: "diameter", Number: 237,
	Doc:    "Diameter: commands by name, sessions, subscribers, results and watchdogs.",
	TCP:    on(3868, 5868),
	SCTP:   on(3868, 5868),
	First:  "\x01",
	Fields: diameterFields,
	Pair:   ByKey,
	State:  unsafe.Sizeof(diameterState{}),
	Parse:  parseDiameter,
}

const (
	diameterHeader  = 20
	diameterLongest = 1 << 22 // octets of a message that is believed
	diameterDeepest = 8       // groups in groups
	diameterFar     = 4096    // octets to search behind a hole
)

// Flags of a message and of an AVP (RFC 6733, sections 3 and 4.1).
const (
	diameterAsks     = 0x80
	diameterReserved = 0x0f
	diameterVendored = 0x80
)

// Flaws of Diameter.
const (
	diameterFlawAVP    = "Diameter: an AVP is longer than what is around it"
	diameterFlawDepth  = "Diameter: AVPs are nested too deep"
	diameterFlawLength = "Diameter: the length is not that of the datagram"
	diameterFlawHeader = "Diameter: a message that does not begin as one"
)

// diameterState is what is known of a connection.
type diameterState struct{ seen bool }

// diameterMessage is a message in hand.
type diameterMessage struct {
	*Message
	flags        uint8
	size         int
	code, app    uint32
	hop, end     uint32
	body         wire.Reader
	partial      bool // the end is not here
	flaw         string
	kind         uint32
	user         uint32
	names        [255]byte
	named        int
	used         [2]uint64
	counted      [2]bool
	experimental bool
}

func parseDiameter(m *Message) Verdict {
	s := Memory[diameterState](m)
	if m.Stream && m.Lost {
		return s.behind(m)
	}
	x := diameterMessage{Message: m}
	switch head := x.head(m.Reader); {
	case m.Len() < diameterHeader:
		m.Skip(diameterHeader)
		return Reject
	case !head && s.seen:
		m.Malformed(diameterFlawHeader)
		m.Ahead(ToEnd)
		m.Rest()
		return Accept
	case !head:
		return Reject
	}
	if v := x.whole(s); v != Accept {
		return v
	}
	if !s.seen && !x.certain() {
		return Reject
	}
	s.seen = true
	x.take()
	return Accept
}

// whole reports whether as much of a message is here as there will be.
func (x *diameterMessage) whole(s *diameterState) Verdict {
	switch n := x.Len(); {
	case !x.Stream && (n < x.size && !x.Cut || n > x.size):
		if s.seen {
			x.Malformed(diameterFlawLength)
		}
		return Reject
	case n < x.size && x.Stream && !x.Full && !x.Closed:
		x.Skip(x.size)
		return More
	case n < x.size:
		x.partial = true
	}
	return Accept
}

// head reads the header, and reports whether it can be one.
func (x *diameterMessage) head(r wire.Reader) bool {
	version := r.U8()
	x.size = int(r.U24())
	x.flags = r.U8()
	x.code, x.app, x.hop, x.end = r.U24(), r.U32(), r.U32(), r.U32()
	x.body = wire.Read(r.Peek()[:max(min(x.size-diameterHeader, r.Len()), 0)])
	return !r.Short() && version == 1 && x.size >= diameterHeader && x.size&3 == 0 && x.size <= diameterLongest &&
		x.flags&diameterReserved == 0
}

// certain reports whether a message is Diameter: its AVPs fill it, and one says who sends it, as all do.
func (x *diameterMessage) certain() bool {
	host := false
	for r := x.body; r.Len() > 0; {
		code, flags, v := diameterNext(&r)
		if v.Short() {
			return host && (x.partial || x.Cut)
		}
		host = host || code == 264 && flags&diameterVendored == 0 && v.Len() > 0
	}
	return host
}

// diameterNext takes an AVP.
func diameterNext(r *wire.Reader) (code uint32, flags uint8, v wire.Reader) {
	code, flags = r.U32(), r.U8()
	size := int(r.U24())
	v = r.Block(size - 8)
	r.Skip(min(-size&3, r.Len())) // padding, which the last one may lack
	return code, flags, v
}

// take consumes a message and says what is in it.
func (x *diameterMessage) take() {
	x.tell()
	here := min(x.size, x.Len())
	if x.Skip(here); x.partial && x.Stream {
		x.Ahead(uint64(x.size - here))
	}
	key := uint64(x.hop) | uint64(x.code)<<32
	if x.flags&diameterAsks != 0 {
		x.Request(key)
	} else {
		x.Response(key)
		x.Finish()
	}
}

// behind looks for the next message behind a hole: what follows the hole is the rest of another.
func (s *diameterState) behind(m *Message) Verdict {
	b := m.Peek()
	for i := 0; i < diameterFar && len(b) >= i+diameterHeader; i++ {
		if b[i] != 1 {
			continue
		}
		x := diameterMessage{Message: m}
		if !x.head(wire.Read(b[i:])) || x.size > len(b)-i || named32(diameterCommands[:], x.code) == "" || !x.certain() {
			continue
		}
		m.Skip(i)
		s.seen = true
		x.take()
		return Accept
	}
	if m.Full || m.Closed || !s.seen {
		return Reject
	}
	m.Skip(m.Len() + 1)
	return More
}
