package config

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/BurntSushi/toml"

	"github.com/weir-probe/weir/configs"
	"github.com/weir-probe/weir/ctrlplane/aggregate"
	"github.com/weir-probe/weir/ctrlplane/collect"
)

// TOML writes what differs from the defaults, each key with what the manual says about it.
// Parse reads it back to an equal configuration.
func (c *Config) TOML() []byte {
	w := writer{doc: sentences(configs.Manual)}
	w.table("", reflect.ValueOf(c).Elem(), reflect.ValueOf(Default()).Elem())
	return w.buf.Bytes()
}

type writer struct {
	buf bytes.Buffer
	doc map[string]string
}

// table writes the keys of a struct that differ from those of another, and then its tables.
func (w *writer) table(path string, v, base reflect.Value) {
	all, other := members(v), members(base)
	for i, m := range all {
		key, a, b := join(path, m.name), m.value, other[i].value
		if !nested(a) && (key == "schema" || !reflect.DeepEqual(a.Interface(), b.Interface())) {
			w.buf.WriteString(w.doc[key])
			w.pair(m.name, a.Interface())
		}
	}
	for i, m := range all {
		key, a := join(path, m.name), m.value
		switch list := a.Interface().(type) {
		case []Input:
			none := DefaultInput()
			for j := range list {
				w.element(m.name, a.Index(j), reflect.ValueOf(none))
			}
		case []collect.Options:
			none := collect.DefaultOptions()
			for j := range list {
				w.element(m.name, a.Index(j), reflect.ValueOf(none))
			}
		case []aggregate.Options:
			none := aggregate.DefaultOptions()
			for j := range list {
				w.element(m.name, a.Index(j), reflect.ValueOf(none))
			}
		case []Exporter:
			none := DefaultExporter()
			for j := range list {
				w.element(m.name, a.Index(j), reflect.ValueOf(none))
			}
		default:
			if nested(a) && !reflect.DeepEqual(a.Interface(), other[i].value.Interface()) {
				fmt.Fprintf(&w.buf, "\n[%s]\n", key)
				w.table(key, a, other[i].value)
			}
		}
	}
}

func (w *writer) element(name string, v, base reflect.Value) {
	fmt.Fprintf(&w.buf, "\n[[%s]]\n", name)
	w.table(name, v, base)
}

// nested reports whether a member is a table or an array of tables.
func nested(v reflect.Value) bool {
	t := v.Type()
	return t.Kind() == reflect.Struct || t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Struct
}

// pair writes key = value.
func (w *writer) pair(name string, x any) {
	switch v := x.(type) {
	case time.Duration:
		x = duration(v)
	case Size:
		x = v.String()
	case []string:
		if len(v) == 1 {
			x = v[0]
		}
	}
	line, err := toml.Marshal(map[string]any{name: x})
	if err != nil {
		panic("configuration type without TOML form: " + err.Error())
	}
	w.buf.Write(line)
}

// duration writes a duration without units that are zero: "2m", not "2m0s".
func duration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// sentences returns what the manual says about each key, as comments.
func sentences(manual string) map[string]string {
	doc, table, text := map[string]string{}, "", ""
	for line := range strings.Lines(manual) {
		plain := strings.TrimPrefix(line, "# ")
		key, _, isKey := strings.Cut(plain, " = ")
		switch {
		case strings.HasPrefix(line, "## "):
			text += line[1:]
		case strings.HasPrefix(plain, "["):
			table, text = strings.Trim(plain, "[]\n"), ""
		case isKey && !strings.Contains(key, " "):
			doc[join(table, key)] = text
		default:
			text = ""
		}
	}
	return doc
}
