package app

import (
	"bytes"
)

// sends begins a mail.
func (t *smtpTurn) sends(arguments []byte) {
	s := t.s
	if s.mail {
		s.ask(smtpPart) // the server is going to refuse it
		return
	}
	t.asks("MAIL", smtpMail)
	s.mail, s.rcpts, s.refused, s.octets, s.toLen = true, 0, 0, 0, 0
	_, path, ok := bytes.Cut(arguments, []byte{':'})
	if !ok {
		t.Malformed(smtpFlawCommand)
		return
	}
	from, rest := mailPath(path)
	t.Attrs.Bytes(smtpMailFrom, from)
	for len(rest) > 0 {
		var word []byte
		word, rest, _ = bytes.Cut(bytes.TrimLeft(rest, " "), []byte{' '})
		name, value, _ := bytes.Cut(word, []byte{'='})
		if size, ok := smtpNumber(value); ok && equalUpper(name, "SIZE") {
			t.Attrs.Uint(smtpSize, size)
		}
	}
}

// smtpNumber reads a number in decimal digits.
func smtpNumber(b []byte) (n uint64, ok bool) {
	for _, c := range b {
		if !isDigit(c) {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
	}
	return n, len(b) > 0 && len(b) <= 18
}

// ofMail reads a command while a mail is on its way.
func (t *smtpTurn) ofMail(verb string, arguments []byte) {
	s := t.s
	switch verb {
	case "RCPT":
		_, path, _ := bytes.Cut(arguments, []byte{':'})
		to, _ := mailPath(path)
		if s.rcpts++; len(to) > 0 && int(s.toLen)+1+len(to) <= len(s.to) {
			if s.toLen > 0 {
				s.to[s.toLen] = ','
				s.toLen++
			}
			s.toLen += uint8(copy(s.to[s.toLen:], to))
		}
		s.ask(smtpRcpt)
	case "DATA":
		t.envelope()
		s.phase, s.fresh = smtpContent, true
		s.ask(smtpData)
	case "BDAT":
		t.chunk(arguments)
	case "NOOP", "VRFY", "EXPN", "HELP":
		s.ask(smtpPart)
	default:
		t.envelope()
		s.mail = false
		s.ask(smtpEnd)
	}
}

// envelope says who the recipients are, when all are known.
func (t *smtpTurn) envelope() {
	if t.s.toLen > 0 {
		t.Attrs.Bytes(smtpRcptTo, t.s.to[:t.s.toLen])
	}
	t.Attrs.Uint(smtpRcpts, uint64(t.s.rcpts))
}

// chunk reads BDAT and leaves its octets behind.
func (t *smtpTurn) chunk(arguments []byte) {
	s := t.s
	size, last, _ := bytes.Cut(arguments, []byte{' '})
	n, ok := smtpNumber(size)
	if !ok {
		t.Malformed(smtpFlawChunk)
		s.ask(smtpPart)
		return
	}
	if s.octets == 0 {
		t.envelope()
	}
	s.octets += n
	t.Ahead(n)
	if !equalUpper(bytes.TrimSpace(last), "LAST") {
		s.ask(smtpPart)
		return
	}
	t.Attrs.Uint(smtpOctets, s.octets)
	s.mail = false
	s.ask(smtpEnd)
}

// content leaves a part of a mail behind, up to the line that is a dot.
func (t *smtpTurn) content() Verdict {
	const end = "\r\n.\r\n"
	s, b := t.s, cut(t.Peek(), mailUnit)
	at := -1
	if s.fresh && bytes.HasPrefix(b, []byte(end[2:])) {
		at = -2
	} else if at = bytes.Index(b, []byte(end)); at < 0 {
		keep := 0
		if !t.Closed || t.Len() >= mailUnit {
			keep = len(end) - 1
		}
		if t.Len() < mailUnit && !t.Closed {
			return More
		}
		s.fresh = false
		s.octets += uint64(len(b) - keep)
		t.Skip(len(b) - keep)
		return Accept
	}
	t.Skip(at + len(end))
	s.octets += uint64(at + 2)
	s.phase, s.mail = smtpCommands, false
	t.Attrs.Uint(smtpOctets, s.octets)
	s.ask(smtpEnd)
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
		s.multi, s.head, s.waits, s.greeted = false, 0, 0, true
	}
	code, ok := smtpNumber(cut(line, 3))
	if !ok || len(line) < 3 || code < 200 || code > 599 || len(line) > 3 && line[3] != ' ' && line[3] != '-' {
		if t.Malformed(smtpFlawReply); t.Lost {
			t.Pass()
		}
		return Accept
	}
	more := len(line) > 3 && line[3] == '-'
	if !s.multi {
		s.final = t.replies(code, line[min(len(line), 4):])
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
	s.greeted = true
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

// ends says what a reply is to its transaction.
func (t *smtpTurn) ends(final bool, text []byte) {
	t.Attrs.Bytes(smtpReplyText, text)
	if !final {
		t.Interim(0)
		return
	}
	t.Response(0)
	if t.s.refused > 0 {
		t.Attrs.Uint(smtpRefused, uint64(t.s.refused))
		t.s.refused = 0
	}
}

// admits reads a reply to AUTH. A challenge is not kept.
func (t *smtpTurn) admits(code uint64, text []byte) bool {
	s := t.s
	if code/100 == 3 {
		t.Interim(0)
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
