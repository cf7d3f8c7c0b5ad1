package app

import (
	"encoding/binary"
	"unicode/utf16"
	"unicode/utf8"
	"unsafe"

	"github.com/weir-probe/weir/dataplane/flow"
)

// SMB is Server Message Block, versions 2 and 3 ([MS-SMB2]), over TCP or behind a session of NetBIOS. A
// transaction is a command and its response. What is encrypted or compressed is left behind; of version 1
// the negotiation is recognised.
var SMB = Dissector{
	Name: "smb", Number: numberSMB,
	Doc:   "SMB: dialects, users, shares, files, and the status of every command.",
	TCP:   on(445),
	First: "\x00\x85",
	Fields: []*flow.Field{
		smbCommand, smbStatus, smbStatusName, smbDialect, smbUser, FlowUser, smbDomain, smbHost, smbAuth,
		smbShare, smbFile,
		smbOctets,
	},
	Pair:  ByKey,
	State: unsafe.Sizeof(smbState{}),
	Parse: parseSMB,
}

var (
	smbCommand    = mailText64("SMB_COMMAND", 1060, "Command of SMB, as tree_connect.")
	smbStatus     = mailNumber("SMB_STATUS", 1061, "NTSTATUS with which the server of SMB answers.")
	smbStatusName = mailText64("SMB_STATUS_NAME", 1062, "Name of the NTSTATUS, if it is one that is often seen.")
	smbDialect    = mailText64("SMB_DIALECT", 1063, "Dialect that the server of SMB chooses, as 3.1.1.")
	smbUser       = mailText64("SMB_USER", 1064, "User who logs in to a server of SMB by NTLM.")
	smbDomain     = mailText64("SMB_DOMAIN", 1065, "Domain of the user of SMB.")
	smbHost       = mailText64("SMB_WORKSTATION", 1066, "Name of the client's host, as NTLM tells it.")
	smbAuth       = mailText64("SMB_AUTH", 1067, "How the user of SMB proves who he is: ntlm or kerberos.")
	smbShare      = mailText64("SMB_SHARE", 1068, "Share that a command of SMB is about.")
	smbFile       = mailText64("SMB_FILE", 1069, "File that a command of SMB is about.")
	smbOctets     = mailNumber("SMB_DATA_BYTES", 1070, "Octets that are read or written.")
)

// Flaws of SMB.
const (
	smbFlawFrame  = "SMB: a frame that is none"
	smbFlawHeader = "SMB: a header that is none"
)

const (
	smbLook   = 4096 // octets of a message that are looked at
	smbHead   = 64   // octets of its header
	smbAnswer = 1    // SMB2_FLAGS_SERVER_TO_REDIR
	smbAsync  = 2    // SMB2_FLAGS_ASYNC_COMMAND
)

// Commands ([MS-SMB2], section 2.2.1).
const (
	smbNegotiate = iota
	smbSessionSetup
	smbLogoff
	smbTreeConnect
	smbTreeDisconnect
	smbCreate
	smbClose
	smbFlush
	smbRead
	smbWrite
	smbCancel = 12
	smbBreak  = 18
)

var smbNames = [...]string{
	"negotiate", "session_setup", "logoff", "tree_connect", "tree_disconnect", "create", "close", "flush",
	"read", "write",
	"lock", "ioctl", "cancel", "echo", "query_directory", "change_notify", "query_info", "set_info",
	"oplock_break",
}

// smbState is what is known of a connection.
type smbState struct {
	begun, first bool
	old          bool      // the negotiation of version 1 waits for its response
	left         [2]uint64 // octets of the frame that come next, by side
	user, domain dbShort
	try, at      dbShort
	trees, files smbTable
}

// smbTable keeps names by identifiers, the last ones. What was asked for by a message waits for its
// identifier.
type smbTable struct {
	next uint8
	all  [8]struct {
		id      uint64
		message uint64
		name    dbShort
	}
}

func (x *smbTable) ask(message uint64, name []byte) {
	e := &x.all[x.next]
	e.id, e.message = 0, message
	e.name.set(name)
	x.next = (x.next + 1) % uint8(len(x.all))
}

func (x *smbTable) got(message, id uint64) {
	for i := range x.all {
		if e := &x.all[i]; e.message == message && message != 0 {
			e.id, e.message = id, 0
		}
	}
}

func (x *smbTable) find(id uint64) *dbShort {
	for i := range x.all {
		if e := &x.all[i]; e.id == id && id != 0 {
			return &e.name
		}
	}
	return nil
}

type smbTurn struct {
	*Message
	s    *smbState
	b    []byte // the message as far as it is looked at
	head struct {
		command     uint16
		status      uint32
		flags, next uint32
		message     uint64
		tree        uint64
	}
}

func parseSMB(m *Message) Verdict {
	if !m.Stream {
		return Reject
	}
	t := smbTurn{Message: m, s: Memory[smbState](m)}
	left := t.s.left[m.Dir]
	if m.Lost {
		left = 0
	}
	at, v := 0, Accept
	if left == 0 {
		if left, v = t.frame(); v != Done {
			return v
		}
		at = 4
	}
	b := m.Peek()[at:]
	need := min(left, smbHead)
	if uint64(len(b)) < need {
		return More
	}
	switch {
	case left >= smbHead && string(b[:6]) == "\xfeSMB\x40\x00":
		return t.message(at, left)
	case left >= 33 && string(b[:4]) == "\xffSMB" && (t.s.begun || b[4] == 0x72):
		return t.old(at, left, b)
	case t.s.begun && left >= 4 && (string(b[:4]) == "\xfdSMB" || string(b[:4]) == "\xfcSMB"):
		return t.used(at, left, left, need)
	case !t.s.begun || m.Lost:
		return Reject
	}
	m.Malformed(smbFlawHeader)
	return t.used(at, left, left, need)
}

// frame reads the length before a message ([MS-SMB2], section 2.1). The verdict is Done if there is one.
func (t *smbTurn) frame() (n uint64, v Verdict) {
	b := t.Peek()
	if len(b) < 4 {
		return 0, More
	}
	n = uint64(b[1])<<16 | uint64(b[2])<<8 | uint64(b[3])
	switch {
	case b[0] == 0x85 && n == 0 && t.s.begun: // of NetBIOS: is anybody there
		t.Skip(4)
		return 0, Accept
	case b[0] == 0 && n >= 33:
		return n, Done
	case !t.s.begun || t.Lost:
		return 0, Reject
	case b[0] == 0 && n == 0:
		t.Skip(4)
		return 0, Accept
	}
	t.Malformed(smbFlawFrame)
	t.Ahead(ToEnd)
	t.Skip(4)
	return 0, Accept
}

// used consumes n octets of the frame, of which the first are here and left come in all, behind its head.
func (t *smbTurn) used(at int, left, n, here uint64) Verdict {
	t.s.begun = true
	t.s.left[t.Dir] = left - n
	t.Skip(at + int(here))
	t.Ahead(n - here)
	return Accept
}

// old recognises version 1.
func (t *smbTurn) old(at int, left uint64, b []byte) Verdict {
	if !t.s.begun {
		t.Is(numberSMB1)
	}
	if b[4] == 0x72 { // SMB_COM_NEGOTIATE
		if t.Attrs.Text(smbCommand, "negotiate"); b[9]&0x80 == 0 {
			t.Request(1)
			t.s.old = true
		} else {
			t.Attrs.Text(smbDialect, "1")
			t.Attrs.Uint(smbStatus, uint64(le32(b, 5)))
			t.Response(1)
			t.Finish()
		}
	}
	return t.used(at, left, left, min(left, smbHead))
}

// Applications that SMB is, as nDPI numbers them.
const (
	numberSMB1 = 16
	numberSMB  = 41
)

// message reads a message of versions 2 and 3, of which several may be in a frame.
func (t *smbTurn) message(at int, left uint64) Verdict {
	b := t.Peek()[at:]
	next := uint64(le32(b, 20))
	if next < smbHead || next > left {
		next = left
	}
	need := min(next, smbLook)
	if uint64(len(b)) < need {
		return More
	}
	t.b = b[:need]
	h := &t.head
	h.command, h.status, h.flags = le16(b, 12), le32(b, 8), le32(b, 16)
	h.message, h.tree = binary.LittleEndian.Uint64(b[24:]), uint64(le32(b, 36))
	if h.flags&smbAsync != 0 {
		h.tree = 0
	}
	if !t.s.first {
		t.s.first = true
		t.Is(numberSMB)
	}
	key := h.message + 2 // the negotiation of version 1 is 1
	if t.s.old && h.command == smbNegotiate && h.flags&smbAnswer != 0 {
		key, t.s.old = 1, false
	}
	switch {
	case int(h.command) >= len(smbNames):
		t.Malformed(smbFlawHeader)
	case h.command == smbCancel, h.command == smbBreak && h.message == ^uint64(0):
	case h.flags&smbAnswer == 0:
		t.Request(key)
		t.asks(t.b[smbHead:])
	case h.status == 0x103: // STATUS_PENDING
		t.Interim(key)
	default:
		t.Response(key)
		t.Finish()
		t.answers(t.b[smbHead:])
	}
	return t.used(at, left, next, need)
}

// who says whose command it is, and on which share.
func (t *smbTurn) who() {
	t.Attrs.Text(smbCommand, smbNames[t.head.command])
	dbSayShort(t.Message, &t.s.user, smbUser, FlowUser)
	dbSayShort(t.Message, &t.s.domain, smbDomain)
	if name := t.s.trees.find(t.head.tree); name != nil {
		dbSayShort(t.Message, name, smbShare)
	}
}

// asks reads a request.
func (t *smbTurn) asks(b []byte) {
	t.who()
	switch t.head.command {
	case smbSessionSetup:
		t.logs(t.part(le16(b, 12), le16(b, 14)))
	case smbTreeConnect:
		share := t.text(t.part(le16(b, 4), le16(b, 6)))
		sayText(&t.Attrs, smbShare, share)
		t.s.trees.ask(t.head.message+1, share)
	case smbCreate:
		file := t.text(t.part(le16(b, 44), le16(b, 46)))
		sayText(&t.Attrs, smbFile, file)
		t.s.files.ask(t.head.message+1, file)
	case smbRead, smbWrite:
		t.file(b, 16)
		t.Attrs.Uint(smbOctets, uint64(le32(b, 4)))
	case smbClose, smbFlush:
		t.file(b, 8)
	case 14, 17: // QUERY_DIRECTORY, SET_INFO
		t.file(b, 8+8*int(t.head.command-14)/3)
	case 16: // QUERY_INFO
		t.file(b, 24)
	}
}

// file says the file that an identifier at a place of a request means.
func (t *smbTurn) file(b []byte, at int) {
	if len(b) < at+16 {
		return
	}
	if name := t.s.files.find(binary.LittleEndian.Uint64(b[at+8:])); name != nil {
		dbSayShort(t.Message, name, smbFile)
	}
}

// answers reads a response.
func (t *smbTurn) answers(b []byte) {
	h := &t.head
	t.Attrs.Uint(smbStatus, uint64(h.status))
	if name := smbStatusOf(h.status); name != "" {
		t.Attrs.Text(smbStatusName, name)
	}
	if h.status != 0 {
		return
	}
	switch h.command {
	case smbNegotiate:
		if name := smbDialectOf(le16(b, 4)); name != "" {
			t.Attrs.Text(smbDialect, name)
		}
	case smbSessionSetup:
		t.s.user, t.s.domain = t.s.try, t.s.at
	case smbTreeConnect:
		t.s.trees.got(h.message+1, h.tree)
	case smbCreate:
		if len(b) >= 80 {
			t.s.files.got(h.message+1, binary.LittleEndian.Uint64(b[72:]))
		}
	case smbRead:
		t.Attrs.Uint(smbOctets, uint64(le32(b, 4)))
	}
}

// part returns octets of the message by their offset from its header, as far as they are looked at.
func (t *smbTurn) part(offset, length uint16) []byte {
	if int(offset) < smbHead || int(offset) > len(t.b) {
		return nil
	}
	return cut(t.b[offset:], int(length))
}

// text returns UTF-16 as UTF-8, as much as fits a field.
func (t *smbTurn) text(b []byte) []byte { return appendUTF16(t.Room[:0:255], b) }

// appendUTF16 appends text of UTF-16, the least significant octet first, as far as there is room.
func appendUTF16(dst, b []byte) []byte {
	for len(b) >= 2 && len(dst)+utf8.UTFMax <= cap(dst) {
		r := rune(le16(b, 0))
		if b = b[2:]; utf16.IsSurrogate(r) && len(b) >= 2 {
			r, b = utf16.DecodeRune(r, rune(le16(b, 0))), b[2:]
		}
		if r != 0 {
			dst = utf8.AppendRune(dst, r)
		}
	}
	return dst
}

// le16 and le32 return numbers with the least significant octet first, 0 where b ends before.
func le16(b []byte, at int) uint16 {
	if at < 0 || at+2 > len(b) {
		return 0
	}
	return binary.LittleEndian.Uint16(b[at:])
}

func le32(b []byte, at int) uint32 {
	if at < 0 || at+4 > len(b) {
		return 0
	}
	return binary.LittleEndian.Uint32(b[at:])
}
