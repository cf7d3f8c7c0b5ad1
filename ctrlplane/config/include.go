package config

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// include adds what the files of the directories say that a configuration includes. It returns false
// if one of them is not TOML; everything else that is wrong is reported later, with its place.
func (k *checker) include(tree map[string]any) bool {
	x, given := tree["include"]
	if !given {
		return true
	}
	delete(tree, "include")
	if s, ok := x.(string); ok {
		x = []any{s}
	}
	dirs := list[string](k, "include", x)
	if k.dir == "" && len(dirs) > 0 {
		k.report("include", "nothing can be included here: the configuration is no file",
			"put everything into it")
		return true
	}
	ok := true
	for i, dir := range dirs {
		if !filepath.IsAbs(dir) {
			dir = filepath.Join(k.dir, dir)
		}
		for _, path := range k.fragments(at("include", i, len(dirs)), dir) {
			ok = k.fragment(tree, path) && ok
		}
	}
	return ok
}

// fragments returns the files of a directory whose names end in .toml, in the order of their names.
func (k *checker) fragments(key, dir string) (paths []string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		k.report(key, fmt.Sprintf("directory %s cannot be read: %s", dir, cause(err)),
			"name a directory that exists; its files that end in .toml are read")
		return nil
	}
	for _, e := range entries {
		if !e.IsDir() && strings.HasSuffix(e.Name(), ".toml") && !strings.HasPrefix(e.Name(), ".") {
			paths = append(paths, filepath.Join(dir, e.Name()))
		}
	}
	return paths
}

// fragment adds what one file says.
func (k *checker) fragment(tree map[string]any, path string) bool {
	data, err := os.ReadFile(path)
	if err != nil {
		k.problems = append(k.problems, Problem{
			File: path, Wrong: "configuration cannot be read: " + cause(err), Fix: "let weir read it, or remove it",
		})
		return true
	}
	own := newChecker(path, k.checks)
	part, ok := own.document(path, data)
	k.problems = append(k.problems, own.problems...)
	if !ok {
		return false
	}
	m := merger{k, own.places}
	if _, nested := part["include"]; nested {
		m.report("include", "an included file cannot include others",
			"name the directory in "+k.file)
		delete(part, "include")
	}
	if part["schema"] == tree["schema"] {
		delete(part, "schema")
	}
	m.merge("", tree, part)
	return true
}

// merger adds a fragment to a configuration.
type merger struct {
	*checker
	from places
}

// report reports a problem of the fragment.
func (m *merger) report(key, wrong, fix string) {
	at := m.from.of(key, "")
	m.problems = append(m.problems, Problem{File: at.file, Line: at.line, Key: key, Wrong: wrong, Fix: fix})
}

// merge puts tables together and arrays of tables one behind the other. Nothing is said twice.
func (m *merger) merge(path string, tree, part map[string]any) {
	for name, x := range part {
		key := join(path, name)
		old, taken := tree[name]
		if !taken {
			tree[name] = x
			m.moved(key, 0)
			continue
		}
		a, isTable := old.(map[string]any)
		b, too := x.(map[string]any)
		if isTable && too {
			m.merge(key, a, b)
			continue
		}
		c, isArray := old.([]map[string]any)
		d, too := x.([]map[string]any)
		if isArray && too {
			tree[name] = append(c, d...)
			m.moved(key, len(c))
			continue
		}
		where := m.places.of(key, m.file)
		m.report(key, fmt.Sprintf("it is already set in %s:%d", where.file, where.line), "write it once")
	}
}

// element matches the position in an array of tables and what follows it.
var element = regexp.MustCompile(`^\[(\d+)\](.*)$`)

// moved takes over the places of a key and of what it holds; those of elements of an array have so
// many others before them now.
func (m *merger) moved(key string, before int) {
	for k, at := range m.from {
		rest, below := strings.CutPrefix(k, key)
		if !below || rest != "" && rest[0] != '.' && rest[0] != '[' {
			continue
		}
		if e := element.FindStringSubmatch(rest); e != nil {
			n, _ := strconv.Atoi(e[1])
			rest = fmt.Sprintf("[%d]%s", n+before, e[2])
		}
		m.places[key+rest] = at
	}
}
