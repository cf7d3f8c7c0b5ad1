package app

import (
	"bytes"
	"slices"
	"unsafe"

	"github.com/weir-probe/weir/dataplane/flow"
)

// POP3 is the Post Office Protocol, version 3 (RFC 1939), with CAPA (RFC 2449), AUTH (RFC 5034), STLS (RFC
// 2595) and pipelining. A transaction is a command and its response, with all its lines. Of mails the
// header is looked at.
var POP3 = Dissector{
	Name: "pop3", Number: 2,
	Doc:   "POP3: logins, commands, counts of messages, and how the server answers.",
	TCP:   pop3Ports,
	First: "+ACSUacsu",
	Fields: []*flow.Field{
		popUser, FlowUser, popGreeting, popCommand, popStatus, popText, popMechanism, popMessages, popDrop,
		popOctets,
		mailSubject, mailID, mailAuthor,
	},
	Pair:  InOrder,
	State: unsafe.Sizeof(pop3State{}),
	Parse: parsePOP3,
}

var pop3Ports = on(110)

var (
	popUser     = ntopText("POP_USER", 210, "User who logs in to a server of POP3.")
	popGreeting = mailText64("POP_GREETING", 482, "What the server of POP3 says of itself at first.")
	popCommand  = mailText64("POP_COMMAND", 483, "Command of POP3 in upper case.")
	popStatus   = mailText64("POP_STATUS", 484, "How the server of POP3 answers: +OK or -ERR.")
	popText     = mailText64("POP_RESPONSE_TEXT", 485,
		"Text of the first line with which the server of POP3 answers.")
	popMechanism = mailText64("POP_AUTH_MECHANISM", 486, "Mechanism by which the client of POP3 logs in.")
	popMessages  = mailNumber("POP_MESSAGES", 487,
		"Messages in the maildrop, as the server counts or lists them.")
	popDrop   = mailNumber("POP_MAILDROP_BYTES", 488, "Octets of the maildrop, as the server says.")
	popOctets = mailNumber("POP_MAIL_BYTES", 489,
		"Octets of the mail as they were sent, without the final dot.")
)

// Flaws of POP3.
const (
	popFlawCommand = "POP3: a line that is no command"
	popFlawReply   = "POP3: a line that is no response"
	popFlawLong    = "POP3: a line longer than any may be"
	popFlawAhead   = "POP3: more commands without a response than are remembered"
)

// What waits for a response.
const (
	popOther = iota
	popPass  // a login that is complete
	popAuth  // one that may have challenges
	popTLS
	popStat
	popList // lines of messages follow
	popLines
	popMail // a mail follows
)

// pop3State is what is known of a connection.
type pop3State struct {
	begun, greeted bool
	server         flow.Dir
	asks           replyQueue
	asked          bool  // a command was seen
	early          uint8 // responses that were seen before any command
	astray         bool  // octets were lost, and no command was seen since
	login          bool  // the client proves who it is
	sasl, steps    uint8
	body           uint8 // what lines of the response that follow are; 0 if none do
	fresh          bool
	fields         uint8
	octets, lines  uint64 // of the response so far
	user, try      dbShort
}

// replyQueue is what replies are waited for, in the order they come in.
type replyQueue struct {
	head, n uint8
	kinds   [128]uint8 // a ring
}

// ask notes that something waits for its reply, and reports whether there was room. Without it is not known
// any more what is replied to.
func (q *replyQueue) ask(kind uint8) (ok bool) {
	if ok = int(q.n) < len(q.kinds); !ok {
		q.head, q.n = 0, 0
	}
	q.kinds[(int(q.head)+int(q.n))%len(q.kinds)] = kind
	q.n++
	return ok
}

// next takes what is replied to. behind is said of a reply before which others were not seen: then it is the
// last, most likely.
func (q *replyQueue) next(behind bool) (kind uint8, ok bool) {
	for behind && q.n > 1 {
		q.head, q.n = uint8((int(q.head)+1)%len(q.kinds)), q.n-1
	}
	if q.n == 0 {
		return 0, false
	}
	kind = q.kinds[q.head]
	q.head, q.n = uint8((int(q.head)+1)%len(q.kinds)), q.n-1
	return kind, true
}

type pop3Turn struct {
	*Message
	s *pop3State
}

func parsePOP3(m *Message) Verdict {
	if !m.Stream {
		return Reject
	}
	t := pop3Turn{m, Memory[pop3State](m)}
	switch {
	case !t.s.begun:
		return t.begin()
	case m.Dir == t.s.server && t.s.body != 0 && !m.Lost:
		return t.content()
	}
	line, v := m.line(mailMaxLine, popFlawLong)
	if v != Done {
		return v
	}
	return t.read(line)
}

func (t *pop3Turn) read(line []byte) Verdict {
	if t.Lost {
		t.s.astray, t.s.login = true, false
	}
	if t.Dir != t.s.server {
		t.says(line)
		return Accept
	}
	return t.response(line)
}

// begin finds out whether it is POP3: by a command that no other protocol has, by what the server greets
// with, or by where servers of POP3 are.
func (t *pop3Turn) begin() Verdict {
	line, n := lineOf(t.Peek())
	expected := slices.Contains(pop3Ports, t.DstPort)
	server := len(line) > 0 && line[0] == '+'
	switch {
	case n > 512 || n == 0 && len(line) > 512 || server && !bytes.HasPrefix([]byte("+OK "), cut(line, 4)):
		return Reject
	case n == 0 && !server && !popMayBegin(line):
		return Reject
	case n == 0:
		return More
	case server && !expected && !popGreets(line):
		if v := popGoesOn(line, t.Peek()[n:]); v != Accept {
			return v
		}
	case !server && !popCertain(line):
		if word, _, _ := bytes.Cut(line, []byte{' '}); !equalUpper(word, "USER") && !equalUpper(word, "AUTH") {
			return Reject
		}
		if !expected {
			return More // what the server answers tells
		}
	}
	t.Skip(n)
	*t.s = pop3State{begun: true, server: t.Dir}
	if !server {
		t.s.server = 1 - t.Dir
	}
	return t.read(line)
}

// popMayBegin reports whether the begin of a line may become what a client begins with.
func popMayBegin(b []byte) bool {
	for _, word := range [...]string{"CAPA", "STLS", "APOP ", "USER ", "AUTH"} {
		if n := min(len(b), len(word)); equalUpper(b[:n], word[:n]) {
			return n > 0
		}
	}
	return false
}

// popGreets reports whether a server says with its greeting that it speaks POP3: in words, or by a timestamp
// for APOP.
func popGreets(line []byte) bool {
	at := bytes.LastIndexByte(line, '<')
	return bytes.Contains(line, []byte("POP")) ||
		at > 0 && line[len(line)-1] == '>' && bytes.IndexByte(line[at:], '@') > 0
}

// popGoesOn looks whether behind a greeting with some text comes another response.
func popGoesOn(greeting, b []byte) Verdict {
	if len(greeting) < 5 {
		return Reject
	}
	next, n := lineOf(cut(b, 512))
	switch {
	case bytes.HasPrefix(next, []byte("+OK")), bytes.HasPrefix(next, []byte("-ERR")):
		return Accept
	case n == 0 && len(next) < 4:
		return More
	}
	return Reject
}

// popCertain reports whether a line is a command that other protocols do not have.
func popCertain(line []byte) bool {
	command, rest, _ := bytes.Cut(line, []byte{' '})
	switch {
	case equalUpper(command, "CAPA"), equalUpper(command, "STLS"):
		return len(rest) == 0
	case equalUpper(command, "APOP"):
		name, digest, _ := bytes.Cut(rest, []byte{' '})
		return len(name) > 0 && len(digest) == 32
	}
	return false
}

// content reads the header of a mail, and leaves the rest behind, up to the line that is a dot.
func (t *pop3Turn) content() Verdict {
	s, b := t.s, t.Peek()
	if s.fields > 0 && !bytes.HasPrefix(b, []byte(".\r")) {
		n, v := mailField(b, t.Closed)
		switch {
		case v == More:
			return More
		case n > 0:
			if s.fields--; v == Done {
				s.fields = 0
			} else {
				mailSay(t.Message, b[:n])
			}
			t.Skip(n)
			s.octets += uint64(n)
			return Accept
		}
	}
	n, size, v := mailBody(b, s.fresh, t.Closed)
	if v == More {
		return More
	}
	t.Skip(n)
	s.fresh, s.fields = false, 0
	s.octets += uint64(size)
	s.lines += uint64(bytes.Count(b[:size], []byte{'\n'}))
	if v != Done {
		return Accept
	}
	switch s.body {
	case popMail:
		t.Attrs.Uint(popOctets, s.octets)
	case popList:
		t.Attrs.Uint(popMessages, s.lines)
	}
	s.body = 0
	t.Finish()
	return Accept
}
