package app

import (
	"encoding/binary"
	"unsafe"

	"github.com/weir-probe/weir/dataplane/flow"
)

// TDS is what clients of Microsoft's SQL Server speak, from version 7.0 on ([MS-TDS]). A message is a packet,
// or a record of TLS in which there is one. A transaction is a login, a batch of SQL or a call of a procedure
// and everything that answers it. Rows are counted where the end of an answer tells, which is of the last of
// several results. Behind a login that is encrypted it is known what is said, unless everything is encrypted.
var TDS = Dissector{
	Name: "tds", Number: 114,
	Doc:    "Microsoft SQL Server: logins, batches of SQL, procedures, prepared statements, errors and rows.",
	TCP:    on(1433),
	First:  "\x10\x12",
	Fields: tdsFields,
	Pair:   InOrder,
	State:  unsafe.Sizeof(tdsState{}),
	Parse:  parseTDS,
}

var tdsFields = []*flow.Field{
	FlowUser, DBSystem, DBUser, DBName, DBOperation, DBStatement, DBShape, DBStatementOctets, DBErrorCode, DBError,
	DBRows, DBAffectedRows, DBVersion, DBPrepared, DBApplication, TDSProcedure, TDSErrorState, TDSErrorClass,
	TDSEncryption,
}

// Fields of TDS alone.
var (
	TDSProcedure  = dbWords(525, "TDS_PROCEDURE", 32, "Procedure of SQL Server that is called.")
	TDSErrorState = dbNumber(526, "TDS_ERROR_STATE", flow.Unsigned8, "State of the error with which SQL Server answers.")
	TDSErrorClass = dbNumber(527, "TDS_ERROR_CLASS", flow.Unsigned8,
		"Class of the error with which SQL Server answers: its severity, up to 25.")
	TDSEncryption = dbWords(528, "TDS_ENCRYPTION", 8,
		"What of a connection to SQL Server is encrypted: login, all or none.")
)

// Types of packets ([MS-TDS], section 2.2.3.1.1).
const (
	tdsBatch    = 1
	tdsRPC      = 3
	tdsAnswer   = 4
	tdsBulk     = 7
	tdsManager  = 14
	tdsLogin    = 16
	tdsPrelogin = 18

	tdsHeader = 8
	tdsLooked = 4 << 10 // octets of a packet that are looked at, at its begin
	tdsTail   = 512     // and at its end, if it is longer
	tdsRecord = 5       // header of a record of TLS
)

// How much is encrypted.
const (
	tdsClear = iota
	tdsSealsLogin
	tdsSealsAll
)

// Flaws of TDS.
const (
	tdsFlawHeader = "TDS: a packet of a length or a type that cannot be"
	tdsFlawShort  = "TDS: a packet that is shorter than what it should have"
)

var tdsQuotes = dbQuotes{}

type tdsState struct {
	begun    bool
	client   flow.Dir
	old      bool    // before 7.2: counts of rows have four octets
	goes     [2]bool // the message goes on in the next packet
	tail     [2]uint16
	last     [2]bool // the tail is the end of a message
	seals    uint8
	waiting  bool // a request was not answered
	answered bool
	secret   bool
	failed   bool
	prepares bool
	user     dbShort
	db       dbShort
	program  dbShort
	query    dbText
	dbStatements
}

// tdsTurn is a packet.
type tdsTurn struct {
	*Message
	s    *tdsState
	size int
	kind byte
	end  bool // the message does not go on
}

func parseTDS(m *Message) Verdict {
	if !m.Stream {
		return Reject
	}
	t := tdsTurn{Message: m, s: Memory[tdsState](m)}
	switch {
	case !t.s.begun && (m.Lost || !tdsMayBegin(m.Peek())), m.Lost && !t.resumes():
		return Reject
	case t.s.tail[m.Dir] > 0:
		return t.rest()
	case t.sealed():
		return t.record()
	case m.Len() < tdsHeader:
		m.Skip(tdsHeader)
		return More
	case !t.header():
		m.Malformed(tdsFlawHeader)
		m.Ahead(ToEnd)
		return Accept
	}
	look := t.size
	if t.size > tdsLooked {
		look = tdsLooked - tdsTail
	}
	if m.Len() < look {
		m.Skip(look)
		return More
	}
	return t.packet(look)
}

// tdsMayBegin reports whether octets may begin what a client says first: what is negotiated before the login,
// whose first option is the version, or a login whose length is that of the packet.
func tdsMayBegin(b []byte) bool {
	const version, first = "\x00", 8
	for i, c := range b[:min(len(b), tdsHeader)] {
		switch {
		case i == 0 && c != tdsPrelogin && c != tdsLogin, i == 1 && c > 1, i == 2 && c > 0x10,
			i == 3 && b[2] == 0 && c < 26, (i == 4 || i == 5 || i == 7) && c != 0, i == 6 && c > 1:
			return false
		}
	}
	if len(b) <= first {
		return len(b) > 0
	}
	if b[0] == tdsPrelogin {
		return b[first] == 0 && (len(b) < first+5 || b[first+3] == 0 && b[first+4] == 6)
	}
	return len(b) < first+4 || b[1] == 0 ||
		binary.LittleEndian.Uint32(b[first:]) == uint32(binary.BigEndian.Uint16(b[2:]))-tdsHeader
}

// header reads the length and the type of a packet.
func (t *tdsTurn) header() bool {
	b := t.Peek()
	t.kind, t.end, t.size = b[0], b[1]&1 != 0, int(binary.BigEndian.Uint16(b[2:]))
	return t.size >= tdsHeader && t.kind > 0 && t.kind <= tdsPrelogin
}

// resumes reports whether packets are understood again behind a hole: if one makes a segment of its own.
func (t *tdsTurn) resumes() bool {
	if !t.s.begun || t.Len() < tdsHeader || !t.header() || t.size != t.Len() {
		return false
	}
	t.s.tail[t.Dir], t.s.goes[t.Dir] = 0, false
	return true
}

// sealed reports whether a record of TLS begins, and not a packet.
func (t *tdsTurn) sealed() bool {
	b := t.Peek()
	return t.s.seals != tdsClear && len(b) >= 2 && b[0] >= 20 && b[0] <= 23 && b[1] == 3
}

// record passes over a record of TLS: the login, or everything.
func (t *tdsTurn) record() Verdict {
	if t.Len() < tdsRecord {
		t.Skip(tdsRecord)
		return More
	}
	t.Skip(3)
	t.Ahead(uint64(t.U16()))
	if t.s.seals == tdsSealsAll {
		t.Ahead(ToEnd)
	}
	return Accept
}

// packet reads a packet, of which so many octets are here.
func (t *tdsTurn) packet(look int) Verdict {
	s := t.s
	b := t.Peek()[tdsHeader:look]
	if !s.begun {
		*s = tdsState{begun: true, client: t.Dir}
	}
	goes := s.goes[t.Dir]
	s.goes[t.Dir] = !t.end
	switch client := t.Dir == s.client; {
	case client && !goes:
		t.asks(b)
	case !client && t.kind == tdsAnswer:
		t.answers(b, goes, look == t.size)
	}
	t.Skip(look)
	if left := t.size - look; left > 0 {
		s.tail[t.Dir], s.last[t.Dir] = uint16(min(left, tdsTail)), t.end
		t.Ahead(uint64(left - min(left, tdsTail)))
	}
	return Accept
}

// rest reads the end of a packet that is not looked at as a whole.
func (t *tdsTurn) rest() Verdict {
	n := int(t.s.tail[t.Dir])
	if t.Len() < n {
		t.Skip(n)
		return More
	}
	if t.s.tail[t.Dir] = 0; t.Dir != t.s.client && t.s.last[t.Dir] {
		t.ends(t.Peek()[:n])
	}
	t.Skip(n)
	return Accept
}

// who says who asks, of every request.
func (t *tdsTurn) who() {
	t.Attrs.Text(DBSystem, "mssql")
	dbSayShort(t.Message, &t.s.user, DBUser, FlowUser)
	dbSayShort(t.Message, &t.s.db, DBName)
	dbSayShort(t.Message, &t.s.program, DBApplication)
}
