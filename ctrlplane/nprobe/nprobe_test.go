package nprobe

import (
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/weir-probe/weir/ctrlplane/config"
	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/export"
	"github.com/weir-probe/weir/export/formats"
)

var update = flag.Bool("update", false, "write the expected translations again")

// comments are what the manual says of keys.
var comments = regexp.MustCompile(`(?m)^#.*\n`)

// Every command line (.cmd) and file of options (.conf) has its translation beside it: the
// configuration as TOML without its comments, then the notes, or the mistakes.
func TestGolden(t *testing.T) {
	files, _ := filepath.Glob("testdata/*.c*")
	if len(files) < 25 {
		t.Fatalf("%d command lines", len(files))
	}
	for _, path := range files {
		t.Run(filepath.Base(path), func(t *testing.T) {
			args := []string{path}
			if strings.HasSuffix(path, ".cmd") {
				data, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				args = words(string(data))
			}
			c, notes, err := Parse(args)
			got := ""
			if err == nil {
				got = comments.ReplaceAllString(string(c.TOML()), "")
				roundTrip(t, c)
			}
			for _, n := range notes {
				got += "\nnote: " + n.String()
			}
			if err != nil {
				got += "\nmistake: " + strings.ReplaceAll(err.Error(), "\n", "\nmistake: ")
			}
			compare(t, strings.TrimSuffix(path, filepath.Ext(path))+".golden", got+"\n")
		})
	}
}

func compare(t *testing.T, golden, got string) {
	t.Helper()
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
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// roundTrip checks that a translation is printed as a configuration that is valid and the same.
func roundTrip(t *testing.T, c *config.Config) {
	t.Helper()
	schema, err := flow.Compile(flow.All()...)
	if err != nil {
		t.Fatal(err)
	}
	format := func(name string, t *flow.Template) error {
		_, err := formats.New(name, export.FormatOptions{Template: t})
		return err
	}
	again, problems := config.Parse("printed", c.TOML(), config.Checks{Schema: schema, Format: format})
	for _, p := range problems {
		if !strings.Contains(p.Wrong, ".pcap cannot be read") { // the captures are made up
			t.Error(p)
		}
	}
	if !reflect.DeepEqual(again, c) {
		t.Errorf("printed and read back\n%+v\nit was\n%+v", again, c)
	}
}

// words splits a line as a shell does with quotes.
func words(line string) (all []string) {
	word, quote, in := "", rune(0), false
	for _, c := range strings.TrimSpace(line) + " " {
		switch {
		case quote == 0 && c == ' ':
			if in {
				all = append(all, word)
			}
			word, in = "", false
			continue
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case c == quote:
			quote = 0
		default:
			word += string(c)
		}
		in = true
	}
	return all
}

// No two options have the same name, and those that are not translated say what to do.
func TestOptions(t *testing.T) {
	seen := map[string]bool{}
	for _, o := range options() {
		for _, name := range strings.Fields(o.names) {
			if seen[name] || !strings.HasPrefix(name, "-") {
				t.Errorf("option %s is listed twice or misspelt", name)
			}
			seen[name] = true
		}
		if (o.set == nil) == (o.text == "") || o.refuse && o.set != nil {
			t.Errorf("option %s is neither translated nor explained, or both", o.names)
		}
	}
}

func FuzzParse(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.cmd")
	for _, path := range files {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(data))
	}
	f.Fuzz(func(t *testing.T, line string) {
		args := words(line)
		if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
			args = args[1:] // not files of this machine
		}
		c, _, err := Parse(args)
		if c == nil {
			t.Fatal("no configuration")
		}
		if err == nil && len(c.Exporters) == 0 {
			t.Error("no exporter, and no mistake")
		}
		c.TOML()
	})
}
