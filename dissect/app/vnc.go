package app

import (
	"unsafe"

	"github.com/weir-probe/weir/dataplane/flow"
)

// VNC is the begin of RFB (RFC 6143): versions, what proves who the user is and whether he is let in, and what
// the screen is. Behind it there is nothing more to see. A login is a transaction from the client's choice to
// the server's result.
var VNC = Dissector{
	Name: "vnc", Number: 89,
	Doc:    "VNC: versions, security, refusals and desktops.",
	TCP:    on(5900, 5901),
	First:  "R",
	Fields: vncFields,
	Pair:   InOrder,
	State:  unsafe.Sizeof(vncState{}),
	Parse:  parseVNC,
}

// Fields of VNC.
var (
	VNCServer   = dbWords(850, "VNC_SERVER_VERSION", 8, "Version of RFB that the server of VNC speaks, as 003.008.")
	VNCClient   = dbWords(851, "VNC_CLIENT_VERSION", 8, "Version of RFB that the client of VNC speaks.")
	VNCSecurity = dbWords(852, "VNC_SECURITY", 16, "How the user of VNC proves who he is, as None or VNC Authentication.")
	VNCResult   = dbNumber(853, "VNC_RESULT", flow.Unsigned8, "Result of the login by VNC: 0 if it has gone well.")
	VNCReason   = dbWords(854, "VNC_REASON", 64, "Why a server of VNC refuses.")
	VNCDesktop  = dbWords(855, "VNC_DESKTOP", 32, "Name of the desktop that a server of VNC shows.")
	VNCWidth    = dbNumber(856, "VNC_WIDTH", flow.Unsigned16, "Width of the desktop, pixels.")
	VNCHeight   = dbNumber(857, "VNC_HEIGHT", flow.Unsigned16, "Height of the desktop, pixels.")
)

var vncFields = []*flow.Field{
	VNCServer, VNCClient, VNCSecurity, VNCResult, VNCReason, VNCDesktop, VNCWidth, VNCHeight,
}

// What comes next.
const (
	vncServerVersion = iota
	vncClientVersion
	vncOffers
	vncChoice
	vncChallenge
	vncProof
	vncResult
	vncClientInit
	vncServerInit
)

const (
	vncVersion = 12 // octets
	vncNone    = 1
	vncAuth    = 2
	vncOld     = 3 // minor version before which the server chooses
	vncSay     = 8 // and from which on None has a result
)

const vncFlaw = "VNC: a message that cannot be"

type vncState struct {
	next   uint8
	minor  uint16 // of the client's version
	server flow.Dir
}

// vncTurn is a message.
type vncTurn struct {
	*Message
	s *vncState
}

func parseVNC(m *Message) Verdict {
	t := vncTurn{m, Memory[vncState](m)}
	if !m.Stream || m.Lost {
		return Reject
	}
	s := *t.s
	if s.next > vncServerVersion && (m.Dir == s.server) != vncServers(s.next) {
		m.Ahead(ToEnd) // out of turn
		return Accept
	}
	v := t.read(&s)
	if v >= Accept && !m.Short() {
		*t.s = s
	}
	return v
}

// vncServers reports whether it is the server who says what comes next.
func vncServers(next uint8) bool {
	switch next {
	case vncOffers, vncChallenge, vncResult, vncServerInit:
		return true
	}
	return false
}

func (t *vncTurn) read(s *vncState) Verdict {
	switch s.next {
	case vncServerVersion, vncClientVersion:
		return t.version(s)
	case vncOffers:
		return t.offers(s)
	case vncChoice:
		return t.chosen(s, t.U8())
	case vncChallenge:
		t.Skip(16)
		s.next = vncProof
	case vncProof:
		t.Skip(16)
		if s.next = vncResult; s.minor <= vncOld {
			t.Request(0) // the server has chosen
		}
	case vncResult:
		return t.result(s)
	case vncClientInit:
		t.U8()
		s.next = vncServerInit
	case vncServerInit:
		return t.desktop()
	}
	if t.Short() {
		return More
	}
	return Accept
}

// version reads a version: RFB 003.008 and the end of a line.
func (t *vncTurn) version(s *vncState) Verdict {
	const form = "RFB 000.000\n"
	b := t.Peek()
	for i, c := range b[:min(len(b), vncVersion)] {
		if form[i] == '0' && !isDigit(c) || form[i] != '0' && form[i] != c {
			if s.next == vncServerVersion {
				return Reject
			}
			return t.broken()
		}
	}
	if text := t.Bytes(vncVersion); len(text) == vncVersion && s.next == vncServerVersion {
		t.Attrs.Bytes(VNCServer, text[4:11])
		s.next, s.server = vncClientVersion, t.Dir
	} else if len(text) == vncVersion {
		t.Attrs.Bytes(VNCClient, text[4:11])
		minor, _ := decimal(text[8:11])
		s.next, s.minor = vncOffers, uint16(minor)
	}
	if t.Short() {
		return More
	}
	return Accept
}

func (t *vncTurn) broken() Verdict {
	t.Malformed(vncFlaw)
	t.Ahead(ToEnd)
	return Accept
}

// offers reads what the server wants as proof: several kinds, or one, or none if it does not want the client.
func (t *vncTurn) offers(s *vncState) Verdict {
	n := uint32(0)
	if s.minor <= vncOld {
		if n = t.U32(); n > 0 && !t.Short() {
			return t.chosen(s, uint8(min(n, 255)))
		}
	} else if n = uint32(t.U8()); n > 0 {
		t.Skip(int(n))
		s.next = vncChoice
	}
	if t.Short() {
		return More
	}
	if n == 0 {
		return t.refuses(true)
	}
	return Accept
}

// chosen notes a kind of proof.
func (t *vncTurn) chosen(s *vncState, kind uint8) Verdict {
	if t.Short() {
		return More
	}
	if s.minor > vncOld {
		t.Request(0)
	}
	name := "other"
	switch kind {
	case vncNone:
		name = "None"
	case vncAuth:
		name = "VNC Authentication"
	case 5, 6, 13, 129, 130, 133:
		name = "RSA-AES"
	case 16:
		name = "Tight"
	case 18:
		name = "TLS"
	case 19:
		name = "VeNCrypt"
	case 30, 33, 35, 36:
		name = "Apple"
	}
	t.Attrs.Text(VNCSecurity, name)
	switch {
	case kind == vncAuth:
		s.next = vncChallenge
	case kind == vncNone && s.minor >= vncSay:
		s.next = vncResult
	case kind == vncNone:
		s.next = vncClientInit
	default: // what follows is not known
		t.Notice()
		return Done
	}
	return Accept
}

// result reads whether the user is let in.
func (t *vncTurn) result(s *vncState) Verdict {
	n := t.U32()
	if t.Short() {
		return More
	}
	t.Attrs.Uint(VNCResult, uint64(min(n, 255)))
	t.Response(0)
	if n == 0 || s.minor < vncSay {
		t.Finish()
		if s.next = vncClientInit; n != 0 {
			return Done
		}
		return Accept
	}
	return t.refuses(false)
}

// refuses reads why, which ends the connection.
func (t *vncTurn) refuses(notice bool) Verdict {
	n := t.U32()
	text := t.Bytes(int(min(n, dbMaxText)))
	if t.Short() {
		return More
	}
	t.Attrs.Bytes(VNCReason, text)
	if notice {
		t.Notice()
	} else {
		t.Finish()
	}
	return Done
}

// desktop reads what the screen is.
func (t *vncTurn) desktop() Verdict {
	const format = 16
	width, height := t.U16(), t.U16()
	t.Skip(format)
	name := t.Bytes(int(min(t.U32(), dbMaxText)))
	if t.Short() {
		return More
	}
	t.Attrs.Uint(VNCWidth, uint64(width))
	t.Attrs.Uint(VNCHeight, uint64(height))
	t.Attrs.Bytes(VNCDesktop, name)
	return Done
}
