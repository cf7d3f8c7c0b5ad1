package config

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"github.com/BurntSushi/toml"
)

// Load reads the configuration in a file, and in the files of the directories that it includes, and
// validates it. The Config is never nil: what is wrong has its default.
func Load(path string, checks Checks) (*Config, Problems) {
	data, err := os.ReadFile(path)
	if err != nil {
		return Default(), Problems{{
			File:  path,
			Wrong: "configuration cannot be read: " + cause(err),
			Fix:   "name a file that exists and that weir may read",
		}}
	}
	k := newChecker(path, checks)
	k.dir = filepath.Dir(path)
	return k.read(data)
}

// Parse reads a configuration as Load does, but includes nothing; name is what its problems call the
// file.
func Parse(name string, data []byte, checks Checks) (*Config, Problems) {
	return newChecker(name, checks).read(data)
}

func newChecker(file string, checks Checks) *checker {
	return &checker{checks: checks, file: file, places: places{}, bad: map[string]bool{}, renames: renames}
}

// read reads everything that there is.
func (k *checker) read(data []byte) (*Config, Problems) {
	c := Default()
	tree, ok := k.document(k.file, data)
	if ok {
		ok = k.include(tree)
	}
	if !ok {
		return c, k.problems.sorted(k.file)
	}
	k.migrate(tree)
	k.table("", tree, reflect.ValueOf(c).Elem())
	c.Include = nil
	c.Complete()
	k.validate(c)
	return c, k.problems.sorted(k.file)
}

// document parses a document of TOML and remembers where its keys stand, unless they stand elsewhere.
func (k *checker) document(file string, data []byte) (tree map[string]any, ok bool) {
	tree, found, ok := k.parse(file, strings.TrimPrefix(string(data), "\ufeff"))
	for key, line := range found {
		if _, taken := k.places[key]; !taken {
			k.places[key] = place{file, line}
		}
	}
	return tree, ok
}

// cause returns what the operating system said, without the path.
func cause(err error) string {
	if e := errors.Unwrap(err); e != nil {
		return e.Error()
	}
	return err.Error()
}

// parse decodes TOML. After a mistake in a value it goes on with the next line.
func (k *checker) parse(file, doc string) (tree map[string]any, found lines, ok bool) {
	rows := strings.Split(doc, "\n")
	for last := 0; ; {
		text := strings.Join(rows, "\n")
		_, err := toml.Decode(text, &tree)
		if err == nil {
			return tree, index(text), true
		}
		e, line := toml.ParseError{}, 0
		if errors.As(err, &e) {
			line = e.Position.Line
		}
		if line <= last || line > len(rows) {
			if line != last || last == 0 {
				k.syntax(place{file, line}, err)
			}
			return nil, nil, false
		}
		k.syntax(place{file, line}, err)
		key, _, found := strings.Cut(rows[line-1], "=")
		if !found || strings.ContainsAny(key, "[{#\"'") {
			return nil, nil, false
		}
		rows[line-1], last, tree = key+`="\u0000"`, line, nil
		if strings.Contains(err.Error(), "already been defined") {
			rows[line-1] = ""
		}
	}
}

// syntax reports that a line is not TOML.
func (k *checker) syntax(at place, err error) {
	wrong, fix := err.Error(), "write key = value, with strings and durations in double quotes"
	if e := (toml.ParseError{}); errors.As(err, &e) {
		wrong = strings.TrimSuffix(e.Message, ".")
	}
	if strings.Contains(wrong, "already been defined") {
		fix = "write it once"
	}
	k.problems = append(k.problems, Problem{File: at.file, Line: at.line, Wrong: "not TOML: " + wrong, Fix: fix})
}
