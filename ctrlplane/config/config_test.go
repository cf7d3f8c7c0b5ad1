package config

import (
	"math"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/weir-probe/weir/configs"
	"github.com/weir-probe/weir/ctrlplane/aggregate"
	"github.com/weir-probe/weir/ctrlplane/collect"
	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dataplane/worker"
	"github.com/weir-probe/weir/dissect/app"
	"github.com/weir-probe/weir/export/formats"
	"github.com/weir-probe/weir/export/sink"
)

// The manual is itself a configuration that works.
func TestManual(t *testing.T) {
	c, problems := Parse("weir.toml", []byte(configs.Manual), Checks{})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	if len(c.Inputs) != 1 || c.Inputs[0].Interface != "eth0" || len(c.Exporters) != 1 {
		t.Errorf("got %+v", c)
	}
}

// What the manual shows commented out is what holds without it.
func TestManualDefaults(t *testing.T) {
	c, problems := Parse("weir.toml", uncomment(), Checks{})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	want := Default()
	n, e := DefaultInput(), DefaultExporter()
	n.Interface, e.To = "eth0", []string{"udp://127.0.0.1:4739"}
	want.Inputs, want.Exporters = []Input{n}, []Exporter{e}
	o := collect.DefaultOptions()
	o.Listen = []string{"udp://127.0.0.1:2055"}
	want.Collectors = []collect.Options{o}
	a := aggregate.DefaultOptions()
	a.By = []string{"L7_PROTO_NAME"}
	want.Aggregates = []aggregate.Options{a}
	want.Complete()
	if !reflect.DeepEqual(c, want) {
		t.Errorf("manual says\n%+v\ndefaults are\n%+v", c, want)
	}
}

// The manual explains every key there is, and no other.
func TestManualKeys(t *testing.T) {
	var known []string
	var walk func(path string, v reflect.Value)
	walk = func(path string, v reflect.Value) {
		for _, m := range members(v) {
			f := m.value
			if f.Kind() == reflect.Slice {
				f = reflect.New(f.Type().Elem()).Elem()
			}
			if f.Kind() == reflect.Struct {
				walk(join(path, m.name), f)
				continue
			}
			known = append(known, join(path, m.name))
		}
	}
	walk("", reflect.ValueOf(Default()).Elem())
	doc := sentences(configs.Manual)
	for _, key := range known {
		if doc[key] == "" {
			t.Errorf("%s is not explained", key)
		}
	}
	for key := range doc {
		if !slices.Contains(known, key) {
			t.Errorf("%s does not exist", key)
		}
	}
}

// Every constraint in a tag is one the checker can read, and every default satisfies it.
func TestDefaultsValid(t *testing.T) {
	c := Default()
	c.Inputs = []Input{DefaultInput()}
	c.Inputs[0].Interface = "eth0"
	c.Exporters = []Exporter{DefaultExporter()}
	c.Exporters[0].To = []string{"-"}
	if problems := c.Validate(Checks{}); len(problems) > 0 {
		t.Error(problems)
	}
	if problems := Default().Validate(Checks{}); len(problems) != 2 {
		t.Errorf("a configuration without inputs and exporters: %v", problems)
	}
}

func uncomment() []byte {
	return regexp.MustCompile(`(?m)^# (\w+ = )`).ReplaceAll([]byte(configs.Manual), []byte("$1"))
}

func TestTOML(t *testing.T) {
	c := Default()
	c.Dataplane.Cores = []int{2, 3}
	c.Dataplane.RingSize = 3 << 20
	c.Flow.Idle = 90 * time.Minute
	c.Flow.Lateness = 1500 * time.Millisecond
	c.Flow.Ignore = []string{"vlan", "ports"}
	n, e := DefaultInput(), DefaultExporter()
	n.Interface, n.Promiscuous, n.Filter = "eth0", false, "host \"a\\b\"\t'c'"
	e.To, e.Template, e.RotateSize = []string{"a", "b"}, "%IN_PKTS\n%IN_BYTES \x01", 1<<40
	e.EngineID = 255
	c.Inputs, c.Exporters = []Input{n, n}, []Exporter{e, e}
	c.Aggregates = []aggregate.Options{aggregate.DefaultOptions()}
	c.Aggregates[0].Top = 7
	c.Complete()
	text := c.TOML()
	got := Default()
	k := newChecker("", Checks{})
	tree, ok := k.document("", text)
	if !ok {
		t.Fatalf("%v in\n%s", k.problems, text)
	}
	k.table("", tree, reflect.ValueOf(got).Elem())
	if len(k.problems) > 0 || !reflect.DeepEqual(got, c) {
		t.Errorf("%v\n%s\nreads as %+v\nis      %+v", k.problems, text, got, c)
	}
	comment := "# A flow ends when no packet came for so long.\n"
	for _, line := range []string{comment, "idle_timeout = \"1h30m\"\n"} {
		if !strings.Contains(string(text), line) {
			t.Errorf("%q is missing in\n%s", line, text)
		}
	}
	if strings.Contains(string(text), "active_timeout") {
		t.Errorf("a default is written:\n%s", text)
	}
}

func TestWorker(t *testing.T) {
	c := Default()
	c.Flow.Ignore = strings.Fields("vlan protocol addresses ports tunnel")
	c.Flow.Tunnels, c.Flow.Direction, c.Flow.Ingress = "outer", "first-packet", true
	n := DefaultInput()
	n.Sampling, n.Capture = 7, []string{"-"}
	c.Apps.Off, c.Apps.Early = []string{"ssh"}, []string{"dns"}
	c.Apps.Malformed, c.Apps.MalformedRate = "somewhere", 10
	got := c.Worker(&n)
	want := worker.Config{
		Flows: 1 << 18, Idle: time.Minute, Active: 2 * time.Minute,
		Linger: 5 * time.Second, Lateness: time.Second,
		Sampling: 7, Ingress: true, Outer: true, NoSwap: true, Wait: true,
		Fragments: 4096, FragmentTimeout: time.Minute,
		Ignore:  flow.KeyVLAN | flow.KeyProto | flow.KeyAddresses | flow.KeyPorts | flow.KeyTunnel,
		Streams: 1 << 18, StreamMemory: 128 << 20, Transactions: 1 << 16, TransactionTimeout: 10 * time.Second,
	}
	for _, d := range app.All {
		if d.Name == "dns" {
			want.Early = 1 << len(want.Dissectors)
		}
		if d.Name == "ssh" {
			want.Off = 1 << len(want.Dissectors)
		}
		want.Dissectors = append(want.Dissectors, d)
	}
	want.Malformed = 10 * len(want.Dissectors)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v", got)
	}
	c.Apps.MalformedRate = 0
	if got := c.Worker(&n); got.Malformed != math.MaxInt {
		t.Errorf("all malformed packets are %d", got.Malformed)
	}
	c.Apps.Streams = 0
	if got := c.Worker(&n); got.Streams != 0 || got.Malformed != 0 || got.Dissectors != nil {
		t.Errorf("without dissectors got %+v", got)
	}
}

func TestGroups(t *testing.T) {
	c := Default()
	c.Inputs = []Input{
		{Name: "a", Group: "tap"}, {Name: "b", Queues: 3}, {Name: "c", Group: "tap"}, {Name: "d"},
	}
	for _, s := range []struct {
		cores int
		want  []int
	}{{0, []int{1, 3, 1}}, {4, []int{1, 3, 1}}, {8, []int{2, 3, 2}}, {10, []int{3, 3, 3}}} {
		got := c.Groups(s.cores)
		want := []Group{
			{Name: "tap", Inputs: []int{0, 2}, Workers: s.want[0]},
			{Name: "b", Inputs: []int{1}, Workers: s.want[1]},
			{Name: "d", Inputs: []int{3}, Workers: s.want[2]},
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%d cores: got %+v", s.cores, got)
		}
	}
}

// The configuration takes every format that there is, and no other.
func TestFormats(t *testing.T) {
	field, _ := reflect.TypeFor[Exporter]().FieldByName("Format")
	var names []string
	for _, f := range formats.All {
		names = append(names, f.Name)
	}
	known := strings.Fields(field.Tag.Get("one"))
	slices.Sort(names)
	slices.Sort(known)
	if !slices.Equal(names, known) {
		t.Errorf("formats are %v, the configuration knows %v", names, known)
	}
}

// What places use are keys and tables of an exporter, each table is used by a place, and the
// formats that places take exist.
func TestSchemes(t *testing.T) {
	e, used := DefaultExporter(), map[string]bool{}
	for _, s := range sink.Schemes {
		for _, name := range strings.Fields(s.Uses) {
			used[name] = true
			if find(members(reflect.ValueOf(&e).Elem()), name) == nil {
				t.Errorf("%s uses %s, which is no key", s.Name, name)
			}
		}
		for _, name := range strings.Fields(s.Formats) {
			if formats.Named(name) == nil {
				t.Errorf("%s takes %s, which is no format", s.Name, name)
			}
		}
	}
	for _, m := range members(reflect.ValueOf(&e.Sink).Elem()) {
		if !used[m.name] {
			t.Errorf("no place uses %s", m.name)
		}
	}
}

func TestSize(t *testing.T) {
	for text, want := range map[string]Size{
		"0": 0, "17": 17, "17B": 17, "64KiB": 64 << 10, "3 MiB": 3 << 20, "1GiB": 1 << 30, "8191TiB": 8191 << 40,
	} {
		got, err := ParseSize(text)
		if err != nil || got != want {
			t.Errorf("%s: got %d, %v", text, got, err)
		}
		if again, err := ParseSize(got.String()); err != nil || again != want {
			t.Errorf("%s is written %s", text, got)
		}
	}
	for _, text := range strings.Split(",MiB,-1,1MB,1mib,1.5GiB,8388608TiB,99999999999999999999,1 2", ",") {
		if got, err := ParseSize(text); err == nil {
			t.Errorf("%q is read as %d", text, got)
		}
	}
}

func TestLines(t *testing.T) {
	doc := "# a = 1\nschema = 1 # [x]\n\n[ flow ] # c\r\n  'idle_timeout' = \"a # \\\" [b]\"\n" +
		"ignore = [ # x = 1\n  \"vlan\", # ]\n  'po]rts',\n]\nlinger = '''\nactive = 1\n'''''\n" +
		"lateness = \"\"\"\n[[input]]\n\\\"\"\"\"\"\n" +
		"[[input]]\nname = 1\n[[ input ]]\n\"name\" = 2\n[a.\"b\"]\nc . d = { e = 1 }\nf = 3"
	want := lines{
		"schema": 2, "flow": 4, "flow.idle_timeout": 5, "flow.ignore": 6, "flow.linger": 10, "flow.lateness": 13,
		"input[0]": 16, "input[0].name": 17, "input[1]": 18, "input[1].name": 19,
		"a.b": 20, "a.b.c.d": 21, "a.b.f": 22,
	}
	if got := index(doc); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v", got)
	}
	where := places{}
	for key, line := range want {
		where[key] = place{"f", line}
	}
	for key, line := range map[string]int{
		"a.b.c.d.e": 21, "input[1].x[2].y": 18, "input[7]": 0, "": 0, "flow.ignore[1]": 6,
	} {
		if got := where.of(key, "f"); got != (place{"f", line}) {
			t.Errorf("%s is at %v", key, got)
		}
	}
}

func TestSource(t *testing.T) {
	for text, want := range map[string]string{
		"192.0.2.1": "192.0.2.1:0", "192.0.2.1:9": "192.0.2.1:9", "::1": "[::1]:0", "[::1]:9": "[::1]:9",
	} {
		if got, err := ParseSource(text); err != nil || got.String() != want {
			t.Errorf("%s: got %s, %v", text, got, err)
		}
	}
}
