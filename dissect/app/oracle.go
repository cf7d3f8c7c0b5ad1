package app

import (
	"bytes"
	"encoding/binary"
	"unsafe"

	"github.com/weir-probe/weir/dataplane/flow"
)

// Oracle is TNS and, in it, TTC: what clients of Oracle's database speak. Oracle has not published
// either. What is read here is what the source of python-oracledb, which is Oracle's own, tells of the
// order of things, as far as captures of clients of 10g to 12c agree. A message is a packet of TNS; a
// transaction is a connect, a login, or a call of TTC and everything that answers it.
//
// Not known, and therefore absent: values that are bound, the text of a statement that is executed again
// by the number of its cursor, rows where the end of a call is not laid out as OCI of 10g to 12c does, the
// end of answers to thin clients (until the next call is answered), calls that are sent behind another one
// whose sequence number theirs does not follow, pipelined calls, and everything that is encrypted.
var Oracle = Dissector{
	Name: "oracle", Number: 167,
	Doc:    "Oracle: services, logins, calls, statements, errors and rows.",
	TCP:    on(1521, 1526),
	First:  octets(0, oracleMostConnect>>8),
	Fields: oracleFields,
	Pair:   InOrder,
	State:  unsafe.Sizeof(oracleState{}),
	Parse:  parseOracle,
}

// Types of packets of TNS.
const (
	oracleConnect  = 1
	oracleAccept   = 2
	oracleRefuse   = 4
	oracleRedirect = 5
	oracleData     = 6
	oracleResend   = 11
	oracleMost     = 15 // a type that is higher does not exist
)

const (
	oracleHeader       = 8
	oracleLeastConnect = 58
	oracleMostConnect  = 4096
	oracleWide         = 315  // version from which on lengths have four octets
	oracleLooked       = 2048 // octets of a packet that are looked at
	oracleTail         = 1024 // octets at the end of a longer one that are looked at, too
	oracleDataHeader   = 10
	oracleSealing      = 0xdeadbeef // begins what encryption and checksums are negotiated with
)

// Flaws of Oracle.
const (
	oracleFlawHeader = "Oracle: a packet of a length or a type that cannot be"
	oracleFlawShort  = "Oracle: a packet that is shorter than what it should have"
)

// oracleState is what is known of a connection.
type oracleState struct {
	begun   bool
	client  flow.Dir
	wide    bool  // lengths have four octets
	sealed  bool  // it encrypts
	resent  bool  // the connect is asked for again
	later   bool  // what the client connects to comes in a packet of its own
	keys    bool  // a login has begun
	waiting bool  // a call was not answered
	goes    bool  // its answer goes on
	secret  bool  // the call may set a password
	rowsOf  uint8 // what the rows are that its end counts
	tail    [2]uint16
	cursor  uint16 // of the last end of a call, and how many rows it had
	rows    uint32
	end     uint64 // time of the last octet of the call
	user    dbShort
	db      dbShort
	osUser  dbShort
	program dbShort
	version dbShort
	query   dbText
}

// What rows are counted of.
const (
	oracleNoRows = iota
	oracleSelects
	oracleFetches
	oracleChanges
)

// oracleTurn is a packet.
type oracleTurn struct {
	*Message
	s    *oracleState
	size int
	kind uint8
}

func parseOracle(m *Message) Verdict {
	if !m.Stream {
		return Reject
	}
	t := oracleTurn{Message: m, s: Memory[oracleState](m)}
	switch {
	case !t.s.begun:
		return t.begin()
	case t.s.sealed:
		m.Ahead(ToEnd)
		return Accept
	case m.Lost && !t.resumes():
		return Reject
	case t.s.tail[m.Dir] > 0:
		return t.rest()
	case m.Len() < oracleHeader:
		m.Skip(oracleHeader)
		return More
	}
	if !t.header() {
		m.Malformed(oracleFlawHeader)
		m.Ahead(ToEnd)
		return Accept
	}
	if look := min(t.size, t.look()); m.Len() < look {
		m.Skip(look)
		return More
	}
	return t.packet()
}

// header reads the length and the type of a packet.
func (t *oracleTurn) header() bool {
	b := t.Peek()
	if t.size = int(binary.BigEndian.Uint16(b)); t.s.wide {
		t.size = int(binary.BigEndian.Uint32(b))
	}
	t.kind = b[4]
	return t.size >= oracleHeader && t.size < 1<<24 && t.kind > 0 && t.kind < oracleMost
}

// look returns how much of a packet is looked at, from its begin.
func (t *oracleTurn) look() int {
	if t.size > oracleLooked && t.Dir != t.s.client {
		return oracleLooked - oracleTail
	}
	return oracleLooked
}

// resumes reports whether packets are understood again behind a hole: if one makes a segment of its own.
func (t *oracleTurn) resumes() bool {
	if t.Len() < oracleHeader || !t.header() || t.size != t.Len() || t.Peek()[6]|t.Peek()[7] != 0 {
		return false
	}
	t.s.tail[t.Dir], t.s.later, t.s.goes = 0, false, false
	return true
}

// packet reads a packet, or the begin of one.
func (t *oracleTurn) packet() Verdict {
	look := min(t.size, t.look())
	b := t.Peek()[:look]
	switch client := t.Dir == t.s.client; {
	case t.kind == oracleData && len(b) < oracleDataHeader:
		t.Malformed(oracleFlawShort)
	case t.kind == oracleData && client:
		t.asks(b[oracleDataHeader:])
	case t.kind == oracleData:
		t.answers(b[oracleDataHeader:], look == t.size)
	case t.kind == oracleConnect && client:
		t.connects(b)
	case !client:
		t.listener(b)
	}
	t.Skip(look)
	left := t.size - look
	if t.Dir != t.s.client && left > 0 {
		t.s.tail[t.Dir] = uint16(min(left, oracleTail))
		left -= min(left, oracleTail)
	}
	t.Ahead(uint64(left))
	return Accept
}

// rest reads the end of a packet that is not looked at as a whole.
func (t *oracleTurn) rest() Verdict {
	n := int(t.s.tail[t.Dir])
	if t.Len() < n {
		t.Skip(n)
		return More
	}
	t.s.tail[t.Dir] = 0
	t.ends(t.Peek()[:n])
	t.Skip(n)
	return Accept
}

// begin reads the first packet of a client, in which little varies.
func (t *oracleTurn) begin() Verdict {
	b := t.Peek()
	for i, c := range b[:min(len(b), oracleHeader)] {
		switch {
		case i == 0 && c >= oracleMostConnect>>8, i == 1 && b[0] == 0 && c < oracleLeastConnect,
			i == 4 && c != oracleConnect, (i == 2 || i == 3 || i > 5) && c != 0:
			return Reject
		}
	}
	if len(b) < oracleLeastConnect {
		t.Skip(oracleLeastConnect)
		return More
	}
	t.header()
	version, old := binary.BigEndian.Uint16(b[8:]), binary.BigEndian.Uint16(b[10:])
	one := binary.BigEndian.Uint16(b[22:])
	data, at := int(binary.BigEndian.Uint16(b[24:])), int(binary.BigEndian.Uint16(b[26:]))
	if version < 300 || version > 400 || old > version || old < 200 || one != 1 && one != 1<<8 ||
		at < 26 || at > t.size || data == 0 || data > oracleMostConnect || at+data > t.size && at != t.size {
		return Reject
	}
	if t.Len() < t.size {
		t.Skip(t.size)
		return More
	}
	if at < t.size && b[at] != '(' {
		return Reject
	}
	*t.s = oracleState{begun: true, client: t.Dir}
	return t.packet()
}

// connects reads what the client wants to be connected to.
func (t *oracleTurn) connects(b []byte) {
	s := t.s
	if s.resent {
		s.resent = false
		return // the same again
	}
	if len(b) < oracleLeastConnect {
		t.Malformed(oracleFlawShort)
		return
	}
	at := int(binary.BigEndian.Uint16(b[26:]))
	if s.later = at >= t.size; !s.later {
		t.descriptor(b[min(at, len(b)):])
	}
	t.request()
	t.who()
	t.Attrs.Text(DBOperation, "CONNECT")
}

// descriptor reads a connect descriptor: (NAME=value) in brackets of others.
func (t *oracleTurn) descriptor(b []byte) {
	s := t.s
	s.db.set(oracleValue(b, "SERVICE_NAME"))
	if s.db.length == 0 {
		s.db.set(oracleValue(b, "SID"))
	}
	s.program.set(oracleValue(b, "PROGRAM"))
	s.osUser.set(oracleValue(b, "USER"))
}

// oracleValue returns the value of a name in a descriptor, without a path if it is one.
func oracleValue(b []byte, name string) []byte {
	for i := range b {
		rest := b[i:]
		if len(rest) > len(name)+2 && rest[0] == '(' && equalUpper(rest[1:1+len(name)], name) {
			value, ok := bytes.CutPrefix(bytes.TrimLeft(rest[1+len(name):], " "), []byte{'='})
			if !ok {
				continue
			}
			value, _, _ = bytes.Cut(value, []byte{')'})
			return bytes.Trim(value, " ")
		}
	}
	return nil
}

// listener reads what answers a connect.
func (t *oracleTurn) listener(b []byte) {
	switch t.kind {
	case oracleResend:
		t.s.resent = true
		if t.s.waiting {
			t.Interim(0)
		}
	case oracleAccept:
		if len(b) >= oracleDataHeader {
			t.s.wide = binary.BigEndian.Uint16(b[8:]) >= oracleWide
		}
		t.response()
		t.done()
	case oracleRefuse, oracleRedirect:
		t.response()
		t.done()
		if text := b[min(len(b), oracleHeader):]; t.kind == oracleRefuse {
			t.refusal(text)
		} else if at := bytes.IndexByte(text, '('); at >= 0 {
			text, _, _ = bytes.Cut(text[at:], []byte{0})
			t.Attrs.Bytes(OracleRedirect, text[:min(len(text), dbMaxText)])
		}
	}
}

// refusal reads why a listener refuses, as (ERR=12514).
func (t *oracleTurn) refusal(text []byte) {
	if at := bytes.IndexByte(text, '('); at >= 0 {
		text = text[at:]
		if code, ok := decimal(oracleValue(text, "ERR")); ok {
			t.Attrs.Uint(DBErrorCode, code)
			t.Attrs.Uint(OracleCode, code)
		}
		text = text[:min(len(text), dbMaxText)]
		t.Attrs.Bytes(DBError, text)
		t.Attrs.Bytes(OracleMessage, text)
	}
}
