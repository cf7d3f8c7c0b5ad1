package config

import (
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/weir-probe/weir/ctrlplane/aggregate"
	"github.com/weir-probe/weir/ctrlplane/collect"
	"github.com/weir-probe/weir/dataplane/flow"
)

// broken stands for a value that could not be read, so that reading can go on.
const broken = "\x00"

// A checker collects the problems of one configuration.
type checker struct {
	checks   Checks
	file     string // the one that was given
	dir      string // what relative directories to include start at; empty includes nothing
	places   places
	renames  []rename
	bad      map[string]bool // keys that have a problem: a second one would be an echo
	problems Problems
}

// report adds a problem, unless the key already has one.
func (k *checker) report(key, wrong, fix string) {
	if k.bad[key] {
		return
	}
	k.bad[key] = true
	at := k.places.of(key, k.file)
	wrong = string(Redact([]byte(wrong)))
	k.problems = append(k.problems, Problem{File: at.file, Line: at.line, Key: key, Wrong: wrong, Fix: fix})
}

// credentials matches what an address shows of who asks, where it has no place.
var credentials = regexp.MustCompile(`(://)[^/@\s]+@`)

// Redact takes out of a text what an address shows of who asks.
func Redact(text []byte) []byte { return credentials.ReplaceAll(text, []byte("${1}[secret]@")) }

// table decodes a TOML table into a struct.
func (k *checker) table(path string, t map[string]any, v reflect.Value) {
	all := members(v)
	for _, name := range slices.Sorted(maps.Keys(t)) {
		key := join(path, name)
		if m := find(all, name); m != nil {
			k.value(key, t[name], m.value)
			continue
		}
		k.report(key, "unknown key", suggest(name, names(all), "the keys here are "))
	}
}

// A member is a key of a table and where its value is.
type member struct {
	name  string
	tag   reflect.StructTag
	value reflect.Value
}

// members returns the keys of a table. A struct that is tagged as inline lends its own to the
// table that holds it; what has no tag is no key.
func members(v reflect.Value) (all []member) {
	for i := range v.NumField() {
		tag := v.Type().Field(i).Tag
		switch name := tag.Get("toml"); name {
		case "":
		case ",inline":
			all = append(all, members(v.Field(i))...)
		default:
			all = append(all, member{name, tag, v.Field(i)})
		}
	}
	return all
}

// find returns the member with that name, or nil.
func find(all []member, name string) *member {
	for i := range all {
		if all[i].name == name {
			return &all[i]
		}
	}
	return nil
}

func names(all []member) (names []string) {
	for _, m := range all {
		names = append(names, m.name)
	}
	return names
}

// suggest offers the known word nearest to a wrong one, or else all of them.
func suggest(name string, known []string, all string) string {
	if near := flow.Nearest(name, known); near != "" {
		return "did you mean " + near + "?"
	}
	return all + strings.Join(known, ", ")
}

// value decodes a TOML value into a member of a struct.
func (k *checker) value(key string, x any, v reflect.Value) {
	if x == broken {
		k.bad[key] = true
		return
	}
	switch m := v.Addr().Interface().(type) {
	case *[]Input:
		*m = tables(k, key, x, DefaultInput)
	case *[]collect.Options:
		*m = tables(k, key, x, collect.DefaultOptions)
	case *[]aggregate.Options:
		*m = tables(k, key, x, aggregate.DefaultOptions)
	case *[]Exporter:
		*m = tables(k, key, x, DefaultExporter)
	case *[]string:
		if _, ok := x.(string); ok {
			x = []any{x}
		}
		*m = list[string](k, key, x)
	case *[]int:
		*m = list[int](k, key, x)
	case *time.Duration:
		if d, err := time.ParseDuration(text(x)); err == nil {
			*m = d
			return
		}
		k.report(key, wrongType(x, "a duration"), `write a number and a unit in quotes, like "30s" or "5m"`)
	case *Size:
		n, err := ParseSize(text(x))
		if i, ok := x.(int64); ok && i >= 0 {
			n, err = Size(i), nil
		}
		if err == nil {
			*m = n
			return
		}
		k.report(key, wrongType(x, "a size"), `write a number and a unit in quotes, like "64MiB"`)
	default:
		k.scalar(key, x, v)
	}
}

// text returns a TOML string, or something that is no string of any use.
func text(x any) string {
	s, _ := x.(string)
	return s
}

// scalar decodes a table, string, truth value or number.
func (k *checker) scalar(key string, x any, v reflect.Value) {
	t, isTable := x.(map[string]any)
	s, isString := x.(string)
	b, isBool := x.(bool)
	n, isInt := x.(int64)
	want, fix := "a table", "write ["+key+"] on a line of its own"
	switch kind := v.Kind(); {
	case kind == reflect.Struct:
		if isTable {
			k.table(key, t, v)
			return
		}
	case kind == reflect.String:
		if isString {
			v.SetString(s)
			return
		}
		want, fix = "a string", "put it in double quotes"
	case kind == reflect.Int64 && isString: // octets, in a package that has no Size
		if size, err := ParseSize(s); err == nil {
			v.SetInt(int64(size))
			return
		}
		want, fix = "a number or a size", `write a number, or one with a unit in quotes, like "64MiB"`
	case kind == reflect.Float64:
		if f, ok := x.(float64); ok || isInt {
			v.SetFloat(max(f, float64(n)))
			return
		}
		want, fix = "a number", "write digits, without quotes"
	case kind == reflect.Bool:
		if isBool {
			v.SetBool(b)
			return
		}
		want, fix = "a truth value", "write true or false, without quotes"
	case !isInt:
		want, fix = "a whole number", "write digits only, without quotes"
	case v.CanInt():
		v.SetInt(n)
		return
	case n >= 0 && !v.OverflowUint(uint64(n)):
		v.SetUint(uint64(n))
		return
	default:
		k.outOfRange(key, n, "0", strconv.FormatUint(1<<v.Type().Bits()-1, 10))
		return
	}
	k.report(key, wrongType(x, want), fix)
}

func (k *checker) outOfRange(key string, n any, low, high string) {
	k.report(key, fmt.Sprintf("%v is out of range", n), "it may be from "+low+" to "+high)
}

// at names an element of a list, unless it is the only one.
func at(key string, i, of int) string {
	if of == 1 {
		return key
	}
	return fmt.Sprintf("%s[%d]", key, i)
}

// list decodes an array of strings or numbers.
func list[T string | int](k *checker, key string, x any) (items []T) {
	all, ok := x.([]any)
	if !ok {
		k.report(key, wrongType(x, "a list"), `write it in brackets, like `+example[T]())
		return nil
	}
	for i, e := range all {
		if n, ok := e.(int64); ok {
			e = int(n)
		}
		item, ok := e.(T)
		if !ok {
			k.report(at(key, i, len(all)), wrongType(e, "an element of this list"), `write a list like `+example[T]())
			k.bad[key] = true // what is said about the rest of the list would be an echo
			continue
		}
		items = append(items, item)
	}
	return items
}

func example[T string | int]() string {
	if _, ok := any(*new(T)).(string); ok {
		return `["a", "b"]`
	}
	return "[1, 2]"
}

// tables decodes an array of tables, each on top of what one that says nothing means.
func tables[T any](k *checker, key string, x any, empty func() T) (items []T) {
	if all, ok := x.([]any); ok { // written as inline tables
		var t []map[string]any
		for _, e := range all {
			if m, ok := e.(map[string]any); ok {
				t = append(t, m)
			}
		}
		if len(t) == len(all) {
			x = t
		}
	}
	all, ok := x.([]map[string]any)
	if !ok {
		k.report(key, wrongType(x, "an array of tables"), "write [["+key+"]] with two brackets, once for each")
		return nil
	}
	for i, t := range all {
		item := empty()
		k.table(fmt.Sprintf("%s[%d]", key, i), t, reflect.ValueOf(&item).Elem())
		items = append(items, item)
	}
	return items
}

// wrongType says what was found instead of what is wanted.
func wrongType(x any, want string) string {
	switch x := x.(type) {
	case string:
		return fmt.Sprintf("the string %q is not %s", x, want)
	case map[string]any, []map[string]any:
		return "a table is not " + want
	case []any:
		return "a list is not " + want
	default:
		return fmt.Sprintf("%v is not %s", x, want)
	}
}
