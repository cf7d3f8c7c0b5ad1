package app

import "encoding/binary"

// Where an answer is.
const (
	mysqlIdle     = iota // it has not begun
	mysqlColumns         // so many columns are described next
	mysqlEOF             // behind the columns
	mysqlRows            //
	mysqlParams          // parameters of a prepared statement are described, then its columns
	mysqlParamEOF        //
	mysqlFile            // the client sends a file
	mysqlNext            // another result follows
	mysqlEndless         // packets of a replica
)

// Status of the server.
const (
	mysqlMoreResults = 1 << 3
	mysqlCursor      = 1 << 6
)

// mysqlAnswering is the answer that goes on.
type mysqlAnswering struct {
	phase    uint8
	known    bool   // affected is
	left     uint64 // columns that are not yet described
	then     uint64 // those of a prepared statement behind its parameters
	rows     uint64
	affected uint64
	results  uint32
	sets     uint32 // with rows
}

// served reads what the server says.
func (t *mysqlTurn) served() Verdict {
	s := t.s
	if t.Lost {
		s.asked.last()
		s.answer = mysqlAnswering{}
	}
	switch {
	case t.size == 0:
		t.Malformed(mysqlFlawEmpty)
		return t.pass(mysqlHeader)
	case s.answer.phase == mysqlColumns || s.answer.phase == mysqlParams:
		return t.column()
	}
	b, ok := t.look(1)
	if !ok {
		return More
	}
	isRow := s.answer.phase == mysqlRows && b[0] != 0xff && !t.ends(b[0])
	if isRow || s.answer.phase == mysqlEndless && b[0] == 0 {
		s.torn[t.Dir] = t.size == mysqlMostPacket
		s.answer.rows++
		return t.pass(mysqlHeader + 1)
	}
	if b, ok = t.look(mysqlAnswer); !ok {
		return More
	}
	return t.answers(b)
}

// ends reports whether a packet with that first octet is behind the rows or columns.
func (t *mysqlTurn) ends(first byte) bool {
	return first == 0xfe && (t.size < 9 || t.s.caps&mysqlNoEOF != 0 && t.size < mysqlMostPacket)
}

// answers reads a packet that is neither a column nor a row.
func (t *mysqlTurn) answers(b []byte) Verdict {
	s := t.s
	switch {
	case s.asked.waiting == 0:
		return t.unasked(b)
	case s.phase == mysqlLogin || s.asked.first().kind == mysqlAskedLogin:
		return t.admits(b)
	case b[0] == 0xff && t.progress(b):
		return t.pass(mysqlHeader + len(b))
	}
	if p := s.answer.phase; p == mysqlIdle {
		t.begins()
	}
	switch {
	case b[0] == 0xff:
		t.finish(b, true)
	case s.answer.phase == mysqlEOF || s.answer.phase == mysqlParamEOF:
		t.described(b)
	case s.answer.phase == mysqlRows:
		s.answer.sets++
		t.result(b)
	default:
		t.first(b)
	}
	return t.pass(mysqlHeader + len(b))
}

// begins says that the answer begins, and how long it took.
func (t *mysqlTurn) begins() {
	t.Response(0)
	if end := t.s.asked.first().end; end != 0 && t.Begun >= end {
		t.Attrs.Uint(MySQLLatency, t.Begun-end)
	}
}

// progress reports whether an error is none, but tells how far MariaDB has come.
func (t *mysqlTurn) progress(b []byte) bool {
	return t.s.more&mariaProgress != 0 && len(b) >= 3 && b[1] == 0xff && b[2] == 0xff
}

// unasked is what the server says by itself: that it ends the connection.
func (t *mysqlTurn) unasked(b []byte) Verdict {
	if b[0] == 0xff {
		t.system()
		t.sayError(b, false)
		t.Notice()
	}
	return t.pass(mysqlHeader + len(b))
}

// column passes over the description of a column or parameter.
func (t *mysqlTurn) column() Verdict {
	a := &t.s.answer
	b, ok := t.look(1)
	switch {
	case !ok:
		return More
	case b[0] == 0xff:
		if b, ok = t.look(mysqlAnswer); !ok {
			return More
		}
		t.finish(b, true)
		return t.pass(mysqlHeader + len(b))
	}
	if a.left--; a.left == 0 {
		t.behind()
	}
	return t.pass(mysqlHeader + 1)
}

// behind goes on behind descriptions.
func (t *mysqlTurn) behind() {
	a := &t.s.answer
	switch {
	case a.phase == mysqlColumns && t.s.caps&mysqlNoEOF != 0:
		a.phase = mysqlRows
	case a.phase == mysqlColumns:
		a.phase = mysqlEOF
	case t.s.caps&mysqlNoEOF == 0:
		a.phase = mysqlParamEOF
	default:
		t.parameters()
	}
}

// parameters goes on behind the parameters of a prepared statement, or behind its columns.
func (t *mysqlTurn) parameters() {
	a := &t.s.answer
	if a.left, a.then, a.phase = a.then, 0, mysqlParams; a.left == 0 {
		t.finish(nil, false)
	}
}

// described reads the packet that is behind descriptions.
func (t *mysqlTurn) described(b []byte) {
	a := &t.s.answer
	if a.phase == mysqlParamEOF {
		t.parameters()
		return
	}
	a.phase = mysqlRows
	switch {
	case b[0] != 0xfe || t.size >= 7: // there is none, which is not known of connections whose begin was not seen
		if t.s.caps |= mysqlNoEOF; t.ends(b[0]) {
			a.sets++
			t.result(b)
		} else {
			a.rows++
		}
	case mysqlStatus(b)&mysqlCursor != 0:
		a.sets++
		t.finish(nil, false)
	}
}

// mysqlStatus returns the status in a packet that ends something and has no counts.
func mysqlStatus(b []byte) uint16 {
	if len(b) < 5 {
		return 0
	}
	return binary.LittleEndian.Uint16(b[3:])
}

// first reads the first packet of a result.
func (t *mysqlTurn) first(b []byte) {
	s := t.s
	kind := s.asked.first().kind
	switch {
	case s.answer.phase == mysqlFile:
		t.result(b)
	case kind == mysqlAskedText:
		t.finish(nil, false)
	case kind == mysqlAskedStream:
		s.answer.phase = mysqlEndless
		t.Ahead(ToEnd)
	case kind == mysqlAskedPrepare && b[0] == 0:
		t.prepared(b)
	case kind == mysqlAskedFields || kind == mysqlAskedRows:
		s.answer.phase = mysqlRows
		if s.answer.rows++; t.ends(b[0]) {
			s.answer.rows = 0
			t.result(b)
		}
	case b[0] == 0 || t.ends(b[0]):
		t.result(b)
	case b[0] == 0xfb:
		t.Attrs.Bytes(DBFile, b[1:])
		s.answer.phase = mysqlFile
	default:
		t.columns(b)
	}
}

// columns reads how many columns are described next.
func (t *mysqlTurn) columns(b []byte) {
	a, r := &t.s.answer, mysqlReader{b: b}
	follow := uint64(1)
	if t.s.caps&mysqlOptionalNames != 0 {
		follow = r.number(1)
	}
	a.left = r.length()
	if t.s.more&mariaCache != 0 {
		follow = r.number(1)
	}
	if r.short || a.left == 0 || a.left > 1<<16 {
		t.Malformed(mysqlFlawAnswer)
		a.left = max(1, min(a.left, 1<<16))
	}
	a.phase = mysqlColumns
	if follow == 0 {
		t.behind()
	}
}

// prepared reads the number of a statement and what describes it.
func (t *mysqlTurn) prepared(b []byte) {
	if len(b) < 9 {
		t.Malformed(mysqlFlawAnswer)
		t.finish(nil, false)
		return
	}
	t.s.put(uint64(binary.LittleEndian.Uint32(b[1:])), &t.s.prepare)
	a := &t.s.answer
	a.then = uint64(binary.LittleEndian.Uint16(b[5:]))
	a.left = uint64(binary.LittleEndian.Uint16(b[7:]))
	a.phase = mysqlParams
	if a.left == 0 {
		t.parameters()
	}
}

// result reads what ends a result; others may follow.
func (t *mysqlTurn) result(b []byte) {
	a := &t.s.answer
	status := mysqlStatus(b)
	if b[0] == 0 || t.size >= 7 {
		r := mysqlReader{b: b[1:]}
		affected := r.length()
		r.length()
		status = uint16(r.number(2))
		if r.short && t.s.caps&mysqlProtocol41 != 0 {
			t.Malformed(mysqlFlawAnswer)
		} else if b[0] == 0 {
			a.known, a.affected = true, a.affected+affected
		}
	}
	if a.results++; status&mysqlMoreResults != 0 {
		a.phase = mysqlNext
		return
	}
	a.results--
	t.finish(nil, false)
}

// finish says that the answer is complete, with an error if there is one.
func (t *mysqlTurn) finish(b []byte, failed bool) {
	s := t.s
	a, asked := &s.answer, s.asked.first()
	if asked.kind == mysqlAskedLogin {
		t.begins()
	}
	t.Finish()
	if failed {
		t.sayError(b, asked.secret)
	} else {
		t.Attrs.Uint(MySQLResponse, 0)
		t.counts(a, asked)
	}
	if asked.use && !failed {
		s.db = s.asked.want
	}
	*a = mysqlAnswering{}
	s.asked.pop()
}

// counts says how much a complete answer has.
func (t *mysqlTurn) counts(a *mysqlAnswering, asked *mysqlAsked) {
	if asked.kind != mysqlAskedQuery && asked.kind != mysqlAskedRows {
		return
	}
	if a.sets > 0 || asked.kind == mysqlAskedRows {
		t.Attrs.Uint(DBRows, a.rows)
	}
	if a.known {
		t.Attrs.Uint(DBAffectedRows, a.affected)
	}
	t.Attrs.Uint(DBResults, uint64(a.results)+1)
}

// sayError says what the server objects to.
func (t *mysqlTurn) sayError(b []byte, secret bool) {
	if len(b) < 3 {
		t.Malformed(mysqlFlawAnswer)
		return
	}
	code := uint64(binary.LittleEndian.Uint16(b[1:]))
	t.Attrs.Uint(DBErrorCode, code)
	t.Attrs.Uint(MySQLResponse, code)
	b = b[3:]
	if len(b) >= 6 && b[0] == '#' {
		t.Attrs.Bytes(DBState, b[1:6])
		b = b[6:]
	}
	dbSayError(t.Message, DBError, b, secret)
}
