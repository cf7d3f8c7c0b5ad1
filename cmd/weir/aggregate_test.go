package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// TestAggregate meters a capture and has its flows summed up: the rows of every interval together, that of all
// others among them, are the flows.
func TestAggregate(t *testing.T) {
	dir := t.TempDir()
	capture, err := filepath.Abs(sample)
	if err != nil {
		t.Fatal(err)
	}
	conf := filepath.Join(dir, "weir.toml")
	file := func(name string) string { return filepath.Join(dir, name) }
	write(t, conf, fmt.Sprintf("schema = 1\n[dataplane]\nsocket = %q\nhuge_pages = \"off\"\n[[input]]\ncapture = %q\n"+
		"[[aggregate]]\nname = \"apps\"\nby = [\"L7_PROTO_NAME\", \"IPV4_DST_ADDR\"]\nsums = \"TRANSACTIONS\"\ntop = 2\n"+
		"[[aggregate]]\nname = \"names\"\nby = \"DNS_QUERY\"\nrecords = \"dns\"\norder = \"records\"\n"+
		"[[exporter]]\nname = \"flows\"\nformat = \"json\"\nto = %q\n"+
		"[[exporter]]\nname = \"events\"\nformat = \"json\"\nrecords = \"dns\"\nto = %q\n"+
		"[[exporter]]\nname = \"sums\"\nformat = \"json\"\nrecords = \"aggregate\"\nto = %q\n"+
		"[[exporter]]\nname = \"ipfix\"\nrecords = \"aggregate\"\nto = %q\n",
		file("dataplane.sock"), capture, file("flows"), file("events"), file("sums"), file("ipfix")))
	must(t, "run", "-c", conf)
	var want, got [5]float64
	add := func(to *[5]float64, o map[string]any, counter string) {
		for i, name := range []string{"IN_BYTES", "OUT_BYTES", "IN_PKTS", "OUT_PKTS"} {
			n, _ := o[name].(float64)
			to[i] += n
		}
		n, _ := o[counter].(float64)
		to[4] += n
	}
	for _, o := range objects(t, read(t, file("flows"))) {
		add(&want, o, "TRANSACTIONS")
	}
	rows, named, events := map[string]int{}, 0.0, len(objects(t, read(t, file("events"))))
	for _, o := range objects(t, read(t, file("sums"))) {
		if o["AGGREGATE_NAME"] == "names" {
			if _, is := o["DNS_QUERY"].(string); !is || o["IN_BYTES"] != nil {
				t.Errorf("got %v", o)
			}
			named += o["AGGREGATE_RECORDS"].(float64)
			continue
		}
		rows[o["AGGREGATE_ROW"].(string)]++
		add(&got, o, "AGGREGATE_SUM_1")
		if _, keyed := o["L7_PROTO_NAME"]; keyed != (o["AGGREGATE_ROW"] == "top") {
			t.Errorf("got %v", o)
		}
	}
	if got != want || want[4] == 0 || rows["top"] < 2 || rows["others"] == 0 {
		t.Errorf("rows are %v, flows %v; there are %v", got, want, rows)
	}
	if int(named) != events || events == 0 {
		t.Errorf("%v events of %d are summed up", named, events)
	}
	var summed [5]float64
	for _, o := range objects(t, must(t, "replay", "-q", "--collect", "--json", "-T", "%AGGREGATE_NAME %AGGREGATE_SUM_1 %IN_BYTES %OUT_BYTES "+
		"%IN_PKTS %OUT_PKTS", "--records", "flow", file("ipfix"))) {
		if o["AGGREGATE_NAME"] == "apps" {
			add(&summed, o, "AGGREGATE_SUM_1")
		}
	}
	if summed != want {
		t.Errorf("IPFIX has %v, flows are %v", summed, want)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
