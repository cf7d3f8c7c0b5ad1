package config

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// files writes a directory and returns the path of the first file.
func files(t *testing.T, texts ...string) string {
	t.Helper()
	dir := t.TempDir()
	for i := 0; i < len(texts); i += 2 {
		path := filepath.Join(dir, texts[i])
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(texts[i+1]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, texts[0])
}

// A configuration in parts says what it says in one piece.
func TestInclude(t *testing.T) {
	main := "schema = 1\n%s\n[[exporter]]\nname = \"a\"\nto = \"-\"\n"
	input, more := "[[input]]\ninterface = \"eth0\"\n", "[[exporter]]\nname = \"b\"\nto = \"udp://192.0.2.1:1\"\n"
	flows := "[flow]\nlinger = \"1s\"\n[exporter.spool]\n"
	flows = strings.Replace(flows, "[exporter.spool]\n", "", 1)
	path := files(t, "weir.toml", strings.Replace(main, "%s", "include = \"conf.d\"", 1),
		"conf.d/10-input.toml", "schema = 1\n"+input, "conf.d/20-more.toml", more, "conf.d/30-flow.toml", flows,
		"conf.d/README", "not TOML", "conf.d/.hidden.toml", "not TOML")
	got, problems := Load(path, Checks{})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	want, problems := Parse("whole", []byte(strings.Replace(main, "%s", "", 1)+more+input+flows), Checks{})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	again, problems := Parse("again", got.TOML(), Checks{})
	if len(problems) > 0 || !reflect.DeepEqual(again, got) {
		t.Errorf("written as one it says something else: %v\n%s", problems, got.TOML())
	}
	if _, problems = Parse("weir.toml", []byte("include = \"conf.d\"\n"), Checks{Idle: true}); len(problems) != 1 ||
		!strings.Contains(problems.String(), "weir.toml:1: include: nothing can be included here") {
		t.Errorf("got %v", problems)
	}
}

// A probe that waits to be set up has a configuration that says nothing.
func TestIdle(t *testing.T) {
	for text, want := range map[string]int{
		"": 0, "[log]\nlevel = \"loud\"": 1, "[[input]]\ninterface = \"eth0\"": 1, "[[exporter]]\nto = \"-\"": 1,
	} {
		if _, problems := Parse("f", []byte(text), Checks{Idle: true}); len(problems) != want {
			t.Errorf("%q: %v", text, problems)
		}
	}
}

// A configuration of an earlier version is read as what it says today, and its mistakes have their
// places still.
func TestMigrate(t *testing.T) {
	text := "schema = 1\n[flow]\nquiet = 90\n[[exporter]]\nwho = \"a\"\nto = \"-\"\n[[exporter]]\nwho = 7\nto = \"udp://h:1\"\n" +
		"[[input]]\ninterface = \"eth0\"\n[timeouts]\nlinger = \"10h\"\n"
	k := newChecker("old.toml", Checks{})
	k.renames = []rename{
		{since: 1, from: "exporter.to", to: "exporter.never"}, // of the version that it is written in
		{since: 2, from: "flow.quiet", to: "flow.silence", value: func(x any) any { return "90s" }},
		{since: 2, from: "exporter.who", to: "exporter.name"},
		{since: 2, from: "timeouts.linger", to: "flow.linger"},
		{since: 3, from: "flow.silence", to: "flow.idle_timeout"},
	}
	c, problems := k.read([]byte(text))
	if c.Flow.Idle.String() != "1m30s" || c.Exporters[0].Name != "a" || c.Schema != Schema {
		t.Errorf("got %+v", c)
	}
	want := "old.toml:8: exporter[1].name: 7 is not a string; put it in double quotes\n" +
		"old.toml:12: timeouts: unknown key; the keys here are "
	got := problems.String()
	if !strings.HasPrefix(got, want) || !strings.Contains(got, "old.toml:13: flow.linger: 10h0m0s is out of range") {
		t.Errorf("got %s", got)
	}
}
