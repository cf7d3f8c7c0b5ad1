package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/app"
	"github.com/weir-probe/weir/export/sink"
)

// Every example is a configuration without mistakes, and there is one for every kind of place.
func TestExamples(t *testing.T) {
	schema, err := flow.Compile(append(flow.All(), app.Fields())...)
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("../../configs/examples/*.toml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no examples (%v)", err)
	}
	var shown []string
	for _, name := range files {
		cfg, err := load(name, schema)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, x := range cfg.Exporters {
			for _, to := range x.To {
				s, _, err := sink.Find(to)
				if err != nil {
					t.Fatal(err)
				}
				place, _, _ := strings.Cut(s.Name, "+")
				shown = append(shown, place)
			}
		}
	}
	for _, s := range sink.Schemes {
		place, _, _ := strings.Cut(s.Name, "+")
		if place != "stdout" && !slices.Contains(shown, place) {
			t.Errorf("no example goes to %s://", s.Name)
		}
	}
}

// check accepts every configuration that comes with weir, and says what is wrong with every bad one.
func TestCheck(t *testing.T) {
	good, _ := filepath.Glob("../../configs/*.toml")
	more, _ := filepath.Glob("../../configs/*/*.toml")
	if good = append(good, more...); len(good) < 10 {
		t.Fatalf("%d configurations", len(good))
	}
	for _, path := range good {
		if out := must(t, "check", "-c", path); !strings.Contains(out, "no mistakes") {
			t.Errorf("%s: %s", path, out)
		}
	}
	program, err := filepath.Abs(weir)
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir("../../ctrlplane/config/testdata/bad")
	bad, _ := filepath.Glob("*.toml")
	if len(bad) < 30 {
		t.Fatalf("%d bad configurations", len(bad))
	}
	for _, path := range bad {
		want, err := os.ReadFile(strings.TrimSuffix(path, ".toml") + ".txt")
		if err != nil {
			t.Fatal(err)
		}
		c := exec.Command(program, "check", "-c", path)
		said, _ := c.CombinedOutput()
		if c.ProcessState.ExitCode() != exitUsage {
			t.Errorf("%s: status %d", path, c.ProcessState.ExitCode())
		}
		for line := range strings.Lines(string(want)) {
			if strings.Contains(line, "filter cannot be compiled") || strings.Contains(line, ".filter: ") {
				continue // the compiler of capture filters says it in its own words
			}
			if !strings.Contains(string(said), line) {
				t.Errorf("%s: %q is missing in\n%s", path, line, said)
			}
		}
	}
}

// What schema prints is whole, for every destination.
func TestSchema(t *testing.T) {
	for what, want := range map[string]string{
		"kafka":         `"label": "IN_BYTES"`,
		"elasticsearch": `"max_primary_shard_size": "50gb"`,
		"opensearch":    `"ism_template"`,
		"clickhouse":    "CREATE TABLE IF NOT EXISTS `weir`.`event`",
		"protobuf":      "message Record",
	} {
		if out := must(t, "schema", what); !strings.Contains(out, want) {
			t.Errorf("schema %s lacks %s", what, want)
		}
	}
	for _, wrong := range []string{"mysql", "elasticsearch --install", "kafka -c ../../configs/examples/udp.toml"} {
		args := append([]string{"schema"}, strings.Fields(wrong)...)
		if _, said, status := invoke(t, args...); status != exitUsage || said == "" {
			t.Errorf("schema %s ends with %d and says %q", wrong, status, said)
		}
	}
}
