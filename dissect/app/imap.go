package app

import (
	"bytes"
	"unsafe"

	"github.com/weir-probe/weir/dataplane/flow"
)

// IMAP is the Internet Message Access Protocol (RFC 3501 and RFC 9051) with IDLE (RFC 2177), COMPRESS (RFC
// 4978) and STARTTLS. A transaction is a command with all that answers it. IDLE is two: the command, which
// the server agrees to, and DONE, which ends it. Of mails the header is looked at.
var IMAP = Dissector{
	Name: "imap", Number: 4,
	Doc:   "IMAP: logins, commands, mailboxes, and how the server answers.",
	TCP:   on(143),
	First: "*" + octets('0', '9') + octets('A', 'Z') + octets('a', 'z'),
	Fields: []*flow.Field{
		imapLogin, FlowUser, imapGreeting, imapCommand, imapMailbox, imapStatus, imapText, imapMechanism,
		imapMessages, imapFetched, mailSubject, mailID, mailAuthor,
	},
	Pair:  ByKey,
	State: unsafe.Sizeof(imapState{}),
	Parse: parseIMAP,
}

var (
	imapLogin    = ntopText("IMAP_LOGIN", 260, "User who logs in to a server of IMAP.")
	imapGreeting = mailText64("IMAP_GREETING", 474, "What the server of IMAP says of itself at first.")
	imapCommand  = mailText64("IMAP_COMMAND", 475,
		"Command of IMAP in upper case, with UID before if it is by UID.")
	imapMailbox = mailText64("IMAP_MAILBOX", 476,
		"Mailbox that a command of IMAP is about: the one it names, or the one selected.")
	imapStatus = mailText64("IMAP_STATUS", 477, "How the server of IMAP completes a command: OK, NO or BAD.")
	imapText   = mailText64("IMAP_RESPONSE_TEXT", 478,
		"Text with which the server of IMAP completes a command.")
	imapMechanism = mailText64("IMAP_AUTH_MECHANISM", 479, "Mechanism by which the client of IMAP logs in.")
	imapMessages  = mailNumber("IMAP_MESSAGES", 480,
		"Messages in the mailbox, as the server tells in its response.")
	imapFetched = mailNumber("IMAP_FETCHED", 481, "Messages that the response tells something of.")
)

// Flaws of IMAP.
const (
	imapFlawCommand = "IMAP: a line that is no command"
	imapFlawReply   = "IMAP: a line that is no response"
	imapFlawAhead   = "IMAP: more commands without a response than are remembered"
)

const (
	imapUnit    = 4096 // octets of a line that are looked at
	imapMaxTag  = 64
	imapMaxOpen = 16
)

// Commands that change something.
const (
	imapOther = iota
	imapLoginCommand
	imapAuthenticate
	imapSelect
	imapClose
	imapStartTLS
	imapCompress
	imapIdle
	imapStore
)

// What a literal is.
const (
	imapSkipped = iota
	imapUser
	imapBox
	imapSelected // a mailbox that is from now on what commands are about
	imapMail
)

// imapState is what is known of a connection.
type imapState struct {
	begun, greeted bool
	server         flow.Dir
	sides          [2]imapSide // client, server
	open           [imapMaxOpen]imapOpen
	opened         uint8
	login, idle    bool // the client proves who it is; it may say DONE
	sasl, steps    uint8
	says, tells    uint64 // keys of what the client is at, and of what the server is telling something of
	fetched        uint32
	user, try      dbShort
	mailbox        dbShort
}

// imapOpen is a command that waits for its response.
type imapOpen struct {
	key   uint64
	name  uint64 // hash of its name, without UID
	kind  uint8
	begun bool // the response
}

// imapSide is where a side is.
type imapSide struct {
	left   uint64 // octets of a literal that come next
	what   uint8
	fields uint8 // of the header in a literal
	rest   bool  // what comes goes on with a line, behind a literal
	long   bool  // and is not looked at, as too much was before
}

type imapTurn struct {
	*Message
	s      *imapState
	side   *imapSide
	client bool
}

func parseIMAP(m *Message) Verdict {
	if !m.Stream {
		return Reject
	}
	t := imapTurn{Message: m, s: Memory[imapState](m)}
	if !t.s.begun {
		return t.begin()
	}
	t.turn()
	if t.side.left > 0 && !m.Lost {
		return t.literal()
	}
	line, v := t.line()
	if v != Done {
		return v
	}
	return t.read(line)
}

// turn says whose the message is.
func (t *imapTurn) turn() {
	t.client = t.Dir != t.s.server
	t.side = &t.s.sides[boolean(!t.client)]
}

// begin finds out whether it is IMAP: by a command that no other protocol has, or by the greeting if the
// server says there that it is, or if it is where servers of IMAP are.
func (t *imapTurn) begin() Verdict {
	line, n := lineOf(cut(t.Peek(), 1024))
	if len(line) == 0 {
		return Reject
	}
	if n == 0 {
		if t.Len() >= 1024 || !imapMayBegin(line) {
			return Reject
		}
		return More
	}
	greets := len(line) > 4 && line[0] == '*'
	switch {
	case greets && !imapGreets(line):
		return Reject
	case greets && t.DstPort != 143 && t.SrcPort != 143 && !bytes.Contains(line, []byte("IMAP")):
		if t.Len() > imapUnit {
			return Reject
		}
		return More // what the client says will tell
	case !greets && !imapCertain(line, t.DstPort == 143):
		return Reject
	}
	t.Skip(n)
	*t.s = imapState{begun: true, server: t.Dir}
	if !greets {
		t.s.server = 1 - t.Dir
	}
	t.turn()
	return t.read(line)
}

// imapMayBegin reports whether the begin of a first line may be of IMAP.
func imapMayBegin(b []byte) bool {
	if b[0] == '*' {
		return len(b) < 2 || b[1] == ' '
	}
	tag, _, _ := bytes.Cut(b, []byte{' '})
	return alphanumeric(b[0]) && imapTag(tag)
}

// imapGreets reports whether a line is how a server may greet (RFC 9051, section 7.1).
func imapGreets(line []byte) bool {
	kind, _, _ := bytes.Cut(line[min(len(line), 2):], []byte{' '})
	return bytes.HasPrefix(line, []byte("* ")) && (equalUpper(kind, "OK") || equalUpper(kind,
		"PREAUTH") || equalUpper(kind, "BYE"))
}

// imapTag reports whether b can be the tag of a command.
func imapTag(b []byte) bool {
	for _, c := range b {
		if c <= ' ' || c >= 0x7f || bytes.IndexByte([]byte(`+*%(){"\`), c) >= 0 {
			return false
		}
	}
	return len(b) > 0 && len(b) <= imapMaxTag
}

// imapCertain reports whether a line is a command that a client may begin with, and of no other protocol.
func imapCertain(line []byte, expected bool) bool {
	tag, rest, _ := bytes.Cut(line, []byte{' '})
	command, arguments, _ := bytes.Cut(rest, []byte{' '})
	if !imapTag(tag) || !alphanumeric(tag[0]) {
		return false
	}
	for _, alone := range [...]string{"CAPABILITY", "STARTTLS", "NOOP", "LOGOUT"} {
		if equalUpper(command, alone) && len(arguments) == 0 {
			return expected || alone == "CAPABILITY" || alone == "STARTTLS"
		}
	}
	return equalUpper(command, "AUTHENTICATE") && len(arguments) > 0 ||
		equalUpper(command, "ID") && len(arguments) > 2 && arguments[0] == '(' ||
		equalUpper(command, "LOGIN") && expected && bytes.IndexByte(arguments, ' ') > 0
}

// line consumes a line, and returns it if there is something to read in it. Of one that is too long only
// what it begins with is, and whether it ends with a literal.
func (t *imapTurn) line() ([]byte, Verdict) {
	b := cut(t.Peek(), imapUnit)
	line, n := lineOf(b)
	long := n == 0
	switch {
	case n == 0 && len(b) < imapUnit && !t.Closed:
		return nil, More
	case n == 0:
		n = len(b)
	}
	t.Skip(n)
	if t.Lost {
		*t.side = imapSide{}
	}
	was := t.side.long
	if t.side.long = long; was && long {
		return nil, Accept
	}
	t.side.rest = t.side.rest || was
	return line, Done
}

// read takes in a line, or the rest of one.
func (t *imapTurn) read(line []byte) Verdict {
	v := Accept
	rest := t.side.rest
	t.side.rest, t.side.what = t.side.long, imapSkipped
	switch {
	case rest && t.client:
		t.Of(t.s.says)
	case rest:
		t.Of(t.s.tells)
		t.side.what = imapMailIn(line)
	case t.client:
		t.command(line)
	default:
		v = t.response(line)
	}
	if n, ok := imapLiteral(line); ok && !t.side.long && !t.s.login {
		t.side.left, t.side.rest, t.side.fields = n, true, mailFields
	}
	return v
}

// imapLiteral returns the length of the literal that a line ends with (RFC 9051, section 4.3).
func imapLiteral(line []byte) (n uint64, ok bool) {
	at := bytes.LastIndexByte(line, '{')
	if at < 0 || line[len(line)-1] != '}' {
		return 0, false
	}
	n, ok = decimal(bytes.TrimSuffix(line[at+1:len(line)-1], []byte{'+'}))
	return n, ok && n < 1<<40
}

// literal reads what is wanted of a literal, and leaves the others behind.
func (t *imapTurn) literal() Verdict {
	side := t.side
	b, all := t.Peek(), t.Closed
	if t.Of(t.s.tells); t.client {
		t.Of(t.s.says)
	}
	if uint64(len(b)) >= side.left {
		b, all = b[:side.left], true
	}
	switch {
	case side.what >= imapUser && side.what <= imapSelected && side.left <= 255:
		if !all {
			return More
		}
		t.names(side.what, b)
		t.Skip(len(b))
		side.left = 0
		return Accept
	case side.what != imapMail || side.fields == 0:
		t.Ahead(side.left)
		side.left = 0
		return Accept
	}
	n, v := mailField(b, all)
	switch {
	case v == More:
		return More
	case v == Done:
		side.fields = 0
		if n == 0 {
			t.Ahead(side.left)
			side.left = 0
			return Accept
		}
	default:
		side.fields--
		mailSay(t.Message, b[:n])
	}
	t.Skip(n)
	side.left -= uint64(n)
	return Accept
}

// remember notes that a command waits for its response.
func (s *imapState) remember(x imapOpen) (ok bool) {
	if ok = s.opened < imapMaxOpen; !ok {
		s.forget(s.open[0].key)
	}
	s.open[s.opened] = x
	s.opened++
	return ok
}

// forget takes a command out of those that wait.
func (s *imapState) forget(key uint64) (x imapOpen) {
	for i := range s.open[:s.opened] {
		if x = s.open[i]; x.key == key {
			copy(s.open[i:], s.open[i+1:s.opened])
			s.opened--
			return x
		}
	}
	return imapOpen{}
}

// owner returns the command that what the server tells belongs to, by its first word: as servers may work on
// several at a time, the oldest of that name, or else the oldest.
func (s *imapState) owner(word []byte) *imapOpen {
	var upper [16]byte
	name := hashOf(upper[:imapUpper(upper[:], word)])
	for i := range s.open[:s.opened] {
		if x := &s.open[i]; x.name == name || x.kind == imapStore && equalUpper(word, "FETCH") {
			return x
		}
	}
	return &s.open[0]
}
