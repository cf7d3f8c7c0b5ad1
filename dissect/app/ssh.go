package app

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"slices"
	"unsafe"

	"github.com/weir-probe/weir/dataplane/flow"
)

// SSH understands the handshake of the Secure Shell as far as it is in clear: the version
// strings and the first key exchange message of both sides (RFC 4253, sections 4.2 and 7.1).
var SSH = Dissector{
	Name: "ssh", Doc: "Secure Shell: versions, algorithms and HASSH fingerprints.", Number: 92,
	TCP:    on(22),
	Fields: sshFields,
	State:  unsafe.Sizeof(sshMemory{}),
	Parse:  parseSSH,
}

var sshFields = []*flow.Field{
	sshVersion[flow.Forward], sshVersion[flow.Reverse], sshHASSH[flow.Forward], sshHASSH[flow.Reverse],
	sshChosen[0], sshChosen[1], sshChosen[2], sshChosen[3], sshChosen[4], sshChosen[5], sshChosen[6],
	sshChosen[7],
}

var sshVersion = [2]*flow.Field{
	{
		Element: flow.Element{Label: "SSH_CLIENT_VERSION", ID: 260, PEN: flow.Weir},
		Type:    flow.String, Width: 64,
		Doc: "Version string of the SSH client, as SSH-2.0-OpenSSH_9.2p1.",
	},
	{
		Element: flow.Element{Label: "SSH_SERVER_VERSION", ID: 261, PEN: flow.Weir},
		Type:    flow.String, Width: 64,
		Doc: "Version string of the SSH server.",
	},
}

var sshHASSH = [2]*flow.Field{
	{
		Element: flow.Element{Label: "HASSH_CLIENT", ID: 499, PEN: flow.Ntop},
		Type:    flow.String, Width: 32,
		Doc: "HASSH fingerprint of the SSH client, the MD5 of the algorithms it offers.",
	},
	{
		Element: flow.Element{Label: "HASSH_SERVER", ID: 500, PEN: flow.Ntop},
		Type:    flow.String, Width: 32,
		Doc: "HASSH fingerprint of the SSH server.",
	},
}

// sshChosen are the algorithms both sides agree on, in the order of the lists in the message.
var sshChosen = [sshLists]*flow.Field{
	sshAlgorithm(262, "SSH_KEX", "Key exchange method of an SSH connection."),
	sshAlgorithm(263, "SSH_HOST_KEY", "Algorithm of the host key of an SSH connection."),
	sshAlgorithm(264, "SSH_CLIENT_CIPHER", "Cipher of an SSH connection from client to server."),
	sshAlgorithm(265, "SSH_SERVER_CIPHER", "Cipher of an SSH connection from server to client."),
	sshAlgorithm(266, "SSH_CLIENT_MAC",
		"Message authentication of an SSH connection from client to server, unless it is the cipher's own."),
	sshAlgorithm(267, "SSH_SERVER_MAC",
		"Message authentication of an SSH connection from server to client, unless it is the cipher's own."),
	sshAlgorithm(268, "SSH_CLIENT_COMPRESSION", "Compression of an SSH connection from client to server."),
	sshAlgorithm(269, "SSH_SERVER_COMPRESSION", "Compression of an SSH connection from server to client."),
}

func sshAlgorithm(id uint16, label, doc string) *flow.Field {
	return &flow.Field{
		Element: flow.Element{Label: label, ID: id, PEN: flow.Weir},
		Type:    flow.String, Width: 40, Doc: doc,
	}
}

// Positions of lists in the key exchange message (RFC 4253, section 7.1). Those of the other
// direction follow each.
const (
	sshKex = iota
	sshHostKey
	sshCipher
	_
	sshMAC
	_
	sshCompression
	_
	sshLists
)

const (
	sshMaxVersion = 255   // octets of a version string with its end of line (RFC 4253, section 4.2)
	sshMaxPacket  = 35000 // octets of a packet that everyone understands (RFC 4253, section 6.1)
	sshMaxGreeted = 1024  // octets of text before a server's version string that are waited for
	sshMaxNames   = 192   // algorithms of one side that are remembered to find the common ones
)

// sshMemory is what is known of the handshake. Arrays of two are by the speaker.
type sshMemory struct {
	version [2][sshMaxVersion]byte
	length  [2]uint8 // of version, 0 if it was not seen
	offered [2]bool  // its key exchange message was seen
	hassh   [2][md5.Size]byte
	// Algorithms of the side that spoke first, as hashes of their names, list after list. A
	// name is always taken from the other side's list.
	names [sshMaxNames]uint64
	ends  [sshLists]uint8
}

func parseSSH(m *Message) Verdict {
	s := Memory[sshMemory](m)
	switch {
	case !m.Stream:
		return Reject
	case s.length[m.Dir] == 0:
		return sshHello(m, s)
	case s.length[1-m.Dir] != 0 && (s.old(m.Dir) || s.old(1-m.Dir)):
		m.Ahead(ToEnd)
		return Accept
	}
	return sshPacket(m, s)
}

// sshHello reads a version string. A server may say other things before it, which is waited
// for only where SSH is to be expected.
func sshHello(m *Message, s *sshMemory) Verdict {
	from := 0
	for ; !sshBegins(m.Peek()[from:]); from++ {
		if m.Dir == flow.Forward || m.DstPort != 22 {
			return Reject
		}
		end := bytes.IndexByte(m.Peek()[from:], '\n')
		if end < 0 {
			return sshWait(m, m.Len() <= sshMaxGreeted)
		}
		if from += end; from >= sshMaxGreeted {
			return Reject
		}
	}
	line := m.Peek()[from:]
	n := bytes.IndexByte(line, '\n')
	if n < 0 || n >= sshMaxVersion {
		return sshWait(m, n < 0 && len(line) < sshMaxVersion)
	}
	version := bytes.TrimSuffix(line[:n], []byte{'\r'})
	if !sshPrintable(version) || len(version) < len("SSH-1.5-") {
		return Reject
	}
	m.Skip(from + n + 1)
	s.length[m.Dir] = uint8(copy(s.version[m.Dir][:], version))
	if s.length[1-m.Dir] != 0 && (s.old(m.Dir) || s.old(1-m.Dir)) {
		return s.done(m)
	}
	m.Attrs.Bytes(sshVersion[m.Dir], version)
	return Accept
}

// sshBegins reports whether b is a version string, or may become one.
func sshBegins(b []byte) bool {
	const begin = "SSH-"
	n := min(len(b), len(begin))
	return string(b[:n]) == begin[:n] && (len(b) <= len(begin) || b[len(begin)] == '1' || b[len(begin)] == '2')
}

// sshWait says that a line is not complete, if it can become so.
func sshWait(m *Message, can bool) Verdict {
	if can && m.Stream && !m.Full && !m.Closed {
		return More
	}
	return Reject
}

func sshPrintable(b []byte) bool {
	for _, c := range b {
		if c < ' ' || c == 0x7f {
			return false
		}
	}
	return true
}

// old reports whether a side speaks nothing newer than protocol 1, which has no key exchange
// message. 1.99 is a 2 that also speaks 1 (RFC 4253, section 5.1).
func (s *sshMemory) old(d flow.Dir) bool {
	v := s.version[d][:s.length[d]]
	return bytes.HasPrefix(v, []byte("SSH-1.")) && !bytes.HasPrefix(v, []byte("SSH-1.99-"))
}

// Numbers of messages (RFC 4253, section 12).
const (
	sshDisconnect = 1
	sshDebug      = 4
	sshKexInit    = 20
)

// sshPacket reads a packet that is not encrypted (RFC 4253, section 6).
func sshPacket(m *Message, s *sshMemory) Verdict {
	n := m.U32()
	if n < 2 || n > sshMaxPacket {
		return Reject
	}
	b := m.Block(int(n))
	padding := int(b.U8())
	kind := b.U8()
	if m.Short() || kind != sshKexInit && (kind < sshDisconnect || kind > sshDebug) {
		return Reject
	}
	if kind != sshKexInit {
		return Accept
	}
	payload := b.Block(b.Len() - padding)
	payload.Skip(16) // cookie
	var lists [sshLists][]byte
	for i := range lists {
		l := payload.Block(int(payload.U32()))
		lists[i] = l.Rest()
	}
	if payload.Short() {
		m.Malformed("a list of algorithms longer than its message")
		m.Ahead(ToEnd)
		return Accept
	}
	s.offer(m, &lists)
	if s.offered[1-m.Dir] {
		return s.done(m)
	}
	return Accept
}

// offer notes the algorithms of a side.
func (s *sshMemory) offer(m *Message, lists *[sshLists][]byte) {
	d := m.Dir
	m.Ahead(ToEnd)
	s.hassh[d] = hassh(lists[sshKex], lists[sshCipher+d], lists[sshMAC+d], lists[sshCompression+d])
	s.offered[d] = true
	if s.offered[1-d] {
		s.agree(m, lists)
		return
	}
	s.sayHASSH(m, d)
	s.remember(lists)
}

// hassh is the MD5 of four lists with semicolons between them.
func hassh(lists ...[]byte) [md5.Size]byte {
	var buf [MaxMessage]byte
	b := buf[:0]
	for i, l := range lists {
		if i > 0 {
			b = append(b, ';')
		}
		b = append(b, l...)
	}
	return md5.Sum(b)
}

func (s *sshMemory) sayHASSH(m *Message, d flow.Dir) {
	if s.offered[d] {
		var text [2 * md5.Size]byte
		hex.Encode(text[:], s.hassh[d][:])
		m.Attrs.Bytes(sshHASSH[d], text[:])
	}
}

// remember keeps the algorithms of the side that spoke first; what there is no room for cannot
// be chosen.
func (s *sshMemory) remember(lists *[sshLists][]byte) {
	n := 0
	for i, l := range lists {
		for name := []byte(nil); len(l) > 0 && n < sshMaxNames; n++ {
			name, l, _ = bytes.Cut(l, []byte{','})
			s.names[n] = hashOf(name)
		}
		s.ends[i] = uint8(n)
	}
}

// agree says which algorithms are chosen: of each list the client's first that the server
// has too (RFC 4253, section 7.1).
func (s *sshMemory) agree(m *Message, lists *[sshLists][]byte) {
	var chosen [sshLists][]byte
	from := uint8(0)
	for i, l := range lists {
		chosen[i] = choose(s.names[from:s.ends[i]], l, m.Dir == flow.Reverse)
		from = s.ends[i]
	}
	for i, name := range chosen {
		if len(name) == 0 || i/2 == sshMAC/2 && authenticates(chosen[i-2]) {
			continue
		}
		m.Attrs.Bytes(sshChosen[i], name)
	}
}

// choose returns the name in list that is among others: the first of the list, or that which
// is first among the others.
func choose(others []uint64, list []byte, theirs bool) (best []byte) {
	at := len(others)
	for n, name := 0, []byte(nil); len(list) > 0 && n < sshMaxNames; n++ {
		name, list, _ = bytes.Cut(list, []byte{','})
		if i := slices.Index(others[:at], hashOf(name)); i >= 0 {
			best, at = name, i
			if !theirs {
				break
			}
		}
	}
	return best
}

// authenticates reports whether a cipher needs no message authentication beside it.
func authenticates(cipher []byte) bool {
	return bytes.Contains(cipher, []byte("poly1305")) || bytes.Contains(cipher, []byte("gcm")) ||
		bytes.Contains(cipher, []byte("GCM"))
}

// hashOf is FNV-1a.
func hashOf(b []byte) uint64 {
	h := uint64(0xcbf29ce484222325)
	for _, c := range b {
		h = (h ^ uint64(c)) * 0x100000001b3
	}
	return h
}

// done says everything that is known, as one event.
func (s *sshMemory) done(m *Message) Verdict {
	for d := range flow.Dir(2) {
		m.Attrs.Bytes(sshVersion[d], s.version[d][:s.length[d]])
		s.sayHASSH(m, d)
	}
	m.Notice()
	return Done
}
