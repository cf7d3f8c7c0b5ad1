package app

import (
	"strings"
	"testing"

	"github.com/weir-probe/weir/dataplane/flow"
)

func FuzzPostgreSQL(f *testing.F) { fuzzPieces(f, &PostgreSQL) }

// postgresExplained are differences from what tshark says.
var postgresExplained = map[string]string{
	"postgresql.pcap pgsql.code 01000":      "a warning, which is no answer",
	"postgresql.pcap pgsql.message careful": "the same",
}

// TestPostgreSQLOracle compares users, databases, statements and errors with what tshark says.
func TestPostgreSQLOracle(t *testing.T) {
	dbCompare(t, &PostgreSQL, dbCaptures(t, "postgresql", "postgresql"), []dbJudge{
		{"pgsql.query", dbStatement, dbPlain},
		{"pgsql.code", dbSays("DB_SQLSTATE", ""), nil},
		{"pgsql.message", dbSays("DB_ERROR_MESSAGE", ""), nil},
	}, postgresExplained)
}

// postgresMessage is one with its header.
func postgresMessage(kind byte, content string) string {
	n := len(content) + 4
	return string([]byte{kind, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}) + content
}

// postgresTalk is a conversation in turns, of the client first.
func postgresTalk(says ...string) *conversation {
	talk := &conversation{proto: 6, srcPort: 40000, dstPort: 5432}
	for i, s := range says {
		talk.turns = append(talk.turns, turn{dir: flow.Dir(i % 2), octets: []byte(s)})
	}
	return talk
}

const postgresStarts = "\x00\x00\x00\x12\x00\x03\x00\x00user\x00ann\x00\x00"

// TestPostgreSQLPipeline holds which statement an error answers, and which are never answered because of
// it, when several are asked before any answer.
func TestPostgreSQLPipeline(t *testing.T) {
	execute := func(name, text string) string {
		return postgresMessage('P', name+"\x00"+text+"\x00\x00\x00") +
			postgresMessage('B', "\x00"+name+"\x00\x00\x00\x00\x00\x00\x00") + postgresMessage('E', "\x00\x00\x00\x00\x00")
	}
	sync, ready := postgresMessage('S', ""), postgresMessage('Z', "I")
	done := func(tag string) string {
		return postgresMessage('1', "") + postgresMessage('2', "") + postgresMessage('C', tag+"\x00")
	}
	talk := postgresTalk(postgresStarts, postgresMessage('R', "\x00\x00\x00\x00")+ready,
		execute("", "insert into t values (1)")+execute("", "select nothing")+execute("n", "select 3")+sync+
			execute("", "delete from t")+sync,
		done("INSERT 0 1")+postgresMessage('E', "SERROR\x00C42703\x00Mno such column\x00\x00")+ready+done("DELETE 5")+ready)
	want := map[string]string{
		"insert into t values (1)": "transaction 1 ", "select nothing": "transaction  42703",
		"select 3": "unanswered  ", "delete from t": "transaction 5 ",
	}
	for _, x := range []*conversation{talk, shredded(talk)} {
		o := drive(x, &PostgreSQL)
		for _, e := range o.events[1:] {
			f := e.Fields
			got := e.Kind + " " + f["DB_AFFECTED_ROWS"] + " " + f["DB_SQLSTATE"]
			if got != want[f["DB_STATEMENT"]] {
				t.Errorf("%s: %q, want %q", f["DB_STATEMENT"], got, want[f["DB_STATEMENT"]])
			}
		}
		if len(o.events) != 1+len(want) || len(o.faults)+len(o.rejected) > 0 {
			t.Errorf("%d events; %v, rejected by %v", len(o.events), o.faults, o.rejected)
		}
	}
}

// TestPostgreSQLFlaws holds what is said of what should not be.
func TestPostgreSQLFlaws(t *testing.T) {
	in := postgresMessage('R', "\x00\x00\x00\x00") + postgresMessage('Z', "I")
	for _, c := range []struct {
		name string
		talk *conversation
		want string
	}{
		{"a length below 4", postgresTalk(postgresStarts, in, "Q\x00\x00\x00\x01"), postgresFlawLength},
		{"a length beyond all bounds", postgresTalk(postgresStarts, in, "Q\xff\x00\x00\x01"), postgresFlawLength},
		{"a kind that does not exist", postgresTalk(postgresStarts, in, postgresMessage('!', "")), postgresFlawKind},
		{"the same of a server", postgresTalk(postgresStarts, in+postgresMessage('!', "")), postgresFlawKind},
		{"a name without end", postgresTalk(postgresStarts, in, postgresMessage('P', "abc")), postgresFlawMessage},
		{"a portal without end", postgresTalk(postgresStarts, in, postgresMessage('B', "abc")), postgresFlawMessage},
		{"no method", postgresTalk(postgresStarts, postgresMessage('R', "\x00")), postgresFlawMessage},
	} {
		for _, x := range []*conversation{c.talk, shredded(c.talk)} {
			o, flaw := drive(x, &PostgreSQL), ""
			for _, m := range o.messages {
				flaw += m.Flaw
			}
			if flaw != c.want || len(o.faults)+len(o.rejected) > 0 {
				t.Errorf("%s: flaw %q, want %q; %v, rejected by %v", c.name, flaw, c.want, o.faults, o.rejected)
			}
		}
	}
}

// TestPostgreSQLRefuses holds what is not PostgreSQL.
func TestPostgreSQLRefuses(t *testing.T) {
	for _, said := range []string{
		"GET / HTTP/1.1\r\n", "\x00\x00\x00\x08\x04\xd2\x16\x2d", "\x00\x00\x00\x12\x00\x02\x00\x00user\x00ann\x00\x00",
		"\x00\x00\x00\x12\x00\x03\x00\x00\x01ser\x00ann\x00\x00", "\x01\x00\x00\x12", "Q\x00\x00\x00\x0dselect 1\x00",
	} {
		if o := drive(postgresTalk(said), &PostgreSQL); len(o.messages) > 0 {
			t.Errorf("%q is taken for PostgreSQL", said)
		}
	}
	lost := postgresTalk(postgresMessage('Q', "select 1\x00"))
	lost.turns[0].lost = 1
	o := drive(lost, &PostgreSQL)
	if len(o.messages) != 1 || !strings.HasPrefix(o.messages[0].Fields["DB_STATEMENT"], "select") {
		t.Errorf("a statement behind a hole: %+v", o.messages)
	}
}
