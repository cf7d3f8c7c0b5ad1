package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/weir-probe/weir/ctrlplane/egress"
	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/app"
)

// TestReloadPolicy has policies take each other's place while records come: every record is judged by one of
// them, what they remember stays, and one that is wrong changes nothing.
func TestReloadPolicy(t *testing.T) {
	dir := t.TempDir()
	script := filepath.Join(dir, "policy.lua")
	text := fmt.Sprintf("[policy]\nfile = %q\n", script) + identifiers("all", filepath.Join(dir, "all.json")) + "on_full = \"block\"\n" +
		identifiers("some", filepath.Join(dir, "some.json")) + "on_full = \"block\"\n"
	policy := func(reason string) {
		write(t, script, "function on_flow(f)\n\tlocal n = state.incr('n')\n\tif n % 2 == 0 then f:drop('"+reason+"') end\n"+
			"\tif n % 3 == 0 then f:route('all') end\nend\n")
	}
	policy("first")
	b := runBench(t, text)
	stop, made := make(chan struct{}), make(chan int)
	go func() { made <- pump(b.ring, stop) }()
	judged := func() uint64 {
		var n uint64
		b.egress.Replace(func(all []*egress.Output) []*egress.Output {
			n = b.egress.Judge.Judged().Records
			return all
		})
		return n
	}
	until(t, "the first policy judges", func() bool { return judged() > 100 })
	if done, _, err := b.Reload(b.parse(text)); err != nil || done.Policy != "" {
		t.Errorf("the same: %+v, %v", done, err)
	}
	wrong := b.parse(text)
	for source, want := range map[string]string{
		"function on_flow(f)\n\tf:drop(\nend":           script + ":3: syntax error",
		"function on_flow(f)\n\treturn f.NO_FIELD\nend": script + ":2: field NO_FIELD is unknown",
		"function on_flow(f)\n\tf:route('al')\nend":     script + ":2: exporter al is unknown; did you mean all?",
		"function on_flow(f)\n\tlocal x = nil + 1\nend": script + ":2: cannot perform add operation",
		"function on_flow(f)\n\twhile true do end\nend": script + ":2: the call used up its instructions",
	} {
		write(t, script, source)
		if _, _, err := b.Reload(wrong); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", source, err)
		}
	}
	before := judged()
	until(t, "the first policy goes on", func() bool { return judged() > before+100 })
	for i := range 10 {
		policy(fmt.Sprint("reason ", i))
		if done, restart, err := b.Reload(b.parse(text)); err != nil || done.Policy != "changed" || len(restart) > 0 {
			t.Fatalf("reload %d: %+v %v %v", i, done, restart, err)
		}
	}
	before = judged()
	until(t, "the last policy judges", func() bool { return judged() > before+100 })
	close(stop)
	n := uint64(<-made)
	s := b.end()
	p := s.Policy
	// State has counted every record once, whichever policy asked: half of all are dropped.
	if p.Records != n || p.Passed+p.Lost() != n || p.Lost() != n/2 || p.Dropped["first"] == 0 || p.Dropped["reason 9"] == 0 {
		t.Errorf("of %d records: %+v", n, p)
	}
	for _, x := range s.Exporters {
		want := n - n/2
		if x.Name == "some" {
			want -= (n + 3) / 6 // those that go elsewhere: 3, 9, 15 and so on
		}
		if x.Exported != want || x.Exported+x.Vetoed != n {
			t.Errorf("%s: of %d records %d, not %d: %+v", x.Name, n, x.Exported, want, x)
		}
	}
}

// tried runs weir policy test and returns its status and what it wrote.
func tried(t *testing.T, args ...string) (status int, out, log string) {
	t.Helper()
	schema, err := flow.Compile(append(flow.All(), app.Fields())...)
	if err != nil {
		t.Fatal(err)
	}
	root := commands(schema)
	var o, l bytes.Buffer
	root.SetOut(&o)
	root.SetErr(&l)
	root.SetArgs(append([]string{"policy", "test"}, args...))
	status = execute(root)
	return status, o.String(), l.String()
}

func TestPolicyCommand(t *testing.T) {
	script := filepath.Join(t.TempDir(), "policy.lua")
	write(t, script, `function on_flow(f) if f.PROTOCOL == 17 then f:drop("datagrams") else f:tag("tcp") f:route("anywhere") end end
function on_event(e) e:alert{name = "event", message = e.TRANSACTION_PROTOCOL} run("/bin/true", "x") end`)
	if status, _, _ := tried(t, script); status != exitUsage {
		t.Errorf("a program that may not run: status %d", status)
	}
	conf := filepath.Join(t.TempDir(), "weir.toml")
	write(t, conf, "schema = 1\n[[input]]\ninterface = \"lo\"\n[[exporter]]\nname = \"anywhere\"\nto = \"udp://127.0.0.1:4739\"\n"+
		fmt.Sprintf("[policy]\nfile = %q\ncommands = \"/bin/true\"\n", script))
	if status, out, _ := tried(t, script, "-c", conf); status != 0 || !strings.Contains(out, "it can be read") {
		t.Errorf("status %d, %s", status, out)
	}
	status, out, log := tried(t, script, "-c", conf, "--replay", "testdata/sample.pcap", "--json", "--all")
	var flows, dropped, events int
	for _, line := range strings.Split(strings.TrimSpace(out), "\n") {
		var s shown
		if err := json.Unmarshal([]byte(line), &s); err != nil {
			t.Fatal(err, line)
		}
		switch {
		case s.Record != "flow":
			events++
			if len(s.Alerts) != 1 || s.Alerts[0].Message != s.Record || fmt.Sprint(s.Commands) != "[[/bin/true x]]" {
				t.Errorf("event %+v", s)
			}
		case s.Verdict == "drop":
			dropped++
		default:
			flows++
			if fmt.Sprint(s.Tags, s.Route) != "[tcp] [anywhere]" {
				t.Errorf("flow %+v", s)
			}
		}
	}
	if status != 0 || flows == 0 || dropped == 0 || events == 0 {
		t.Errorf("status %d, %d flows, %d dropped, %d events, %s", status, flows, dropped, events, log)
	}
	write(t, script, `function on_flow(f) if f.L4_DST_PORT ~= 443 then local x = nil + 1 end end`)
	status, out, log = tried(t, script, "--replay", "testdata/sample.pcap")
	if status != exitFailed || !strings.Contains(out, "policy.lua:1: cannot perform add") {
		t.Errorf("status %d, %s%s", status, out, log)
	}
}
