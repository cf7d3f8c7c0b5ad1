package app

import (
	"bytes"

	"github.com/weir-probe/weir/dataplane/flow"
)

const (
	dbMaxText = 255  // octets of a statement that are kept: what an attribute may hold
	dbLooked  = 1024 // octets of a statement that are looked at, for words that tell of a password
)

// dbQuotes says what quotes are in a dialect of SQL.
type dbQuotes struct {
	double    bool // text in double quotes is a literal, not a name
	backslash bool // a backslash takes its meaning from the next octet of a literal
}

// dbSecrets are the words, in upper case, behind or around which statements have passwords.
var dbSecrets = [...]string{"PASSWORD", "PASSWD", "IDENTIFIED", "SECRET"}

// dbMaySecret reports whether a statement may have a password in it.
func dbMaySecret(text []byte) bool {
	for i, c := range text {
		for _, word := range dbSecrets {
			if c&^0x20 == word[0] && len(text)-i >= len(word) && equalUpper(text[i:i+len(word)], word) {
				return true
			}
		}
	}
	return false
}

// equalUpper compares with a word in upper case.
func equalUpper(b []byte, upper string) bool {
	if len(b) != len(upper) {
		return false
	}
	for i, c := range b {
		if 'a' <= c && c <= 'z' {
			c -= 'a' - 'A'
		}
		if c != upper[i] {
			return false
		}
	}
	return true
}

// dbShaper writes a statement without its literals.
type dbShaper struct {
	text []byte // what is left of it
	out  []byte // up to its capacity
	by   uint8  // words of IDENTIFIED BY that were just seen: what follows is a password without quotes
	dbQuotes
}

// dbShape writes text to out with every literal as ?, and white space as one space.
func dbShape(out, text []byte, q dbQuotes) []byte {
	s := dbShaper{text: text, out: out[:0], dbQuotes: q}
	for len(s.text) > 0 && len(s.out) < cap(s.out) {
		s.token()
	}
	return bytes.TrimRight(s.out, " ")
}

func (s *dbShaper) put(b []byte) { s.out = append(s.out, b[:min(len(b), cap(s.out)-len(s.out))]...) }

func (s *dbShaper) mark() {
	if s.by = 0; len(s.out) < cap(s.out) {
		s.out = append(s.out, '?')
	}
}

// token takes the next word, literal, or other character.
func (s *dbShaper) token() {
	c := s.text[0]
	switch {
	case c == '\'' || c == '"' && s.double:
		s.literal(c)
		s.mark()
	case c == '$' && s.dollar():
		s.mark()
	case isDBWord(c):
		s.word()
	case c <= ' ':
		for len(s.text) > 0 && s.text[0] <= ' ' {
			s.text = s.text[1:]
		}
		if len(s.out) > 0 {
			s.put([]byte{' '})
		}
	default:
		s.put(s.text[:1])
		s.text, s.by = s.text[1:], 0
	}
}

// literal passes over one in quotes; two of them stand for one.
func (s *dbShaper) literal(quote byte) {
	for i := 1; i < len(s.text); i++ {
		switch {
		case s.text[i] == '\\' && s.backslash:
			i++
		case s.text[i] != quote:
		case i+1 < len(s.text) && s.text[i+1] == quote:
			i++
		default:
			s.text = s.text[i+1:]
			return
		}
	}
	s.text = nil
}

// dollar passes over a literal of PostgreSQL, $tag$ like this $tag$, and reports whether it is one.
func (s *dbShaper) dollar() bool {
	n := 1
	for n < len(s.text) && isDBWord(s.text[n]) && s.text[n] != '$' {
		n++
	}
	if n >= len(s.text) || s.text[n] != '$' || n > 1 && isDigit(s.text[1]) {
		return false
	}
	tag := s.text[:n+1]
	end := bytes.Index(s.text[n+1:], tag)
	if end < 0 {
		s.text = nil
		return true
	}
	s.text = s.text[n+1+end+len(tag):]
	return true
}

// word takes a name, a keyword or a number. The word behind IDENTIFIED BY is a password.
func (s *dbShaper) word() {
	n := 1
	number := isDigit(s.text[0])
	for n < len(s.text) && (isDBWord(s.text[n]) || number && s.text[n] == '.') {
		n++
	}
	w := s.text[:n]
	s.text = s.text[n:]
	switch {
	case number || s.by == 2:
		s.mark()
		return
	case equalUpper(w, "IDENTIFIED"):
		s.by = 1
	case equalUpper(w, "BY") && s.by == 1:
		s.by = 2
	default:
		s.by = 0
	}
	s.put(w)
}

func isDBWord(c byte) bool {
	return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'z' || c == '_' || c == '$' || c >= 0x80
}

// dbText is a statement as it is kept: not more than may be said of it.
type dbText struct {
	octets uint32 // of the whole statement
	length uint8
	secret bool // it may set a password: text is without literals
	text   [dbMaxText]byte
}

// set keeps what is looked at of a statement of so many octets.
func (t *dbText) set(looked []byte, octets int, q dbQuotes) {
	t.octets, t.secret = uint32(octets), dbMaySecret(looked)
	if t.secret {
		q.double = true
		t.length = uint8(len(dbShape(t.text[:0], looked, q)))
		return
	}
	t.length = uint8(copy(t.text[:], looked))
}

// dbRoom is where a text without literals is put together.
func dbRoom(m *Message) []byte { return m.Room[MaxMessage : MaxMessage : MaxMessage+dbMaxText] }

// say says the statement, also as a field that is nProbe's if there is one.
func (t *dbText) say(m *Message, also *flow.Field, q dbQuotes) {
	text := t.text[:t.length]
	var word [24]byte
	if n := dbVerb(word[:], text); n > 0 {
		m.Attrs.Bytes(DBOperation, word[:n])
	}
	m.Attrs.Bytes(DBStatement, text)
	if also != nil {
		m.Attrs.Bytes(also, text)
	}
	m.Attrs.Bytes(DBShape, dbShape(dbRoom(m), text, q))
	m.Attrs.Uint(DBStatementOctets, uint64(t.octets))
}

// dbVerb writes the first word of a statement in upper case, behind white space, brackets and
// comments, and returns its length.
func dbVerb(out, text []byte) (n int) {
	for len(text) > 0 {
		switch c := text[0]; {
		case c <= ' ' || c == '(' || c == ';':
			text = text[1:]
			continue
		case bytes.HasPrefix(text, []byte("--")), c == '#':
			_, text, _ = bytes.Cut(text, []byte{'\n'})
			continue
		case bytes.HasPrefix(text, []byte("/*")):
			_, text, _ = bytes.Cut(text, []byte("*/"))
			continue
		}
		break
	}
	for n < len(text) && n < len(out) && 'a' <= text[n]|0x20 && text[n]|0x20 <= 'z' {
		out[n] = text[n] &^ 0x20
		n++
	}
	return n
}

// dbVerbs are words that statements begin with.
var dbVerbs = [...]string{
	"SELECT", "INSERT", "UPDATE", "DELETE", "REPLACE", "SHOW", "SET", "BEGIN", "START", "COMMIT", "ROLLBACK",
	"CREATE", "DROP", "ALTER", "TRUNCATE", "WITH", "CALL", "EXPLAIN", "USE", "DESCRIBE", "MERGE", "GRANT",
	"REVOKE", "ANALYZE", "LOCK", "UNLOCK", "DECLARE", "EXECUTE", "PREPARE", "KILL", "OPTIMIZE", "LOAD",
}

func dbIsVerb(word []byte) bool {
	for _, v := range dbVerbs {
		if string(word) == v {
			return true
		}
	}
	return false
}

// dbSayError says the message of an error. Behind what may have set a password it is without
// what is in quotes.
func dbSayError(m *Message, f *flow.Field, message []byte, secret bool) {
	if secret {
		message = dbShape(dbRoom(m), message, dbQuotes{double: true})
	}
	m.Attrs.Bytes(f, message)
}

// dbStatements remembers the statements that were prepared last, by their number or by what hashOf
// makes of their name.
type dbStatements struct {
	clock uint32
	all   [16]struct {
		key  uint64
		used uint32 // clock of the last use, 0 for none
		dbText
	}
}

// find returns a statement, nil if it is not known.
func (x *dbStatements) find(key uint64) *dbText {
	for i := range x.all {
		if e := &x.all[i]; e.used != 0 && e.key == key {
			x.clock++
			e.used = x.clock
			return &e.dbText
		}
	}
	return nil
}

// put remembers a statement in place of the one of its key, or that was not used for longest.
func (x *dbStatements) put(key uint64, t *dbText) {
	best := 0
	for i := range x.all {
		if e := &x.all[i]; e.used != 0 && e.key == key {
			best = i
			break
		} else if e.used < x.all[best].used {
			best = i
		}
	}
	x.clock++
	e := &x.all[best]
	e.key, e.used, e.dbText = key, x.clock, *t
}

// drop forgets a statement.
func (x *dbStatements) drop(key uint64) {
	for i := range x.all {
		if e := &x.all[i]; e.key == key {
			e.used = 0
		}
	}
}

// dbShort is a short text that is kept: a user, a database.
type dbShort struct {
	length uint8
	text   [63]byte
}

func (t *dbShort) set(b []byte)  { t.length = uint8(copy(t.text[:], b)) }
func (t *dbShort) bytes() []byte { return t.text[:t.length] }

// dbSayShort says a text that is kept, unless it is empty.
func dbSayShort(m *Message, t *dbShort, fields ...*flow.Field) {
	if t.length == 0 {
		return
	}
	for _, f := range fields {
		m.Attrs.Bytes(f, t.bytes())
	}
}
