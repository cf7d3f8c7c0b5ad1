package app

import (
	"bytes"
	"encoding/binary"
	"unsafe"

	"github.com/weir-probe/weir/dataplane/flow"
)

// MySQL is the protocol of MySQL, MariaDB and what speaks as they do, as both manuals describe it. A
// message is a packet. A transaction is a login, or a command and everything that answers it. Of a
// connection that compresses it is known when there are requests and responses, and what small ones say.
var MySQL = Dissector{
	Name: "mysql", Number: 20,
	Doc:    "MySQL and MariaDB: logins, statements, also prepared ones, errors and rows.",
	TCP:    on(3306),
	First:  octets(mysqlLeastGreeting, 255),
	Fields: mysqlFields,
	Pair:   InOrder,
	State:  unsafe.Sizeof(mysqlState{}),
	Parse:  parseMySQL,
}

// Where a connection is.
const (
	mysqlNew = iota
	mysqlGreeted
	mysqlLogin   // the client has said who it is
	mysqlCommand // it may command
	mysqlPressed // as before, but packets are in compressed ones
)

// Capabilities that both sides have to have.
const (
	mysqlWithDB        = 1 << 3
	mysqlCompress      = 1 << 5
	mysqlProtocol41    = 1 << 9
	mysqlSSL           = 1 << 11
	mysqlSecure        = 1 << 15
	mysqlPluginAuth    = 1 << 19
	mysqlAttributes    = 1 << 20
	mysqlLongAuth      = 1 << 21
	mysqlNoEOF         = 1 << 24
	mysqlOptionalNames = 1 << 25
	mysqlZstd          = 1 << 26
	mysqlQueryAttrs    = 1 << 27

	mariaProgress = 1 << 0 // of those that are MariaDB's
	mariaCache    = 1 << 4
)

const (
	mysqlHeader        = 4
	mysqlLeastGreeting = 20
	mysqlMostPacket    = 1<<24 - 1 // a packet so long goes on in the next
	mysqlSSLRequest    = 32
	mysqlAnswer        = 600  // octets of an answer that are looked at
	mysqlLooked        = 2048 // octets of a login that are looked at
)

// Flaws of MySQL.
const (
	mysqlFlawLogin   = "MySQL: a login that is shorter than what it should have"
	mysqlFlawCommand = "MySQL: a command that does not exist, or that is shorter than what it should have"
	mysqlFlawAnswer  = "MySQL: an answer that is shorter than what it should have"
	mysqlFlawEmpty   = "MySQL: an empty packet where there is to be something"
)

var mysqlQuotes = dbQuotes{double: true, backslash: true}

// mysqlState is what is known of a connection.
type mysqlState struct {
	phase   uint8
	server  flow.Dir
	maria   bool
	torn    [2]bool // the packet goes on in the next
	said    bool    // in a compressed connection: the request was answered
	caps    uint32  // of both; before the login those of the server
	more    uint32  // those that are MariaDB's
	version dbShort
	user    dbShort
	db      dbShort
	auth    dbShort
	asked   mysqlQueue
	answer  mysqlAnswering
	query   dbText // the last statement
	prepare dbText // the one that is being prepared
	dbStatements
}

// mysqlTurn is a packet.
type mysqlTurn struct {
	*Message
	s    *mysqlState
	size int // octets of the packet behind its header
	seq  uint8
}

func parseMySQL(m *Message) Verdict {
	if !m.Stream {
		return Reject
	}
	t := mysqlTurn{Message: m, s: Memory[mysqlState](m)}
	b := m.Peek()
	if len(b) < mysqlHeader {
		if t.s.phase == mysqlNew && len(b) > 0 && !mysqlMayGreet(b) {
			return Reject
		}
		m.Skip(mysqlHeader)
		return More
	}
	t.size, t.seq = int(b[0])|int(b[1])<<8|int(b[2])<<16, b[3]
	switch {
	case t.s.phase == mysqlNew:
		return t.greeting()
	case t.s.phase == mysqlPressed:
		return t.pressed()
	case m.Lost && !t.resumes():
		return Reject
	case t.s.torn[m.Dir] && !m.Lost:
		t.s.torn[m.Dir] = t.size == mysqlMostPacket
		return t.pass(mysqlHeader)
	case m.Dir == t.s.server:
		return t.served()
	case t.s.phase == mysqlGreeted:
		return t.login()
	}
	return t.command()
}

// pass consumes the n first octets of the packet and skips the others.
func (t *mysqlTurn) pass(n int) Verdict {
	n = min(n, mysqlHeader+t.size)
	t.Skip(n)
	t.Ahead(uint64(mysqlHeader + t.size - n))
	return Accept
}

// look returns the first n octets of the packet behind its header, and whether they are there.
func (t *mysqlTurn) look(n int) ([]byte, bool) {
	n = min(n, t.size)
	if t.Len() < mysqlHeader+n {
		t.Skip(mysqlHeader + n)
		return nil, false
	}
	return t.Peek()[mysqlHeader : mysqlHeader+n], true
}

// resumes reports whether packets are understood again behind a hole: with the next command that
// makes a segment of its own, or with the begin of a response.
func (t *mysqlTurn) resumes() bool {
	if t.size == 0 || t.Len() <= mysqlHeader {
		return false
	}
	first := t.Peek()[mysqlHeader]
	if t.s.phase != mysqlCommand {
		return t.s.phase == mysqlGreeted && t.Dir != t.s.server && t.seq == 1 && t.Len() == mysqlHeader+t.size
	}
	if t.Dir == t.s.server {
		return t.seq == 1 && t.size < mysqlMostPacket && t.s.asked.waiting > 0 && t.s.answer.phase == mysqlIdle
	}
	return t.seq == 0 && t.Len() == mysqlHeader+t.size && mysqlCommandName(first) != ""
}

// mysqlMayGreet reports whether fewer octets than a header may begin a greeting.
func mysqlMayGreet(b []byte) bool {
	for i, c := range b {
		if i == 0 && c < mysqlLeastGreeting || i > 0 && c != 0 {
			return false
		}
	}
	return true
}

// greeting reads what the server says first, or that it does not want the client.
func (t *mysqlTurn) greeting() Verdict {
	switch {
	case mysqlMayGreet(t.Peek()[:mysqlHeader]) && !(t.Lost && t.Len() > 8 && t.Peek()[4] == mysqlQuery):
	case t.Lost:
		return t.joins()
	default:
		return Reject
	}
	rest := t.Peek()[mysqlHeader:min(mysqlHeader+t.size, t.Len())]
	if len(rest) > 0 && rest[0] == 0xff {
		return t.unwelcome(rest)
	}
	// The version is a number with points and a name.
	for i, c := range rest {
		switch {
		case i == 0 && c != 10, i == 1 && !isDigit(c), i == 2 && !isDigit(c) && c != '.':
			return Reject
		case i > 2 && c == 0:
			return t.greets(i)
		case i > 2 && (c < ' ' || c > '~'):
			return Reject
		}
	}
	if len(rest) == t.size {
		return Reject
	}
	t.look(t.size)
	return More
}

// greets reads what is behind the version, which ends at an offset.
func (t *mysqlTurn) greets(end int) Verdict {
	b, ok := t.look(t.size)
	if !ok {
		return More
	}
	version, rest := b[1:end], b[end+1:]
	if len(rest) < 4+8+1+2 || rest[12] != 0 {
		return Reject
	}
	s := t.s
	*s = mysqlState{phase: mysqlGreeted, server: t.Dir, maria: bytes.Contains(version, []byte("MariaDB"))}
	s.caps = uint32(binary.LittleEndian.Uint16(rest[13:]))
	if rest = rest[15:]; len(rest) >= 16 {
		s.caps |= uint32(binary.LittleEndian.Uint16(rest[3:])) << 16
		if s.caps&1 == 0 {
			s.more = binary.LittleEndian.Uint32(rest[12:])
		}
	}
	// MariaDB pretends to be 5.5.5, for the sake of replicas.
	version = bytes.TrimPrefix(version, []byte("5.5.5-"))
	s.version.set(version)
	t.system()
	t.sayVersion()
	return t.pass(mysqlHeader + t.size)
}

// joins takes up a connection whose begin was not seen, with a statement that makes a segment of its own.
func (t *mysqlTurn) joins() Verdict {
	b := t.Peek()[mysqlHeader:]
	if t.seq != 0 || len(b) != t.size || len(b) < 2 || b[0] != mysqlQuery || b[1] > '~' {
		return Reject
	}
	var word [24]byte
	if !dbIsVerb(word[:dbVerb(word[:], b[1:])]) {
		return Reject
	}
	*t.s = mysqlState{phase: mysqlCommand, server: 1 - t.Dir, caps: mysqlProtocol41}
	return t.command()
}

// unwelcome reads an error in place of a greeting.
func (t *mysqlTurn) unwelcome(b []byte) Verdict {
	if len(b) >= 3 {
		if code := binary.LittleEndian.Uint16(b[1:]); code < 1000 || code >= 5000 {
			return Reject
		}
	}
	for i := 3; i < len(b); i++ {
		if b[i] < ' ' || b[i] > '~' {
			return Reject
		}
	}
	b, ok := t.look(t.size)
	if !ok {
		return More
	}
	*t.s = mysqlState{phase: mysqlCommand, server: t.Dir, caps: mysqlProtocol41}
	t.system()
	t.sayError(b, false)
	t.Notice()
	return t.pass(mysqlHeader + t.size)
}

func (t *mysqlTurn) system() {
	if t.s.maria {
		t.Attrs.Text(DBSystem, "mariadb")
	} else {
		t.Attrs.Text(DBSystem, "mysql")
	}
}

func (t *mysqlTurn) sayVersion() { dbSayShort(t.Message, &t.s.version, DBVersion, MySQLVersion) }

// who says who asks, of every request.
func (t *mysqlTurn) who() {
	t.system()
	dbSayShort(t.Message, &t.s.user, DBUser, MySQLUser, FlowUser)
	dbSayShort(t.Message, &t.s.db, DBName, MySQLDatabase)
}
