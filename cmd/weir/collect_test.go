package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What one weir exports another collects: the flows are the same, whatever is between them.
func TestCollectWhatIsExported(t *testing.T) {
	dir := t.TempDir()
	file, want, got := filepath.Join(dir, "flows.ipfix"), filepath.Join(dir, "want"), filepath.Join(dir, "got")
	const fields = "%IPV4_SRC_ADDR %IPV4_DST_ADDR %L4_SRC_PORT %L4_DST_PORT %PROTOCOL %IN_BYTES %OUT_BYTES %IN_PKTS " +
		"%OUT_PKTS %FLOW_START_MILLISECONDS %FLOW_END_MILLISECONDS %L7_PROTO %TCP_FLAGS %MIN_TTL %IN_SRC_MAC"
	must(t, "replay", "-q", "--json="+want, "-T", fields, sample)
	for _, biflow := range []string{"rfc5103", "nprobe"} {
		must(t, "replay", "-q", "--ipfix", file, "-T", fields, "--biflow", biflow, sample)
		must(t, "replay", "-q", "--collect", "--json="+got, "-T", fields, file)
		a, b := canonical(t, want), canonical(t, got)
		if len(a) != len(b) || len(a) == 0 {
			t.Fatalf("%s: %d flows were collected of %d", biflow, len(b), len(a))
		}
		for i := range a {
			if a[i] != b[i] {
				t.Errorf("%s: flow %d was\n%s and is\n%s", biflow, i, a[i], b[i])
			}
		}
	}
}

// canonical returns the lines of a file of JSON in one form.
func canonical(t *testing.T, path string) (all []string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		var v map[string]any
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			t.Fatal(err)
		}
		b, _ := json.Marshal(v)
		all = append(all, string(b))
	}
	return all
}

// Elements that nobody here knows go through as they came, each as itself, of a length or of any.
func TestCollectedElementsGoThrough(t *testing.T) {
	capture := "../../../shared/captures/netflow/derived_netflow__beats__IPFIX-YAF-basic-with-applabel.pcap"
	if _, err := os.Stat(capture); err != nil {
		t.Skip("the capture collection is not here: ", err)
	}
	dir := t.TempDir()
	file, want, got := filepath.Join(dir, "flows.ipfix"), filepath.Join(dir, "want"), filepath.Join(dir, "got")
	const fields = "%IPV4_SRC_ADDR %IPV4_DST_ADDR %IN_BYTES %OUT_BYTES %OBSERVATION_DOMAIN_ID %EXPORTER_IPV4_ADDRESS " +
		"%YAF_APPLABEL %YAF_REVERSE_INITIAL_TCP_FLAGS %COLLECTED_ELEMENTS"
	must(t, "replay", "-q", "--collect", "--json="+want, "-T", fields, capture)
	must(t, "replay", "-q", "--collect", "--ipfix", file, "-T", fields, capture)
	must(t, "replay", "-q", "--collect", "--json="+got, "-T", fields, file)
	a, b := canonical(t, want), canonical(t, got)
	if len(a) != 2 || strings.Join(a, "\n") != strings.Join(b, "\n") || !strings.Contains(a[0], `"YAF_APPLABEL":53`) ||
		!strings.Contains(a[1], "0000727900b8") {
		t.Errorf("were\n%s\nand are\n%s", strings.Join(a, "\n"), strings.Join(b, "\n"))
	}
}

// What was collected keeps its exporter, observation domain and sampling rate on the way through another format.
func TestCollectedOrigin(t *testing.T) {
	capture := "../../../shared/captures/netflow/derived_netflow__akvorado__multiplesamplingrates-merged.pcap"
	if _, err := os.Stat(capture); err != nil {
		t.Skip("the capture collection is not here: ", err)
	}
	dir := t.TempDir()
	file, want, got := filepath.Join(dir, "flows"), filepath.Join(dir, "want"), filepath.Join(dir, "got")
	const fields = "%IPV4_SRC_ADDR %IPV4_DST_ADDR %IN_BYTES %IN_PKTS %FLOW_START_MILLISECONDS %FLOW_END_MILLISECONDS " +
		"%EXPORTER_IPV4_ADDRESS %OBSERVATION_DOMAIN_ID %SAMPLING_INTERVAL"
	must(t, "replay", "-q", "--collect", "--json="+want, "-T", fields, capture)
	must(t, "replay", "-q", "--collect", "--ipfix", file, "-T", "@IPFIX@ @COLLECTED@", capture)
	must(t, "replay", "-q", "--collect", "--json="+got, "-T", fields, file)
	a, b := canonical(t, want), canonical(t, got)
	if len(a) == 0 || strings.Join(a, "\n") != strings.Join(b, "\n") ||
		!strings.Contains(a[0], `"EXPORTER_IPV4_ADDRESS":"`) || !strings.Contains(a[0], `"SAMPLING_INTERVAL":`) {
		t.Errorf("were\n%s\nand are\n%s", strings.Join(a, "\n"), strings.Join(b, "\n"))
	}
}
