package app

import (
	"net/netip"
	"unsafe"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/wire"
)

// BMP is version 3 of the BGP Monitoring Protocol (RFC 7854), with tables of RFC 8671 and RFC 9069: routers
// tell stations what their neighbours tell. A session is known by its begin, which names the router. Each message
// but reports of statistics is a notice.
var BMP = Dissector{
	Name:   "bmp",
	Doc:    "BMP: routers, their neighbours that come and go, and the routes that these tell.",
	TCP:    on(1790, 11019),
	First:  "\x03",
	Fields: bmpFields,
	State:  unsafe.Sizeof(bmpState{}),
	Parse:  parseBMP,
}

// Fields of BMP. What is told of routes has the fields of BGP.
var (
	BMPMessage  = bgpText("BMP_MESSAGE", 2280, 24, "Type of the BMP message.")
	BMPPeer     = bgpText("BMP_PEER", 2281, 39, "Address of the neighbour that a BMP message is about.")
	BMPPeerAS   = bgpNumber("BMP_PEER_AS", 2282, flow.Unsigned32, "Autonomous system of that neighbour.")
	BMPPeerType = bgpText("BMP_PEER_TYPE", 2283, 8,
		"What that neighbour is: global, of a network (RD), local, or the router's own table (Loc-RIB).")
	BMPTable = bgpText("BMP_TABLE", 2284, 24,
		"Which table a BMP message is of: Adj-RIB-In or Adj-RIB-Out, pre- or post-policy, or Loc-RIB.")
	BMPSystem = bgpText("BMP_SYSTEM", 2285, 64, "Name of the router, as it says when it begins.")
	BMPText   = bgpText("BMP_DESCRIPTION", 2286, 64, "Description of the router, as it says when it begins.")
	BMPReason = bgpNumber("BMP_DOWN_REASON", 2287, flow.Unsigned8,
		"Why the session with the neighbour ended (RFC 7854, section 4.9).")

	bmpFields = append([]*flow.Field{
		BMPMessage, BMPPeer, BMPPeerAS, BMPPeerType, BMPTable, BMPSystem, BMPText, BMPReason,
		BGPError, BGPErrorCode, BGPErrorSub, BGPErrorText,
	}, bgpRoutes...)
)

// Types of messages.
const (
	bmpRoutes = iota
	bmpStatistics
	bmpDown
	bmpUp
	bmpInitiation
	bmpTermination
	bmpMirroring
)

var bmpMessages = [...]string{
	bmpRoutes: "Route Monitoring", bmpStatistics: "Statistics Report", bmpDown: "Peer Down", bmpUp: "Peer Up",
	bmpInitiation: "Initiation", bmpTermination: "Termination", bmpMirroring: "Route Mirroring",
}

var bmpPeers = [...]string{"global", "RD", "local", "Loc-RIB"}

const (
	bmpVersion = 3
	bmpHeader  = 6
	bmpMost    = 1 << 17 // octets: an UPDATE has up to 65535 (RFC 8654), a Peer Up two OPENs

	bmpFlaw = "BMP: a message whose parts do not fit"
)

// bmpState is whether the session has begun.
type bmpState struct{ begun bool }

func parseBMP(m *Message) Verdict {
	s := Memory[bmpState](m)
	if !m.Stream || m.Lost {
		return Reject
	}
	version, size, kind := m.U8(), int(m.U32()), m.U8()
	switch {
	case m.Short():
		return More
	case version != bmpVersion || size < bmpHeader || size > bmpMost || int(kind) >= len(bmpMessages),
		!s.begun && kind != bmpInitiation:
		return Reject
	case size > MaxMessage:
		m.Ahead(uint64(size - bmpHeader))
		return Accept
	}
	body := m.Block(size - bmpHeader)
	switch {
	case m.Short():
		return More
	case s.begun:
		bmpTell(m, kind, body)
		return Accept
	case !bmpNames(m, body):
		return Reject
	}
	s.begun = true
	m.Attrs.Text(BMPMessage, bmpMessages[kind])
	m.Notice()
	return Accept
}

// bmpNames says who begins, and reports whether it can be the begin of a session: it has to have a name and
// a description (RFC 7854, section 4.3).
func bmpNames(m *Message, r wire.Reader) bool {
	const description, name = 1, 2
	has := [...]bool{description: false, name: false}
	for r.Len() > 0 {
		kind, v := r.U16(), r.Block16()
		if r.Short() || v.Short() {
			return false
		}
		switch kind {
		case description:
			m.Attrs.Bytes(BMPText, v.Rest())
		case name:
			m.Attrs.Bytes(BMPSystem, v.Rest())
		default:
			continue
		}
		has[kind] = true
	}
	return has[description] && has[name]
}

// bmpTell says what a message of a session is.
func bmpTell(m *Message, kind uint8, r wire.Reader) {
	if kind == bmpStatistics {
		return
	}
	m.Attrs.Text(BMPMessage, bmpMessages[kind])
	m.Notice()
	right := true
	switch kind {
	case bmpInitiation:
		right = bmpNames(m, r)
	case bmpTermination:
	default:
		four := bmpNeighbour(m, &r)
		switch kind {
		case bmpRoutes:
			right = bmpUpdate(m, r, four)
		case bmpDown:
			right = bmpEnds(m, r)
		}
	}
	if !right || r.Short() {
		m.Malformed(bmpFlaw)
	}
}

// bmpNeighbour says whom a message is about, and whether autonomous systems have four octets (RFC 7854,
// section 4.2; RFC 8671, section 5; RFC 9069, section 4.1).
func bmpNeighbour(m *Message, r *wire.Reader) (four bool) {
	const local, six, post, two, out = 3, 0x80, 0x40, 0x20, 0x10
	kind, flags := r.U8(), r.U8()
	r.Skip(8)
	addr, as := r.Bytes(16), r.U32()
	r.Skip(4 + 8)
	if r.Short() {
		return true
	}
	if int(kind) < len(bmpPeers) {
		m.Attrs.Text(BMPPeerType, bmpPeers[kind])
	}
	if kind == local {
		m.Attrs.Text(BMPTable, "Loc-RIB")
		m.Attrs.Uint(BMPPeerAS, uint64(as))
		return true
	}
	tables := [...]string{"Adj-RIB-In pre-policy", "Adj-RIB-In post-policy", "Adj-RIB-Out pre-policy",
		"Adj-RIB-Out post-policy"}
	m.Attrs.Text(BMPTable, tables[flags&out>>3|flags&post>>6])
	who := netip.AddrFrom16([16]byte(addr))
	if flags&six == 0 {
		who = netip.AddrFrom4([4]byte(addr[12:]))
	}
	var text [64]byte
	m.Attrs.Bytes(BMPPeer, who.AppendTo(text[:0]))
	m.Attrs.Uint(BMPPeerAS, uint64(as))
	return flags&two == 0
}

// bmpMessage returns the body of the message of BGP that is next, if it is of a type.
func bmpMessage(r *wire.Reader, kind uint8) (body wire.Reader, ok bool) {
	r.Skip(len(bgpMarker))
	size, is := int(r.U16()), r.U8()
	if r.Short() || size < bgpHeader || is != kind {
		return body, false
	}
	body = r.Block(size - bgpHeader)
	return body, !body.Short() && !r.Short()
}

// bmpUpdate says what routes are told. Whether several paths are numbered is tried.
func bmpUpdate(m *Message, r wire.Reader, four bool) bool {
	body, ok := bmpMessage(&r, bgpUpdate)
	if !ok {
		return false
	}
	var u bgpRoute
	u.rules.four = four
	right := u.read(m, body)
	if right && u.empty() {
		m.Said.Role = Part // the end of what is told at the begin
	}
	return right
}

// bmpEnds says why a neighbour went: a reason, and of some the message that ended it.
func bmpEnds(m *Message, r wire.Reader) bool {
	const localMessage, remoteMessage = 1, 3
	reason := r.U8()
	if r.Short() {
		return false
	}
	m.Attrs.Uint(BMPReason, uint64(reason))
	if reason != localMessage && reason != remoteMessage {
		return true
	}
	body, ok := bmpMessage(&r, bgpNotification)
	return ok && bgpEnds(m, body)
}
