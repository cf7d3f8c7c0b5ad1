package app

import "bytes"

// command reads a line of the client (RFC 9051, section 6).
func (t *imapTurn) command(line []byte) {
	s := t.s
	tag, rest, _ := bytes.Cut(line, []byte{' '})
	switch {
	case s.login && len(rest) == 0:
		t.Of(s.says)
		t.proves(line)
		return
	case s.idle && equalUpper(line, "DONE"):
		s.idle = false
		t.asks(s.says, []byte("DONE"))
		t.Attrs.Text(imapCommand, "DONE")
		t.about(nil)
		return
	case t.Lost && !imapKnown(rest):
		t.Pass()
		return
	case !imapTag(tag) || len(rest) == 0:
		if t.Malformed(imapFlawCommand); t.Lost {
			t.Pass()
		}
		return
	}
	name, arguments := rest, []byte(nil)
	if at := imapName(rest); at < len(rest) {
		name, arguments = rest[:at], rest[at+1:]
	}
	var upper [32]byte
	name = upper[:imapUpper(upper[:], name)]
	if bytes.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.- ") != nil {
		t.Malformed(imapFlawCommand)
		return
	}
	s.login, s.idle = false, false
	t.asks(hashOf(tag)|1, bytes.TrimPrefix(name, []byte("UID ")))
	t.Attrs.Bytes(imapCommand, name)
	t.does(string(name), arguments)
}

// imapName returns the length of the name of a command, which is two words if it is by UID.
func imapName(b []byte) int {
	end := bytes.IndexByte(b, ' ')
	if end < 0 {
		return len(b)
	}
	if equalUpper(b[:end], "UID") {
		if more := bytes.IndexByte(b[end+1:], ' '); more >= 0 {
			return end + 1 + more
		}
		return len(b)
	}
	return end
}

// imapUpper copies a name in upper case.
func imapUpper(dst, b []byte) (n int) {
	for n = 0; n < min(len(dst), len(b)); n++ {
		if dst[n] = b[n]; 'a' <= b[n] && b[n] <= 'z' {
			dst[n] -= 'a' - 'A'
		}
	}
	return n
}

// imapKnown reports whether b begins with the name of a command that is often used.
func imapKnown(b []byte) bool {
	word, _, _ := bytes.Cut(b, []byte{' '})
	for _, name := range [...]string{
		"UID", "FETCH", "NOOP", "IDLE", "SELECT", "EXAMINE", "STATUS", "LIST", "LSUB", "SEARCH", "STORE", "COPY",
		"MOVE", "APPEND", "CLOSE", "EXPUNGE", "CHECK", "LOGOUT", "CAPABILITY", "LOGIN", "AUTHENTICATE", "STARTTLS",
	} {
		if equalUpper(word, name) {
			return true
		}
	}
	return false
}

// asks begins a transaction.
func (t *imapTurn) asks(key uint64, name []byte) {
	t.s.says = key
	if !t.s.remember(imapOpen{key: key, name: hashOf(name)}) {
		t.Malformed(imapFlawAhead)
	}
	t.Request(key)
}

// does says what a command is about, and notes what it changes if the server does it.
func (t *imapTurn) does(name string, arguments []byte) {
	s := t.s
	kind := &s.open[s.opened-1].kind
	switch name {
	case "LOGIN":
		*kind = imapLoginCommand
		s.try.set(nil)
		t.takes(imapUser, arguments)
		return
	case "AUTHENTICATE":
		*kind = imapAuthenticate
		mechanism, initial, _ := bytes.Cut(arguments, []byte{' '})
		t.Attrs.Bytes(imapMechanism, mechanism)
		s.login, s.sasl, s.steps = true, saslOf(mechanism), 0
		if s.try.set(nil); len(initial) > 0 {
			t.proves(initial)
		}
		return
	case "SELECT", "EXAMINE":
		*kind = imapSelect
		s.mailbox.set(nil)
		t.takes(imapSelected, arguments)
	case "CREATE", "DELETE", "RENAME", "SUBSCRIBE", "UNSUBSCRIBE", "STATUS", "APPEND":
		if t.takes(imapBox, arguments); name == "APPEND" && t.side.what == imapSkipped {
			t.side.what = imapMail
		}
	case "CLOSE", "UNSELECT":
		*kind = imapClose
		t.about(s.mailbox.bytes())
	case "STARTTLS":
		*kind = imapStartTLS
	case "COMPRESS":
		*kind = imapCompress
	case "IDLE":
		*kind = imapIdle
		t.about(s.mailbox.bytes())
	case "STORE", "UID STORE":
		*kind = imapStore
		t.about(s.mailbox.bytes())
	case "LIST", "LSUB", "NAMESPACE", "CAPABILITY", "ID", "ENABLE", "LOGOUT":
	default:
		t.about(s.mailbox.bytes())
		return
	}
	dbSayShort(t.Message, &s.user, imapLogin, FlowUser)
}

// about says whose command it is, and on which mailbox.
func (t *imapTurn) about(mailbox []byte) {
	dbSayShort(t.Message, &t.s.user, imapLogin, FlowUser)
	if len(mailbox) > 0 {
		t.Attrs.Bytes(imapMailbox, mailbox)
	}
}

// takes reads the first argument, or notes that it comes as a literal.
func (t *imapTurn) takes(what uint8, arguments []byte) {
	if len(arguments) > 0 && arguments[0] == '{' {
		t.side.what = what
		return
	}
	var text [255]byte
	t.names(what, text[:imapString(text[:], arguments)])
}

// names says a user or a mailbox.
func (t *imapTurn) names(what uint8, b []byte) {
	switch {
	case len(b) == 0:
	case what == imapUser:
		t.s.try.set(b)
		dbSayShort(t.Message, &t.s.try, imapLogin, FlowUser)
	case what == imapSelected:
		t.s.mailbox.set(b)
		fallthrough
	default:
		t.Attrs.Bytes(imapMailbox, b)
	}
}

// imapString copies the string that b begins with (RFC 9051, section 4.3), and returns its length.
func imapString(dst, b []byte) (n int) {
	if len(b) == 0 || b[0] != '"' {
		word, _, _ := bytes.Cut(b, []byte{' '})
		return copy(dst, word)
	}
	for at := 1; at < len(b) && b[at] != '"' && n < len(dst); at++ {
		if b[at] == '\\' && at+1 < len(b) {
			at++
		}
		dst[n] = b[at]
		n++
	}
	return n
}

// proves reads what the client says after AUTHENTICATE. Of all that the user alone is kept.
func (t *imapTurn) proves(line []byte) {
	s := t.s
	if s.steps++; s.steps > 1 {
		return
	}
	var name [len(s.try.text)]byte
	s.try.set(name[:saslUser(name[:], line, s.sasl)])
	dbSayShort(t.Message, &s.try, imapLogin, FlowUser)
}

// toldBy says that the message belongs to the response to a command, which it may begin; word is what the
// server tells something of.
func (t *imapTurn) toldBy(word []byte) {
	s := t.s
	s.tells = 0
	if s.opened == 0 {
		return
	}
	x := s.owner(word)
	switch {
	case x.kind == imapIdle:
		return
	case x.begun:
		t.Of(x.key)
	default:
		x.begun = true
		t.Response(x.key)
	}
	s.tells = x.key
}

// response reads a line of the server (RFC 9051, section 7).
func (t *imapTurn) response(line []byte) Verdict {
	s := t.s
	tag, rest, _ := bytes.Cut(line, []byte{' '})
	switch {
	case len(tag) == 1 && tag[0] == '*' && !s.greeted && imapGreets(line):
		s.greeted = true
		t.Attrs.Bytes(imapGreeting, rest)
		t.Notice()
	case len(tag) == 1 && tag[0] == '*':
		s.greeted = true
		t.untagged(rest)
	case len(tag) > 0 && tag[0] == '+':
		if s.tells = 0; s.opened > 0 && s.open[s.opened-1].kind == imapIdle {
			key := s.open[s.opened-1].key
			s.forget(key)
			s.idle = true
			t.Response(key)
			t.Finish()
		}
	default:
		return t.completes(tag, rest)
	}
	return Accept
}

// untagged reads what a server tells.
func (t *imapTurn) untagged(b []byte) {
	word, rest, _ := bytes.Cut(b, []byte{' '})
	n, ok := decimal(word)
	if ok {
		word, _, _ = bytes.Cut(rest, []byte{' '})
	}
	switch t.toldBy(word); {
	case !ok || t.s.tells == 0:
	case equalUpper(word, "EXISTS"):
		t.Attrs.Uint(imapMessages, n)
	case equalUpper(word, "FETCH"):
		t.s.fetched++
		t.side.what = imapMailIn(rest)
	}
}

// imapMailIn returns what a literal behind a part of a response to FETCH is.
func imapMailIn(b []byte) uint8 {
	for _, item := range [...]string{"BODY[] {", "BODY[HEADER", "RFC822 {", "RFC822.HEADER {"} {
		if bytes.Contains(b, []byte(item)) {
			return imapMail
		}
	}
	return imapSkipped
}

// completes reads how a command was completed.
func (t *imapTurn) completes(tag, rest []byte) Verdict {
	s := t.s
	status, text, _ := bytes.Cut(rest, []byte{' '})
	word := ""
	for _, known := range [...]string{"OK", "NO", "BAD"} {
		if equalUpper(status, known) {
			word = known
		}
	}
	if word == "" || !imapTag(tag) {
		if t.Malformed(imapFlawReply); t.Lost {
			t.Pass()
		}
		return Accept
	}
	key := hashOf(tag) | 1
	x := s.forget(key)
	if t.Response(key); x.begun {
		t.Of(key)
	}
	t.Finish()
	s.greeted, s.tells = true, 0
	t.Attrs.Text(imapStatus, word)
	sayText(&t.Attrs, imapText, text)
	if s.fetched > 0 && x.begun {
		t.Attrs.Uint(imapFetched, uint64(s.fetched))
		s.fetched = 0
	}
	if key == s.says {
		s.sides[0].left, s.sides[0].rest = 0, false // a literal will not come if there is one
		s.idle = false
	}
	return t.done(x.kind, word == "OK")
}

// done takes in what a command has changed.
func (t *imapTurn) done(kind uint8, well bool) Verdict {
	s := t.s
	switch {
	case kind == imapAuthenticate || kind == imapLoginCommand:
		if s.login = false; well {
			s.user = s.try
		}
	case kind == imapSelect && !well, kind == imapClose && well:
		s.mailbox.set(nil)
	case kind == imapStartTLS && well:
		t.Become(&TLS)
	case kind == imapCompress && well:
		return Done // what follows is compressed
	}
	return Accept
}
