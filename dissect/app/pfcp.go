package app

import (
	"net/netip"
	"strconv"
	"unsafe"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/wire"
)

// PFCP understands how the control plane of a mobile network tells the user plane what to do with packets
// (3GPP TS 29.244), on N4, Sxa, Sxb and Sxc.
var PFCP = Dissector{
	Name:   "pfcp",
	Doc:    "PFCP: sessions of the user plane of mobile networks, with tunnels and addresses of users.",
	UDP:    []uint16{portPFCP},
	First:  octets(0x20, 0x27),
	Fields: pfcpFields,
	Pair:   ByKey,
	State:  unsafe.Sizeof(gtpState{}),
	Parse:  parsePFCP,
}

const portPFCP = 8805

// Flaws of PFCP.
const (
	pfcpFlawLength  = "PFCP: the length is not that of the datagram"
	pfcpFlawElement = "PFCP: an information element is longer than what is around it"
	pfcpFlawDepth   = "PFCP: information elements are nested too deep"
)

// pfcpDeepest is how deep information elements are nested at most.
const pfcpDeepest = 6

// pfcpMessage is a message in hand.
type pfcpMessage struct {
	*Message
	kind    uint8
	role    Role
	seid    uint64
	hasSEID bool
	seq     uint32
	body    wire.Reader
	ends    [255]byte
	ended   int
	flaw    string
	network [maxAPN]byte // network instance
	named   int
	apn     bool
}

func parsePFCP(m *Message) Verdict {
	if m.Stream || m.DstPort != portPFCP && m.SrcPort != portPFCP {
		return Reject
	}
	s, x := Memory[gtpState](m), pfcpMessage{Message: m}
	r := m.Reader
	flags := r.U8()
	x.kind = r.U8()
	size := int(r.U16()) + 4
	if x.hasSEID = flags&1 != 0; x.hasSEID {
		x.seid = r.U64()
	}
	x.seq = r.U24()
	r.Skip(1)
	if r.Short() {
		m.Skip(16)
		return Reject
	}
	x.role = x.roleOf()
	more := flags&4 != 0 && size < m.Len()
	if flags&0xf8 != 0x20 || x.role == Part || size < r.Pos() || x.hasSEID != (x.kind >= 50) {
		return Reject
	}
	if size > m.Len() && !m.Cut || size < m.Len() && !more {
		if s.seen {
			m.Malformed(pfcpFlawLength)
		}
		return Reject
	}
	x.body = wire.Read(r.Peek()[:min(size-r.Pos(), r.Len())])
	m.Skip(min(size, m.Len()))
	if more {
		m.Continue()
	}
	s.seen = true
	x.tell()
	x.pair(s)
	return Accept
}

// roleOf returns what a message is, Part if there is no such type (TS 29.244, section 7.3).
func (x *pfcpMessage) roleOf() Role {
	switch k := x.kind; {
	case k == 11: // Version Not Supported Response
		return Notice
	case k >= 1 && k <= 10, k >= 50 && k <= 57, k >= 14 && k <= 17:
		if odd := k&1 != 0; odd == (k < 11) {
			return Request
		}
		return Response
	case k == 12:
		return Request
	case k == 13:
		return Response
	}
	return Part
}

// pair finds the transaction of a message, as GTP does.
func (x *pfcpMessage) pair(s *gtpState) {
	g := gtpMessage{Message: x.Message, version: 3, role: x.role, seq: x.seq, kind: x.kind}
	g.pair(s)
}

// tell says what is in a message.
func (x *pfcpMessage) tell() {
	kind, seid, ends := PFCPRequest, PFCPC2S, PFCPC2SEnds
	if x.role == Response {
		kind, seid, ends = PFCPResponse, PFCPS2C, PFCPS2CEnds
	}
	x.Attrs.Uint(kind, uint64(x.kind))
	if x.hasSEID && x.seid != 0 {
		x.Attrs.Uint(seid, x.seid)
	}
	x.elements(x.body, 0)
	if x.ended > 0 {
		x.Attrs.Bytes(ends, x.ends[:x.ended])
	}
	if x.named > 0 && !x.apn {
		x.Attrs.Bytes(PFCPAPN, x.network[:x.named])
	}
	if x.flaw != "" {
		x.Malformed(x.flaw)
	}
}

// elements reads information elements (TS 29.244, section 8.1).
func (x *pfcpMessage) elements(r wire.Reader, depth int) {
	for r.Len() > 0 {
		kind, v := r.U16(), r.Block16()
		if r.Short() || v.Short() {
			if !x.Cut {
				x.flaw = pfcpFlawElement
			}
			return
		}
		if !pfcpGroup(kind) {
			x.element(kind, v, depth)
			continue
		}
		if depth+1 == pfcpDeepest {
			x.flaw = pfcpFlawDepth
			return
		}
		x.elements(v, depth+1)
	}
}

// pfcpGroup reports whether there are others in an information element, which are of interest: rules for
// detecting and forwarding packets, new, changed and removed ones.
func pfcpGroup(kind uint16) bool {
	switch kind {
	case 1, 2, 3, 4, 8, 9, 10, 11, 127, 128, 129:
		return true
	}
	return false
}

// element reads an information element that has no others in it.
func (x *pfcpMessage) element(kind uint16, v wire.Reader, depth int) {
	switch kind {
	case 19: // Cause
		if n := v.U8(); depth == 0 && !v.Short() && x.role == Response {
			x.Attrs.Uint(PFCPCause, uint64(n))
		}
	case 21:
		x.endpoint(v)
	case 22, 159: // Network Instance, APN/DNN
		x.name(kind == 159, v.Rest())
	case 57:
		x.session(v)
	case 60:
		x.node(v)
	case 84:
		x.outer(v)
	case 93:
		x.user(v)
	case 141:
		x.identities(v)
	}
}

// name notes the network that packets come from or go to. The name of an access point counts more.
func (x *pfcpMessage) name(is bool, b []byte) {
	var text [256]byte
	switch name := apn(text[:0], b[:min(len(b), maxAPN)]); {
	case len(name) == 0 || x.apn:
	case is:
		x.apn = true
		x.Attrs.Bytes(PFCPAPN, name)
	case x.named == 0:
		x.named = copy(x.network[:], name)
	}
}

// endpoint reads an F-TEID (section 8.2.3). One that is to be chosen is none yet.
func (x *pfcpMessage) endpoint(v wire.Reader) {
	flags := v.U8()
	if flags&4 != 0 {
		return
	}
	teid := v.U32()
	x.tunnel("in", teid, pfcpAddresses(&v, flags&1 != 0, flags&2 != 0))
}

// outer reads where packets are sent to (section 8.2.56).
func (x *pfcpMessage) outer(v wire.Reader) {
	flags := v.U16() >> 8
	if flags&3 == 0 {
		return
	}
	teid := v.U32()
	x.tunnel("out", teid, pfcpAddresses(&v, flags&1 != 0, flags&2 != 0))
}

// pfcpBoth are addresses, those that are there.
type pfcpBoth struct {
	ok        bool
	four, six []byte
}

func pfcpAddresses(v *wire.Reader, four, six bool) (b pfcpBoth) {
	if four {
		b.four = v.Bytes(4)
	}
	if six {
		b.six = v.Bytes(16)
	}
	b.ok = !v.Short()
	return b
}

// append writes an identifier and addresses.
func (b pfcpBoth) append(dst []byte, id uint64) []byte {
	dst = strconv.AppendUint(dst, id, 16)
	for _, a := range [...][]byte{b.four, b.six} {
		if addr, ok := netip.AddrFromSlice(a); ok {
			dst = addr.AppendTo(append(dst, '/'))
		}
	}
	return dst
}

// tunnel adds an endpoint to those that are told, if there is room for all of it.
func (x *pfcpMessage) tunnel(name string, teid uint32, b pfcpBoth) {
	if !b.ok || x.ended+len(name)+11+16+40 > len(x.ends) {
		return
	}
	text := x.ends[:x.ended]
	if x.ended > 0 {
		text = append(text, ';')
	}
	x.ended = len(b.append(append(append(text, name...), '/'), uint64(teid)))
}

// session reads an F-SEID (section 8.2.37), whose bit for IPv6 is the first.
func (x *pfcpMessage) session(v wire.Reader) {
	flags, id := v.U8(), v.U64()
	f := PFCPC2SEnd
	if x.role == Response {
		f = PFCPS2CEnd
	}
	var text [96]byte
	if b := pfcpAddresses(&v, flags&2 != 0, flags&1 != 0); b.ok {
		x.Attrs.Bytes(f, b.append(text[:0], id))
	}
}

// node reads a Node ID (section 8.2.38).
func (x *pfcpMessage) node(v wire.Reader) {
	f := PFCPNode
	if x.role == Response {
		f = PFCPPeer
	}
	var text [256]byte
	kind := v.U8() & 15
	b := v.Rest()
	if kind == 2 {
		if name := apn(text[:0], b[:min(len(b), maxAPN)]); len(name) > 0 {
			x.Attrs.Bytes(f, name)
		}
	} else if a, ok := netip.AddrFromSlice(b); ok && kind < 2 {
		x.Attrs.Bytes(f, a.AppendTo(text[:0]))
	}
}

// user reads the addresses of a user (section 8.2.62).
func (x *pfcpMessage) user(v wire.Reader) {
	flags := v.U8()
	b := pfcpAddresses(&v, flags&2 != 0, flags&1 != 0)
	if !b.ok {
		return
	}
	if b.four != nil && [4]byte(b.four) != [4]byte{} {
		x.Attrs.Bytes(PFCPUser, b.four)
	}
	bits := uint8(64)
	if flags&8 != 0 { // so many bits less, for what the user delegates
		bits -= min(v.U8(), bits)
	}
	if flags&64 != 0 {
		bits = v.U8()
	}
	if b.six == nil || v.Short() {
		return
	}
	var net [18]byte
	net[1] = bits
	copy(net[2:], b.six)
	if p, ok := radiusPrefix(net[:]); ok {
		var text [64]byte
		x.Attrs.Bytes(PFCPUser6, p.AppendTo(text[:0]))
	}
}

// identities reads who a user is (section 8.2.101).
func (x *pfcpMessage) identities(v wire.Reader) {
	flags := v.U8()
	for i, f := range [...]*flow.Field{PFCPIMSI, PFCPIMEI, PFCPNum} {
		if flags>>i&1 == 0 {
			continue
		}
		var d tbcd
		one := v.Block8()
		if d.read(one.Rest()); d.n > 0 && !one.Short() {
			x.Attrs.Bytes(f, d.text())
		}
	}
}
