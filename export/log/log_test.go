package log_test

import (
	"bytes"
	"encoding/csv"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/app"
	"github.com/weir-probe/weir/export"
	"github.com/weir-probe/weir/export/log"
)

var update = flag.Bool("update", false, "write the golden files anew")

func schema(t testing.TB) *flow.Schema {
	t.Helper()
	s, err := flow.Compile(append(flow.All(), app.Fields())...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// layouts are those that are published, by their name there.
var layouts = map[string]*log.Layout{"dns": log.DNS, "http": log.HTTP}

// The second line of each log is the published one, octet by octet.
func TestHeader(t *testing.T) {
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
	want := map[string][]string{}
	for _, l := range lines[1:] {
		want[l[0]] = append(want[l[0]], l[2]+"["+l[3]+"]")
	}
	s := schema(t)
	for name, l := range layouts {
		format, err := l.New(export.FormatOptions{Template: l.Template(s)})
		if err != nil {
			t.Fatal(err)
		}
		header := "#\n# " + strings.Join(want[name], "\t") + "\n#\n"
		if got := string(format.Open()(nil, nil)); got != header {
			t.Errorf("%s begins with\n%swant\n%s", name, got, header)
		}
	}
	if n, m := len(want["dns"]), len(want["http"]); n != 21 || m != 42 {
		t.Errorf("%d columns of DNS, %d of HTTP", n, m)
	}
}

// Every field that a column asks for exists.
func TestLabels(t *testing.T) {
	s := schema(t)
	for name, l := range layouts {
		if !slices.ContainsFunc(app.All, func(d *app.Dissector) bool { return d.Name == name }) {
			continue
		}
		for _, c := range l.Columns {
			for _, label := range strings.Fields(c.Fields) {
				if f := s.Named(label); f == nil || f.Label != label {
					t.Errorf("%s: column %s asks for %s, which does not exist", name, c.Name, label)
				}
			}
		}
	}
}

// event is a record with attributes, by label.
func event(t *testing.T, s *flow.Schema, version uint8, said map[string]any) *flow.View {
	t.Helper()
	r := &flow.Record{}
	r.Version, r.Proto, r.SrcPort, r.DstPort = version, 6, 1025, 80
	for i := range 4 {
		r.Src[12+i], r.Dst[12+i] = byte(10*i), byte(20*i)
	}
	if version == 6 {
		r.Src[0], r.Dst[0] = 0x20, 0xfd
		for i := range 16 {
			r.Dst[i] |= 0x10
		}
	}
	r.Packets, r.Octets, r.MaxTTL = [2]uint64{5, 4}, [2]uint64{700, 687}, [2]uint8{64, 255}
	r.Application = 5
	var a flow.Attrs
	for _, label := range slices.Sorted(maps.Keys(said)) {
		f := s.Named(label)
		if f == nil {
			t.Fatalf("there is no field %s", label)
		}
		switch v := said[label].(type) {
		case int:
			a.Uint(f, uint64(v))
		case string:
			a.Text(f, v)
		case []byte:
			a.Bytes(f, v)
		}
	}
	return &flow.View{Record: r, Attrs: bytes.Clone(a.All())}
}

const second = 1_000_000_000

// events are transactions as they are, and as somebody with bad intentions makes them.
func dnsEvents(t *testing.T, s *flow.Schema) []*flow.View {
	return []*flow.View{
		event(t, s, 4, map[string]any{
			"TRANSACTION_REQUEST_START":  1481220355*second + 999_999_999,
			"TRANSACTION_RESPONSE_START": 1481220356 * second,
			"TRANSACTION_LATENCY_USEC":   65_628_400, "SRC_AS": 3269, "SRC_IP_COUNTRY": "IT", "SRC_IP_CITY": "Pisa",
			"DNS_QUERY": "bramp.github.io", "DNS_RET_CODE": 0, "DNS_RET_CODE_NAME": "NOERROR", "DNS_NUM_ANSWERS": 2,
			"DNS_QUERY_TYPE": 1, "DNS_QUERY_TYPE_NAME": "A", "DNS_QUERY_ID": 36320, "DNS_FIRST_TTL": 12,
			"DNS_RESPONSE": "151.101.16.133/A;github.map.fastly.net/CNAME", "DNS_AUTH_NS": "ns.example",
		}),
		event(t, s, 6, map[string]any{ // sent three times, never answered
			"TRANSACTION_REQUEST_START": 1481220400 * second, "TRANSACTION_RETRANSMISSIONS": 2,
			"DNS_QUERY": "nowhere.example", "DNS_QUERY_TYPE": 65, "DNS_QUERY_TYPE_NAME": "HTTPS", "DNS_QUERY_ID": 0,
		}),
		event(t, s, 4, map[string]any{ // a response nobody asked for, with hostile text
			"TRANSACTION_RESPONSE_START": 1481220401 * second, "DNS_QUERY_TYPE_NAME": "TYPE65280",
			"DNS_QUERY":    "a\tb\nc\x00d\x7f\u202e|" + strings.Repeat("\u00fc", 40),
			"DNS_RESPONSE": strings.Repeat("\xff", 200), "DNS_AUTH_NS": strings.Repeat("n", 40),
		}),
		event(t, s, 4, nil),
	}
}

// lines writes views as a file would hold them.
func lines(t *testing.T, f export.Opener, views []*flow.View) []byte {
	t.Helper()
	out := f.Open()(nil, nil)
	m := f.Begin(nil, 0)
	for _, v := range views {
		var ok bool
		if m, ok = f.Append(m, v); !ok {
			t.Fatal("a line does not fit")
		}
	}
	return append(out, f.Seal(m)...)
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s differs (%v); look at it, then -update:\n%s", path, err, got)
	}
}

// The lines of the log of DNS are pinned, and have a cell for each column whatever they hold.
func TestDNS(t *testing.T) {
	s := schema(t)
	f, err := log.DNS.New(export.FormatOptions{Template: log.DNS.Template(s), Size: 1 << 16})
	if err != nil {
		t.Fatal(err)
	}
	got := lines(t, f, dnsEvents(t, s))
	golden(t, "dns.log", got)
	for i, line := range strings.Split(strings.TrimSuffix(string(got), "\n"), "\n") {
		if cells := strings.Count(line, "\t") + 1; i > 2 && cells != len(log.DNS.Columns) {
			t.Errorf("line %d has %d cells", i+1, cells)
		}
	}
}

// The lines of the log of HTTP are pinned, too.
func TestHTTP(t *testing.T) {
	s := schema(t)
	f, err := log.HTTP.New(export.FormatOptions{Template: log.HTTP.Template(s), Size: 1 << 16})
	if err != nil {
		t.Fatal(err)
	}
	views := []*flow.View{
		event(t, s, 4, map[string]any{
			"TRANSACTION_PROTOCOL": "http", "TRANSACTION_LATENCY_USEC": 1_712_000,
			"TRANSACTION_REQUEST_START": 1481268507 * second, "TRANSACTION_REQUEST_END": 1481268507 * second,
			"TRANSACTION_RESPONSE_END": 1481268508 * second, "TRANSACTION_REQUEST_BYTES": 700,
			"TRANSACTION_RESPONSE_BYTES": 687, "TRANSACTION_REQUEST_PKTS": 5, "TRANSACTION_RESPONSE_PKTS": 4,
			"HTTP_HOST": "www.ntop.org", "HTTP_METHOD": "GET", "HTTP_URL": "/blog/?feed=rss2", "HTTP_RET_CODE": 301,
			"HTTP_LOCATION": "http://www.ntop.org/blog/feed", "HTTP_REFERER": "https://www.ntop.org/blog/?feed=rss2",
			"HTTP_USER_AGENT": "SimplePie/1.4-dev", "HTTP_MIME": "text/html", "HTTP_COOKIE": "0123456789abcdef",
			"HTTP_TERMINATOR": "L", "HTTP_X_FORWARDED_HOST": "balancer.example", "HTTP_X_FORWARDED_FOR": "192.0.2.1",
			"HTTP_VIA": "1.1 proxy", "L7_PROTO_NAME": "HTTP",
		}),
		event(t, s, 6, map[string]any{ // not answered; a place that is no URL, and what was not to be hashed
			"TRANSACTION_PROTOCOL": "HTTP2", "TRANSACTION_REQUEST_END": 1481268507 * second,
			"HTTP_LOCATION": "gopher://x\tx", "HTTP_REFERER": "a://b", "HTTP_COOKIE_RAW": "id=7",
			"HTTP_COOKIE": "0123456789abcdef", "HTTP_POST_PARAMS": "user=x&password=y", "HTTP_METHOD": "PROPPATCHES",
		}),
	}
	golden(t, "http.log", lines(t, f, views))
}

// A log of any fields takes its columns from them.
func TestTemplate(t *testing.T) {
	s := schema(t)
	template, err := s.Template("%IPV4_SRC_ADDR %IN_BYTES %TRANSACTION_REQUEST_START " +
		"%TRANSACTION_LATENCY_USEC %DNS_QUERY %DNS_QUERY_ID %DST_TO_SRC_IAT_AVG")
	if err != nil {
		t.Fatal(err)
	}
	f, err := log.New(export.FormatOptions{Template: template, Size: 1 << 16})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "fields.log", lines(t, f, dnsEvents(t, s)))
}

// A message holds what its size allows, a line of any length by itself, and writing takes no
// memory but the message's.
func TestSize(t *testing.T) {
	s := schema(t)
	f, err := log.DNS.New(export.FormatOptions{Template: log.DNS.Template(s), Size: 200})
	if err != nil {
		t.Fatal(err)
	}
	v := dnsEvents(t, s)[2]
	m, ok := f.Append(f.Begin(make([]byte, 0, 4096), 0), v)
	if one := len(m); !ok || one < 200 {
		t.Fatalf("a long line is refused or short: %d octets", one)
	}
	again, ok := f.Append(m, v)
	if ok || len(again) != len(m) {
		t.Errorf("a second line is taken: %v, %d octets", ok, len(again))
	}
	if n := testing.AllocsPerRun(100, func() { f.Append(m[:0], v) }); n != 0 {
		t.Errorf("Append allocates %v times", n)
	}
	if _, err := log.New(export.FormatOptions{Template: &flow.Template{}}); err == nil {
		t.Error("a log without columns is accepted")
	}
}
