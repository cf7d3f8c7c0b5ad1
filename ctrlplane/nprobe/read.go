package nprobe

import (
	"os"
	"strings"

	"github.com/weir-probe/weir/dataplane/flow"
)

// A use is an option with its value, where it was written.
type use struct {
	option *option
	name   string
	value  string
	file   string
	line   int
}

// read finds the options in arguments. Unknown ones are mistakes.
func (t *translation) read(args []string) (uses []use) {
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		uses, args = t.file(args[0]), args[1:]
	}
	for len(args) > 0 {
		name := args[0]
		args = args[1:]
		t.use = use{name: name}
		if !strings.HasPrefix(name, "-") || name == "-" {
			t.fail("the argument belongs to no option: write its option before it, and spaces only in quotes")
			continue
		}
		u, ok := t.find(name)
		if !ok {
			if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
				args = args[1:] // its value, by the look of it
			}
			continue
		}
		if u.option.arg && u.value == "" && !strings.HasSuffix(name, "=") {
			if len(args) == 0 {
				t.use = u
				t.fail("the value is missing: write it behind the option")
				continue
			}
			u.value, args = args[0], args[1:]
		}
		uses = append(uses, u)
	}
	return uses
}

// find splits an argument into an option and the value that is attached to it, if any:
// --option=value, -o=value or -ovalue.
func (t *translation) find(arg string) (use, bool) {
	name, value, attached := strings.Cut(arg, "=")
	if o := named(name); o != nil {
		return use{option: o, name: name, value: unquote(value)}, true
	}
	if !strings.HasPrefix(arg, "--") && len(arg) > 2 {
		if o := named(arg[:2]); o != nil && o.arg {
			return use{option: o, name: arg[:2], value: unquote(arg[2:])}, true
		}
	}
	if o := plugin(name); o != nil {
		o.arg = o.arg && !attached
		return use{option: o, name: name, value: value}, true
	}
	t.use.name = name
	fix := "leave it out, or write what it is for in TOML"
	if n := flow.Nearest(name, names()); n != "" && strings.HasPrefix(name, "--") {
		fix = "did you mean " + n + "?"
	}
	t.fail("the option is not known: %s", fix)
	return use{}, false
}

// file reads options from a file, one a line: -n=127.0.0.1:2055, -a= or -i eth0.
func (t *translation) file(path string) (uses []use) {
	data, err := os.ReadFile(path)
	if err != nil {
		t.use = use{name: path}
		t.fail("the file of options cannot be read: %v", err)
		return nil
	}
	number := 0
	for line := range strings.Lines(string(data)) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		t.use = use{name: line, file: path, line: number}
		if line[0] != '-' {
			t.fail("the line is no option: write -option=value")
			continue
		}
		end := strings.IndexAny(line, "= \t")
		if end < 0 {
			end = len(line)
		}
		u, ok := t.find(line[:end])
		if !ok {
			continue
		}
		if end < len(line) {
			value := strings.TrimPrefix(strings.TrimSpace(line[end:]), "=")
			u.value = unquote(strings.TrimSpace(value))
		}
		u.file, u.line = path, number
		if t.use = u; u.option.arg && u.value == "" && !u.option.optional {
			t.fail("the value is missing: write it behind the =")
			continue
		}
		uses = append(uses, u)
	}
	return uses
}

// unquote removes the quotes around a value.
func unquote(s string) string {
	if n := len(s); n > 1 && s[0] == s[n-1] && (s[0] == '"' || s[0] == '\'') {
		return s[1 : n-1]
	}
	return s
}
