package app

import (
	"unsafe"

	"github.com/weir-probe/weir/dissect/wire"
)

// GTP understands what the nodes of mobile networks tell each other of the tunnels of their users: versions 0
// (3GPP TS 09.60), 1 (TS 29.060) and 2 (TS 29.274), what is said beside user data on GTP-U (TS 29.281), and
// charging records (GTP', TS 32.295). User data itself is met as the packets that are in it.
var GTP = Dissector{
	Name: "gtp", Number: numberGTPC,
	Doc:    "GTP: sessions of mobile users, their tunnels, identities and places.",
	UDP:    []uint16{portGTPC, portGTPU, portGTP0},
	First:  "\x0e\x0f\x1e\x1f\x2e\x2f" + octets(0x30, 0x37) + octets(0x40, 0x5f),
	Fields: gtpFields,
	Pair:   ByKey,
	State:  unsafe.Sizeof(gtpState{}),
	Parse:  parseGTP,
}

const (
	numberGTPU     = 271
	numberGTPC     = 272
	numberGTPPrime = 273

	portGTPC = 2123
	portGTPU = 2152
	portGTP0 = 3386 // version 0, and GTP'
)

// Types of messages that have a meaning of their own here.
const (
	gtpEcho         = 1
	gtpUnsupported  = 3 // the version is not supported
	gtpErrorInd     = 26
	gtpExtensionsOf = 31 // which extension headers are supported
	gtpEndMarker    = 254
	gtpUserData     = 255
)

// Flaws of GTP.
const (
	gtpFlawLength    = "GTP: the length is not that of the datagram"
	gtpFlawElement   = "GTP: an information element is longer than what is around it"
	gtpFlawUnknown   = "GTP: an information element whose length nobody knows"
	gtpFlawExtension = "GTP: extension headers do not end"
	gtpFlawDepth     = "GTP: information elements are nested too deep"
)

// gtpState remembers what was answered lately, as requests and responses may be sent again.
type gtpState struct {
	seen     bool
	recent   [64]gtpDone
	commands [8]gtpCommand
	next     uint8
}

// gtpCommand is a command of version 2: what it has the other side ask, or a failure, has its sequence number (TS
// 29.274, section 7.6).
type gtpCommand struct {
	at   uint64 // nanoseconds since the Unix epoch
	seq  uint32
	kind uint8
}

type gtpDone struct {
	key   uint64
	until uint64 // nanoseconds since the Unix epoch
}

// gtpPatience is how long a request may be sent again: T3-RESPONSE times N3-REQUESTS, and some more.
const gtpPatience = 20e9

// gtpMessage is a message in hand.
type gtpMessage struct {
	*Message
	version  uint8 // 0, 1, 2
	prime    bool  // of GTP'
	kind     uint8
	role     Role
	hasTEID  bool
	teid     uint32
	tid      []byte // of version 0
	seq      uint32
	hasSeq   bool
	body     wire.Reader
	piggy    bool // another message follows
	flaw     string
	ends     [255]byte // text of endpoints
	ended    int
	s58      [64]byte // text of TEIDs
	s58n     int
	gsn      int    // GSN addresses that were met
	data     uint32 // TEIDs of version 1
	ctrl     uint32
	hasData  bool
	hasCtrl  bool
	gsnAddr  [2][16]byte
	gsnSize  [2]int
	location location
}

func parseGTP(m *Message) Verdict {
	if m.Stream || !gtpPort(m.DstPort) && !gtpPort(m.SrcPort) {
		return Reject
	}
	s, x := Memory[gtpState](m), gtpMessage{Message: m}
	if len(m.Peek()) < 6 {
		m.Skip(6)
		return Reject
	}
	size, ok := x.head()
	if !ok {
		return Reject
	}
	if size > m.Len() && !m.Cut || size < m.Len() && !x.piggy && !x.prime {
		if s.seen {
			m.Malformed(gtpFlawLength)
		}
		return Reject
	}
	if x.kind == gtpUserData && x.version == 1 && s.seen {
		m.Rest()
		return Accept
	}
	if x.role = x.roleOf(); x.role == Part && x.kind != gtpUserData {
		return Reject
	}
	m.Skip(min(size, m.Len()))
	if x.piggy && m.Len() > 0 {
		m.Continue()
	} else {
		m.Rest()
	}
	s.seen = true
	x.number()
	x.tell()
	x.command(s)
	x.pair(s)
	return Accept
}

func gtpPort(port uint16) bool { return port == portGTPC || port == portGTPU || port == portGTP0 }

// number says more precisely what the flow is.
func (x *gtpMessage) number() {
	switch {
	case x.prime:
		x.Is(numberGTPPrime)
	case x.DstPort == portGTPU || x.SrcPort == portGTPU:
		x.Is(numberGTPU)
	}
}

// head reads the header, and returns the length of the message.
func (x *gtpMessage) head() (size int, ok bool) {
	b := x.Peek()
	r := wire.Read(b)
	flags := r.U8()
	x.version, x.prime = flags>>5, flags&0x10 == 0 && flags>>5 != 2
	x.kind = r.U8()
	size = int(r.U16())
	at := x.DstPort == portGTP0 || x.SrcPort == portGTP0
	switch {
	case at && (x.prime || flags == 0x4e || flags == 0x4f):
		return x.headPrime(flags, size, r)
	case at && flags&^1 == 0x1e:
		return x.head0(size, r)
	case !at && flags&^7 == 0x30:
		return x.head1(flags, size, r)
	case !at && x.version == 2 && (x.DstPort == portGTPC || x.SrcPort == portGTPC):
		return x.head2(flags, size, r)
	}
	return 0, false
}

// head0 reads a header of version 0 (TS 09.60, section 6).
func (x *gtpMessage) head0(size int, r wire.Reader) (int, bool) {
	x.seq, x.hasSeq = uint32(r.U16()), true
	r.Skip(6) // flow label, SNDCP number, spare
	x.tid = r.Bytes(8)
	x.body = r
	if r.Short() {
		return 0, x.Cut
	}
	return 20 + size, true
}

// headPrime reads a header of GTP' (TS 32.295, section 6.1.1). That of version 0 may be as long as GTP's.
func (x *gtpMessage) headPrime(flags uint8, size int, r wire.Reader) (int, bool) {
	x.prime = true
	if x.version > 2 || flags&0x0e != 0x0e {
		return 0, false
	}
	x.seq, x.hasSeq = uint32(r.U16()), true
	n := 6
	if x.version == 0 && flags&1 == 0 {
		n = 20
		r.Skip(14)
	}
	x.body = r
	return n + size, !r.Short() || x.Cut
}

// head1 reads a header of version 1 (TS 29.060, section 6), with its extension headers.
func (x *gtpMessage) head1(flags uint8, size int, r wire.Reader) (int, bool) {
	x.teid, x.hasTEID = r.U32(), true
	if flags&7 != 0 {
		x.seq, x.hasSeq = uint32(r.U16()), flags&2 != 0
		r.Skip(1)
		next := r.U8()
		for n := 0; flags&4 != 0 && next != 0 && !r.Short(); n++ {
			length := int(r.U8()) * 4
			ext := r.Bytes(length - 1)
			if length == 0 || ext == nil {
				x.flaw = gtpFlawExtension
				break
			}
			next = ext[len(ext)-1]
		}
	}
	x.body = r
	return 8 + size, x.flaw == "" && !r.Short() || x.Cut
}

// head2 reads a header of version 2 (TS 29.274, section 5).
func (x *gtpMessage) head2(flags uint8, size int, r wire.Reader) (int, bool) {
	x.piggy = flags&0x10 != 0
	if x.hasTEID = flags&8 != 0; x.hasTEID {
		x.teid = r.U32()
	}
	x.seq, x.hasSeq = r.U24(), true
	r.Skip(1)
	if r.Short() || size < r.Pos()-4 {
		return 0, r.Short() && x.Cut
	}
	rest := size + 4 - r.Pos()
	x.body = wire.Read(r.Peek()[:min(rest, r.Len())])
	return 4 + size, true
}

// roleOf returns what a message is, Part if there is no such type.
func (x *gtpMessage) roleOf() Role {
	switch {
	case x.kind == gtpUserData:
		return Part
	case x.prime:
		return roleIn(&gtpPrimeRoles, x.kind)
	case x.version == 2:
		return roleIn(&gtp2Roles, x.kind)
	}
	return roleIn(&gtp1Roles, x.kind)
}

// roleIn finds a type among requests, responses and notices.
func roleIn(all *[3]string, kind uint8) Role {
	for i, role := range [...]Role{Request, Response, Notice} {
		for j := range len(all[i]) {
			if all[i][j] == kind {
				return role
			}
		}
	}
	return Part
}

// Types of messages: requests, the responses to them, and those that are neither.
var (
	gtp1Roles = [3]string{
		"\x01\x04\x06\x10\x12\x14\x16\x1b\x1d\x20\x22\x24\x30\x32\x35\x38\x39\x60\x62\x64\x66\x68\x70\x72\x74\x76\x78\x80\xf0",
		"\x02\x05\x07\x11\x13\x15\x17\x1c\x1e\x21\x23\x25\x31\x33\x36\x3b\x39\x61\x63\x65\x67\x69\x71\x73\x75\x77\x79\x81\xf1",
		"\x03\x1a\x1f\x34\x37\x3a\x3c\x46\xfe",
	}
	gtp2Roles = [3]string{
		"\x01\x20\x22\x24\x26\x28\x5f\x61\x63\x65\x67\x80\x82\x85\x87\x89\x8b\x95\x9b\xa0\xa2\xa4\xa6\xa8\xaa\xb0\xb3\xc8\xd3\xe7\xe9\xeb",
		"\x02\x21\x23\x25\x27\x29\x60\x62\x64\x66\x68\x81\x83\x86\x88\x8a\x8c\x96\x9c\xa1\xa3\xa5\xa7\xa9\xab\xb1\xb4\xc9\xd4\xe8\xea\xec",
		"\x03\x40\x41\x42\x43\x44\x45\x46\x47\x48\x49\x84\x97\x98",
	}
	gtpPrimeRoles = [3]string{"\x01\x04\x06\xf0", "\x02\x05\x07\xf1", "\x03"}
)

// pair finds the transaction of a message. What was answered lately is not asked or answered anew.
func (x *gtpMessage) pair(s *gtpState) {
	if x.role == Notice {
		x.Notice()
		return
	}
	if x.role == Part {
		return
	}
	key := uint64(x.seq) | uint64(x.version)<<32 | uint64(x.kind)<<40 | 1<<63
	asker := uint64(x.Dir)
	if x.role == Response {
		asker, key = asker^1, key&^(0xff<<40)|uint64(x.asked())<<40
	}
	done := &s.recent[(x.seq*2+uint32(asker))%uint32(len(s.recent))]
	again := done.key == key|asker<<60 && done.until > x.Time
	switch {
	case again:
		x.Of(key)
	case x.role == Request:
		x.Request(key)
	default:
		*done = gtpDone{key | asker<<60, x.Time + gtpPatience}
		x.Response(key)
	}
}

// command remembers a command, or says which one has led to a message.
func (x *gtpMessage) command(s *gtpState) {
	if x.version != 2 || x.prime {
		return
	}
	switch x.kind {
	case 64, 66, 68: // Modify Bearer, Delete Bearer, and Bearer Resource Command
		s.commands[s.next%uint8(len(s.commands))] = gtpCommand{x.Time, x.seq, x.kind}
		s.next++
	case 65, 67, 69, 95, 97, 99: // a failure, or Create, Update or Delete Bearer Request
		for _, c := range s.commands {
			if c.kind != 0 && c.seq == x.seq && x.Time-c.at < gtpPatience {
				x.number8(GTP2Command, c.kind)
				x.Attrs.Uint(GTP2CommandTime, x.Time-c.at)
				return
			}
		}
	}
}

// asked returns the type of the request that a response answers.
func (x *gtpMessage) asked() uint8 {
	switch {
	case x.version == 1 && !x.prime && x.kind == 0x3b: // Forward Relocation Complete Acknowledge
		return 0x37
	case x.version == 1 && !x.prime && x.kind == 0x36:
		return 0x35
	}
	return x.kind - 1
}
