package log_test

import (
	"encoding/csv"
	"os"
	"strings"
	"testing"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/export"
	"github.com/weir-probe/weir/export/log"
)

// The headers of the logs of MySQL and Oracle are the published one, octet by octet.
func TestDatabaseHeader(t *testing.T) {
	f, err := os.Open("../../../shared/reference/dump_headers.tsv")
	if err != nil {
		t.Skip("the published headers are not there")
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comma, r.LazyQuotes = '\t', true
	lines, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, l := range lines[1:] {
		if strings.HasPrefix(l[0], "database") {
			want = append(want, l[2]+"["+l[3]+"]")
		}
	}
	header := "#\n# " + strings.Join(want, "\t") + "\n#\n"
	s := schema(t)
	for _, layout := range []*log.Layout{log.MySQL, log.Oracle} {
		format, err := layout.New(export.FormatOptions{Template: layout.Template(s)})
		if err != nil {
			t.Fatal(err)
		}
		if got := string(format.Open()(nil, nil)); got != header || len(want) != 12 {
			t.Errorf("the log begins with\n%swant\n%s", got, header)
		}
	}
}

// The log of Oracle has the numbers of errors as in ORA-01403.
func TestOracle(t *testing.T) {
	s := schema(t)
	f, err := log.Oracle.New(export.FormatOptions{Template: log.Oracle.Template(s), Size: 1 << 16})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "oracle.log", lines(t, f, []*flow.View{
		event(t, s, 4, map[string]any{
			"TRANSACTION_REQUEST_START": 1481220355*second + 999_000_000, "DB_USER": "ann",
			"TRANSACTION_RESPONSE_END":  1481220356*second + 1_500_000,
			"TRANSACTION_REQUEST_BYTES": 30, "TRANSACTION_RESPONSE_BYTES": 70, "ORACLE_RSP_CODE": 1403,
			"DB_OPERATION": "FETCH", "DB_ERROR_MESSAGE": "no data found", "DB_ERROR_CODE": 1403,
		}),
		event(t, s, 4, map[string]any{"DB_STATEMENT": "select 1 from dual", "ORACLE_RSP_CODE": 0}),
	}))
}

// The lines of the log of MySQL are pinned.
func TestMySQL(t *testing.T) {
	s := schema(t)
	f, err := log.MySQL.New(export.FormatOptions{Template: log.MySQL.Template(s), Size: 1 << 16})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "mysql.log", lines(t, f, []*flow.View{
		event(t, s, 4, map[string]any{
			"TRANSACTION_REQUEST_START": 1481220355*second + 999_000_000, "DB_USER": "ann",
			"TRANSACTION_RESPONSE_END":  1481220356*second + 1_500_000,
			"TRANSACTION_REQUEST_BYTES": 30, "TRANSACTION_RESPONSE_BYTES": 70, "MYSQL_RESPONSE": 1146,
			"DB_STATEMENT": "select *\nfrom nothing", "DB_ERROR_MESSAGE": "Table 'shop.nothing' doesn't exist",
			"DB_ERROR_CODE": 1146,
		}),
		event(t, s, 6, map[string]any{ // never answered
			"TRANSACTION_REQUEST_START": 1481220400 * second, "TRANSACTION_REQUEST_END": 1481220400 * second,
			"DB_OPERATION": "PING", "DB_USER": "a\tb",
		}),
		event(t, s, 4, nil),
	}))
}
