package app

import (
	"bytes"
	"slices"
	"strings"
	"unsafe"

	"github.com/weir-probe/weir/dataplane/flow"
)

// SMTP is the Simple Mail Transfer Protocol (RFC 5321) with pipelining, chunks (RFC 3030),
// authentication (RFC 4954) and STARTTLS (RFC 3207). A transaction is a mail, from MAIL to the reply
// to its content, or another command and its reply; recipients for whom there is no room with their mail
// are transactions, too. Of contents the header is looked at.
var SMTP = Dissector{
	Name: "smtp", Number: 3,
	Doc:    "SMTP: mails with their envelopes, logins, and replies of the server.",
	TCP:    smtpPorts,
	First:  "245EeHhLlMm",
	Fields: smtpFields,
	Pair:   ByKey,
	State:  unsafe.Sizeof(smtpState{}),
	Parse:  parseSMTP,
}

var smtpPorts = on(25, 587, 2525)

// Flaws of SMTP.
const (
	smtpFlawCommand = "SMTP: a line that is no command"
	smtpFlawReply   = "SMTP: a line that is no reply"
	smtpFlawLong    = "SMTP: a line longer than any may be"
	smtpFlawChunk   = "SMTP: a chunk without a length"
	smtpFlawAhead   = "SMTP: more commands without a reply than are remembered"
)

// What the client says next.
const (
	smtpCommands = iota
	smtpContent
	smtpChunk // the header in the first chunk
	smtpLogin
)

// What waits for a reply.
const (
	smtpNothing = iota
	smtpOwn     // a transaction of its own
	smtpPart    // a part of a mail, of which nothing depends
	smtpMail    // MAIL
	smtpRcpt    // RCPT
	smtpOther   // RCPT that is a transaction of its own
	smtpData    // DATA
	smtpEnd     // the last of a mail
	smtpAuth    // AUTH
	smtpTLS     // STARTTLS
	smtpVoid    // a part of a mail that was refused already
)

// smtpState is what is known of a connection. Commands are numbered from 1 on; a transaction has the number
// of its first one as its key.
type smtpState struct {
	begun, greeted  bool
	server          flow.Dir
	phase           uint8
	fresh           bool  // the content begins with the next octet, or goes on with a line
	fields          uint8 // of the header of the content that may still come
	sasl, steps     uint8
	astray          bool // nothing that the client has said since a loss was understood
	mail            bool // the client is at a mail
	multi           bool // the reply goes on
	final, tls      bool // the reply that goes on is the last of its transaction; TLS is behind it
	head, waits     uint8
	asked           [128]uint8 // a ring
	count           uint64     // of commands
	says            uint64     // key of what the client is at
	mailed          uint64     // key of the mail whose replies come
	replies         uint64     // key of what the server replies to
	rcpts, refused  uint32
	octets, left    uint64 // of the mail so far, and of the chunk
	helo, user, try dbShort
	from, to        mailText
}

// ask notes that a command waits for its reply, and reports whether there was room.
func (s *smtpState) ask(what uint8) (ok bool) {
	if ok = int(s.waits) < len(s.asked); !ok {
		s.head, s.waits = 0, 0 // it is not known any more what is replied to
	}
	s.asked[(int(s.head)+int(s.waits))%len(s.asked)] = what
	s.waits++
	s.count++
	return ok
}

func (s *smtpState) next() uint8 {
	if s.waits == 0 {
		return smtpNothing
	}
	return s.asked[s.head]
}

// first returns the number of the command that waits for its reply.
func (s *smtpState) first() uint64 { return s.count + 1 - uint64(s.waits) }

func (s *smtpState) pop() {
	if s.waits > 0 {
		s.head, s.waits = uint8((int(s.head)+1)%len(s.asked)), s.waits-1
	}
}

// skip forgets what waits but for the last, as replies were not seen.
func (s *smtpState) skip() {
	for s.waits > 1 {
		s.pop()
	}
}

// void takes what waits of a mail that has been refused for replies without meaning.
func (s *smtpState) void() {
	for i := range int(s.waits) {
		what := &s.asked[(int(s.head)+i)%len(s.asked)]
		switch *what {
		case smtpMail:
			return
		case smtpData:
			s.phase, *what = smtpCommands, smtpVoid
		case smtpPart, smtpRcpt, smtpEnd:
			*what = smtpVoid
		}
	}
	s.mail = false
}

type smtpTurn struct {
	*Message
	s *smtpState
}

func parseSMTP(m *Message) Verdict {
	if !m.Stream {
		return Reject
	}
	t := smtpTurn{m, Memory[smtpState](m)}
	if !t.s.begun {
		return t.begin()
	}
	if t.Dir != t.s.server && (t.s.phase == smtpContent || t.s.phase == smtpChunk && !m.Lost) {
		return t.content()
	}
	line, v := m.line(mailMaxLine, smtpFlawLong)
	switch {
	case v != Done:
		return v
	case t.Dir == t.s.server:
		return t.reply(line)
	}
	return t.says(line)
}

// line consumes a line and returns it without its end. It is there if the verdict is Done; another one
// is the answer to the message, as the line goes on or is longer than any may be.
func (m *Message) line(most int, flaw string) ([]byte, Verdict) {
	line, n := lineOf(m.Peek())
	switch {
	case n > most || n == 0 && m.Len() >= most:
		m.Malformed(flaw)
		m.Skip(most)
		m.Pass()
		return nil, Accept
	case n == 0 && !m.Closed:
		return nil, More
	case n == 0:
		n = m.Len()
	}
	m.Skip(n)
	return line, Done
}

// begin finds out whether it is SMTP: by a command that no other protocol has, or by the greeting if
// the server says there that it is, or if it is where servers of SMTP are.
func (t *smtpTurn) begin() Verdict {
	line, n := lineOf(t.Peek())
	if t.Len() > 0 && !isDigit(t.Peek()[0]) {
		if smtpBegins(line, n > 0) && n <= 1024 {
			if n == 0 {
				return t.wait()
			}
			t.Skip(n)
			*t.s = smtpState{begun: true, server: 1 - t.Dir}
			return t.says(line)
		}
		return Reject
	}
	code := string(cut(line, 3))
	if !strings.HasPrefix("220", code) && !strings.HasPrefix("554", code) && !strings.HasPrefix("421", code) ||
		n > 0 && len(line) < 3 || len(line) > 3 && line[3] != ' ' && line[3] != '-' || n > 1024 {
		return Reject
	}
	if n == 0 {
		return t.wait()
	}
	says := bytes.Contains(line, []byte("SMTP"))
	if !says && equalFoldIn(line, "ftp") && !slices.Contains(smtpPorts, t.DstPort) {
		return Reject
	}
	if !says && (!slices.Contains(smtpPorts, t.DstPort) || bytes.Contains(line, []byte("FTP")) || len(line) < 4) {
		if t.Len() > mailMaxLine {
			return Reject
		}
		return More // what the client says will tell
	}
	t.Skip(n)
	*t.s = smtpState{begun: true, server: t.Dir}
	return t.reply(line)
}

func (t *smtpTurn) wait() Verdict {
	if t.Len() > 1024 {
		return Reject
	}
	return More
}

// smtpBegins reports whether a line is the first command of a client, or may become one.
func smtpBegins(line []byte, whole bool) bool {
	for _, word := range [...]string{"EHLO ", "HELO ", "LHLO ", "MAIL FROM:"} {
		n := min(len(line), len(word))
		if equalUpper(line[:n], word[:n]) && (n == len(word) || !whole) {
			return true
		}
	}
	return false
}

// says reads a line of the client.
func (t *smtpTurn) says(line []byte) Verdict {
	s := t.s
	if t.Lost {
		s.head, s.waits, s.phase, s.astray = 0, 0, smtpCommands, true
	}
	if s.astray = s.astray && smtpKnown(line) == ""; s.astray {
		t.Pass() // of a content, perhaps
		return Accept
	}
	if s.phase == smtpLogin && bytes.IndexByte(line, ' ') < 0 {
		t.proves(line)
		return Accept
	}
	s.phase = smtpCommands
	verb := smtpKnown(line)
	arguments := bytes.TrimLeft(line[len(verb):], " \t")
	switch verb {
	case "":
		t.Malformed(smtpFlawCommand)
		t.begins(smtpOwn)
		return Accept
	case "EHLO", "HELO", "LHLO":
		s.helo.set(arguments)
	case "MAIL":
		t.sends(arguments)
		return Accept
	case "AUTH":
		t.proves(arguments)
		return Accept
	case "STARTTLS":
		t.asks(verb, smtpTLS)
		return Accept
	}
	if s.mail {
		t.ofMail(verb, arguments)
		return Accept
	}
	t.asks(verb, smtpOwn)
	return Accept
}

// smtpKnown returns the verb that a line begins with, "" if there is no such.
func smtpKnown(line []byte) string {
	word := line
	if end := bytes.IndexByte(line, ' '); end >= 0 {
		word = line[:end]
	}
	for _, verb := range [...]string{
		"MAIL", "RCPT", "DATA", "BDAT", "EHLO", "HELO", "LHLO", "AUTH", "STARTTLS", "QUIT", "RSET", "NOOP",
		"VRFY", "EXPN", "HELP", "ETRN", "TURN", "ATRN", "SEND", "SOML", "SAML", "XCLIENT", "XFORWARD",
	} {
		if equalUpper(word, verb) {
			return verb
		}
	}
	return ""
}

// asks says that a command is a transaction of its own, or ends the one of the mail.
func (t *smtpTurn) asks(verb string, what uint8) {
	t.s.mail = false
	t.begins(what)
	t.Attrs.Text(smtpCommand, verb)
	t.who()
}

// begins begins a transaction.
func (t *smtpTurn) begins(what uint8) {
	t.waits(what)
	t.s.says = t.s.count
	t.Request(t.s.count)
}

// goesOn says that a command is a part of what the client is at.
func (t *smtpTurn) goesOn(what uint8) {
	t.waits(what)
	t.Of(t.s.says)
}

func (t *smtpTurn) waits(what uint8) {
	if !t.s.ask(what) {
		t.Malformed(smtpFlawAhead)
	}
}

// who says what is known of the client.
func (t *smtpTurn) who() {
	dbSayShort(t.Message, &t.s.helo, smtpHelo)
	dbSayShort(t.Message, &t.s.user, smtpUser, FlowUser)
}
