package app

import "bytes"

// Kinds of what was asked, by what answers it.
const (
	mysqlAskedQuery   = iota // an OK, an error, or rows
	mysqlAskedLogin          // as a login is
	mysqlAskedPrepare        // the number of the statement, and its parameters and columns
	mysqlAskedFields         // columns
	mysqlAskedRows           // rows without columns before
	mysqlAskedText           // one packet of text
	mysqlAskedNothing        // nothing
	mysqlAskedStream         // packets without end
)

// mysqlCommands are the names of the commands and how they are answered.
var mysqlCommands = [...]struct {
	name string
	kind uint8
}{
	{"SLEEP", mysqlAskedQuery}, {"QUIT", mysqlAskedNothing}, {"INIT_DB", mysqlAskedQuery},
	{"QUERY", mysqlAskedQuery}, {"FIELD_LIST", mysqlAskedFields}, {"CREATE_DB", mysqlAskedQuery},
	{"DROP_DB", mysqlAskedQuery}, {"REFRESH", mysqlAskedQuery}, {"SHUTDOWN", mysqlAskedQuery},
	{"STATISTICS", mysqlAskedText}, {"PROCESS_INFO", mysqlAskedQuery}, {"CONNECT", mysqlAskedQuery},
	{"PROCESS_KILL", mysqlAskedQuery}, {"DEBUG", mysqlAskedQuery}, {"PING", mysqlAskedQuery},
	{"TIME", mysqlAskedQuery}, {"DELAYED_INSERT", mysqlAskedQuery}, {"CHANGE_USER", mysqlAskedLogin},
	{"BINLOG_DUMP", mysqlAskedStream}, {"TABLE_DUMP", mysqlAskedStream}, {"CONNECT_OUT", mysqlAskedQuery},
	{"REGISTER_REPLICA", mysqlAskedQuery}, {"STMT_PREPARE", mysqlAskedPrepare},
	{"STMT_EXECUTE", mysqlAskedQuery}, {"STMT_SEND_LONG_DATA", mysqlAskedNothing},
	{"STMT_CLOSE", mysqlAskedNothing}, {"STMT_RESET", mysqlAskedQuery}, {"SET_OPTION", mysqlAskedQuery},
	{"STMT_FETCH", mysqlAskedRows}, {"DAEMON", mysqlAskedQuery}, {"BINLOG_DUMP_GTID", mysqlAskedStream},
	{"RESET_CONNECTION", mysqlAskedQuery},
}

// Commands of which more than the name matters.
const (
	mysqlQuit       = 1
	mysqlUse        = 2
	mysqlQuery      = 3
	mysqlChangeUser = 17
	mysqlPrepare    = 22
	mysqlExecute    = 23
	mysqlClose      = 25
	mariaBulk       = 0xfa
)

// mysqlCommandName returns the name of a command, empty if there is none.
func mysqlCommandName(c byte) string {
	switch {
	case int(c) < len(mysqlCommands):
		return mysqlCommands[c].name
	case c == mariaBulk:
		return "STMT_BULK_EXECUTE"
	}
	return ""
}

// mysqlAsked is a command that is not answered.
type mysqlAsked struct {
	kind   uint8
	secret bool   // it may set a password
	use    bool   // it chooses the database that want has
	end    uint64 // time of its last octet, 0 if that is not known
}

// mysqlQueue holds the commands that are not answered; clients hardly ever send another.
type mysqlQueue struct {
	all           [16]mysqlAsked
	head, waiting uint8
	over          uint32 // further ones, of which nothing is known
	want          dbShort
}

func (q *mysqlQueue) first() *mysqlAsked { return &q.all[q.head] }

func (q *mysqlQueue) push(a mysqlAsked) {
	if int(q.waiting) == len(q.all) || q.over > 0 {
		q.over++
		return
	}
	q.all[(int(q.head)+int(q.waiting))%len(q.all)] = a
	q.waiting++
}

func (q *mysqlQueue) pop() {
	if q.waiting > 0 {
		q.head = uint8((int(q.head) + 1) % len(q.all))
		q.waiting--
	}
	if q.waiting == 0 && q.over > 0 {
		q.over--
		q.all[q.head], q.waiting = mysqlAsked{}, 1
	}
}

// last leaves only the last one: the answers to the others were not seen.
func (q *mysqlQueue) last() {
	for q.over > 0 || q.waiting > 1 {
		q.pop()
	}
}

// asks says that the packet is a request, and expects the answer.
func (t *mysqlTurn) asks(a mysqlAsked) {
	t.Request(0)
	if t.size <= 1+dbLooked {
		a.end = t.Time
	}
	t.s.asked.push(a)
}

// command reads what the client says behind its login.
func (t *mysqlTurn) command() Verdict {
	s := t.s
	if t.seq != 0 || t.size == 0 || s.phase == mysqlLogin {
		s.torn[t.Dir] = t.size == mysqlMostPacket
		return t.pass(mysqlHeader) // a proof, or a file
	}
	b, ok := t.look(1 + dbLooked)
	if !ok {
		return More
	}
	s.torn[t.Dir] = t.size == mysqlMostPacket
	t.obey(b, t.size)
	return t.pass(mysqlHeader + len(b))
}

// obey reads a command of so many octets, the first of which are in b.
func (t *mysqlTurn) obey(b []byte, size int) {
	name := mysqlCommandName(b[0])
	if name == "" {
		t.Malformed(mysqlFlawCommand)
		t.asks(mysqlAsked{})
		return
	}
	a := mysqlAsked{}
	if int(b[0]) < len(mysqlCommands) {
		a.kind = mysqlCommands[b[0]].kind
	}
	if b[0] != mysqlChangeUser {
		t.who()
	}
	t.content(&a, b[0], b[1:], size-1)
	t.Attrs.Text(DBOperation, name)
	switch {
	case a.kind != mysqlAskedNothing:
		t.asks(a)
	case b[0] == mysqlQuit:
		t.Notice()
	default:
		t.Attrs.Reset()
	}
}

// content reads what is behind the octet of a command.
func (t *mysqlTurn) content(a *mysqlAsked, command byte, b []byte, size int) {
	s := t.s
	switch command {
	case mysqlUse:
		a.use = true
		s.asked.want.set(b)
	case mysqlQuery:
		text := t.text(b)
		t.query(a, text, size-(len(b)-len(text)))
	case mysqlChangeUser:
		t.change(b)
	case mysqlPrepare:
		s.prepare.set(b, size, mysqlQuotes)
		t.say(&s.prepare, a)
	case mysqlExecute, mariaBulk:
		t.Attrs.Uint(DBPrepared, 1)
		if id, ok := mysqlStatement(b); ok {
			if p := s.find(id); p != nil {
				t.say(p, a)
			} else if id == 1<<32-1 {
				t.say(&s.prepare, a) // MariaDB's way to say the last one
			}
			return
		}
		t.Malformed(mysqlFlawCommand)
	case mysqlClose:
		if id, ok := mysqlStatement(b); ok {
			s.drop(id)
		} else {
			t.Malformed(mysqlFlawCommand)
		}
	}
}

func mysqlStatement(b []byte) (uint64, bool) {
	r := mysqlReader{b: b}
	id := r.number(4)
	return id, !r.short
}

// say says a statement. What is prepared has the operation PREPARE, and what it does when it is executed.
func (t *mysqlTurn) say(x *dbText, a *mysqlAsked) {
	if a.kind == mysqlAskedPrepare {
		t.Attrs.Text(DBOperation, "STMT_PREPARE")
	}
	a.secret = x.secret
	x.say(t.Message, MySQLQuery, mysqlQuotes)
}

// query says a statement, and notes which database it chooses.
func (t *mysqlTurn) query(a *mysqlAsked, text []byte, size int) {
	t.s.query.set(text, size, mysqlQuotes)
	t.say(&t.s.query, a)
	if len(text) > 4 && equalUpper(text[:3], "USE") && text[3] <= ' ' {
		a.use = true
		t.s.asked.want.set(bytes.Trim(text[4:], " \t\r\n;`\""))
	}
}

// text returns the statement behind what attributes a query has.
func (t *mysqlTurn) text(b []byte) []byte {
	if t.s.caps&mysqlQueryAttrs == 0 {
		return b
	}
	r := mysqlReader{b: b}
	n := r.length()
	r.length() // sets of them
	if n == 0 {
		return r.b
	}
	if n > dbLooked {
		return nil
	}
	nulls := r.bytes(int(n+7) / 8)
	if r.number(1) != 1 || r.short {
		return nil
	}
	kinds := r
	for range n {
		r.number(2)
		r.string()
	}
	for i := range n {
		kind := kinds.number(2)
		kinds.string()
		if nulls == nil || nulls[i/8]>>(i%8)&1 != 0 {
			continue
		}
		r.value(uint8(kind))
	}
	return r.b
}

// value passes over a value in binary form.
func (r *mysqlReader) value(kind uint8) {
	switch kind {
	case 6: // NULL
	case 1: // TINYINT
		r.number(1)
	case 2, 13: // SMALLINT, YEAR
		r.number(2)
	case 3, 4, 9: // INT, FLOAT, MEDIUMINT
		r.number(4)
	case 5, 8: // DOUBLE, BIGINT
		r.number(8)
	case 7, 10, 11, 12: // times
		r.bytes(int(r.number(1)))
	default:
		r.string()
	}
}
