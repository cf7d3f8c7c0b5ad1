package sink

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/weir-probe/weir/export"
	"github.com/weir-probe/weir/export/exporttest"
	"github.com/weir-probe/weir/export/sink/sinktest"
)

// index is a server that does what Elasticsearch does with _bulk, and the faults it is told to have.
type index struct {
	*httptest.Server
	mu       sync.Mutex
	docs     map[string]json.RawMessage // by index and identifier
	order    []byte                     // documents without identifier, in the order they came
	requests int
	puts     map[string]json.RawMessage // what was put, by path

	// fault answers a request in the place of the server if it returns true.
	fault func(w http.ResponseWriter, n int, body []byte) bool
	// refuse says what is wrong with a document; 0 is nothing.
	refuse func(n int, doc []byte) (status int, typ string)
}

func newIndex(t *testing.T) *index {
	x := &index{docs: map[string]json.RawMessage{}, puts: map[string]json.RawMessage{}}
	x.Server = httptest.NewServer(http.HandlerFunc(x.serve))
	t.Cleanup(x.Close)
	return x
}

func (x *index) place() string { return strings.TrimPrefix(x.URL, "http://") }

func (x *index) serve(w http.ResponseWriter, r *http.Request) {
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
	x.mu.Lock()
	defer x.mu.Unlock()
	x.requests++
	switch {
	case x.fault != nil && x.fault(w, x.requests, body):
	case r.Method == http.MethodPut && json.Valid(body):
		x.puts[r.URL.Path] = body
		io.WriteString(w, `{"acknowledged":true}`)
	case r.Method == http.MethodPost && r.URL.Path == "/_bulk":
		x.bulk(w, body)
	default:
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"error":"no handler found for uri [%s] and method [%s]"}`, r.URL.Path, r.Method)
	}
}

func (x *index) bulk(w http.ResponseWriter, body []byte) {
	type result struct {
		Status int    `json:"status"`
		Error  *fault `json:"error,omitempty"`
	}
	var items []map[string]result
	bad := false
	s := bufio.NewScanner(bytes.NewReader(body))
	s.Buffer(nil, 1<<26)
	for n := 0; s.Scan(); n++ {
		var action map[string]struct {
			Index string `json:"_index"`
			ID    string `json:"_id"`
		}
		if err := json.Unmarshal(s.Bytes(), &action); err != nil || !s.Scan() {
			http.Error(w, `{"error":"Malformed action/metadata line"}`, http.StatusBadRequest)
			return
		}
		doc := bytes.Clone(s.Bytes())
		key := action["create"].Index + "/" + action["create"].ID
		status, typ := http.StatusCreated, ""
		if x.refuse != nil {
			if s, t := x.refuse(n, doc); s != 0 {
				status, typ = s, t
			}
		}
		var fields map[string]any
		switch {
		case typ != "":
		case json.Unmarshal(doc, &fields) != nil || fields["@timestamp"] == nil:
			status, typ = http.StatusBadRequest, "document_parsing_exception"
		case x.docs[key] != nil && action["create"].ID != "":
			status, typ = http.StatusConflict, "version_conflict_engine_exception"
		default:
			x.docs[key] = doc
			x.order = append(append(x.order, doc...), '\n')
		}
		r := result{Status: status}
		if typ != "" {
			r.Error, bad = &fault{typ, "because"}, true
		}
		items = append(items, map[string]result{"create": r})
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(map[string]any{"errors": bad, "items": items})
}

func (x *index) count() int {
	x.mu.Lock()
	defer x.mu.Unlock()
	return len(x.docs)
}

func TestElasticContract(t *testing.T) {
	// What was sent is between the time that is added and the end of the object.
	strip := func(docs []byte) (out []byte) {
		for line := range bytes.Lines(docs) {
			var d map[string]any
			if json.Unmarshal(line, &d) == nil {
				out = fmt.Appendf(out, "%v\n", d["message"])
			}
		}
		return out
	}
	sinktest.Run(t, sinktest.Peer{
		Open: func(t *testing.T) (export.Sink, func() []byte) {
			x := newIndex(t)
			return &objects{open(t, "elasticsearch://"+x.place(), Options{})}, func() []byte {
				x.mu.Lock()
				defer x.mu.Unlock()
				return strip(x.order)
			}
		},
		Gone: func(t *testing.T) export.Sink {
			x := newIndex(t)
			x.Close()
			return open(t, "elasticsearch://"+x.place(), Options{})
		},
		Stuck: func(t *testing.T) export.Sink {
			l, _ := listen(t, false)
			return open(t, "elasticsearch://"+l.Addr().String(), Options{})
		},
	})
}

// objects makes an object of each message of the contract.
type objects struct{ export.Sink }

// Send sends the message as a member of an object.
func (k *objects) Send(ctx context.Context, message []byte) error {
	text, err := json.Marshal(map[string]string{"message": strings.TrimSuffix(string(message), "\n")})
	if err != nil {
		return err
	}
	return k.Sink.Send(ctx, text)
}

func deliver(t *testing.T, k export.Sink, message []byte, of export.Batch) error {
	t.Helper()
	return k.(export.Storer).Store(deadline(t, 10*time.Second), message, of)
}

// Records are in the data stream of their kind under their identifier, with a time; sent again
// they are there once.
func TestElasticRecords(t *testing.T) {
	for _, plain := range []bool{false, true} {
		x := newIndex(t)
		k := open(t, "elasticsearch://"+x.place(), Options{Elastic: ElasticOptions{Plain: plain}})
		message, of := lines(10, "x")
		for range 2 {
			if err := deliver(t, k, message, of); err != nil {
				t.Fatal(err)
			}
		}
		if x.count() != 10 {
			t.Errorf("%d documents, want 10", x.count())
		}
		key := fmt.Sprintf("logs-weir.event-default/%x", of.Items[1].ID)
		want := `{"@timestamp":"2023-11-14T23:13:20.001000Z","N":1,"MARK":"x"}`
		if got := string(x.docs[key]); got != want {
			t.Errorf("document %s is %s, want %s", key, got, want)
		}
	}
}

// A document that has a time keeps it, and an empty one gets nothing but a time.
func TestElasticTime(t *testing.T) {
	x := newIndex(t)
	k := open(t, "elasticsearch://"+x.place()+"/weir-all", Options{})
	message := []byte(`{"@timestamp":"2001-01-01T00:00:00Z","a":1}` + "\n{}\n")
	of := export.Batch{Records: 2, Items: []export.Item{{End: 44}, {End: uint32(len(message))}}}
	of.Items[0].ID[0], of.Items[1].ID[0] = 1, 2
	if err := deliver(t, k, message, of); err != nil {
		t.Fatal(err)
	}
	want := `{"@timestamp":"2001-01-01T00:00:00Z","a":1}` + "\n" + `{"@timestamp":"1970-01-01T00:00:00.000000Z"}` + "\n"
	if string(x.order) != want {
		t.Errorf("documents are\n%swant\n%s", x.order, want)
	}
}

// What is refused for good is written down with the reason; what is not yet taken is sent again
// without the rest.
func TestElasticFaults(t *testing.T) {
	x := newIndex(t)
	busy := true
	x.refuse = func(_ int, doc []byte) (int, string) {
		switch {
		case bytes.Contains(doc, []byte(`"N":3`)):
			return http.StatusBadRequest, "document_parsing_exception"
		case bytes.Contains(doc, []byte(`"N":5`)) && busy:
			return http.StatusTooManyRequests, "es_rejected_execution_exception"
		}
		return 0, ""
	}
	file := filepath.Join(t.TempDir(), "dead.json")
	k := open(t, "elasticsearch://"+x.place(), Options{Elastic: ElasticOptions{DeadLetter: file}})
	message, of := lines(10, "x")
	err := deliver(t, k, message, of)
	if err == nil || errors.As(err, new(*export.Refused)) || !strings.Contains(err.Error(), "1 of 10 records") {
		t.Fatalf("Store says %v, want that a record was not taken yet", err)
	}
	busy = false
	var refused *export.Refused
	if err := deliver(t, k, message, of); !errors.As(err, &refused) || refused.Records != 1 {
		t.Fatalf("Store says %v, want that one record was refused", err)
	}
	if x.count() != 9 {
		t.Errorf("%d documents, want 9", x.count())
	}
	b, err := os.ReadFile(file)
	var l letter
	if err != nil || bytes.Count(b, []byte("\n")) != 1 || json.Unmarshal(b, &l) != nil {
		t.Fatalf("dead letters: %s (%v), want one", b, err)
	}
	if l.Status != 400 || l.To != "logs-weir.event-default" || string(l.Record) != `{"N":3,"MARK":"x"}` ||
		!strings.HasPrefix(l.Reason, "document_parsing_exception") {
		t.Errorf("dead letter is %s", b)
	}
}

// Answers to the whole request.
func TestElasticAnswers(t *testing.T) {
	for _, c := range []struct {
		status int
		want   string
	}{
		{http.StatusUnauthorized, "[exporter.auth]"},
		{http.StatusForbidden, "the right to do that"},
		{http.StatusTooManyRequests, "429"},
		{http.StatusServiceUnavailable, "503"},
		{http.StatusMovedPermanently, "301"},
		{http.StatusOK, "no JSON"},
	} {
		x := newIndex(t)
		x.fault = func(w http.ResponseWriter, n int, _ []byte) bool {
			w.WriteHeader(c.status)
			io.WriteString(w, "said\nthe server\xff")
			return n == 1
		}
		k := open(t, "elasticsearch://"+x.place(), Options{})
		message, of := lines(2, "x")
		err := deliver(t, k, message, of)
		if err == nil || !strings.Contains(err.Error(), c.want) || errors.Is(err, export.ErrUndeliverable) {
			t.Errorf("%d: Store says %v, want %q", c.status, err, c.want)
		}
	}
}

// Too large a request is sent in halves; too large a record is refused.
func TestElasticHalves(t *testing.T) {
	x := newIndex(t)
	x.fault = func(w http.ResponseWriter, _ int, body []byte) bool {
		if len(body) > 700 || bytes.Contains(body, []byte(`"N":7`)) {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
			return true
		}
		return false
	}
	k := open(t, "elasticsearch://"+x.place(), Options{})
	message, of := lines(20, "x")
	var refused *export.Refused
	if err := deliver(t, k, message, of); !errors.As(err, &refused) || refused.Records != 1 || x.count() != 19 {
		t.Errorf("Store says %v and %d documents are there; want 1 refused, 19 there", err, x.count())
	}
}

// A server that asks to be left alone is.
func TestElasticRetryAfter(t *testing.T) {
	x := newIndex(t)
	x.fault = func(w http.ResponseWriter, n int, _ []byte) bool {
		if n > 1 {
			return false
		}
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusTooManyRequests)
		return true
	}
	k := open(t, "elasticsearch://"+x.place(), Options{}).(export.Storer)
	message, of := lines(2, "x")
	if err := deliver(t, k, message, of); err == nil {
		t.Fatal("Store reports no error although the server was busy")
	}
	if err := k.Store(deadline(t, 50*time.Millisecond), message, of); err == nil || x.requests != 1 {
		t.Errorf("Store says %v after %d requests; want that it waits", err, x.requests)
	}
	if err := deliver(t, k, message, of); err != nil || x.count() != 2 {
		t.Errorf("Store says %v, and %d documents are there", err, x.count())
	}
}

// When a server is away the next one is asked.
func TestElasticNext(t *testing.T) {
	away, x := newIndex(t), newIndex(t)
	away.Close()
	k := open(t, "elasticsearch://"+away.place()+","+x.place(), Options{})
	message, of := lines(2, "x")
	if err := deliver(t, k, message, of); err == nil {
		t.Error("Store reports no error although the server is away")
	}
	if err := deliver(t, k, message, of); err != nil {
		t.Error(err)
	}
}

// Secrets are shown to the server and to nobody else.
func TestElasticAuth(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "password"), "p\xc3\xa4ss\n")
	write(t, filepath.Join(dir, "token"), "t0ken\n")
	token := AuthOptions{TokenFile: filepath.Join(dir, "token")}
	password := AuthOptions{User: "weir", PasswordFile: filepath.Join(dir, "password")}
	for scheme, c := range map[string]struct {
		auth AuthOptions
		want string
	}{
		"elasticsearch": {token, "ApiKey t0ken"},
		"opensearch":    {password, "Basic d2Vpcjpww6Rzcw=="},
	} {
		got := ""
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			got = r.Header.Get("Authorization")
			w.WriteHeader(http.StatusUnauthorized)
		}))
		defer s.Close()
		k := open(t, scheme+"://"+strings.TrimPrefix(s.URL, "http://"), Options{Auth: c.auth})
		message, of := lines(2, "x")
		err := deliver(t, k, message, of)
		if err == nil || strings.Contains(err.Error(), "t0ken") || strings.Contains(err.Error(), "ss") && got != c.want {
			t.Errorf("%s: Store says %v", scheme, err)
		}
		if got != c.want {
			t.Errorf("%s: authorization is %q, want %q", scheme, got, c.want)
		}
	}
}

func TestElasticInstall(t *testing.T) {
	for scheme, want := range map[string]string{
		"elasticsearch": "/_ilm/policy/logs-weir.all-default",
		"opensearch":    "/_plugins/_ism/policies/logs-weir.all-default",
	} {
		x := newIndex(t)
		x.fault = func(w http.ResponseWriter, n int, body []byte) bool {
			if scheme == "opensearch" && n == 1 {
				w.WriteHeader(http.StatusNotFound)
			}
			return scheme == "opensearch" && n == 1
		}
		k := open(t, scheme+"://"+x.place(), Options{
			Format: "json", Fields: exporttest.Schema(t).Fields, Elastic: ElasticOptions{Install: true},
		})
		message, of := lines(2, "x")
		for range 2 {
			if err := deliver(t, k, message, of); err != nil {
				t.Fatal(err)
			}
		}
		if x.puts[want] == nil || x.puts["/_index_template/logs-weir.all-default"] == nil || len(x.puts) != 2 {
			t.Errorf("%s: was put: %v", scheme, x.puts)
		}
	}
}

func TestDeadLetters(t *testing.T) {
	file := filepath.Join(t.TempDir(), "dead.json")
	d := deadLetters{path: file, most: 1000}
	for i := range 20 {
		if err := d.put(letter{To: fmt.Sprint(i), Record: []byte("\xff no JSON")}); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.close(); err != nil {
		t.Fatal(err)
	}
	last := -1
	for _, name := range []string{file + ".1", file} {
		b, err := os.ReadFile(name)
		if err != nil || len(b) > 1000 || len(b) == 0 {
			t.Fatalf("%s has %d octets (%v)", name, len(b), err)
		}
		for line := range bytes.Lines(b) {
			var l letter
			n := 0
			if err := json.Unmarshal(line, &l); err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			if fmt.Sscan(l.To, &n); last >= 0 && n != last+1 {
				t.Errorf("letter %d comes behind %d", n, last)
			}
			last = n
		}
	}
	if last != 19 {
		t.Errorf("the last letter is %d, want 19", last)
	}
	if err := (&deadLetters{path: filepath.Join(file, "x"), most: 1}).put(letter{}); err == nil {
		t.Error("a letter was written to a file that cannot be")
	}
}

func TestElasticPlaces(t *testing.T) {
	for place, want := range map[string]string{
		"a:9200,b:9200/logs-x.{kind}-y": "",
		"[::1]:9200":                    "",
		"a":                             "has no port",
		"a:9200/Logs":                   "lower-case",
		"a:9200/_logs":                  "begins with",
		"a:9200/a/b":                    "lower-case",
		"a:9200/" + long(201):           "at most 200",
	} {
		err := checkElastic(place)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", place, err, want)
		}
	}
}
