package config

import "strings"

// rename is a key that has another name, or another place, since a version of the language.
type rename struct {
	since    int // the first version that has the new one
	from, to string
	value    func(any) any // makes the new value of the old one; nil if it stays
}

// renames are all of them, the oldest first. Version 1 is the first there was.
var renames []rename

// migrate has a configuration of an earlier version say what it says in the present one. Keys of
// tables that are repeated are named without a position: exporter.name.
func (k *checker) migrate(tree map[string]any) {
	version, ok := tree["schema"].(int64)
	latest := Schema
	for _, r := range k.renames {
		latest = max(latest, r.since)
	}
	if !ok || version < 1 || version >= int64(latest) {
		return // it is of today, or validate says that it is not known
	}
	for _, r := range k.renames {
		if version < int64(r.since) {
			k.move(tree, r)
		}
	}
	tree["schema"] = int64(Schema)
}

// move gives one key its new name wherever it stands. Its place stays.
func (k *checker) move(tree map[string]any, r rename) {
	table, name, nested := strings.Cut(r.from, ".")
	if all, ok := tree[table].([]map[string]any); ok && nested {
		_, to, _ := strings.Cut(r.to, ".")
		for i := range all {
			k.take(all[i], at(table, i, len(all)+1), rename{from: name, to: to, value: r.value})
		}
		return
	}
	k.take(tree, "", r)
}

// take moves a value inside a tree; what the new key says already is not replaced.
func (k *checker) take(tree map[string]any, path string, r rename) {
	from, name := walk(tree, r.from, false)
	if from == nil {
		return
	}
	x, ok := from[name]
	if !ok {
		return
	}
	to, renamed := walk(tree, r.to, true)
	if to == nil {
		return
	}
	if _, taken := to[renamed]; taken {
		return // the old key is reported as unknown
	}
	if r.value != nil {
		x = r.value(x)
	}
	delete(from, name)
	to[renamed] = x
	k.places[join(path, r.to)] = k.places.of(join(path, r.from), k.file)
}

// walk returns the table that holds a key, and its name there; nil if there is no such table. It makes
// those that are missing, if it shall.
func walk(tree map[string]any, key string, create bool) (map[string]any, string) {
	for {
		table, rest, nested := strings.Cut(key, ".")
		if !nested {
			return tree, key
		}
		next, ok := tree[table].(map[string]any)
		if _, taken := tree[table]; !ok && (taken || !create) {
			return nil, ""
		}
		if !ok {
			next = map[string]any{}
			tree[table] = next
		}
		tree, key = next, rest
	}
}
