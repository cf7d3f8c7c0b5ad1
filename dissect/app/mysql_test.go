package app

import (
	"encoding/csv"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/weir-probe/weir/dataplane/flow"
)

func FuzzMySQL(f *testing.F) { fuzzPieces(f, &MySQL) }

// mysqlExplained are differences from what tshark says.
var mysqlExplained = map[string]string{
	"mariadb.pcap mysql.error_code 65535": "how far a statement has come, which MariaDB says as an error",
}

// TestMySQLOracle compares users, databases, statements and errors with what tshark says.
func TestMySQLOracle(t *testing.T) {
	dbCompare(t, &MySQL, dbCaptures(t, "mysql", "mysql"), []dbJudge{
		{"mysql.user", func(m *heard) (string, bool) {
			return m.Fields["MYSQL_USERNAME"], m.Fields["DB_OPERATION"] == "LOGIN"
		}, nil},
		{"mysql.query", dbStatement, dbPlain},
		{"mysql.error_code", dbSays("DB_ERROR_CODE", ""), nil},
		{"mysql.sqlstate", dbSays("DB_SQLSTATE", ""), nil},
		{"mysql.error.message", dbSays("DB_ERROR_MESSAGE", ""), func(s string) (string, bool) {
			return s, s[0] >= ' ' // how far a statement has come
		}},
		{"mysql.version", func(m *heard) (string, bool) {
			return m.Fields["MYSQL_SERVER_VERSION"], m.Role == roles[Part] && m.Fields["DB_SERVER_VERSION"] != ""
		}, func(s string) (string, bool) { return strings.TrimPrefix(s, "5.5.5-"), true }},
	}, mysqlExplained)
}

// TestMySQLLatency compares the time to the response with that between frames.
func TestMySQLLatency(t *testing.T) {
	files, _ := filepath.Glob(filepath.Join(corpus(t), "mysql", "*.mysql_log.csv"))
	compared := 0
	for _, file := range files {
		var got []string
		for _, c := range conversations(t, strings.TrimSuffix(file, ".mysql_log.csv")) {
			for _, e := range drive(c, &MySQL).events {
				if v, ok := e.Fields["MYSQL_APPL_LATENCY_USEC"]; ok {
					got = append(got, v)
				}
			}
		}
		var want []string
		for _, r := range csvRows(t, file) {
			// The table has the first of several answers to a login, and what follows as commands.
			if s := r["latency_s"]; s != "" && r["event"] != "login" && r["event"] != "cmd 202" {
				want = append(want, s)
			}
		}
		for _, s := range want {
			sec, _ := strconv.ParseFloat(s, 64)
			if !slices.ContainsFunc(got, func(v string) bool {
				us, _ := strconv.ParseFloat(v, 64)
				return math.Abs(us-sec*1e6) < 1
			}) {
				t.Errorf("%s: no response after %s s", filepath.Base(file), s)
			}
			compared++
		}
	}
	if t.Logf("%d times compared", compared); compared == 0 {
		t.Error("nothing compared")
	}
}

// csvRows reads a table with commas.
func csvRows(t *testing.T, file string) (all []map[string]string) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range lines[1:] {
		x := map[string]string{}
		for i, column := range lines[0] {
			x[column] = line[i]
		}
		all = append(all, x)
	}
	return all
}

// mysqlPacket is one with its header.
func mysqlPacket(seq byte, content string) string {
	return string([]byte{byte(len(content)), byte(len(content) >> 8), byte(len(content) >> 16), seq}) + content
}

// mysqlGreeted is a server's greeting with the capabilities that both will have.
func mysqlGreets() string {
	return mysqlPacket(0, "\x0a8.0.1\x00\x01\x00\x00\x00saltsalt\x00\x00\x82\x00\x00\x00\x00\x00"+
		"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00saltsaltsalt\x00")
}

// TestMySQLFlaws holds what is said of what should not be.
func TestMySQLFlaws(t *testing.T) {
	login := mysqlPacket(1, "\x00\x82\x00\x00\x00\x00\x00\x01\x21"+strings.Repeat("\x00", 23)+"ann\x00\x00")
	ok := mysqlPacket(2, "\x00\x00\x00\x02\x00\x00\x00")
	for _, c := range []struct {
		name string
		says []string // in turn, the server first
		want string   // the flaw
	}{
		{"a short login", []string{mysqlGreets(), mysqlPacket(1, "\x00\x82\x00")}, mysqlFlawLogin},
		{"a proof longer than the login", []string{mysqlGreets(), mysqlPacket(1, "\x00\x82\x00\x00\x00\x00\x00\x01\x21"+
			strings.Repeat("\x00", 23)+"ann\x00\x20abc")}, mysqlFlawLogin},
		{"a command that does not exist", []string{mysqlGreets(), login, ok, mysqlPacket(0, "\x77")}, mysqlFlawCommand},
		{"an execute without number", []string{mysqlGreets(), login, ok, mysqlPacket(0, "\x17\x01")}, mysqlFlawCommand},
		{"an empty answer", []string{mysqlGreets(), login, ok, mysqlPacket(0, "\x03select 1"), mysqlPacket(1, "")},
			mysqlFlawEmpty},
		{"a short error", []string{mysqlGreets(), login, ok, mysqlPacket(0, "\x03select 1"), mysqlPacket(1, "\xff\x01")},
			mysqlFlawAnswer},
		{"a short OK", []string{mysqlGreets(), login, ok, mysqlPacket(0, "\x03select 1"), mysqlPacket(1, "\x00\xfc")},
			mysqlFlawAnswer},
		{"columns beyond all bounds", []string{mysqlGreets(), login, ok, mysqlPacket(0, "\x03select 1"),
			mysqlPacket(1, "\xfd\xff\xff\xff")}, mysqlFlawAnswer},
	} {
		talk := conversation{proto: 6, srcPort: 40000, dstPort: 3306}
		for i, s := range c.says {
			talk.turns = append(talk.turns, turn{dir: flow.Dir(1 - i%2), octets: []byte(s)})
		}
		for _, x := range []*conversation{&talk, shredded(&talk)} {
			o, flaw := drive(x, &MySQL), ""
			for _, m := range o.messages {
				flaw += m.Flaw
			}
			if flaw != c.want || len(o.faults)+len(o.rejected) > 0 {
				t.Errorf("%s: flaw %q, want %q; %v, rejected by %v", c.name, flaw, c.want, o.faults, o.rejected)
			}
		}
	}
}
