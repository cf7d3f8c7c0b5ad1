package app

import "bytes"

// popCommands are the commands there are, and what answers them.
var popCommands = [...]struct {
	name string
	kind uint8
	all  bool // more lines follow only if it has no argument
}{
	{"USER", popOther, false}, {"PASS", popPass, false}, {"APOP", popPass, false}, {"AUTH", popAuth, false},
	{"STLS", popTLS, false}, {"CAPA", popLines, false}, {"STAT", popStat, false}, {"LIST", popList, true},
	{"UIDL", popList, true}, {"RETR", popMail, false}, {"TOP", popMail, false}, {"DELE", popOther, false},
	{"NOOP", popOther, false}, {"RSET", popOther, false}, {"QUIT", popOther, false}, {"LAST", popOther, false},
	{"UTF8", popOther, false}, {"LANG", popOther, false}, {"XTND", popOther, false},
}

// says reads a line of the client (RFC 1939).
func (t *pop3Turn) says(line []byte) {
	s := t.s
	word, arguments, _ := bytes.Cut(line, []byte{' '})
	if s.login {
		t.proves(line)
		return
	}
	for _, c := range popCommands {
		if !equalUpper(word, c.name) {
			continue
		}
		if s.astray {
			s.asks.n, s.astray = 0, false
		}
		kind := c.kind
		if c.all && len(arguments) > 0 {
			kind = popOther
		} else if kind == popAuth && len(arguments) == 0 {
			kind = popLines // it asks which there are
		}
		t.asks(c.name, kind)
		t.logs(c.name, arguments)
		return
	}
	if s.astray {
		t.Pass()
		return
	}
	t.Malformed(popFlawCommand)
	t.Request(0)
	s.asks.ask(popOther)
}

// asks says that a command is a transaction, unless it was answered already.
func (t *pop3Turn) asks(name string, kind uint8) {
	s := t.s
	s.asked = true
	if s.early > 0 {
		s.early--
		t.Notice()
	} else {
		t.Request(0)
		if !s.asks.ask(kind) {
			t.Malformed(popFlawAhead)
		}
	}
	t.Attrs.Text(popCommand, name)
}

// logs says who logs in. Of what proves it nothing is kept.
func (t *pop3Turn) logs(name string, arguments []byte) {
	s := t.s
	switch name {
	case "USER":
		s.try.set(arguments)
	case "APOP":
		user, _, _ := bytes.Cut(arguments, []byte{' '})
		s.try.set(user)
	case "AUTH":
		mechanism, initial, _ := bytes.Cut(arguments, []byte{' '})
		if len(mechanism) == 0 {
			return
		}
		t.Attrs.Bytes(popMechanism, mechanism)
		s.login, s.sasl, s.steps = true, saslOf(mechanism), 0
		if s.try.set(nil); len(initial) > 0 {
			t.proves(initial)
		}
		return
	case "PASS":
	default:
		dbSayShort(t.Message, &s.user, popUser, FlowUser)
		return
	}
	dbSayShort(t.Message, &s.try, popUser, FlowUser)
}

// proves reads what the client says after AUTH. Of all that the user alone is kept.
func (t *pop3Turn) proves(line []byte) {
	s := t.s
	if s.steps++; s.steps == 1 {
		var name [len(s.try.text)]byte
		s.try.set(name[:saslUser(name[:], line, s.sasl)])
		dbSayShort(t.Message, &s.try, popUser, FlowUser)
	}
	if s.steps >= 2 || s.sasl == saslPlain || s.sasl == saslXOAuth || s.sasl == saslDigest {
		s.login = false
	}
}

// response reads the first line of a response.
func (t *pop3Turn) response(line []byte) Verdict {
	s := t.s
	status, text, _ := bytes.Cut(line, []byte{' '})
	well := equalUpper(status, "+OK")
	switch {
	case well || equalUpper(status, "-ERR"):
	case len(status) == 1 && status[0] == '+' && s.asks.n > 0:
		return Accept // a challenge is not kept
	case s.astray:
		t.Pass()
		return Accept
	default:
		t.Malformed(popFlawReply)
		return Accept
	}
	s.body = 0
	if !s.greeted {
		if s.greeted = true; !t.Lost {
			t.Attrs.Bytes(popGreeting, text)
			t.Notice()
			return Accept
		}
	}
	t.Attrs.Bytes(popStatus, status)
	sayText(&t.Attrs, popText, text)
	kind, ok := s.asks.next(t.Lost)
	if !ok && !s.asked && s.early < 255 {
		s.early++ // its command is seen behind it
		return Accept
	}
	t.Response(0)
	return t.answers(kind, well, text)
}

// answers takes in what a response changes.
func (t *pop3Turn) answers(kind uint8, well bool, text []byte) Verdict {
	s := t.s
	switch {
	case kind == popPass && well, kind == popAuth && well:
		s.user = s.try
	case kind == popTLS && well:
		t.Become(&TLS)
	case kind == popStat && well:
		number, rest, _ := bytes.Cut(text, []byte{' '})
		size, _, _ := bytes.Cut(rest, []byte{' '})
		n, ok := decimal(number)
		octets, also := decimal(size)
		if ok && also {
			t.Attrs.Uint(popMessages, n)
			t.Attrs.Uint(popDrop, octets)
		}
	}
	if kind == popAuth {
		s.login = false
	}
	if !well || kind < popList {
		t.Finish()
		return Accept
	}
	s.body, s.fresh, s.fields, s.octets, s.lines = kind, true, 0, 0, 0
	if kind == popMail {
		s.fields = mailFields
	}
	return Accept
}
