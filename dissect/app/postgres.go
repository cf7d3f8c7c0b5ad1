package app

import (
	"bytes"
	"encoding/binary"
	"unsafe"

	"github.com/weir-probe/weir/dataplane/flow"
)

// PostgreSQL is version 3 of the protocol of PostgreSQL, as chapter 55 of its manual describes it, in clear
// or up to TLS. A transaction is a login, a simple query with all its statements, or an execution of a
// prepared one; what is prepared without being executed is one, too.
var PostgreSQL = Dissector{
	Name: "postgresql", Number: 19,
	Doc:   "PostgreSQL: logins, statements, also prepared ones, errors, rows and COPY.",
	TCP:   on(5432),
	First: "\x00Q",
	Fields: append([]*flow.Field{
		DBState, DBAffectedRows, DBApplication, DBAuth,
	}, postgresSQL...),
	Pair:  ByKey,
	State: unsafe.Sizeof(postgresState{}),
	Parse: parsePostgres,
}

// postgresSQL are those that all have but the number of an error, for which there is SQLSTATE.
var postgresSQL = []*flow.Field{
	FlowUser, DBSystem, DBUser, DBName, DBOperation, DBStatement, DBShape, DBStatementOctets,
	DBError, DBRows, DBVersion, DBPrepared,
}

// Where a connection is.
const (
	postgresNew     = iota
	postgresSecures // the client wants TLS
	postgresSealed  // GSSAPI
	postgresLogin
	postgresReady
)

// Codes of the first message, where later versions have the version.
const (
	postgresCancel   = 1234<<16 | 5678
	postgresTLS      = 1234<<16 | 5679
	postgresGSS      = 1234<<16 | 5680
	postgresVersion3 = 3

	postgresHeader   = 5
	postgresName     = 64 // octets of a name with its end
	postgresStartup  = 10000
	postgresMost     = 1 << 30 // octets of a message
	postgresMessages = 1024    // octets of an error that are looked at
)

// Flaws of PostgreSQL.
const (
	postgresFlawLength  = "PostgreSQL: a message of a length that cannot be"
	postgresFlawMessage = "PostgreSQL: a message without the text it should have"
	postgresFlawKind    = "PostgreSQL: a message of a kind that does not exist"
)

var postgresQuotes = dbQuotes{}

// postgresState is what is known of a connection.
type postgresState struct {
	phase    uint8
	client   flow.Dir
	parsed   bool // a statement was prepared since the last Sync, and not executed
	answered bool // the answer to the first request has begun
	failed   bool // what is before the next Sync is not done
	copies   bool // rows are copied out
	key      uint64
	head     uint64 // key of the first request that is not answered
	kinds    [32]uint8
	secrets  uint32 // bit i: kinds[i] may set a password
	rows     uint64
	affected uint64
	known    [2]bool // rows and affected are
	user     dbShort
	db       dbShort
	version  dbShort
	auth     dbShort
	portal   uint64 // name of the one that was bound last, and of its statement
	bound    uint64
	named    bool // the statement has a name
	latest   uint64
	query    dbText
	dbStatements
}

// Kinds of what was asked.
const (
	postgresAskedLogin = iota
	postgresAskedQuery
	postgresAskedExecute
	postgresAskedParse
	postgresAskedSync // no request, but answered
)

// postgresTurn is a message.
type postgresTurn struct {
	*Message
	s    *postgresState
	kind byte
	size int // octets of the message
}

func parsePostgres(m *Message) Verdict {
	if !m.Stream {
		return Reject
	}
	t := postgresTurn{Message: m, s: Memory[postgresState](m)}
	b := m.Peek()
	switch p := t.s.phase; {
	case p == postgresNew:
		return t.begin()
	case p == postgresSealed:
		m.Ahead(ToEnd)
		return Accept
	case p == postgresSecures && m.Dir != t.s.client:
		return t.secured()
	case p == postgresSecures:
		return t.begin()
	case m.Lost && !t.resumes():
		return Reject
	case len(b) < postgresHeader:
		m.Skip(postgresHeader)
		return More
	}
	t.kind = b[0]
	n := binary.BigEndian.Uint32(b[1:])
	if n < 4 || n > postgresMost {
		m.Malformed(postgresFlawLength)
		m.Ahead(ToEnd)
		return Accept
	}
	t.size = 1 + int(n)
	if m.Dir == t.s.client {
		return t.asked()
	}
	return t.served()
}

// pass consumes the n first octets of the message and skips the others.
func (t *postgresTurn) pass(n int) Verdict {
	n = min(n, t.size)
	t.Skip(n)
	t.Ahead(uint64(t.size - n))
	return Accept
}

// look returns the first n octets behind the header, and whether they are there.
func (t *postgresTurn) look(n int) ([]byte, bool) {
	n = min(n, t.size-postgresHeader)
	if t.Len() < postgresHeader+n {
		t.Skip(postgresHeader + n)
		return nil, false
	}
	return t.Peek()[postgresHeader : postgresHeader+n], true
}

// begin reads the first message of a client.
func (t *postgresTurn) begin() Verdict {
	b := t.Peek()
	if len(b) > 0 && b[0] == 'Q' && t.Lost {
		return t.joins()
	}
	if len(b) < 8 {
		if len(b) > 0 && b[0] != 0 || len(b) > 1 && b[1] != 0 || len(b) > 2 && b[2] > postgresStartup>>8 {
			return Reject
		}
		t.Skip(8)
		return More
	}
	n, code := binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])
	t.size = int(n)
	switch {
	case code == postgresTLS && n == 8 || code == postgresGSS && n == 8:
		t.s.phase, t.s.client = postgresSecures, t.Dir
		t.s.failed = code == postgresGSS
		return t.pass(8)
	case code == postgresCancel && n == 16:
		return t.cancel()
	case code>>16 == postgresVersion3 && n >= 9 && n <= postgresStartup:
		return t.startup()
	}
	return Reject
}

// cancel reads what asks to cancel something on another connection.
func (t *postgresTurn) cancel() Verdict {
	if t.Len() < 16 {
		t.Skip(16)
		return More
	}
	t.s.phase, t.s.client = postgresReady, t.Dir
	t.Attrs.Text(DBSystem, "postgresql")
	t.Attrs.Text(DBOperation, "CANCEL")
	t.Notice()
	return t.pass(16)
}

// secured reads the octet with which the server takes TLS or GSSAPI, or does not.
func (t *postgresTurn) secured() Verdict {
	gss := t.s.failed
	switch c := t.U8(); {
	case c == 'N' || c == 'E':
		t.s.failed = false // another startup follows, or nothing
	case c == 'S' && !gss:
		t.Become(&TLS)
	case c == 'G' && gss:
		t.s.phase = postgresSealed
	default:
		return Reject
	}
	return Accept
}

// startup reads who the client says it is.
func (t *postgresTurn) startup() Verdict {
	look := min(t.size, 2048)
	if t.Len() < look {
		t.Skip(look)
		return More
	}
	b := t.Peek()[8:look]
	if !postgresMayStart(b) && t.s.phase == postgresNew {
		return Reject
	}
	s := t.s
	s.client, s.phase, s.failed = t.Dir, postgresLogin, false
	for len(b) > 0 && b[0] != 0 {
		var name, value []byte
		name, b, _ = bytes.Cut(b, []byte{0})
		value, b, _ = bytes.Cut(b, []byte{0})
		switch string(name) {
		case "user":
			s.user.set(value)
		case "database":
			s.db.set(value)
		case "application_name":
			t.Attrs.Bytes(DBApplication, value)
		}
	}
	if s.db.length == 0 {
		s.db = s.user // as the server does
	}
	t.who()
	t.Attrs.Text(DBOperation, "LOGIN")
	t.asks(postgresAskedLogin, false)
	return t.pass(look)
}

// postgresMayStart reports whether parameters begin with a name and a value of characters.
func postgresMayStart(b []byte) bool {
	name, rest, ok := bytes.Cut(b, []byte{0})
	value, _, also := bytes.Cut(rest, []byte{0})
	if !ok || !also || len(name) == 0 || len(name) > postgresName {
		return false
	}
	for _, c := range name {
		if c != '_' && (c|0x20 < 'a' || c|0x20 > 'z') {
			return c == '.' // of an extension
		}
	}
	for _, c := range value {
		if c < ' ' || c == 0x7f {
			return false
		}
	}
	return true
}

// joins takes up a connection whose begin was not seen, with a statement that makes a segment of its own.
func (t *postgresTurn) joins() Verdict {
	b := t.Peek()
	if len(b) < postgresHeader+4 || int(binary.BigEndian.Uint32(b[1:])) != len(b)-1 || b[len(b)-1] != 0 {
		return Reject
	}
	var word [24]byte
	if !dbIsVerb(word[:dbVerb(word[:], b[postgresHeader:])]) {
		return Reject
	}
	*t.s = postgresState{phase: postgresReady, client: t.Dir}
	t.kind, t.size = 'Q', len(b)
	return t.asked()
}

// resumes reports whether messages are understood again behind a hole: if a segment has nothing but
// messages, of which the last may go on.
func (t *postgresTurn) resumes() bool {
	b := t.Peek()
	kinds := "QPBEDCSHFXdcfp"
	if t.Dir != t.s.client {
		kinds = "RKSZCDTEN123nstGHWdcIAVv"
	}
	for n := 0; len(b) >= postgresHeader; n++ {
		size := binary.BigEndian.Uint32(b[1:])
		if bytes.IndexByte([]byte(kinds), b[0]) < 0 || size < 4 || size > 1<<24 {
			return false
		}
		if int(size)+1 >= len(b) {
			exact := int(size)+1 == len(b)
			t.recover()
			return exact || n > 0
		}
		b = b[1+size:]
	}
	return false
}

// recover forgets what was asked before a hole; of the answers to one the last goes on.
func (t *postgresTurn) recover() {
	s := t.s
	if t.Dir == s.client {
		s.head = s.key + 1
	} else if s.head < s.key {
		s.head = s.key
	}
	s.clear()
}
