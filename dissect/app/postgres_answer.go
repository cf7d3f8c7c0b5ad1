package app

import (
	"bytes"
	"encoding/binary"
)

// served reads what the server says.
func (t *postgresTurn) served() Verdict {
	n := 0
	switch t.kind {
	case 'E':
		n = postgresMessages
	case 'C', 'S':
		n = 128
	case 'R':
		n = 64
	}
	b, ok := t.look(n)
	if !ok {
		return More
	}
	switch t.kind {
	case 'D':
		t.begins(postgresAskedQuery, postgresAskedExecute)
		t.s.rows++
		t.s.known[0] = true
	case 'T', 't', 'n', '2', '3', 'K', 'N', 'A', 'd', 'c', 'v', 'V':
		if t.kind != 'N' && t.kind != 'A' {
			t.begins(postgresAskedQuery, postgresAskedQuery)
		}
	case '1':
		t.parsed()
	case 'G', 'H', 'W':
		t.begins(postgresAskedQuery, postgresAskedExecute)
		t.s.copies = t.kind == 'H'
	case 'C', 'I', 's':
		t.done(b)
	case 'E':
		t.fails(b)
	case 'Z':
		t.ready()
	case 'R':
		t.authenticates(b)
	case 'S':
		if name, value, ok := bytes.Cut(b, []byte{0}); ok && string(name) == "server_version" {
			t.s.version.set(bytes.TrimSuffix(value, []byte{0}))
		}
	default:
		t.Malformed(postgresFlawKind)
	}
	return t.pass(postgresHeader + len(b))
}

// first returns the kind of the first request that is not answered, and whether there is one.
func (s *postgresState) first() (kind uint8, ok bool) {
	if s.head == 0 || s.head > s.key {
		return 0, false
	}
	return s.kinds[s.head%uint64(len(s.kinds))], true
}

// begins says that the answer begins, if what is answered is of one of two kinds.
func (t *postgresTurn) begins(a, b uint8) {
	kind, ok := t.s.first()
	if kind &^= postgresSyncs; ok && !t.s.answered && (kind == a || kind == b) {
		t.Response(t.s.head)
		t.s.answered = true
	}
}

// next goes on with the next request.
func (s *postgresState) next() {
	s.head++
	s.clear()
}

// parsed reads that a statement is prepared.
func (t *postgresTurn) parsed() {
	kind, ok := t.s.first()
	if !ok || kind&^postgresSyncs != postgresAskedParse {
		return
	}
	t.begins(postgresAskedParse, postgresAskedParse)
	t.Finish()
	if kind&postgresSyncs != 0 {
		t.s.kinds[t.s.head%uint64(len(t.s.kinds))] = postgresAskedSync
		t.s.clear()
		return
	}
	t.s.next()
}

// done reads that a statement is complete, or a part of its rows.
func (t *postgresTurn) done(b []byte) {
	s := t.s
	kind, ok := s.first()
	if !ok {
		return
	}
	t.begins(postgresAskedQuery, postgresAskedExecute)
	if t.kind == 'C' {
		s.count(bytes.TrimSuffix(b, []byte{0}))
	}
	if kind == postgresAskedExecute {
		t.counts()
		t.Finish()
		s.next()
	}
}

// count reads a tag as INSERT 0 5 or SELECT 3.
func (s *postgresState) count(tag []byte) {
	verb, _, _ := bytes.Cut(tag, []byte{' '})
	n, ok := decimal(tag[bytes.LastIndexByte(tag, ' ')+1:])
	if !ok {
		return
	}
	switch string(verb) {
	case "SELECT", "FETCH":
		s.known[0] = true
		if s.rows == 0 && n > 0 { // a table was made of them
			s.known = [2]bool{false, true}
			s.affected += uint64(n)
		}
	case "COPY":
		if s.copies {
			s.rows += uint64(n)
			s.known[0], s.copies = true, false
			return
		}
		s.known[1], s.affected = true, s.affected+uint64(n)
	case "INSERT", "UPDATE", "DELETE", "MERGE", "MOVE":
		s.known[1], s.affected = true, s.affected+uint64(n)
	}
}

// counts says how many rows there were.
func (t *postgresTurn) counts() {
	if t.s.known[0] {
		t.Attrs.Uint(DBRows, t.s.rows)
	}
	if t.s.known[1] {
		t.Attrs.Uint(DBAffectedRows, t.s.affected)
	}
}

// fails reads an error. Behind it nothing is done up to the next Sync.
func (t *postgresTurn) fails(b []byte) {
	s := t.s
	kind, ok := s.first()
	secret := ok && s.secrets>>(s.head%uint64(len(s.kinds)))&1 != 0
	t.sayError(b, secret)
	switch {
	case !ok || kind == postgresAskedSync:
		t.Attrs.Text(DBSystem, "postgresql")
		t.Notice()
	case kind == postgresAskedLogin:
		t.Response(s.head)
		t.sayLogin()
		t.Finish()
		s.next()
	case kind == postgresAskedQuery:
		t.begins(postgresAskedQuery, postgresAskedQuery)
	default:
		if !s.answered {
			t.Response(s.head)
		}
		t.Finish()
		s.skip()
	}
}

// skip leaves requests out that are not answered, up to the next Sync.
func (s *postgresState) skip() {
	for kind, ok := s.first(); ok; kind, ok = s.first() {
		if kind&postgresSyncs != 0 {
			s.kinds[s.head%uint64(len(s.kinds))] = postgresAskedSync
		}
		if kind&postgresSyncs != 0 || kind == postgresAskedSync || kind == postgresAskedQuery {
			s.clear()
			return
		}
		s.next()
	}
	s.clear()
}

// ready reads that the server waits for requests: everything up to the Sync is answered.
func (t *postgresTurn) ready() {
	s := t.s
	kind, ok := s.first()
	switch {
	case !ok:
	case kind == postgresAskedLogin:
		s.phase = postgresReady
		t.Response(s.head)
		t.sayLogin()
		t.Finish()
		s.next()
	case kind == postgresAskedQuery:
		t.begins(postgresAskedQuery, postgresAskedQuery)
		t.counts()
		t.Finish()
		s.next()
	default:
		s.skip()
		if kind, ok := s.first(); ok && kind == postgresAskedSync {
			s.next()
		}
	}
}

func (t *postgresTurn) sayLogin() {
	dbSayShort(t.Message, &t.s.auth, DBAuth)
	dbSayShort(t.Message, &t.s.version, DBVersion)
}

// postgresMethods are what proves who the user is, by number.
var postgresMethods = [...]string{
	0: "", 2: "kerberos", 3: "password", 4: "crypt", 5: "md5", 6: "scm", 7: "gssapi", 8: "gssapi", 9: "sspi",
}

// authenticates reads how the user is to prove who he is.
func (t *postgresTurn) authenticates(b []byte) {
	if len(b) < 4 {
		t.Malformed(postgresFlawMessage)
		return
	}
	const sasl, more, final = 10, 11, 12
	switch n := binary.BigEndian.Uint32(b); {
	case n == 0 && t.s.auth.length == 0:
		t.s.auth.set([]byte("trust"))
	case n == sasl:
		name, _, _ := bytes.Cut(b[4:], []byte{0})
		t.s.auth.set(name)
	case n < uint32(len(postgresMethods)) && postgresMethods[n] != "" && n != 8:
		t.s.auth.length = uint8(copy(t.s.auth.text[:], postgresMethods[n]))
	case n > final:
		t.Malformed(postgresFlawKind)
	}
}

// sayError says what the server objects to.
func (t *postgresTurn) sayError(b []byte, secret bool) {
	for len(b) > 1 && b[0] != 0 {
		var value []byte
		kind := b[0]
		value, b, _ = bytes.Cut(b[1:], []byte{0})
		switch kind {
		case 'C':
			t.Attrs.Bytes(DBState, value)
		case 'M':
			dbSayError(t.Message, DBError, value, secret)
		}
	}
}
