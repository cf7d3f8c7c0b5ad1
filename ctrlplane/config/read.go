package config

import (
	"errors"
	"os"
	"reflect"
	"strings"

	"github.com/BurntSushi/toml"
)

// Load reads the configuration in a file and validates it. The Config is never nil: what
// is wrong has its default.
func Load(path string, checks Checks) (*Config, Problems) {
	data, err := os.ReadFile(path)
	if err != nil {
		return Default(), Problems{{
			File:  path,
			Wrong: "configuration cannot be read: " + cause(err),
			Fix:   "name a file that exists and that weir may read",
		}}
	}
	return Parse(path, data, checks)
}

// Parse reads a configuration as Load does; name is what its problems call the file.
func Parse(name string, data []byte, checks Checks) (*Config, Problems) {
	k := &checker{checks: checks, file: name, bad: map[string]bool{}}
	c := Default()
	doc := strings.TrimPrefix(string(data), "\ufeff")
	tree, ok := k.parse(doc)
	if !ok {
		return c, k.problems.sorted()
	}
	k.table("", tree, reflect.ValueOf(c).Elem())
	c.Complete()
	k.validate(c)
	return c, k.problems.sorted()
}

// cause returns what the operating system said, without the path.
func cause(err error) string {
	if e := errors.Unwrap(err); e != nil {
		return e.Error()
	}
	return err.Error()
}

// parse decodes TOML. After a mistake in a value it goes on with the next line.
func (k *checker) parse(doc string) (tree map[string]any, ok bool) {
	rows := strings.Split(doc, "\n")
	for last := 0; ; {
		text := strings.Join(rows, "\n")
		_, err := toml.Decode(text, &tree)
		if err == nil {
			k.lines = index(text)
			return tree, true
		}
		e, line := toml.ParseError{}, 0
		if errors.As(err, &e) {
			line = e.Position.Line
		}
		if line <= last || line > len(rows) {
			if line != last || last == 0 {
				k.syntax(line, err)
			}
			return nil, false
		}
		k.syntax(line, err)
		key, _, found := strings.Cut(rows[line-1], "=")
		if !found || strings.ContainsAny(key, "[{#\"'") {
			return nil, false
		}
		rows[line-1], last, tree = key+`="\u0000"`, line, nil
		if strings.Contains(err.Error(), "already been defined") {
			rows[line-1] = ""
		}
	}
}

// syntax reports that a line is not TOML.
func (k *checker) syntax(line int, err error) {
	wrong, fix := err.Error(), "write key = value, with strings and durations in double quotes"
	if e := (toml.ParseError{}); errors.As(err, &e) {
		wrong = strings.TrimSuffix(e.Message, ".")
	}
	if strings.Contains(wrong, "already been defined") {
		fix = "write it once"
	}
	k.problems = append(k.problems, Problem{File: k.file, Line: line, Wrong: "not TOML: " + wrong, Fix: fix})
}
