package app

import (
	"bytes"
)

// who says who asks.
func (t *postgresTurn) who() {
	t.Attrs.Text(DBSystem, "postgresql")
	dbSayShort(t.Message, &t.s.user, DBUser, FlowUser)
	dbSayShort(t.Message, &t.s.db, DBName)
}

// asks says that the message is a request, and expects the answer.
func (t *postgresTurn) asks(kind uint8, secret bool) {
	s := t.s
	s.key++
	if s.head == 0 {
		s.head = 1
	}
	if s.key-s.head >= uint64(len(s.kinds)) {
		s.head = s.key // the answers to so many cannot be told apart
		s.clear()
	}
	i := s.key % uint64(len(s.kinds))
	s.kinds[i] = kind
	s.secrets &^= 1 << i
	if secret {
		s.secrets |= 1 << i
	}
	if kind != postgresAskedSync {
		t.Request(s.key)
	}
}

// clear forgets how far the answer to the first request has come.
func (s *postgresState) clear() {
	s.answered, s.copies, s.rows, s.affected, s.known = false, false, 0, 0, [2]bool{}
}

// asked reads what the client says behind its login.
func (t *postgresTurn) asked() Verdict {
	n := 0
	switch t.kind {
	case 'Q', 'P':
		n = postgresName + dbLooked
	case 'B', 'E', 'C':
		n = 2 * postgresName
	case 'S', 'H', 'X', 'F', 'D', 'd', 'c', 'f', 'p':
	default:
		t.Malformed(postgresFlawKind)
		return t.pass(postgresHeader)
	}
	b, ok := t.look(n)
	if !ok {
		return More
	}
	if t.s.phase == postgresLogin {
		return t.pass(postgresHeader + len(b)) // what proves who it is
	}
	t.obey(b)
	return t.pass(postgresHeader + len(b))
}

func (t *postgresTurn) obey(b []byte) {
	s := t.s
	switch t.kind {
	case 'Q':
		text := bytes.TrimSuffix(b, []byte{0})
		t.who()
		s.query.set(text[:min(len(text), dbLooked)], t.size-postgresHeader-1, postgresQuotes)
		s.query.say(t.Message, nil, postgresQuotes)
		t.asks(postgresAskedQuery, s.query.secret)
	case 'P':
		t.prepare(b)
	case 'B':
		portal, rest, ok := bytes.Cut(b, []byte{0})
		name, _, also := bytes.Cut(rest, []byte{0})
		if !ok || !also {
			t.Malformed(postgresFlawMessage)
			return
		}
		s.portal, s.bound, s.named = hashOf(portal), hashOf(name), len(name) > 0
	case 'E':
		t.execute(b)
	case 'C':
		if name, _, ok := bytes.Cut(b, []byte{0}); ok && len(name) > 0 && name[0] == 'S' {
			s.drop(hashOf(name[1:]))
		}
	case 'S', 'H':
		t.sync()
	case 'F':
		t.who()
		t.Attrs.Text(DBOperation, "CALL")
		t.asks(postgresAskedQuery, false)
	case 'X':
		t.who()
		t.Attrs.Text(DBOperation, "QUIT")
		t.Notice()
	}
}

// prepare remembers a statement, also one without a name.
func (t *postgresTurn) prepare(b []byte) {
	name, text, ok := bytes.Cut(b, []byte{0})
	if !ok {
		t.Malformed(postgresFlawMessage)
		return
	}
	octets := t.size - postgresHeader - len(name) - 1
	if end := bytes.IndexByte(text, 0); end >= 0 {
		text, octets = text[:end], end
	}
	s := t.s
	s.query.set(text[:min(len(text), dbLooked)], octets, postgresQuotes)
	s.latest = hashOf(name)
	s.put(s.latest, &s.query)
	s.parsed = true
}

// execute says what is executed, which is what was bound, if that is known.
func (t *postgresTurn) execute(b []byte) {
	s := t.s
	portal, _, ok := bytes.Cut(b, []byte{0})
	if !ok {
		t.Malformed(postgresFlawMessage)
		return
	}
	t.who()
	secret := false
	if p := s.find(s.bound); hashOf(portal) == s.portal && p != nil {
		p.say(t.Message, nil, postgresQuotes)
		secret = p.secret
	} else {
		t.Attrs.Text(DBOperation, "EXECUTE")
	}
	if s.named && hashOf(portal) == s.portal {
		t.Attrs.Uint(DBPrepared, 1)
	}
	s.parsed = false
	t.asks(postgresAskedExecute, secret)
}

// sync ends a series of messages. If it has only prepared something that is the request; otherwise it
// only is answered.
func (t *postgresTurn) sync() {
	s := t.s
	if p := s.find(s.latest); s.parsed && p != nil {
		t.who()
		t.Attrs.Text(DBOperation, "PREPARE")
		p.say(t.Message, nil, postgresQuotes)
		t.asks(postgresAskedParse, p.secret)
		s.parsed = false
		if t.kind == 'S' {
			s.kinds[s.key%uint64(len(s.kinds))] = postgresAskedParse | postgresSyncs
		}
		return
	}
	if t.kind == 'S' {
		t.asks(postgresAskedSync, false)
	}
}

// postgresSyncs is a bit of a kind: behind the answer comes that the server is ready.
const postgresSyncs = 0x80
