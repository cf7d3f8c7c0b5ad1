package policy

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	lua "github.com/yuin/gopher-lua"

	"github.com/weir-probe/weir/ctrlplane/egress"
	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/app"
)

// State counts, expires by the time of the records, makes room, and outlasts the policy.
func TestState(t *testing.T) {
	b := good(t, `function on_flow(f)
			print(state.incr("n"), state.incr("n", 10), state.get("gone"), state.get("kept"))
			state.set("gone", "x", 5) state.set("kept", true, 500)
		end`, func(o *Options) { o.StateExpiry = 60 * time.Second })
	at := func(seconds uint64) {
		r := samples[0]
		r.Last += seconds * 1e9
		var a flow.Attrs
		b.Judge(egress.Flows, &flow.View{Record: &r}, &a, nil)
	}
	at(0)
	at(4)
	at(10)
	at(71) // n has expired, 60 s after it began
	want := []string{"1 11 nil nil", "12 22 x true", "23 33 nil true", "1 11 nil true"}
	if !slices.Equal(b.printed, want) {
		t.Errorf("%q", b.printed)
	}
	next, err := Compile("next.lua", []byte(body(`print(state.get("kept"), state.get("n"))`)), &b.o, World{Schema: b.program.schema})
	if err != nil {
		t.Fatal(err)
	}
	if b.Policy, err = New(next, b.o, b.host); err != nil {
		t.Fatal(err)
	}
	b.Take()
	if at(72); b.printed[4] != "true 11" {
		t.Errorf("the next policy has %q", b.printed[4])
	}
}

func TestStateBounds(t *testing.T) {
	b := good(t, body(`for i = 1, 100 do state.set("k" .. i, string.rep("v", 1000)) end
		print(state.get("k100") ~= nil, state.get("k95") ~= nil, state.get("k1"))`),
		func(o *Options) { o.StateEntries = 10 })
	b.judge(egress.Flows)
	if b.printed[0] != "true true nil" || b.tally(StateEntries) != 10 || b.tally(StateEvicted) != 90 {
		t.Errorf("%q, %d entries, %d evicted", b.printed, b.tally(StateEntries), b.tally(StateEvicted))
	}
	b.o.StateMemory = 5000
	b.Take()
	if n := b.tally(StateOctets); n > 5000 || b.tally(StateEntries) == 0 {
		t.Errorf("%d octets", n)
	}
	b.judge(egress.Flows)
	if n := b.tally(StateOctets); n > 5000 || n == 0 {
		t.Errorf("%d octets", n)
	}
	none := good(t, body(`print(state.incr("x"), state.get("x"))`), func(o *Options) { o.StateEntries = 0 })
	if none.judge(egress.Flows); none.printed[0] != "1 nil" {
		t.Errorf("%q", none.printed)
	}
}

// runner is a policy whose programs run.
func runner(t *testing.T, script, source string, change func(o *Options)) (p *Policy, errs func() []string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	o := DefaultOptions()
	o.Commands = []string{path}
	change(&o)
	source = strings.ReplaceAll(source, "PROGRAM", path)
	program, err := Compile("test.lua", []byte(body(source)), &o, World{Schema: schemaOf(t)})
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var told []string
	h := NewHost()
	h.Tell = func(err error) { mu.Lock(); told = append(told, err.Error()); mu.Unlock() }
	if p, err = New(program, o, h); err != nil {
		t.Fatal(err)
	}
	p.Take()
	return p, func() []string { mu.Lock(); defer mu.Unlock(); return slices.Clone(told) }
}

func (p *Policy) once() {
	r := samples[0]
	var a flow.Attrs
	p.Judge(egress.Flows, &flow.View{Record: &r}, &a, nil)
}

// Programs get their arguments as they are, and nobody waits for them.
func TestCommands(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	p, told := runner(t, `for a in "$@"; do echo "[$a]"; done >> `+out+"\n", `run("PROGRAM", f.IN_BYTES, "$(id) ; * 'x'", "")`, func(*Options) {})
	p.once()
	if err := p.host.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(out)
	if string(b) != "[300]\n[$(id) ; * 'x']\n[]\n" || err != nil || told() != nil {
		t.Errorf("%q, %v, %q", b, err, told())
	}
}

// Too many programs are left out, slow ones are killed, and records do not wait.
func TestCommandLimits(t *testing.T) {
	p, told := runner(t, "sleep 60", `run("PROGRAM", "x")`, func(o *Options) {
		o.CommandRate, o.CommandLimit, o.CommandTimeout = 3, 2, 100*time.Millisecond
	})
	began := time.Now()
	for range 50 {
		p.once()
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("records waited %v", took)
	}
	if err := p.host.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	n := map[string]uint64{}
	for _, c := range p.host.Tally() {
		n[c.Name] = c.N
	}
	if n["commands"]+n["commands_limited"] != 50 || n["commands"] < 3 || n["commands_limited"] == 0 || n["commands_failed"] != n["commands"] {
		t.Errorf("%v", n)
	}
	for _, text := range told() {
		if !strings.Contains(text, "ended after 100ms") {
			t.Error(text)
		}
	}
}

// The example runs: the loop of nProbe's scripts, with what was missing.
func TestExample(t *testing.T) {
	source, err := os.ReadFile("../../configs/examples/policy.lua")
	if err != nil {
		t.Fatal(err)
	}
	b := good(t, string(source))
	b.machine.L.SetGlobal("debug", lua.LTrue)
	query := func(a *flow.Attrs) {
		a.Text(app.TransactionProtocol, "dns")
		a.Text(b.program.schema.Named("DNS_QUERY"), strings.Repeat("x", 120)+".example")
	}
	b.judge(eventsOf(t, "dns"), query)
	want := []string{"long-name|4|dns|event of 192.0.2.1 meets rule long-name|192.0.2.1"}
	if !slices.Equal(b.alerts, want) || b.text(&b.view, "POLICY_TAGS") != "long-name" || b.last.Err != nil {
		t.Errorf("%q, %v", b.alerts, b.last)
	}
	if !slices.Contains(b.printed, "Result for rule long-name=true") || !slices.Contains(b.printed, "Result for rule large-upload=false") {
		t.Errorf("%q", b.printed)
	}
	if b.judge(eventsOf(t, "dns"), query); len(b.alerts) != 1 {
		t.Errorf("alerts %q", b.alerts)
	}
	if v := b.judge(egress.Flows); v.Drop || b.last.Err != nil {
		t.Errorf("%+v", b.last)
	}
	r := samples[0]
	for i := range 101 {
		r.Packets[1], r.Octets[1] = 0, 0
		v := b.Judge(egress.Flows, &flow.View{Record: &r}, &b.attrs, func(egress.Kind, *flow.View) {})
		if scan := i == 99; !v.Drop || len(b.last.Alerts) != boolean(scan) {
			t.Errorf("%d: %+v", i, b.last)
		}
	}
	if b.Judged().Dropped["unidirectional"] != 101 {
		t.Errorf("%+v", b.Judged())
	}
}

// Every counter has a name and a sentence.
func TestCounters(t *testing.T) {
	seen := map[string]bool{}
	for _, d := range CounterDocs {
		if d.Name == "" || !strings.HasSuffix(d.Doc, ".") || seen[d.Name] {
			t.Errorf("counter %q", d.Name)
		}
		seen[d.Name] = true
	}
	if err := (&Options{When: "x"}).Check(); err == nil {
		t.Error("a condition without a policy is taken")
	}
	if !errors.Is(&runaway{why: errMemory}, errMemory) {
		t.Error("a runaway does not say why")
	}
}
