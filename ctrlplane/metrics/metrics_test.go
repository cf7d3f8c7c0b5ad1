package metrics

import (
	"bytes"
	"flag"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/weir-probe/weir/ctrlplane/egress"
	"github.com/weir-probe/weir/dataplane/worker"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestDocs(t *testing.T) {
	const golden = "../../configs/metrics.md"
	got := Page()
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil || got != string(want) {
		t.Errorf("%s is not what the code says (%v); make docs writes it again", golden, err)
	}
	seen := map[string]bool{}
	for _, m := range all() {
		if seen[m.name] || !strings.HasSuffix(m.doc, ".") {
			t.Errorf("metric %s is there twice, or not explained in a sentence", m.name)
		}
		seen[m.name] = true
	}
}

// account is a run with something of everything.
func account() *egress.Summary {
	s := &egress.Summary{
		Packets:   map[string]uint64{"received": 10, "metered": 7, "refused": 2, "filtered": 1},
		Stops:     map[string]uint64{"done": 7},
		Dissected: map[string]egress.Dissected{"dns": {Flows: 3, Messages: 5, Malformed: 1}},
		Active:    4, Capacity: 1024, Rings: []egress.Ring{{Name: "lan/0", Used: 17, Size: 64}},
		Exporters: []egress.Account{{
			Name: "a \"b\"\n", Records: 9, Exported: 5, Dropped: map[string]uint64{"queue_full": 3}, Pending: 1,
			Filtered: 2, Error: "refused \xff" + strings.Repeat("é", 200), Failed: time.UnixMilli(1700000000500),
		}},
	}
	s.NIC.Missed = 6
	s.Policy = &egress.Judged{Records: 9, Passed: 7, Dropped: map[string]uint64{"a \"scan\"": 2}}
	s.Tallies = []egress.Tally{
		{Part: "calls", Name: "evicted", Doc: "Calls.", N: 2}, {Part: "calls", Name: "open", Doc: "Calls now.", N: 3, Gauge: true},
	}
	return s
}

func scrape(t *testing.T, account func() *egress.Summary) string {
	t.Helper()
	s, err := Serve("127.0.0.1:0", "test", account)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	r, err := http.Get(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != http.StatusOK {
		t.Fatalf("%s, %v: %s", r.Status, err, b)
	}
	return string(b)
}

func TestScrape(t *testing.T) {
	got := scrape(t, account)
	for _, want := range []string{
		`weir_packets_total{fate="metered"} 7`, `weir_packets_total{fate="refused"} 2`,
		`weir_packets_total{fate="not_in_shard"} 0`, `weir_worker_received_total 10`, `weir_nic_missed_total 6`,
		`weir_dissector_malformed_total{dissector="dns"} 1`, `weir_flows_active 4`,
		`weir_ring_used_bytes{worker="lan/0"} 17`,
		`weir_exporter_records_total{exporter="a \"b\"\n"} 9`,
		`weir_exporter_dropped_total{exporter="a \"b\"\n",reason="queue_full"} 3`,
		`weir_exporter_dropped_total{exporter="a \"b\"\n",reason="send_failed"} 0`,
		`weir_exporter_filtered_total{exporter="a \"b\"\n"} 2`,
		`weir_exporter_last_error_timestamp_seconds{exporter="a \"b\"\n"} 1.7000000005e+09`,
		`weir_policy_records_total 9`, `weir_policy_passed_total 7`, `weir_policy_dropped_total{reason="a \"scan\""} 2`,
		`weir_calls_evicted_total 2`, "# TYPE weir_calls_evicted_total counter", `weir_calls_open 3`,
		`weir_build_info{version="test"} 1`, "# TYPE weir_flows_active gauge", "# TYPE weir_exporter_records_total counter",
	} {
		if !strings.Contains(got, want+"\n") {
			t.Errorf("%s is missing", want)
		}
	}
	for _, m := range all() {
		if !strings.Contains(got, "# HELP "+m.name+" ") {
			t.Errorf("%s is missing", m.name)
		}
	}
	fates := 0
	for _, f := range [...]string{"metered", "refused", "filtered", "sampled_out", "not_in_shard"} {
		fates += strings.Count(got, `weir_packets_total{fate="`+f+`"}`)
	}
	if fates != 5 || len(worker.CounterDocs) != strings.Count(got, "# TYPE weir_worker_") {
		t.Errorf("not every counter of a worker is there")
	}
}

// Between two dataplanes there is nothing to tell of, but the process still answers.
func TestScrapeNothing(t *testing.T) {
	got := scrape(t, func() *egress.Summary { return nil })
	if strings.Contains(got, "weir_packets_total") || !strings.Contains(got, "go_goroutines") {
		t.Errorf("got %s", got)
	}
}

func TestServeRefused(t *testing.T) {
	if _, err := Serve("192.0.2.1:1", "", account); err == nil || !strings.Contains(err.Error(), "[metrics]") {
		t.Errorf("got %v", err)
	}
}

// promtool, of Prometheus itself, finds no fault with names and types.
func TestPromtool(t *testing.T) {
	tool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool is not installed: apt-get install prometheus")
	}
	c := exec.Command(tool, "check", "metrics")
	c.Stdin = bytes.NewBufferString(scrape(t, account))
	if out, err := c.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}
