package app

import (
	"bytes"
)

// mailText is a text that is kept: an address, or several.
type mailText struct {
	n    uint8
	text [255]byte
}

func (x *mailText) bytes() []byte { return x.text[:x.n] }

// add adds an address, and reports whether there was room.
func (x *mailText) add(address []byte) bool {
	if int(x.n)+1+len(address) > len(x.text) {
		return false
	}
	if x.n > 0 {
		x.text[x.n] = ','
		x.n++
	}
	x.n += uint8(copy(x.text[x.n:], address))
	return true
}

// sends begins a mail.
func (t *smtpTurn) sends(arguments []byte) {
	s := t.s
	if s.mail {
		t.goesOn(smtpPart) // the server is going to refuse it
		return
	}
	t.asks("MAIL", smtpMail)
	s.mail, s.rcpts, s.refused, s.octets, s.left = true, 0, 0, 0, 0
	s.from.n, s.to.n = 0, 0
	_, path, ok := bytes.Cut(arguments, []byte{':'})
	if !ok {
		t.Malformed(smtpFlawCommand)
		return
	}
	from, rest := mailPath(path)
	s.from.add(from)
	t.Attrs.Bytes(smtpMailFrom, from)
	for len(rest) > 0 {
		var word []byte
		word, rest, _ = bytes.Cut(bytes.TrimLeft(rest, " "), []byte{' '})
		name, value, _ := bytes.Cut(word, []byte{'='})
		if size, ok := decimal(value); ok && equalUpper(name, "SIZE") {
			t.Attrs.Uint(smtpSize, size)
		}
	}
}

// ofMail reads a command while a mail is on its way.
func (t *smtpTurn) ofMail(verb string, arguments []byte) {
	s := t.s
	switch verb {
	case "RCPT":
		t.names(arguments)
	case "DATA":
		t.envelope()
		s.phase, s.fresh, s.fields = smtpContent, true, mailFields
		t.goesOn(smtpData)
	case "BDAT":
		t.chunk(arguments)
	case "NOOP", "VRFY", "EXPN", "HELP":
		t.goesOn(smtpPart)
	default:
		t.envelope()
		s.mail = false
		t.goesOn(smtpEnd)
	}
}

// names reads RCPT. One for whom the list has no room is told of by himself.
func (t *smtpTurn) names(arguments []byte) {
	s := t.s
	_, path, _ := bytes.Cut(arguments, []byte{':'})
	to, _ := mailPath(path)
	if s.rcpts++; len(to) == 0 || s.to.add(to) {
		t.goesOn(smtpRcpt)
		return
	}
	t.waits(smtpOther)
	t.Request(s.count)
	t.Attrs.Text(smtpCommand, "RCPT")
	t.who()
	t.Attrs.Bytes(smtpMailFrom, s.from.bytes())
	t.Attrs.Bytes(smtpRcptTo, to)
}

// envelope says who the recipients are, when all are known.
func (t *smtpTurn) envelope() {
	if t.s.to.n > 0 {
		t.Attrs.Bytes(smtpRcptTo, t.s.to.bytes())
	}
	t.Attrs.Uint(smtpRcpts, uint64(t.s.rcpts))
}

// chunk reads BDAT and leaves its octets behind, but for the header in the first one.
func (t *smtpTurn) chunk(arguments []byte) {
	s := t.s
	size, last, _ := bytes.Cut(arguments, []byte{' '})
	n, ok := decimal(size)
	if !ok {
		t.Malformed(smtpFlawChunk)
		t.goesOn(smtpPart)
		return
	}
	if s.octets == 0 {
		t.envelope()
	}
	if s.octets == 0 && n > 0 {
		s.phase, s.fields, s.left = smtpChunk, mailFields, n
	} else {
		t.Ahead(n)
	}
	s.octets += n
	if !equalUpper(bytes.TrimSpace(last), "LAST") {
		t.goesOn(smtpPart)
		return
	}
	t.Attrs.Uint(smtpOctets, s.octets)
	s.mail = false
	t.goesOn(smtpEnd)
}

// content reads the header of a mail, and leaves the rest behind, up to the line that is a dot or the end
// of the chunk.
func (t *smtpTurn) content() Verdict {
	s, b := t.s, t.Peek()
	t.Of(s.says)
	if s.phase == smtpContent && (s.fields == 0 || t.Lost || bytes.HasPrefix(b, []byte(".\r"))) {
		return t.body()
	}
	all := t.Closed
	if s.phase == smtpChunk && uint64(len(b)) >= s.left {
		b, all = b[:s.left], true
	}
	n, v := mailField(b, all)
	switch {
	case v == More:
		return More
	case v == Done && n == 0 && s.phase == smtpContent:
		return t.body()
	case v == Done:
		s.fields = 0
	default:
		s.fields--
		mailSay(t.Message, b[:n])
	}
	t.Skip(n)
	if s.phase == smtpContent {
		s.octets += uint64(n)
		return Accept
	}
	if s.left -= uint64(n); s.fields == 0 || s.left == 0 {
		t.Ahead(s.left)
		s.phase = smtpCommands
	}
	return Accept
}

// body leaves a part of a mail behind.
func (t *smtpTurn) body() Verdict {
	s := t.s
	n, size, v := mailBody(t.Peek(), s.fresh && !t.Lost, t.Closed)
	if v == More {
		return More
	}
	t.Skip(n)
	s.fresh, s.fields = false, 0
	s.octets += uint64(size)
	if v == Done {
		s.phase, s.mail = smtpCommands, false
		t.Attrs.Uint(smtpOctets, s.octets)
		t.goesOn(smtpEnd)
	}
	return Accept
}

// proves reads AUTH, or what the client says after it. Of all that the user alone is kept.
func (t *smtpTurn) proves(line []byte) {
	s := t.s
	if s.phase != smtpLogin {
		mechanism, initial, _ := bytes.Cut(line, []byte{' '})
		t.asks("AUTH", smtpAuth)
		t.Attrs.Bytes(smtpMechanism, mechanism)
		s.phase, s.sasl, s.steps = smtpLogin, saslOf(mechanism), 0
		s.try.set(nil)
		if line = initial; len(initial) == 0 {
			return
		}
	} else {
		t.Of(s.says)
	}
	s.steps++
	if s.steps == 1 {
		var name [len(s.try.text)]byte
		s.try.set(name[:saslUser(name[:], line, s.sasl)])
		dbSayShort(t.Message, &s.try, smtpUser, FlowUser)
	}
	if s.steps >= 2 || s.sasl == saslPlain || s.sasl == saslXOAuth || s.sasl == saslDigest {
		s.phase = smtpCommands
	}
}

// reply reads a line of the server (RFC 5321, section 4.2).
func (t *smtpTurn) reply(line []byte) Verdict {
	s := t.s
	if t.Lost {
		s.multi, s.greeted = false, true
		s.skip() // what waits longest was replied to, most likely
	}
	code, ok := decimal(cut(line, 3))
	if !ok || len(line) < 3 || code < 200 || code > 599 || len(line) > 3 && line[3] != ' ' && line[3] != '-' {
		if t.Malformed(smtpFlawReply); t.Lost {
			t.Pass()
		}
		return Accept
	}
	more := len(line) > 3 && line[3] == '-'
	if !s.multi {
		s.final = t.replies(code, line[min(len(line), 4):])
	} else if s.final {
		t.Of(s.replies)
	}
	if s.multi = more; more {
		return Accept
	}
	if s.final {
		t.Finish()
	}
	if s.tls {
		s.tls = false
		t.Become(&TLS)
	}
	return Accept
}

// replies reads the first line of a reply and tells whether it ends a transaction.
func (t *smtpTurn) replies(code uint64, text []byte) bool {
	s := t.s
	t.Attrs.Uint(smtpReply, code)
	if !s.greeted && s.waits == 0 || !s.greeted && code == 220 && s.next() != smtpTLS {
		s.greeted = true
		t.Attrs.Bytes(smtpGreeting, text)
		t.Notice()
		return false
	}
	what, well := s.next(), code < 400
	s.greeted, s.replies = true, s.answers(what)
	final := true
	switch what {
	case smtpVoid:
		s.pop()
		return false
	case smtpPart:
		final = false
	case smtpRcpt:
		if final = false; !well {
			s.refused++
		}
	case smtpOther:
		s.pop()
		sayText(&t.Attrs, smtpReplyText, text)
		if t.Response(s.replies); !well {
			s.refused++
		}
		return true
	case smtpMail:
		if final = !well; final {
			s.pop()
			s.void()
			t.ends(true, text)
			return true
		}
	case smtpData:
		if final = code != 354; final {
			s.phase, s.mail = smtpCommands, false
		}
	case smtpNothing:
		final = code != 354
	case smtpAuth:
		return t.admits(code, text)
	case smtpTLS:
		s.tls = code == 220
	}
	s.pop()
	t.ends(final, text)
	return final
}

// answers returns the key of the transaction that a reply belongs to.
func (s *smtpState) answers(what uint8) uint64 {
	switch what {
	case smtpNothing:
		return 0
	case smtpOwn, smtpAuth, smtpTLS, smtpOther:
		return s.first()
	case smtpMail:
		s.mailed = s.first()
	}
	return s.mailed
}

// ends says what a reply is to its transaction.
func (t *smtpTurn) ends(final bool, text []byte) {
	sayText(&t.Attrs, smtpReplyText, text)
	if !final {
		t.Interim(t.s.replies)
		return
	}
	t.Response(t.s.replies)
	if t.s.refused > 0 {
		t.Attrs.Uint(smtpRefused, uint64(t.s.refused))
		t.s.refused = 0
	}
}

// admits reads a reply to AUTH. A challenge is not kept.
func (t *smtpTurn) admits(code uint64, text []byte) bool {
	s := t.s
	if code/100 == 3 {
		t.Interim(t.s.replies)
		return false
	}
	if code/100 == 2 {
		s.user = s.try
	}
	s.phase = smtpCommands
	s.pop()
	t.ends(true, text)
	return true
}
