package app

import (
	"encoding/binary"
	"unicode/utf8"
)

// asks reads the begin of what the client says.
func (t *tdsTurn) asks(b []byte) {
	s := t.s
	switch t.kind {
	case tdsLogin:
		t.login(b)
		t.request("LOGIN")
	case tdsBatch:
		t.statement(tdsBehindHeaders(b), -1)
		t.request("BATCH")
	case tdsRPC:
		t.call(tdsBehindHeaders(b))
		t.request("RPC")
	case tdsBulk:
		t.request("BULK")
	case tdsManager:
		name := "TRANSACTION"
		if b = tdsBehindHeaders(b); len(b) >= 2 {
			switch binary.LittleEndian.Uint16(b) {
			case 5:
				name = "BEGIN"
			case 7:
				name = "COMMIT"
			case 8:
				name = "ROLLBACK"
			case 9:
				name = "SAVEPOINT"
			}
		}
		t.request(name)
	default:
		return
	}
	s.failed = false
}

// request says that the packet begins a request, with an operation if there is no better one.
func (t *tdsTurn) request(name string) {
	t.who()
	t.Attrs.Text(DBOperation, name)
	t.Request(0)
	t.s.waiting, t.s.answered = true, false
}

// tdsBehindHeaders returns what is behind the headers that requests have since 7.2: their length, and for each
// its own, of which the first is as long if there is one.
func tdsBehindHeaders(b []byte) []byte {
	const most = 256
	if len(b) < 8 {
		return b
	}
	all, first := binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:])
	if all >= 4 && all <= most && int(all) <= len(b) && first+4 <= all {
		return b[all:]
	}
	return b
}

// tdsText writes UCS-2 as UTF-8, as much as there is room.
func tdsText(out, b []byte) []byte {
	for ; len(b) >= 2; b = b[2:] {
		r := rune(binary.LittleEndian.Uint16(b))
		if r >= 0xd800 && r < 0xdc00 && len(b) >= 4 {
			if low := rune(binary.LittleEndian.Uint16(b[2:])); low >= 0xdc00 && low < 0xe000 {
				r = 0x10000 + (r-0xd800)<<10 + low - 0xdc00
				b = b[2:]
			}
		}
		if len(out)+utf8.UTFMax > cap(out) {
			break
		}
		out = utf8.AppendRune(out, r)
	}
	return out
}

// short keeps a text of UCS-2.
func (t *tdsTurn) short(x *dbShort, b []byte) { x.set(tdsText(t.Room[:0:dbLooked], b)) }

// statement says a text of SQL, which has so many octets as UCS-2, or as many as the packet has if it is the
// whole message.
func (t *tdsTurn) statement(b []byte, octets int) {
	s := t.s
	if octets < 0 {
		octets = len(b)
	}
	s.query.set(tdsText(t.Room[:0:dbLooked], b), octets/2, tdsQuotes)
	s.secret = s.query.secret
	s.query.say(t.Message, nil, tdsQuotes)
}

// login reads who the client says it is ([MS-TDS], section 2.2.6.4), but no password.
func (t *tdsTurn) login(b []byte) {
	const fixed = 36
	texts := [...]struct {
		at int
		to *dbShort
	}{{fixed + 4, &t.s.user}, {fixed + 12, &t.s.program}, {fixed + 32, &t.s.db}}
	if len(b) < fixed+36 {
		t.Malformed(tdsFlawShort)
		return
	}
	t.s.old = binary.LittleEndian.Uint32(b[4:]) < 0x72000000
	for _, x := range texts {
		at, n := int(binary.LittleEndian.Uint16(b[x.at:])), 2*int(binary.LittleEndian.Uint16(b[x.at+2:]))
		if at+n > len(b) {
			t.Malformed(tdsFlawShort)
			return
		}
		t.short(x.to, b[at:at+n])
	}
}

// tdsProcedures are those that have numbers ([MS-TDS], section 2.2.6.6).
var tdsProcedures = [...]string{
	1: "sp_cursor", 2: "sp_cursoropen", 3: "sp_cursorprepare", 4: "sp_cursorexecute", 5: "sp_cursorprepexec",
	6: "sp_cursorunprepare", 7: "sp_cursorfetch", 8: "sp_cursoroption", 9: "sp_cursorclose",
	tdsExecuteSQL: "sp_executesql", tdsPrepare: "sp_prepare", tdsExecute: "sp_execute", tdsPrepExec: "sp_prepexec",
	14: "sp_prepexecrpc", 15: "sp_unprepare",
}

const (
	tdsExecuteSQL = 10
	tdsPrepare    = 11
	tdsExecute    = 12
	tdsPrepExec   = 13
)

// call reads a call of a procedure, and the statement of those that have one among their parameters.
func (t *tdsTurn) call(b []byte) {
	const numbered = 0xffff
	if len(b) < 4 {
		t.Malformed(tdsFlawShort)
		return
	}
	n, number := int(binary.LittleEndian.Uint16(b)), 0
	b = b[2:]
	if n == numbered {
		number = int(binary.LittleEndian.Uint16(b))
		b = b[2:]
		if number < len(tdsProcedures) {
			t.Attrs.Text(TDSProcedure, tdsProcedures[number])
		}
	} else {
		if 2*n > len(b) {
			t.Malformed(tdsFlawShort)
			return
		}
		name := tdsText(t.Room[:0:dbLooked], b[:2*n])
		t.Attrs.Bytes(TDSProcedure, mqttCut(name))
		for i, x := range tdsProcedures {
			if x != "" && string(name) == x {
				number = i
			}
		}
		b = b[2*n:]
	}
	t.parameters(number, b[min(len(b), 2):])
}

// parameters reads the first ones, as far as they are of use.
func (t *tdsTurn) parameters(number int, b []byte) {
	s := t.s
	s.prepares = false
	r := mysqlReader{b: b} // little-endian numbers
	switch number {
	case tdsExecuteSQL:
		t.parameter(&r, true)
	case tdsPrepare, tdsPrepExec:
		t.parameter(&r, false)
		t.parameter(&r, false)
		t.parameter(&r, true)
		s.prepares = !r.short
	case tdsExecute:
		t.Attrs.Uint(DBPrepared, 1)
		if p := s.find(t.parameter(&r, false)); p != nil {
			p.say(t.Message, nil, tdsQuotes)
			s.secret = p.secret
		}
	}
}

// parameter reads one: a number, which it returns, or a text, which it may say. Others end it.
func (t *tdsTurn) parameter(r *mysqlReader, say bool) (n uint64) {
	const integer, nvarchar, ntext, long = 0x26, 0xe7, 0x63, 0xffff
	r.bytes(2 * int(r.number(1)))
	r.number(1)
	switch r.number(1) {
	case integer:
		r.number(1)
		return r.number(int(r.number(1)))
	case ntext:
		r.bytes(4 + 5)
	case nvarchar:
		most := r.number(2)
		r.bytes(5)
		if most != long {
			break
		}
		total := r.number(8)
		text := r.bytes(int(min(r.number(4), uint64(len(r.b)))))
		if say && !r.short {
			t.statement(text, int(min(total, 1<<31)))
		}
		return 0
	default:
		r.b, r.short = nil, true
		return 0
	}
	octets := r.number(2)
	if text := r.bytes(int(min(octets, uint64(len(r.b))))); say && !r.short && octets != long {
		t.statement(text, int(octets))
	}
	return 0
}
