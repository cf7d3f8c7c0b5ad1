package config

import (
	"fmt"
	"reflect"
	"strings"
)

// A Difference is a key that has other values in two configurations, or a table that one lacks.
type Difference struct {
	Key string `json:"key"` // as in "flow.linger" or "exporter[ntop].filter"
	Old string `json:"old,omitempty" doc:"Value in the old configuration, as TOML; nothing if it has no such table."`
	New string `json:"new,omitempty" doc:"Value in the new one."`
	// Needs is what has to be restarted for it; empty if it is taken over while weir runs.
	Needs string `json:"needs,omitempty" doc:"What has to be restarted for it: dataplane, or nothing."`
}

// Diff returns what differs. Inputs and exporters are told apart by their names. The tags of the
// structs say what needs a restart of the dataplane; it holds for the tables in a table unless they
// say otherwise.
func Diff(old, new *Config) []Difference {
	d := &differ{}
	d.table("", "", reflect.ValueOf(old).Elem(), reflect.ValueOf(new).Elem())
	return d.all
}

type differ struct{ all []Difference }

func (d *differ) table(path, needs string, a, b reflect.Value) {
	left, right := members(a), members(b)
	for i, m := range left {
		key, x, y, need := join(path, m.name), m.value, right[i].value, needs
		switch tag, given := m.tag.Lookup("needs"); {
		case tag == "nothing":
			need = ""
		case given:
			need = tag
		}
		switch {
		case reflect.DeepEqual(x.Interface(), y.Interface()):
		case x.Kind() == reflect.Struct:
			d.table(key, need, x, y)
		case nested(x):
			d.tables(key, need, x, y)
		default:
			d.all = append(d.all, Difference{key, literal(x), literal(y), need})
		}
	}
}

// tables compares arrays of tables by the names of their elements.
func (d *differ) tables(key, needs string, a, b reflect.Value) {
	left, right := named(a), named(b)
	for _, x := range left {
		name := fmt.Sprintf("%s[%s]", key, nameOf(x))
		if y, ok := search(right, nameOf(x)); ok {
			d.table(name, needs, x, y)
			continue
		}
		d.all = append(d.all, Difference{Key: name, Old: "removed", Needs: needs})
	}
	for _, y := range right {
		if _, ok := search(left, nameOf(y)); !ok {
			d.all = append(d.all, Difference{Key: fmt.Sprintf("%s[%s]", key, nameOf(y)), New: "added", Needs: needs})
		}
	}
}

func named(v reflect.Value) (all []reflect.Value) {
	for i := range v.Len() {
		all = append(all, v.Index(i))
	}
	return all
}

func nameOf(v reflect.Value) string { return v.FieldByName("Name").String() }

func search(all []reflect.Value, name string) (reflect.Value, bool) {
	for _, v := range all {
		if nameOf(v) == name {
			return v, true
		}
	}
	return reflect.Value{}, false
}

// literal writes a value as it stands behind its key.
func literal(v reflect.Value) string {
	if v.Kind() == reflect.Slice && v.Len() == 0 {
		return "[]"
	}
	w := writer{}
	w.pair("x", v.Interface())
	return strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(w.buf.String()), "x ="))
}

// Waits returns the differences that need a restart of what is named.
func Waits(all []Difference, needs string) (some []Difference) {
	for _, d := range all {
		if d.Needs == needs {
			some = append(some, d)
		}
	}
	return some
}

// Keep returns c as it can run beside a dataplane that runs with another configuration: everything
// that needs a restart of the dataplane is that of the other.
func (c *Config) Keep(other *Config) *Config {
	kept := *c
	keep("", reflect.ValueOf(&kept).Elem(), reflect.ValueOf(other).Elem())
	return &kept
}

func keep(needs string, a, b reflect.Value) {
	right := members(b)
	for i, m := range members(a) {
		need := needs
		if tag, given := m.tag.Lookup("needs"); given {
			need = tag
		}
		switch {
		case m.value.Kind() == reflect.Struct:
			keep(need, m.value, right[i].value)
		case need == "dataplane" && nested(m.value):
			m.value.Set(keepTables(need, m.value, right[i].value))
		case need == "dataplane":
			m.value.Set(right[i].value)
		}
	}
}

// keepTables returns the tables of the other configuration, with what those of the same names in this one
// say that needs no restart.
func keepTables(needs string, own, other reflect.Value) reflect.Value {
	all := reflect.MakeSlice(other.Type(), other.Len(), other.Len())
	reflect.Copy(all, other)
	for i := range all.Len() {
		if x, ok := search(named(own), nameOf(all.Index(i))); ok {
			kept := reflect.New(x.Type()).Elem()
			kept.Set(x)
			keep(needs, kept, all.Index(i))
			all.Index(i).Set(kept)
		}
	}
	return all
}
