package app

import (
	"hash/crc32"
	"slices"
	"unsafe"

	"github.com/weir-probe/weir/dissect/wire"
)

// RADIUS understands authentication and accounting (RFC 2865, 2866, 2869, 3162) and what a server asks of a
// NAS (RFC 5176), with the attributes of 3GPP, Cisco and WISPr.
var RADIUS = Dissector{
	Name: "radius", Number: 146,
	Doc:    "RADIUS: who logs in where, the addresses he gets, and what he has used.",
	UDP:    radiusPorts[:],
	First:  "\x01\x02\x03\x04\x05\x0b\x0c\x28\x29\x2a\x2b\x2c\x2d",
	Fields: radiusFields,
	Pair:   ByKey,
	State:  unsafe.Sizeof(radiusState{}),
	Parse:  parseRADIUS,
}

var radiusPorts = [...]uint16{1812, 1813, 1645, 1646, 3799}

// Codes of messages (IANA's registry of RADIUS types).
const (
	radiusAccess        = 1
	radiusAccept        = 2
	radiusReject        = 3
	radiusAccounting    = 4
	radiusAccounted     = 5
	radiusChallenge     = 11
	radiusStatusServer  = 12
	radiusDisconnect    = 40
	radiusDisconnectNAK = 42
	radiusCoA           = 43
	radiusCoANAK        = 45
)

const (
	radiusHeader  = 20
	radiusLongest = 4096
)

// Flaws of RADIUS.
const (
	radiusFlawLength = "RADIUS: the length is not that of the datagram"
	radiusFlawTiles  = "RADIUS: attributes do not fill the message"
)

// radiusState remembers which request an identifier stands for, as it is used again and again.
type radiusState struct {
	seen bool
	ids  [256]radiusID
}

type radiusID struct {
	asked    uint32 // hash of the request's authenticator, 0 if none was seen
	answered uint32 // hash of that of the response, 0 if there was none
	use      uint32 // how often the identifier was used anew
}

// radiusMessage is a message in hand.
type radiusMessage struct {
	*Message
	code, id uint8
	auth     []byte
	attrs    wire.Reader
	lies     bool // attributes do not fill the message
}

func parseRADIUS(m *Message) Verdict {
	if m.Stream {
		return Reject
	}
	s, x := Memory[radiusState](m), radiusMessage{Message: m}
	head := m.Reader
	x.code, x.id = head.U8(), head.U8()
	size := int(head.U16())
	x.auth = head.Bytes(16)
	if head.Short() {
		m.Skip(radiusHeader)
		return Reject
	}
	if !radiusKnown(x.code) || size < radiusHeader || size > radiusLongest {
		return Reject
	}
	there := min(size-radiusHeader, head.Len())
	if missing := size - radiusHeader - there; missing > 0 && !m.Cut {
		if s.seen {
			m.Malformed(radiusFlawLength)
		}
		return Reject
	}
	x.attrs = wire.Read(head.Bytes(there))
	at := slices.Contains(radiusPorts[:], m.DstPort) || slices.Contains(radiusPorts[:], m.SrcPort)
	if !x.fills() && (!at || size != m.Len()) || !s.seen && !at && !x.certain() {
		return Reject
	}
	m.Rest() // octets behind the length are padding
	s.seen = true
	x.tell(s)
	return Accept
}

// radiusKnown reports whether messages have a code.
func radiusKnown(code uint8) bool {
	return code >= radiusAccess && code <= radiusAccounted ||
		code == radiusChallenge || code == radiusStatusServer ||
		code >= radiusDisconnect && code <= radiusCoANAK
}

func (x *radiusMessage) asks() bool {
	switch x.code {
	case radiusAccess, radiusAccounting, radiusStatusServer, radiusDisconnect, radiusCoA:
		return true
	}
	return false
}

// fills reports whether attributes fill the message, as far as it is there.
func (x *radiusMessage) fills() bool {
	for r := x.attrs; r.Len() > 0; {
		kind, size := r.U8(), int(r.U8())
		if r.Skip(size - 2); kind == 0 || r.Short() {
			x.lies = !x.Cut || kind == 0 || size < 2
			return !x.lies
		}
	}
	return true
}

// certain reports whether a message is RADIUS wherever it is found: a request that says who asks, and
// for whom or about what.
func (x *radiusMessage) certain() bool {
	const most = 4 // attributes that nobody has numbered
	user, nas, odd := false, false, 0
	for r := x.attrs; r.Len() > 0; {
		kind, size := r.U8(), int(r.U8())
		r.Skip(size - 2)
		switch kind {
		case 1, 31, 44, 79: // User-Name, Calling-Station-Id, Acct-Session-Id, EAP-Message
			user = true
		case 4, 95: // NAS-IP-Address, NAS-IPv6-Address
			nas = nas || size == 6 && kind == 4 || size == 18 && kind == 95
		case 32: // NAS-Identifier
			nas = true
		default:
			if kind > 192 && kind < 241 {
				odd++
			}
		}
	}
	return x.asks() && user && nas && odd < most
}

// tell says what the message is.
func (x *radiusMessage) tell(s *radiusState) {
	if x.lies {
		x.Malformed(radiusFlawTiles)
	}
	field := RADIUSResponse
	if x.asks() {
		field = RADIUSRequest
	}
	x.Attrs.Uint(field, uint64(x.code))
	x.pair(s)
	x.say()
}

// pair finds which request the message is or answers. A request is sent again with the same
// authenticator (RFC 5080, section 2.2.1); with another one the identifier stands for another request.
func (x *radiusMessage) pair(s *radiusState) {
	i, sum := &s.ids[x.id], crc32.ChecksumIEEE(x.auth)|1
	repeated := false
	if x.asks() {
		sum ^= uint32(x.Dir) << 1
		if repeated = i.asked == sum && i.answered != 0; i.asked != sum {
			*i = radiusID{asked: sum, use: i.use + 1}
		}
	} else {
		repeated = i.answered == sum
		if i.answered != 0 && !repeated { // the answer to a request that was not seen
			*i = radiusID{use: i.use + 1}
		}
		i.answered = sum
	}
	key := uint64(x.id) | uint64(i.use)<<8 | 1<<63
	switch {
	case repeated:
		x.Of(key)
	case x.asks():
		x.Request(key)
	default:
		x.Response(key)
	}
}
