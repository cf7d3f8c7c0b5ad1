package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/weir-probe/weir/ctrlplane/egress"
)

// objects reads lines of JSON.
func objects(t *testing.T, lines string) (all []map[string]any) {
	t.Helper()
	for line := range strings.Lines(lines) {
		o := map[string]any{}
		if err := json.Unmarshal([]byte(line), &o); err != nil {
			t.Fatal(err)
		}
		all = append(all, o)
	}
	return all
}

// TestReplayEvents writes the transactions of the sample, all or those of a protocol, and none
// where nobody looks.
func TestReplayEvents(t *testing.T) {
	count := map[string]int{}
	for _, o := range objects(t, must(t, "replay", "-q", "--events", sample)) {
		protocol := o["TRANSACTION_PROTOCOL"].(string)
		if count[protocol]++; o["L7_PROTO_NAME"] == nil || o["COMMUNITY_ID"] == nil {
			t.Errorf("event without application or endpoints: %v", o)
		}
	}
	if count["dns"] != 4 || count["tls"] == 0 || count["ssh"] == 0 {
		t.Errorf("events of the sample: %v", count)
	}
	only := objects(t, must(t, "replay", "-q", "--events", "--records", "dns", sample))
	for _, o := range only {
		if !strings.HasSuffix(o["DNS_QUERY"].(string), ".example.net") || o["TRANSACTION_PROTOCOL"] != "dns" {
			t.Errorf("event of DNS: %v", o)
		}
	}
	if len(only) != 4 {
		t.Errorf("%d events of DNS", len(only))
	}
	if out := must(t, "replay", "-q", "--events", "--no-applications", sample); out != "" {
		t.Errorf("without dissectors there are events:\n%s", out)
	}
	for _, o := range objects(t, must(t, "replay", "-q", "--json", "--no-applications", sample)) {
		if o["L7_CONFIDENCE"] == float64(6) || o["DNS_QUERY"] != nil {
			t.Errorf("without dissectors content is known: %v", o)
		}
	}
}

// TestReplayEventFormats has every format that can say events write them.
func TestReplayEventFormats(t *testing.T) {
	dir := t.TempDir()
	for _, format := range []string{"json", "text", "ipfix", "table"} {
		path := filepath.Join(dir, format)
		must(t, "replay", "-q", "--records", "event", "--"+format+"="+path, sample)
		b, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(b), "www.example.net") {
			t.Errorf("%s: %d octets, %v", format, len(b), err)
		}
	}
	_, errs, status := invoke(t, "replay", "--records", "event", "--netflow5", "udp://127.0.0.1:9", sample)
	if status != exitUsage {
		t.Errorf("netflow5: %s", errs)
	}
}

// fill makes a pipe that holds the sample and does not end before it is closed.
func fill(t *testing.T, path string) *os.File {
	t.Helper()
	b, err := os.ReadFile(sample)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0) // which waits for nobody
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	go f.Write(b) // a pipe holds less
	return f
}

// logging is a configuration with a log of DNS and everything else in JSON.
const logging = `schema = 1
[dataplane]
socket = %q
[[input]]
capture = %q
[applications]
malformed_dir = %q
off = ["ssh"]
[[exporter]]
format = "dns-log"
to = %q
nested = true
command = [%q, "shipped"]
[[exporter]]
format = "json"
records = ["flow", "event"]
to = %q
[logs]
commands = %q
`

// TestRunLogs has a configuration write a log, run a program on it, and keep what is
// malformed.
func TestRunLogs(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, "program")
	if err := os.WriteFile(program, []byte("#!/bin/sh\nmv \"$2\" \"$2.$1\"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	capture := filepath.Join(dir, "fifo.pcap")
	line := fill(t, capture)
	conf := filepath.Join(dir, "weir.toml")
	write(t, conf, fmt.Sprintf(logging, filepath.Join(dir, "socket"), capture, filepath.Join(dir, "malformed"),
		filepath.Join(dir, "dns.log"), program, filepath.Join(dir, "all.json"), program))
	must(t, "check", "-c", conf)
	summary := filepath.Join(dir, "summary.json")
	c, said := start(t, "-c", conf, "--summary", summary)
	until(t, "the log begins", func() bool {
		begun, _ := filepath.Glob(filepath.Join(dir, "[0-9]*/[0-9]*/[0-9]*/[0-9]*/dns.log.part"))
		return len(begun) > 0
	})
	line.Close() // the capture ends, and so does the dataplane
	if err := c.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}

	shipped, err := filepath.Glob(filepath.Join(dir, "[0-9]*/[0-9]*/[0-9]*/[0-9]*/dns-*Z.log.shipped"))
	if err != nil || len(shipped) != 1 {
		t.Fatalf("complete logs: %v, %v", shipped, err)
	}
	b, err := os.ReadFile(shipped[0])
	lines := strings.Split(string(b), "\n")
	if err != nil || len(lines) != 3+4+1 || !strings.HasPrefix(lines[1], "# When[epoch]\t") {
		t.Errorf("log of DNS:\n%s", b)
	}
	checkLogs(t, dir, readSummary(t, summary))
}

// checkLogs checks that a summary says what there is.
func checkLogs(t *testing.T, dir string, s egress.Summary) {
	t.Helper()
	if s.Commands == nil || s.Commands.Ran != 1 || s.Commands.Failed != 0 || s.Events == 0 || s.Malformed == nil {
		t.Errorf("summary: %+v", s)
	}
	if d := s.Dissected["dns"]; d.Flows != 4 || d.Messages != 8 {
		t.Errorf("dissectors: %+v", s.Dissected)
	}
	if d, ok := s.Dissected["ssh"]; !ok || d.Flows != 0 || d.Messages != 0 || s.Dissected["tls"].Flows == 0 {
		t.Errorf("a dissector that is off, and may be turned on, says %+v of %+v", d, s.Dissected)
	}
	all, err := os.ReadFile(filepath.Join(dir, "all.json"))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(objects(t, string(all))); uint64(n) != s.Taken+s.Events {
		t.Errorf("%d lines for %d flows and %d events", n, s.Taken, s.Events)
	}
	if _, err := os.Stat(filepath.Join(dir, "malformed")); err != nil {
		t.Error(err)
	}
}
