package sink

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/klauspost/compress/gzip"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/export"
	"github.com/weir-probe/weir/export/exporttest"
	"github.com/weir-probe/weir/export/sink/sinktest"
)

// warehouse is a server that takes statements and rows as ClickHouse does.
type warehouse struct {
	*httptest.Server
	mu         sync.Mutex
	version    string
	statements []string
	rows       []string        // of all tables
	had        map[string]bool // tokens of inserts
	refuse     string          // rows with this do not fit
	answer     func(w http.ResponseWriter) bool
}

func newWarehouse(t *testing.T, version string) *warehouse {
	h := &warehouse{version: version, had: map[string]bool{}}
	h.Server = httptest.NewServer(http.HandlerFunc(h.serve))
	t.Cleanup(h.Close)
	return h
}

func (h *warehouse) place() string { return strings.TrimPrefix(h.URL, "http://") }

func (h *warehouse) serve(w http.ResponseWriter, r *http.Request) {
	var in io.Reader = r.Body
	if r.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		in = z
	}
	body, err := io.ReadAll(in)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	query, token := r.URL.Query().Get("query"), r.URL.Query().Get("insert_deduplication_token")
	switch {
	case h.answer != nil && h.answer(w):
	case query == "" && string(body) == "SELECT version()":
		io.WriteString(w, h.version+"\n")
	case query == "":
		h.statements = append(h.statements, string(body))
	case h.refuse != "" && strings.Contains(string(body), h.refuse):
		w.WriteHeader(http.StatusBadRequest)
		io.WriteString(w, "Code: 27, e.displayText() = DB::Exception: Cannot parse input: expected , before: x")
	case token == "" || !h.had[token]:
		h.had[token] = true
		h.rows = append(h.rows, strings.Split(strings.TrimSpace(string(body)), "\n")...)
	}
}

func TestClickHouseContract(t *testing.T) {
	strip := func(rows []string) (out []byte) {
		for _, row := range rows {
			_, text, _ := strings.Cut(row, `"message":"`)
			out = append(append(out, strings.TrimSuffix(text, `"}`)...), '\n')
		}
		return out
	}
	sinktest.Run(t, sinktest.Peer{
		Open: func(t *testing.T) (export.Sink, func() []byte) {
			h := newWarehouse(t, "18.16.1") // it takes rows that are equal, as the contract has
			return &objects{open(t, "clickhouse://"+h.place(), Options{})}, func() []byte {
				h.mu.Lock()
				defer h.mu.Unlock()
				return strip(h.rows)
			}
		},
		Gone: func(t *testing.T) export.Sink {
			h := newWarehouse(t, "24.1")
			h.Close()
			return open(t, "clickhouse://"+h.place(), Options{})
		},
		Stuck: func(t *testing.T) export.Sink {
			l, _ := listen(t, false)
			return open(t, "clickhouse://"+l.Addr().String(), Options{})
		},
	})
}

// Rows have the identifier and time of their record; what comes again is recognized.
func TestClickHouseRows(t *testing.T) {
	h := newWarehouse(t, "24.1.2.3")
	k := open(t, "clickhouse://"+h.place(), Options{})
	message, of := lines(4, "x")
	for range 2 {
		if err := deliver(t, k, message, of); err != nil {
			t.Fatal(err)
		}
	}
	want := `{"record_id":"30303030303030303030303030303033","record_time":1700003600,"N":2,"MARK":"x"}`
	if len(h.rows) != 4 || h.rows[1] != want {
		t.Errorf("rows are %s, want 4 with\n%s", strings.Join(h.rows, "\n"), want)
	}
}

// A row that does not fit is refused by itself, wherever it is.
func TestClickHouseMisfit(t *testing.T) {
	for _, n := range []string{"0", "5", "17"} {
		h := newWarehouse(t, "24.1")
		h.refuse = `"N":` + n + `,`
		k := open(t, "clickhouse://"+h.place()+"/weir/all", Options{})
		message, of := lines(18, "x")
		var refused *export.Refused
		if err := deliver(t, k, message, of); !errors.As(err, &refused) || refused.Records != 1 || len(h.rows) != 17 {
			t.Errorf("record %s: %v, and %d rows; want 1 refused, 17 rows", n, err, len(h.rows))
		}
	}
}

// What is no fault of a record is tried again.
func TestClickHouseAnswers(t *testing.T) {
	for said, status := range map[string]int{
		"Code: 117, DB::Exception: Unknown field found while parsing JSONEachRow format: N": http.StatusBadRequest,
		"Code: 60, DB::Exception: Table weir.flow doesn't exist":                            http.StatusNotFound,
		"Code: 252, DB::Exception: Too many parts":                                          500,
		"Code: 241, DB::Exception: Memory limit (total) exceeded":                           500,
		"Code: 27, busy": http.StatusServiceUnavailable,
	} {
		h := newWarehouse(t, "24.1")
		first := true
		h.answer = func(w http.ResponseWriter) bool {
			if first {
				first = false
				return false
			}
			w.WriteHeader(status)
			io.WriteString(w, said)
			return true
		}
		message, of := lines(2, "x")
		err := deliver(t, open(t, "clickhouse://"+h.place(), Options{}), message, of)
		if err == nil || errors.As(err, new(*export.Refused)) || !strings.Contains(err.Error(), said) {
			t.Errorf("%s: %v", said, err)
		}
	}
}

func TestClickHouseCreate(t *testing.T) {
	s := exporttest.Schema(t)
	fields := exporttest.Template(t, s, "%IPV4_SRC_ADDR %IN_BYTES").Fields
	for version, want := range map[string][]string{
		"24.1":  {"`IPV4_SRC_ADDR` Nullable(IPv4)", "= MergeTree()", "COMMENT", "deduplication_window", "`SCHEMA_VERSION`"},
		"18.16": {"`IPV4_SRC_ADDR` Nullable(String)", "= ReplacingMergeTree()", "`IPV6_SRC_ADDR`", "ORDER BY (record_time"},
	} {
		h := newWarehouse(t, version)
		k := open(t, "clickhouse://"+h.place(), Options{Fields: fields, ClickHouse: ClickHouseOptions{Create: true}})
		message, of := lines(4, "x")
		for range 2 {
			if err := deliver(t, k, message, of); err != nil {
				t.Fatal(err)
			}
		}
		all := strings.Join(h.statements, "\n")
		for _, w := range want {
			if !strings.Contains(all, w) {
				t.Errorf("%s: statements lack %s:\n%s", version, w, all)
			}
		}
		if n := strings.Count(all, "CREATE TABLE IF NOT EXISTS"); n != 2 {
			t.Errorf("%s: %d tables are made, want those of flows and of events, once", version, n)
		}
	}
	statements, err := ClickHouse("clickhouse://a:1/db/x_{kind}", flow.KindEvent, &Options{
		Fields: fields, ClickHouse: ClickHouseOptions{Engine: "ReplicatedMergeTree('/a', 'b')", TTL: "30 DAY"},
	}, false)
	all := strings.Join(statements, "\n")
	want := []string{"`db`.`x_event`", "ENGINE = ReplicatedMergeTree('/a', 'b')\n", "TTL record_time + INTERVAL 30 DAY"}
	for _, w := range want {
		if err != nil || !strings.Contains(all, w) || strings.Contains(all, "non_replicated") {
			t.Errorf("statements lack %s (%v):\n%s", w, err, all)
		}
	}
}

func TestClickHousePlaces(t *testing.T) {
	for place, want := range map[string]string{
		"a:8123": "", "a:8123,b:8123/db": "", "a:8123/db/t_{kind}": "",
		"a": "has no port", "a:8123/d`b": "letters, digits", "a:8123/db/t/u": "letters, digits",
	} {
		err := checkClickHouse(place)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", place, err, want)
		}
	}
	for _, o := range []ClickHouseOptions{{Engine: "x;y"}, {TTL: "DAY"}, {TTL: "1 day"}, {TTL: "x DAY"}, {TTL: "1 "}} {
		if err := o.Check(); err == nil || !strings.Contains(err.Error(), "; ") {
			t.Errorf("%+v: %v, want what is wrong and what to do", o, err)
		}
	}
}
