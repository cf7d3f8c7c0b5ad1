package app

import (
	"bytes"
	"encoding/binary"
	"strconv"
)

// response says that the answer begins, and how long it took.
func (t *oracleTurn) response() {
	s := t.s
	if !s.waiting {
		return
	}
	t.Response(0)
	s.waiting, s.goes = false, true
	if s.end != 0 && t.Begun >= s.end {
		t.Attrs.Uint(OracleDuration, t.Begun-s.end)
	}
}

// done says that the answer is complete.
func (t *oracleTurn) done() {
	if t.s.goes {
		t.s.goes = false
		t.Finish()
	}
}

// answers reads what the server says, behind the flags of data. whole says that all of the packet is here.
func (t *oracleTurn) answers(b []byte, whole bool) {
	if ttcSeals(b) {
		t.s.sealed = oracleSeals(b)
		return
	}
	t.response()
	t.released(b)
	if whole {
		t.ends(b)
	}
}

// oracleSeals reports whether a server wants what follows encrypted. It says for each of some services a
// number, how many values follow, and an error; a value has a length and a type. The second value of service
// 2 is the algorithm.
func oracleSeals(b []byte) bool {
	const header, encryption = 13, 2
	b = b[min(len(b), header):]
	for len(b) >= 8 {
		service, values := binary.BigEndian.Uint16(b), int(binary.BigEndian.Uint16(b[2:]))
		b = b[8:]
		for i := range values {
			if len(b) < 4 {
				return false
			}
			n := int(binary.BigEndian.Uint16(b))
			if len(b) < 4+n {
				return false
			}
			if service == encryption && i == 1 && n == 1 {
				return b[4] != 0
			}
			b = b[4+n:]
		}
	}
	return false
}

// released reads the version, which the server says to a login.
func (t *oracleTurn) released(b []byte) {
	const name = "AUTH_VERSION_NO"
	at := bytes.Index(b, []byte(name))
	if at < 0 {
		return
	}
	digits := b[at+len(name):]
	digits = digits[:min(len(digits), 20)]
	for len(digits) > 0 && !isDigit(digits[0]) {
		digits = digits[1:]
	}
	n := 0
	for n < len(digits) && isDigit(digits[n]) {
		n++
	}
	x, ok := decimal(digits[:n])
	if !ok || x>>32 != 0 {
		return
	}
	parts := [5]uint64{x >> 24, x >> 20 & 0xf, x >> 12 & 0xff, x >> 8 & 0xf, x & 0xff}
	if parts[0] >= 18 { // since then the second is the larger one
		parts = [5]uint64{x >> 24, x >> 16 & 0xff, x >> 12 & 0xf, x >> 4 & 0xff, x & 0xf}
	}
	text := t.Room[:0]
	for i, p := range parts {
		if i > 0 {
			text = append(text, '.')
		}
		text = strconv.AppendUint(text, p, 10)
	}
	t.s.version.set(text)
	dbSayShort(t.Message, &t.s.version, DBVersion)
}

// oracleNoData is the error behind the last row.
const oracleNoData = 1403

// ends reads the end of a call, which is the last thing in a packet.
func (t *oracleTurn) ends(b []byte) {
	s := t.s
	if s.goes && len(b) == 7 && b[0] == ttcStatus {
		t.Attrs.Uint(OracleCode, 0)
		t.done()
		return
	}
	message, at := oracleMessage(b)
	goes := s.goes
	if message != nil {
		t.fails(message)
		t.done()
	}
	if !goes {
		return
	}
	for _, size := range [...]int{96, 136, 144} { // of OCI of 10g on 32 and 64 bits, and of 12c
		if at < size {
			break
		}
		end := b[at-size : at]
		code := binary.LittleEndian.Uint16(end[12:])
		if end[0] != ttcError || binary.LittleEndian.Uint32(end[1:]) != 1 || end[7] != 1 ||
			(message == nil) != (code == 0) {
			continue
		}
		if code == 0 {
			t.Attrs.Uint(OracleCode, 0)
		}
		if code == 0 || code == oracleNoData {
			t.counts(binary.LittleEndian.Uint32(end[8:]), binary.LittleEndian.Uint16(end[18:]))
		}
		t.done()
		return
	}
	s.cursor = 0
}

// counts says how many rows there are. The server counts those of a cursor from its first on.
func (t *oracleTurn) counts(n uint32, cursor uint16) {
	s := t.s
	switch {
	case s.rowsOf == oracleChanges:
		t.Attrs.Uint(DBAffectedRows, uint64(n))
	case s.rowsOf == oracleSelects:
		t.Attrs.Uint(DBRows, uint64(n))
	case s.rowsOf == oracleFetches && cursor == s.cursor && n >= s.rows:
		t.Attrs.Uint(DBRows, uint64(n-s.rows))
	}
	s.cursor, s.rows = cursor, n
}

// oracleMessage returns the message of an error at the end of what the server says, if there is one, and
// where its length is.
func oracleMessage(b []byte) (message []byte, at int) {
	begin := []byte("ORA-")
	for i := 1; ; i++ {
		n := bytes.Index(b[min(i, len(b)):], begin)
		if n < 0 {
			return nil, len(b)
		}
		i += n
		size, rest := int(b[i-1]), len(b)-i
		switch {
		case rest < 10:
		case i > 1 && b[i-2] == 0xfe && size < rest: // in pieces, of which this is the first
			return b[i : i+size], i - 2
		case size == rest || size == rest-1:
			return b[i : i+size], i - 1
		}
	}
}

// fails says an error: ORA-01403: no data found.
func (t *oracleTurn) fails(message []byte) {
	number, text, ok := bytes.Cut(message[len("ORA-"):], []byte(": "))
	code, also := decimal(number)
	if !ok || !also || code > 1<<16-1 {
		return
	}
	t.Attrs.Uint(DBErrorCode, code)
	t.Attrs.Uint(OracleCode, code)
	text = bytes.TrimRight(text, "\n")
	dbSayError(t.Message, DBError, text, t.s.secret)
	dbSayError(t.Message, OracleMessage, text, t.s.secret)
	if t.Said.Role == Part && !t.s.goes {
		t.who()
		if t.s.keys {
			t.Attrs.Text(DBOperation, "LOGIN")
		}
		t.Notice()
	}
}
