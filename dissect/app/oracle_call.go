package app

import (
	"bytes"
	"encoding/binary"
)

// Messages of TTC.
const (
	ttcCall      = 3
	ttcError     = 4 // also the end of a call without an error
	ttcStatus    = 9
	ttcPiggyback = 17
)

// Functions of TTC of which more than the name matters.
const (
	ttcExecute = 0x5e
	ttcLogin   = 0x73
	ttcSession = 0x76
)

// ttcFunctions are the names of the functions that clients call, by number.
var ttcFunctions = [...]string{
	0x01: "LOGON", 0x02: "OPEN", 0x03: "PARSE", 0x04: "EXECUTE", 0x05: "FETCH", 0x08: "CLOSE", 0x09: "LOGOFF",
	0x0a: "DESCRIBE", 0x0b: "DEFINE", 0x0c: "AUTOCOMMIT_ON", 0x0d: "AUTOCOMMIT_OFF", 0x0e: "COMMIT",
	0x0f: "ROLLBACK", 0x14: "CANCEL", 0x3b: "VERSION", 0x47: "EXECUTE", 0x4e: "EXECUTE", ttcExecute: "EXECUTE",
	0x60: "LOB", 0x69: "CLOSE", 0x6b: "SESSION", ttcLogin: "LOGIN", ttcSession: "LOGIN", 0x77: "DESCRIBE",
	0x87: "SET_ATTRIBUTES", 0x93: "PING", 0x98: "SET_SCHEMA",
}

// oracleVerbs are words that statements of Oracle begin with, beside those of all databases.
var oracleVerbs = [...]string{
	"COMMENT", "RENAME", "PURGE", "FLASHBACK", "AUDIT", "NOAUDIT", "ASSOCIATE", "SAVEPOINT",
}

var oracleQuotes = dbQuotes{}

// oracleBegins is how many octets of a call a statement begins in.
const oracleBegins = 512

// who says who asks, of every request.
func (t *oracleTurn) who() {
	s := t.s
	t.Attrs.Text(DBSystem, "oracle")
	dbSayShort(t.Message, &s.user, DBUser, OracleUser, FlowUser)
	dbSayShort(t.Message, &s.db, DBName)
	dbSayShort(t.Message, &s.program, DBApplication)
	dbSayShort(t.Message, &s.osUser, DBClientUser)
}

// request says that the packet asks something, and expects the answer.
func (t *oracleTurn) request() {
	s := t.s
	t.Request(0)
	s.waiting, s.goes, s.secret, s.rowsOf = true, false, false, oracleNoRows
	if s.end = 0; t.size <= t.look() {
		s.end = t.Time
	}
}

// asks reads what the client says, behind the flags of data.
func (t *oracleTurn) asks(b []byte) {
	s := t.s
	switch {
	case s.later:
		s.later = false
		t.descriptor(b)
		t.who()
	case len(b) < 3 || s.waiting || ttcSeals(b):
		// The rest of a call, or what is negotiated before the first.
	case b[0] == ttcCall:
		t.call(b)
	case b[0] == ttcPiggyback:
		t.call(ttcBehind(b))
	}
}

// ttcSeals reports whether encryption is negotiated.
func ttcSeals(b []byte) bool { return len(b) >= 4 && binary.BigEndian.Uint32(b) == oracleSealing }

// ttcBehind returns the call behind one that is sent along with it. Its sequence number is the next.
func ttcBehind(b []byte) []byte {
	const farthest = 128
	for i := 3; i+3 <= min(len(b), farthest); i++ {
		if b[i] == ttcCall && b[i+2] == b[2]+1 && ttcName(b[i+1]) != "" {
			return b[i:]
		}
	}
	return nil
}

func ttcName(function byte) string {
	if int(function) < len(ttcFunctions) {
		return ttcFunctions[function]
	}
	return ""
}

// call reads a call: its function, a sequence number, and what the function needs.
func (t *oracleTurn) call(b []byte) {
	if len(b) < 3 {
		return
	}
	s := t.s
	name := ttcName(b[1])
	if s.keys = b[1] == ttcSession; s.keys { // a part of the login, which tells of the user
		t.login(b)
		t.who()
		return
	}
	t.request()
	switch b[1] {
	case ttcLogin:
		t.login(b)
	case ttcExecute, 0x47:
		t.statement(b)
	}
	t.who()
	t.Attrs.Uint(OracleFunction, uint64(b[1]))
	if name != "" {
		t.Attrs.Text(DBOperation, name)
	} else {
		t.Attrs.Text(DBOperation, "CALL")
	}
	if name == "FETCH" {
		s.rowsOf = oracleFetches
	}
}

// login reads who the client says it is. The user is in front of the first of some names and values.
func (t *oracleTurn) login(b []byte) {
	at := bytes.Index(b, []byte("AUTH_"))
	if at < 8 {
		return
	}
	// Between them is the length of the name: as an octet, and before it in four or in two.
	for _, end := range [...]int{at - 5, at - 3} {
		for n := 1; n <= 128 && n < end; n++ {
			c := b[end-n]
			if n > 1 && int(c) == n-1 {
				t.s.user.set(b[end-n+1 : end])
				return
			}
			if c <= ' ' || c == 0x7f {
				break
			}
		}
	}
}

// statement finds the text of a statement. Where it is depends on the client, but it is behind its length,
// and begins with a word that statements begin with.
func (t *oracleTurn) statement(b []byte) {
	for i := 3; i+1 < min(len(b), oracleBegins); i++ {
		if b[i+1] < '(' && b[i+1] != ' ' && b[i+1] != '\n' && b[i+1] != '\t' && b[i+1] != '\r' && b[i] != 0xfe {
			continue
		}
		text, octets, ok := ttcText(b[i:], t.Room[:0:dbLooked])
		if !ok {
			continue
		}
		if end := len(text) - 1; text[end] == 0 { // some clients have it end as in C
			text, octets = text[:end], max(octets-1, 0)
		}
		var word [24]byte
		verb := word[:dbVerb(word[:], text)]
		if !dbIsVerb(verb) && !oracleIsVerb(verb) || !ttcIsText(text) {
			continue
		}
		s := t.s
		s.query.set(text, octets, oracleQuotes)
		s.query.say(t.Message, OracleQuery, oracleQuotes)
		s.secret = s.query.secret
		switch string(verb) {
		case "SELECT", "WITH":
			s.rowsOf = oracleSelects
		case "INSERT", "UPDATE", "DELETE", "MERGE":
			s.rowsOf = oracleChanges
		}
		return
	}
}

func oracleIsVerb(word []byte) bool {
	for _, v := range oracleVerbs {
		if string(word) == v {
			return true
		}
	}
	return false
}

func ttcIsText(b []byte) bool {
	for _, c := range b {
		if c < ' ' && c != '\n' && c != '\t' && c != '\r' || c == 0x7f {
			return false
		}
	}
	return true
}

// ttcText returns a text behind its length, at most as much as room has, and the length. A long one is in
// pieces, of which each has an octet of length, or two or three if a client says how many there are; the
// last one is empty.
func ttcText(b, room []byte) (text []byte, octets int, ok bool) {
	const pieces = 0xfe
	n := int(b[0])
	if n != pieces {
		if n < 3 || n > 0xfd || 1+n > len(b) {
			return nil, 0, false
		}
		return b[1 : 1+n], n, true
	}
	for b = b[1:]; len(b) > 0; {
		n, width := int(b[0]), 1
		if (n == 1 || n == 2) && len(b) > 2 {
			if width = 2; n == 2 {
				n, width = int(b[1])<<8|int(b[2]), 3
			} else {
				n = int(b[1])
			}
		}
		if n == 0 {
			return room, octets, octets > 0
		}
		if octets += n; width+n > len(b) {
			room = append(room, b[width:][:min(len(b)-width, cap(room)-len(room))]...)
			return room, 0, len(room) > 32 // the rest of it is not here
		}
		room = append(room, b[width:][:min(n, cap(room)-len(room))]...)
		b = b[width+n:]
	}
	return room, 0, len(room) > 32
}
