package app

import (
	"encoding/binary"
	"strconv"
)

// Tokens of answers ([MS-TDS], section 2.2.7).
const (
	tdsReturnStatus = 0x79
	tdsError        = 0xaa
	tdsInfo         = 0xab
	tdsReturnValue  = 0xac
	tdsLoginAck     = 0xad
	tdsOrder        = 0xa9
	tdsEnvChange    = 0xe3
	tdsDone         = 0xfd
	tdsDoneProc     = 0xfe
	tdsDoneInProc   = 0xff
)

// What done tokens say, and of which commands.
const (
	tdsCounts   = 0x10
	tdsSelected = 0xc1
	tdsInserted = 0xc3
	tdsDeleted  = 0xc4
	tdsUpdated  = 0xc5
	tdsMerged   = 0x117
)

// answers reads a packet of an answer. goes says that it is not the first one, whole that all of it is here.
func (t *tdsTurn) answers(b []byte, goes, whole bool) {
	s := t.s
	if !goes && len(b) > 0 && b[0] == 0 && !s.waiting {
		t.negotiated(b)
		return
	}
	if s.waiting && !s.answered {
		t.Response(0)
		s.answered = true
	}
	if !goes {
		t.tokens(b)
	}
	if whole && t.end {
		t.ends(b)
	}
}

// negotiated reads what the server says of encryption ([MS-TDS], section 2.2.6.5): options with an octet of
// kind, an offset and a length.
func (t *tdsTurn) negotiated(b []byte) {
	const encryption, end, option = 1, 0xff, 5
	for at := 0; at+option <= len(b) && b[at] != end; at += option {
		if b[at] != encryption {
			continue
		}
		if value := int(binary.BigEndian.Uint16(b[at+1:])); value < len(b) {
			switch b[value] {
			case 0:
				t.s.seals = tdsSealsLogin
				t.Attrs.Text(TDSEncryption, "login")
			case 1, 3:
				t.s.seals = tdsSealsAll
				t.Attrs.Text(TDSEncryption, "all")
			case 2:
				t.Attrs.Text(TDSEncryption, "none")
			}
		}
	}
	t.Attrs.Text(DBSystem, "mssql")
}

// tokens reads those at the begin of an answer, up to rows.
func (t *tdsTurn) tokens(b []byte) {
	r := mysqlReader{b: b}
	for len(r.b) > 0 && !r.short {
		switch token := r.number(1); token {
		case tdsEnvChange, tdsError, tdsInfo, tdsLoginAck, tdsOrder:
			value := r.bytes(int(r.number(2)))
			if r.short {
				return
			}
			t.token(byte(token), value)
		case tdsReturnStatus:
			r.number(4)
		case tdsReturnValue:
			t.returned(&r)
			return
		case tdsDone, tdsDoneProc, tdsDoneInProc:
			r.bytes(t.done() - 1)
		default:
			return
		}
	}
}

// done returns the octets of a done token.
func (t *tdsTurn) done() int {
	if t.s.old {
		return 9
	}
	return 13
}

// token reads one that has a length.
func (t *tdsTurn) token(token byte, b []byte) {
	const database = 1
	r := mysqlReader{b: b}
	switch token {
	case tdsEnvChange:
		if r.number(1) == database {
			if name := r.bytes(2 * int(r.number(1))); !r.short {
				t.short(&t.s.db, name)
			}
		}
	case tdsError:
		t.fails(&r)
	case tdsLoginAck:
		r.number(1)
		if v := r.bytes(4); len(v) == 4 {
			t.s.old = v[0] < 0x72
		}
		r.bytes(2 * int(r.number(1)))
		if v := r.bytes(4); len(v) == 4 {
			text := strconv.AppendUint(t.Room[:0], uint64(v[0]), 10)
			text = strconv.AppendUint(append(text, '.'), uint64(v[1]), 10)
			text = strconv.AppendUint(append(text, '.'), uint64(binary.BigEndian.Uint16(v[2:])), 10)
			t.Attrs.Bytes(DBVersion, text)
		}
		dbSayShort(t.Message, &t.s.db, DBName)
	}
}

// returned reads the value that a procedure returns, which of those that prepare is the number of the statement.
func (t *tdsTurn) returned(r *mysqlReader) {
	const integer = 0x26
	r.bytes(2)
	r.bytes(2 * int(r.number(1)))
	r.bytes(1 + 4 + 2)
	if t.s.old {
		return
	}
	if r.number(1) != integer {
		return
	}
	r.number(1)
	if n := r.number(1); n == 4 && t.s.prepares {
		if id := r.number(4); !r.short {
			t.s.put(id, &t.s.query)
			t.s.prepares = false
		}
	}
}

// fails reads an error. The first one counts.
func (t *tdsTurn) fails(r *mysqlReader) {
	number, state, class := r.number(4), r.number(1), r.number(1)
	message := r.bytes(2 * int(r.number(2)))
	if r.short || t.s.failed {
		return
	}
	t.s.failed = true
	t.Attrs.Uint(DBErrorCode, number&(1<<32-1))
	t.Attrs.Uint(TDSErrorState, state)
	t.Attrs.Uint(TDSErrorClass, class)
	dbSayError(t.Message, DBError, mqttCut(tdsText(t.Room[:0:dbLooked], message)), t.s.secret)
	if !t.s.waiting {
		t.who()
		t.Notice()
	}
}

// ends reads the end of an answer: a done token, which of a procedure is behind its status and the one of its
// last statement. An error may be in front of them.
func (t *tdsTurn) ends(b []byte) {
	s := t.s
	n := t.done()
	at := len(b) - n
	if at >= 0 && b[at] == tdsDoneProc {
		if at >= 5 && b[at-5] == tdsReturnStatus {
			at -= 5
		}
		if at >= n && b[at-n] == tdsDoneInProc {
			at -= n
		}
	}
	if at >= 0 && (b[at] == tdsDone || b[at] == tdsDoneInProc) && s.waiting {
		t.counts(b[at:])
	}
	for i := max(at-1, 0); i > 0 && i > at-tdsTail && !s.failed; i-- {
		if b[i] == tdsError && i+3 <= at && i+3+int(binary.LittleEndian.Uint16(b[i+1:])) == at {
			r := mysqlReader{b: b[i+3 : at]}
			t.fails(&r)
		}
	}
	if s.waiting && s.answered {
		t.Finish()
		s.waiting = false
	}
}

// counts says how many rows a done token counts.
func (t *tdsTurn) counts(b []byte) {
	if binary.LittleEndian.Uint16(b[1:])&tdsCounts == 0 {
		return
	}
	rows := uint64(binary.LittleEndian.Uint32(b[5:]))
	if !t.s.old {
		rows = binary.LittleEndian.Uint64(b[5:])
	}
	switch binary.LittleEndian.Uint16(b[3:]) {
	case tdsSelected:
		t.Attrs.Uint(DBRows, rows)
	case tdsInserted, tdsDeleted, tdsUpdated, tdsMerged:
		t.Attrs.Uint(DBAffectedRows, rows)
	}
}
