package app

import (
	"bytes"
	"encoding/binary"
	"unsafe"

	"github.com/weir-probe/weir/dataplane/flow"
)

// MongoDB is the wire protocol of MongoDB: OP_MSG, and OP_QUERY and OP_REPLY, by which clients greet. Commands
// and what answers them meet by their number. Of what is compressed it is known when it is asked and answered.
var MongoDB = Dissector{
	Name: "mongodb", Number: 60,
	Doc:   "MongoDB: commands, databases, collections, users and errors.",
	TCP:   on(27017, 27018, 27019),
	First: "\xd4\xdc\xdd", At: 12, // of the operation: query, compressed, message
	Fields: mongoFields,
	Pair:   ByKey,
	State:  unsafe.Sizeof(mongoState{}),
	Parse:  parseMongo,
}

// MongoCollection is what a command is about.
var MongoCollection = dbWords(529, "DB_COLLECTION", 64, "Collection of MongoDB that a command is about.")

var mongoFields = []*flow.Field{
	FlowUser, DBSystem, DBUser, DBName, DBOperation, MongoCollection, DBErrorCode, DBErrorKind, DBError,
	DBAffectedRows, DBVersion, DBApplication, DBAuth, DBCompression,
}

// Operations of the protocol.
const (
	mongoReply      = 1
	mongoUpdate     = 2001
	mongoQuery      = 2004
	mongoMore       = 2005
	mongoCompressed = 2012
	mongoMsg        = 2013

	mongoHeader = 16
	mongoLooked = 4 << 10 // octets of a message that are looked at
	mongoMost   = 48_000_000
	mongoParts  = 64 // elements of a document that are looked at
	mongoComes  = 2  // flag of OP_MSG: no answer is wanted, or another one comes
)

// Flaws of MongoDB.
const (
	mongoFlawHeader = "MongoDB: a message of a length or an operation that cannot be"
	mongoFlawBody   = "MongoDB: a message whose document does not fit"
)

type mongoState struct {
	begun  bool
	client flow.Dir
	comes  bool // the server says more without being asked
	user   dbShort
	db     dbShort
}

// mongoTurn is a message.
type mongoTurn struct {
	*Message
	s       *mongoState
	size    int
	id, to  uint32
	op      uint32
	flags   uint32
	command mongoCommand
}

func parseMongo(m *Message) Verdict {
	if !m.Stream {
		return Reject
	}
	t := mongoTurn{Message: m, s: Memory[mongoState](m)}
	b := m.Peek()
	if !t.s.begun && (m.Lost || !mongoMayBegin(b)) {
		return Reject
	}
	r := m.Reader
	t.size, t.id, t.to, t.op = int(r.U32LE()), r.U32LE(), r.U32LE(), r.U32LE()
	if r.Short() {
		m.Skip(mongoHeader)
		return More
	}
	if t.size < mongoHeader || t.size > mongoMost || mongoOp(t.op) == "" {
		if !t.s.begun || m.Lost {
			return Reject
		}
		m.Malformed(mongoFlawHeader)
		m.Ahead(ToEnd)
		return Accept
	}
	look := min(t.size, mongoLooked)
	if m.Len() < look {
		m.Skip(look)
		return More
	}
	fits := t.read(b[mongoHeader:look])
	if !t.s.begun && !fits {
		return Reject
	}
	if !fits {
		m.Malformed(mongoFlawBody)
	}
	if !t.s.begun {
		t.s.begun, t.s.client = true, m.Dir
	}
	t.tell()
	m.Skip(look)
	m.Ahead(uint64(t.size - look))
	return Accept
}

// mongoMayBegin reports whether octets may begin a request: a length, a number, nothing that it answers, and
// an operation.
func mongoMayBegin(b []byte) bool {
	for i, c := range b[:min(len(b), mongoHeader)] {
		switch {
		case i == 3 && c > mongoMost>>24, i >= 8 && i < 12 && c != 0, i == 13 && c != 7, i >= 14 && c != 0,
			i == 12 && c != mongoQuery&0xff && c != mongoMsg&0xff && c != mongoCompressed&0xff:
			return false
		}
	}
	return len(b) > 0
}

// mongoOp returns the name of an operation, empty if there is none.
func mongoOp(op uint32) string {
	switch op {
	case mongoReply:
		return "REPLY"
	case mongoUpdate:
		return "UPDATE"
	case 2002:
		return "INSERT"
	case mongoQuery:
		return "QUERY"
	case mongoMore:
		return "GET_MORE"
	case 2006:
		return "DELETE"
	case 2007:
		return "KILL_CURSORS"
	case mongoCompressed:
		return "COMPRESSED"
	case mongoMsg:
		return "MSG"
	}
	return ""
}

// mongoAnswered reports whether an operation is answered.
func mongoAnswered(op, flags uint32) bool {
	return op == mongoMsg && flags&mongoComes == 0 || op == mongoQuery || op == mongoCompressed || op == mongoMore
}

// read reads what is behind the header, and reports whether it fits.
func (t *mongoTurn) read(b []byte) bool {
	switch t.op {
	case mongoMsg:
		const kind = 4
		if len(b) < kind+1 {
			return false
		}
		t.flags = binary.LittleEndian.Uint32(b)
		if t.flags&0xffff&^uint32(3) != 0 {
			return false
		}
		// The body may be behind sequences of documents, but hardly any client does that.
		return b[kind] == 1 || b[kind] == 0 && t.command.read(b[kind+1:])
	case mongoQuery:
		name, rest, ok := bytes.Cut(b[min(4, len(b)):], []byte{0})
		if !ok || len(rest) < 8 || bytes.IndexByte(name, '.') < 1 {
			return false
		}
		db, collection, _ := bytes.Cut(name, []byte{'.'})
		if t.command.db = db; string(collection) != "$cmd" {
			t.command.name, t.command.collection = []byte("find"), collection
			return true
		}
		return t.command.read(rest[8:])
	case mongoReply:
		const fixed = 20
		return len(b) >= fixed && (len(b) == fixed || t.command.read(b[fixed:]))
	case mongoCompressed:
		return len(b) >= 9
	}
	return true
}

// tell says what the message is.
func (t *mongoTurn) tell() {
	b := t.Peek()[mongoHeader:]
	if t.Dir != t.s.client {
		t.answer()
		return
	}
	c, s := &t.command, t.s
	if len(c.user) > 0 {
		s.user.set(c.user)
	}
	if len(c.db) > 0 {
		s.db.set(c.db)
	}
	t.Attrs.Text(DBSystem, "mongodb")
	dbSayShort(t.Message, &s.user, DBUser, FlowUser)
	switch {
	case t.op == mongoCompressed:
		if kind := b[8]; kind >= 1 && kind <= 3 {
			t.Attrs.Text(DBCompression, [...]string{1: "snappy", 2: "zlib", 3: "zstd"}[kind])
		}
	case len(c.name) > 0:
		t.Attrs.Bytes(DBOperation, mqttCut(c.name))
		dbSayShort(t.Message, &s.db, DBName)
	case t.op != mongoMsg:
		t.Attrs.Text(DBOperation, mongoOp(t.op))
	}
	mongoSay(t.Message, MongoCollection, c.collection)
	mongoSay(t.Message, DBApplication, c.application)
	mongoSay(t.Message, DBAuth, c.mechanism)
	if !mongoAnswered(t.op, t.flags) {
		t.Notice()
		return
	}
	t.Request(uint64(t.id) | 1<<32)
}

func mongoSay(m *Message, f *flow.Field, b []byte) {
	if len(b) > 0 {
		m.Attrs.Bytes(f, mqttCut(b))
	}
}

// answer says what the server answers. Of several without being asked only the first one is an answer.
func (t *mongoTurn) answer() {
	c := &t.command
	before := t.s.comes
	t.s.comes = t.op == mongoMsg && t.flags&mongoComes != 0
	if before {
		return
	}
	t.Response(uint64(t.to) | 1<<32)
	t.Finish()
	if c.knowsOK && !c.ok {
		t.Attrs.Uint(DBErrorCode, uint64(uint32(c.code)))
		mongoSay(t.Message, DBErrorKind, c.codeName)
		mongoSay(t.Message, DBError, c.errmsg)
	} else if c.counts {
		t.Attrs.Uint(DBAffectedRows, uint64(uint32(c.n)))
	}
	mongoSay(t.Message, DBVersion, c.version)
}
