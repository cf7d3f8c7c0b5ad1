package config

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/app"
	"github.com/weir-probe/weir/export"
	"github.com/weir-probe/weir/export/formats"
)

var update = flag.Bool("update", false, "write the expected messages again")

// judges knows the fields of weir, and a filter language of two words.
func judges(t testing.TB) Checks {
	schema, err := flow.Compile(append(flow.All(), app.Fields())...)
	if err != nil {
		t.Fatal(err)
	}
	filter := func(s string) error {
		if s != "tcp" && s != "udp" {
			return fmt.Errorf("unknown word in %q", s)
		}
		return nil
	}
	format := func(name string, t *flow.Template) error {
		_, err := formats.New(name, export.FormatOptions{Template: t})
		return err
	}
	return Checks{Schema: schema, Filter: filter, Format: format}
}

// Every bad configuration has its messages in a file beside it.
func TestBad(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.toml")
	if err != nil || len(files) < 25 {
		t.Fatalf("%d bad configurations, %v", len(files), err)
	}
	checks := judges(t)
	t.Chdir("testdata/bad")
	for _, path := range files {
		path = filepath.Base(path)
		t.Run(strings.TrimSuffix(filepath.Base(path), ".toml"), func(t *testing.T) {
			c, problems := Load(path, checks)
			if c == nil || len(problems) == 0 {
				t.Fatal("no problems found")
			}
			got, golden := problems.String()+"\n", strings.TrimSuffix(path, ".toml")+".txt"
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
				t.Errorf("got\n%swant\n%s", got, want)
			}
			helpful(t, problems)
		})
	}
}

// helpful checks what holds for every problem.
func helpful(t *testing.T, problems Problems) {
	t.Helper()
	last, file := 0, ""
	for _, p := range problems {
		if p.File != file {
			last, file = 0, p.File
		}
		if p.Wrong == "" || p.Fix == "" || p.File == "" || strings.Contains(p.String(), "\n") {
			t.Errorf("problem says too little or too much: %q", p)
		}
		if p.Line < last {
			t.Errorf("problem of line %d comes after one of line %d", p.Line, last)
		}
		last = p.Line
	}
}

func TestLoadMissing(t *testing.T) {
	c, problems := Load("testdata/none.toml", Checks{})
	if c == nil || len(problems) != 1 || problems.Err() == nil {
		t.Fatalf("got %v", problems)
	}
	want := "testdata/none.toml: configuration cannot be read: no such file or directory; " +
		"name a file that exists and that weir may read"
	if got := problems.String(); got != want {
		t.Errorf("got %s", got)
	}
}

func FuzzParse(f *testing.F) {
	files, _ := filepath.Glob("testdata/bad/*.toml")
	for _, path := range append(files, "../../configs/weir.toml") {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(data))
	}
	checks := judges(f)
	f.Fuzz(func(t *testing.T, doc string) {
		_, problems := Parse("f", []byte(doc), checks)
		for _, p := range problems {
			if p.Line > strings.Count(doc, "\n")+1 {
				t.Errorf("line %d does not exist", p.Line)
			}
			if p.Wrong == "" || p.Fix == "" {
				t.Errorf("problem says too little: %q", p)
			}
		}
		index(doc)
	})
}
