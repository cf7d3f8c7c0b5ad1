package config

import (
	"reflect"
	"testing"
	"time"
)

func TestDiff(t *testing.T) {
	parse := func(text string) *Config {
		c, problems := Parse("f", []byte(text), Checks{})
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		return c
	}
	if a, b := parse("[[input]]\ninterface = \"eth0\"\nfilter = \"tcp\"\n[[exporter]]\nto = \"-\"\n"),
		parse("[flow]\nidle_timeout = \"9s\"\n[[input]]\ninterface = \"eth0\"\nsampling = 2\n[[input]]\nport = \"net_null0\"\n"+
			"[[exporter]]\nto = \"-\"\n"); true {
		got := b.Keep(a)
		if len(got.Inputs) != 1 || got.Inputs[0].Filter != "" || got.Inputs[0].Sampling != 1 || got.Flow.Idle != 9*time.Second {
			t.Errorf("kept %+v", got)
		}
		if a.Inputs[0].Filter != "tcp" || b.Inputs[0].Sampling != 2 {
			t.Error("keeping changes what is kept")
		}
	}
	base := "[[input]]\ninterface = \"eth0\"\n[[exporter]]\nname = \"a\"\nto = \"-\"\n"
	old := parse(base + "[[exporter]]\nname = \"b\"\nto = \"udp://h:1\"\n")
	next := parse("[log]\nlevel = \"debug\"\n[flow]\ncapacity = 2048\n[dataplane]\ncores = [1]\n[applications]\nraw_cookies = true\n" +
		"[[exporter]]\nname = \"c\"\nto = [\"udp://h:2\", \"udp://h:3\"]\n" + base + "paused = true\nbatch_age = \"2m\"\n")
	got := Diff(old, next)
	want := []Difference{
		{"dataplane.cores", "[]", "[1]", "dataplane"},
		{"flow.capacity", "262144", "2048", "dataplane"},
		{"applications.raw_cookies", "false", "true", ""},
		{"exporter[a].paused", "false", "true", ""},
		{"exporter[a].batch_age", `"1s"`, `"2m"`, ""},
		{"exporter[b]", "removed", "", ""},
		{"exporter[c]", "", "added", ""},
		{"log.level", `"info"`, `"debug"`, ""},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	kept := next.Keep(old)
	if left := Diff(kept, next); !reflect.DeepEqual(left, Waits(got, "dataplane")) {
		t.Errorf("beside the old dataplane %+v are left", left)
	}
	if n := len(Waits(got, "dataplane")); n != 2 {
		t.Errorf("%d wait for the dataplane", n)
	}
	if d := Diff(old, old); len(d) != 0 {
		t.Errorf("a configuration differs from itself: %v", d)
	}
}

// Every key says what it needs in words that are known, and every key that differs is found.
func TestDiffKeys(t *testing.T) {
	var walk func(path string, v reflect.Value)
	walk = func(path string, v reflect.Value) {
		for _, m := range members(v) {
			if tag, given := m.tag.Lookup("needs"); given && tag != "dataplane" && tag != "nothing" {
				t.Errorf("%s needs %q", join(path, m.name), tag)
			}
			if m.value.Kind() == reflect.Struct {
				walk(join(path, m.name), m.value)
				continue
			}
			a, b := Default(), Default()
			f := reflect.ValueOf(b).Elem()
			at := find(members(f), m.name)
			if path != "" || nested(m.value) {
				continue // of the first level here; those below are walked by the same code
			}
			switch at.value.Kind() {
			case reflect.Int:
				at.value.SetInt(at.value.Int() + 1)
			case reflect.Slice:
				at.value.Set(reflect.MakeSlice(at.value.Type(), 1, 1))
			}
			if d := Diff(a, b); len(d) != 1 || d[0].Key != m.name {
				t.Errorf("%s: %v", m.name, d)
			}
		}
	}
	walk("", reflect.ValueOf(Default()).Elem())
	if literal(reflect.ValueOf(90*time.Second)) != `"1m30s"` {
		t.Error("a duration is not written as one")
	}
}
