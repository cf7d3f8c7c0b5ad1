package json

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/export"
	"github.com/weir-probe/weir/export/exporttest"
)

// word is a form that writes the same for every flow, and nothing for those of IPv6.
func word(dst []byte, in *Input) []byte {
	if in.Version == 6 {
		return dst
	}
	return append(dst, `"word"`...)
}

func TestObject(t *testing.T) {
	s := exporttest.Schema(t)
	port, city := s.Named("L4_SRC_PORT"), s.Named("SRC_IP_CITY")
	for _, c := range []struct {
		name    string
		members []Member
		flat    bool
		flow    int
		want    string
	}{
		{"none", nil, false, 0, `{}`},
		{"one", []Member{{"a", []*flow.Field{port}, nil}}, false, 0, `{"a":20000}`},
		{"nested", []Member{{"a.b.c", []*flow.Field{port}, nil}, {"d", nil, word}, {"a.e", nil, word}}, false, 0,
			`{"a":{"b":{"c":20000},"e":"word"},"d":"word"}`},
		{"nothing in it", []Member{{"a.b.c", []*flow.Field{city}, nil}, {"d.e", nil, word}}, false, 2, `{}`},
		{"nothing in a part", []Member{{"a.b", []*flow.Field{city}, nil}, {"a.c", nil, word}}, false, 0,
			`{"a":{"c":"word"}}`},
		{"flat", []Member{{"a.b", []*flow.Field{port}, nil}}, true, 0, `{"a.b":20000}`},
		{"first", []Member{{"a", []*flow.Field{city}, nil}, {"a", []*flow.Field{port}, nil}}, false, 0, `{"a":20000}`},
		{"quoted", []Member{{"\"", nil, word}}, true, 0, `{"\"":"word"}`},
	} {
		o, err := NewObject(c.members, c.flat)
		if err != nil {
			t.Fatal(c.name, err)
		}
		for range 2 { // what one flow leaves behind does not touch the next
			if got := string(o.Append([]byte("{"), exporttest.Flow(c.flow))); got != "{"+c.want {
				t.Errorf("%s: %s, want %s", c.name, got, c.want)
			}
		}
	}
	for _, paths := range [][2]string{{"a", "a.b"}, {"a.b", "a"}, {"a.b.c", "a.b"}} {
		if _, err := NewObject([]Member{{Path: paths[0]}, {Path: paths[1]}}, false); err == nil {
			t.Errorf("%v are a value and an object", paths)
		}
	}
}

// The numbers are those of the elements, in nProbe's convention for the opposite direction.
func TestNumeric(t *testing.T) {
	tpl := exporttest.Template(t, exporttest.Schema(t),
		"%L4_SRC_PORT %OUT_BYTES %CLIENT_NW_LATENCY_MS %REVERSE_MIN_TTL %IPV4_SRC_ADDR")
	f, err := NewNumeric(export.FormatOptions{Template: tpl})
	if err != nil {
		t.Fatal(err)
	}
	line, _ := f.Append(f.Begin(nil, 0), exporttest.Flow(0))
	var got map[string]any
	if err := json.Unmarshal(line, &got); err != nil {
		t.Fatalf("%v in %s", err, line)
	}
	want := map[string]any{"7": 20000., "23": 700., "35632.123": 6., "29305.52": 50., "8": "10.1.0.0",
		"32473.276": 1.}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("numbers give %v, want %v", got, want)
	}
	line, _ = f.Append(f.Begin(nil, 0), exporttest.Flow(2))
	if err := json.Unmarshal(line, &got); err != nil || got["27"] != "2001:db8::2" {
		t.Errorf("IPv6 gives %s (%v)", line, err)
	}
}

func TestColumns(t *testing.T) {
	s := exporttest.Schema(t)
	got := map[string]string{}
	for _, c := range Columns(s.Fields) {
		if _, twice := got[c.Name]; twice || c.Doc == "" {
			t.Errorf("column %s is there twice or has no sentence", c.Name)
		}
		got[c.Name] = c.Type + " " + c.Old
	}
	for name, want := range map[string]string{
		"IN_BYTES":             "Nullable(UInt64) Nullable(UInt64)",
		"IPV4_SRC_ADDR":        "Nullable(IPv4) Nullable(String)",
		"IPV6_SRC_ADDR":        "Nullable(IPv6) Nullable(String)",
		"CLIENT_NW_LATENCY_MS": "Nullable(Float64) Nullable(Float64)",
		"FIRST_SWITCHED":       "Nullable(DateTime) Nullable(DateTime)",
		"PROTOCOL":             "Nullable(UInt8) Nullable(UInt8)",
		"SRC_IP_CITY":          "Nullable(String) Nullable(String)",
	} {
		if got[name] != want {
			t.Errorf("%s is %s, want %s", name, got[name], want)
		}
	}
	if len(got) != len(s.Fields) {
		t.Errorf("%d columns of %d fields", len(got), len(s.Fields))
	}
}
