package app

import (
	"net/netip"
	"unsafe"

	"github.com/weir-probe/weir/dissect/wire"
)

// STUN helps media through NATs (RFC 8489, RFC 3489), with ICE (RFC 8445) and TURN (RFC 8656). What
// comes behind it on the same ports is measured as RTP does.
var STUN = Dissector{
	Name:   "stun",
	Doc:    "STUN, ICE and TURN: addresses, roles and errors; media behind them is measured as RTP.",
	Number: numberSTUN,
	TCP:    []uint16{3478},
	UDP:    []uint16{3478, 19302},
	First:  octets(0, 3),
	Fields: mediaFields,
	Pair:   ByKey,
	State:  unsafe.Sizeof(rtpState{}),
	Parse:  parseSTUN,
	Report: reportRTP,
}

const (
	numberSTUN = 78

	stunCookie = 0x2112a442
	stunHeader = 20
)

// Classes of messages (RFC 8489, section 5).
const (
	stunRequest = iota
	stunIndication
	stunSuccess
	stunFailure
)

func parseSTUN(m *Message) Verdict {
	s := Memory[rtpState](m)
	b := m.Peek()
	switch {
	case m.Stream:
		return s.streamSTUN(m)
	case len(b) == 0:
		return Reject
	case !s.stun:
		if x := (stunMessage{}); !x.read(b, m) {
			return Reject
		}
	case b[0] >= 20 && b[0] < 64:
		if records := m.Reader; isDatagram(&records, m.Cut) {
			m.Become(&DTLS)
			return Accept
		}
	}
	return s.take(m, b)
}

// streamSTUN reads a message of a stream, or a channel's. RFC 4571's framing is not STUN's.
func (s *rtpState) streamSTUN(m *Message) Verdict {
	if first := m.Peek(); s.stun && len(first) > 0 && first[0] >= 64 && first[0] < 128 {
		if len(first) < 4 {
			return More
		}
		m.Skip(2)
		m.Ahead(uint64(m.U16()+3) &^ 3)
		return Accept
	}
	head := m.Reader
	kind, size, cookie := head.U16(), int(head.U16()), head.U32()
	switch {
	case kind>>10 != 0 || size&3 != 0 || cookie != stunCookie && !head.Short():
		return Reject
	case head.Short() || m.Len() < stunHeader+size && !m.Full && !m.Closed:
		return More
	}
	var x stunMessage
	if m.Len() < stunHeader+size || !x.read(m.Peek()[:stunHeader+size], m) {
		return Reject
	}
	s.stun = true
	x.tell(m)
	m.Skip(stunHeader + size)
	return Accept
}

// stunMessage is a message as far as it is said.
type stunMessage struct {
	key      uint64
	kind     uint16
	attrs    wire.Reader
	id       []byte // 12 octets, or 16 of the old kind with the cookie among them
	data     []byte // that TURN carries
	modern   bool
	anything bool // there is an attribute
}

// read reads the header, whose first octet is less than four (RFC 7983), and looks whether the
// attributes fit.
// of RFC 3489, of which little is certain: it has to have attributes, or come over STUN's port.
func (x *stunMessage) read(b []byte, m *Message) bool {
	r := wire.Read(b)
	x.kind = r.U16()
	size := int(r.U16())
	x.modern = r.U32() == stunCookie
	x.id = r.Bytes(12)
	if r.Short() || x.kind>>10 != 0 || size&3 != 0 && x.modern || r.Len() != size && !(m.Cut && r.Len() < size) {
		return false
	}
	for _, c := range b[4:stunHeader] {
		x.key = x.key*0x100000001b3 ^ uint64(c)
	}
	x.attrs = r
	for r.Len() > 0 {
		kind, value := r.U16(), r.Block16()
		if value.Short() && !m.Cut || !x.modern && (kind == 0 || kind > 11) && kind < 0x8000 {
			return false
		}
		x.anything = true
		r.Skip(min(-value.Len()&3, r.Len()))
	}
	return x.modern || x.old(m)
}

// old reports whether a message without a cookie is one of RFC 3489.
func (x *stunMessage) old(m *Message) bool {
	const port = 3478
	method := x.method()
	return (method == 1 || method == 2) && x.class() != stunIndication &&
		(x.anything || x.class() == stunRequest && m.DstPort == port)
}

func (x *stunMessage) class() uint16 { return x.kind>>4&1 | x.kind>>7&2 }

func (x *stunMessage) method() uint16 { return x.kind&0xf | x.kind>>1&0x70 | x.kind>>2&0xf80 }

// stunMethods are those registered for STUN and TURN.
var stunMethods = [...]string{
	1: "Binding", 2: "SharedSecret", 3: "Allocate", 4: "Refresh", 6: "Send", 7: "Data", 8: "CreatePermission",
	9: "ChannelBind", 10: "Connect", 11: "ConnectionBind", 12: "ConnectionAttempt",
}

// tell says what is in the message.
func (x *stunMessage) tell(m *Message) {
	if k := x.method(); int(k) < len(stunMethods) && stunMethods[k] != "" && x.class() != stunIndication {
		m.Attrs.Text(STUNMethod, stunMethods[k])
	}
	role, nominates := "", false
	for r := x.attrs; r.Len() > 0; {
		kind, v := r.U16(), r.Block16()
		r.Skip(min(-v.Len()&3, r.Len()))
		if v.Short() {
			break
		}
		switch kind {
		case 0x8029:
			role = "controlled"
		case 0x802a:
			role = "controlling"
		case 0x0025:
			nominates = true
		default:
			x.attribute(m, kind, v)
		}
	}
	if nominates && role == "controlling" {
		role = "nominating"
	}
	if role != "" {
		m.Attrs.Text(STUNRole, role)
	}
	switch x.class() {
	case stunRequest:
		m.Request(x.key)
	case stunSuccess, stunFailure:
		m.Response(x.key)
	}
}

// attribute says one attribute (IANA's registry of STUN attributes).
func (x *stunMessage) attribute(m *Message, kind uint16, v wire.Reader) {
	const longest = 128
	switch kind {
	case 0x0009: // ERROR-CODE
		v.Skip(2)
		if class, number := v.U8()&7, v.U8(); !v.Short() {
			m.Attrs.Uint(STUNError, uint64(class)*100+uint64(number))
		}
	case 0x8022: // SOFTWARE
		m.Attrs.Bytes(STUNSoftware, v.Peek()[:min(v.Len(), longest)])
	case 0x0013: // DATA
		x.data = v.Rest()
	case 0x0001, 0x0020: // MAPPED-ADDRESS, XOR-MAPPED-ADDRESS
		a, ok := x.address(v, kind == 0x0020)
		if !ok {
			return
		}
		if b := a.Addr().As16(); a.Addr().Is4() {
			m.Attrs.Bytes(STUNMappedIPv4, b[12:])
		} else {
			m.Attrs.Bytes(STUNMappedIPv6, b[:])
		}
		m.Attrs.Uint(STUNMappedPort, uint64(a.Port()))
	case 0x0012, 0x0016: // XOR-PEER-ADDRESS, XOR-RELAYED-ADDRESS
		var text [64]byte
		if a, ok := x.address(v, true); ok && kind == 0x0012 {
			m.Attrs.Bytes(STUNPeer, a.AppendTo(text[:0]))
		} else if ok {
			m.Attrs.Bytes(STUNRelayed, a.AppendTo(text[:0]))
		}
	}
}

// address reads an address, which NATs are kept from changing by the exclusive or with the
// cookie and the identifier (RFC 8489, section 14.2).
func (x *stunMessage) address(v wire.Reader, masked bool) (netip.AddrPort, bool) {
	var mask [16]byte
	if masked {
		mask[0], mask[1], mask[2], mask[3] = stunCookie>>24, stunCookie>>16&0xff, stunCookie>>8&0xff, stunCookie&0xff
		copy(mask[4:], x.id)
	}
	v.Skip(1)
	family, port := v.U8(), v.U16()
	port ^= uint16(mask[0])<<8 | uint16(mask[1])
	b := v.Rest()
	var a [16]byte
	if len(b) != 4 && len(b) != 16 || (family == 1) != (len(b) == 4) {
		return netip.AddrPort{}, false
	}
	for i := range b {
		a[i] = b[i] ^ mask[i]
	}
	if len(b) == 4 {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(a[:4])), port), true
	}
	return netip.AddrPortFrom(netip.AddrFrom16(a), port), true
}
