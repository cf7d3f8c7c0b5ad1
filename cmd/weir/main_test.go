package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/weir-probe/weir/ctrlplane/egress"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// weir is the program under test: what the environment names in WEIR, or else built once.
var weir = os.Getenv("WEIR")

func TestMain(m *testing.M) {
	flag.Parse()
	if weir != "" {
		os.Exit(m.Run())
	}
	dir, err := os.MkdirTemp("", "weir-test-")
	if err != nil {
		panic(err)
	}
	weir = filepath.Join(dir, "weir")
	build := exec.Command("go", "build", "-o", weir, ".")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		panic(err)
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// invoke runs weir and returns what it said and its exit status.
func invoke(t *testing.T, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	c := exec.Command(weir, args...)
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	err := c.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return out.String(), errs.String(), c.ProcessState.ExitCode()
}

// must runs weir, which has to succeed, and returns its standard output.
func must(t *testing.T, args ...string) string {
	t.Helper()
	out, errs, status := invoke(t, args...)
	if status != 0 {
		t.Fatalf("weir %s: status %d\n%s", strings.Join(args, " "), status, errs)
	}
	return out
}

const sample = "testdata/sample.pcap"

// TestReplayGolden pins what is said of the sample.
func TestReplayGolden(t *testing.T) {
	for golden, args := range map[string][]string{
		"testdata/sample.json": {"replay", "--json", "-q", sample},
		"testdata/sample.txt":  {"replay", "-q", sample},
	} {
		got := must(t, args...)
		if *update {
			if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("weir %s differs from %s; look at it, then -update", strings.Join(args, " "), golden)
		}
	}
}

func sorted(lines string) []string {
	all := strings.Split(strings.TrimSuffix(lines, "\n"), "\n")
	slices.Sort(all)
	return all
}

// TestWorkersAgree has one, two and five workers say the same of large captures.
func TestWorkersAgree(t *testing.T) {
	files, _ := filepath.Glob("../../../shared/captures/mixed/*.pcap")
	for _, f := range append(files, sample) {
		one, _, _ := invoke(t, "replay", "--json", "-q", f)
		for _, n := range []string{"2", "5"} {
			many, _, _ := invoke(t, "replay", "--json", "-q", "--workers", n, f)
			if !slices.Equal(sorted(one), sorted(many)) {
				t.Errorf("%s: %s workers make other flows than one", filepath.Base(f), n)
			}
		}
	}
}

// TestReplayThroughPipes reads the sample from standard input and compressed.
func TestReplayThroughPipes(t *testing.T) {
	want := sorted(must(t, "replay", "--json", "-q", sample))
	for _, pack := range []string{"cat", "gzip -c", "zstd -q -c"} {
		for _, workers := range []string{"1", "3"} {
			out, err := exec.Command("sh", "-c", pack+" "+sample+" | "+weir+" replay --json -q --workers "+workers+" -").Output()
			if err != nil {
				t.Fatalf("%s: %v", pack, err)
			}
			if !slices.Equal(sorted(string(out)), want) {
				t.Errorf("%s, %s workers: other flows than from the file", pack, workers)
			}
		}
	}
}

// TestReplayDamaged says what is wrong and exports what was read before the fault.
func TestReplayDamaged(t *testing.T) {
	whole, err := os.ReadFile(sample)
	if err != nil {
		t.Fatal(err)
	}
	cut := filepath.Join(t.TempDir(), "cut.pcap")
	if err := os.WriteFile(cut, whole[:len(whole)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	summary := filepath.Join(t.TempDir(), "summary.json")
	out, errs, status := invoke(t, "replay", "--json", "--summary", summary, cut)
	if status != exitFailed || !strings.Contains(errs, cut) {
		t.Errorf("status %d: %s", status, errs)
	}
	s := readSummary(t, summary)
	if n := s.Packets["metered"]; n < 50 || n > 200 {
		t.Errorf("%d packets of half the sample", n)
	}
	if got := strings.Count(out, "\n"); uint64(got) != s.Made() {
		t.Errorf("%d lines for %d records", got, s.Made())
	}
}

func readSummary(t *testing.T, path string) (s egress.Summary) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// TestUsage ends with status 2 and says what to do.
func TestUsage(t *testing.T) {
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"replay"}, "--help"},
		{[]string{"replay", "--nonsense", sample}, "--help"},
		{[]string{"replay", "--json", "--table", sample}, "--json=flows.json"},
		{[]string{"replay", "--template", "%IN_BYTE", sample}, "IN_BYTES"},
		{[]string{"replay", "--workers", "0", sample}, "1 to 64"},
		{[]string{"replay", "no-such-file.pcap"}, "no-such-file.pcap"},
		{[]string{"run", "-c", "no-such-file.toml"}, "no-such-file.toml"},
		{[]string{"check", "-c", "no-such-file.toml"}, "no-such-file.toml"},
		{[]string{"fields", "nosuchword"}, "weir fields"},
		{[]string{"nonsense"}, "weir help"},
	} {
		_, errs, status := invoke(t, c.args...)
		if status != exitUsage || !strings.Contains(errs, c.says) {
			t.Errorf("weir %s: status %d, says %q", strings.Join(c.args, " "), status, errs)
		}
	}
}

func TestHelp(t *testing.T) {
	help := must(t, "help")
	for _, command := range []string{"replay", "run", "dataplane", "check", "fields", "nprobe", "version"} {
		if !strings.Contains(help, "\n  "+command) {
			t.Errorf("weir help does not mention %s", command)
		}
		if own := must(t, command, "--help"); command != "version" && !strings.Contains(own, "Examples:") {
			t.Errorf("weir %s --help shows no examples", command)
		}
	}
	if v := must(t, "version"); !strings.HasPrefix(v, "weir ") {
		t.Errorf("version: %q", v)
	}
}

func TestPrintConfig(t *testing.T) {
	conf := must(t, "nprobe", "-i", "lo", "-n", "127.0.0.1:2055", "-T", "%IPV4_SRC_ADDR %IN_BYTES", "--print-config")
	path := filepath.Join(t.TempDir(), "weir.toml")
	if err := os.WriteFile(path, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	must(t, "check", "-c", path)
}
