package policy

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/weir-probe/weir/ctrlplane/egress"
	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/app"
)

func body(lines string) string { return "function on_flow(f)\n" + lines + "\nend" }

// Each verdict is what the policy says, and is counted.
func TestVerdicts(t *testing.T) {
	yes := func(what string, c Counter, n uint64, check func(b *bench, v egress.Verdict) bool, source string) {
		t.Run(what, func(t *testing.T) {
			b := good(t, body(source))
			before := b.tally(c)
			v := b.judge(egress.Flows)
			if b.last.Err != nil || !check(b, v) || b.tally(c)-before != n {
				t.Errorf("verdict %+v, decision %+v, %d counted", v, b.last, b.tally(c)-before)
			}
			j := b.Judged()
			if j.Records != j.Passed+j.Lost() || j.Records != 1 {
				t.Errorf("account %+v", j)
			}
		})
	}
	dropped := func(reason string) func(b *bench, v egress.Verdict) bool {
		return func(b *bench, v egress.Verdict) bool { return v.Drop && b.Judged().Dropped[reason] == 1 }
	}
	yes("pass", Calls, 1, func(_ *bench, v egress.Verdict) bool { return !v.Drop && v.To == nil }, `return true`)
	yes("drop", Calls, 1, dropped("policy"), `f:drop()`)
	yes("drop with a reason", Calls, 1, dropped("too small"), `f:drop("too small")`)
	yes("return false", Calls, 1, dropped("policy"), `return false`)
	yes("return nothing", Calls, 1, func(_ *bench, v egress.Verdict) bool { return !v.Drop }, `return`)
	said := func(name, value string) func(b *bench, v egress.Verdict) bool {
		return func(b *bench, v egress.Verdict) bool { return !v.Drop && b.text(&b.view, name) == value }
	}
	yes("tag", Tags, 2, said("POLICY_TAGS", "a,b"), `f:tag("a") f:tag("b", "a")`)
	yes("set text", Sets, 1, said("POLICY_NOTE", "192.0.2.1 has 300"), `f.POLICY_NOTE = (f.IPV4_SRC_ADDR or "") .. " has " .. f.IN_BYTES`)
	yes("set by method", Sets, 1, said("POLICY_NOTE", "x"), `f:set("policyNote", "x")`)
	yes("set number", Sets, 2, said("SRC_AS", "64500"), `f.SRC_AS = 1 f.SRC_AS = 64500`)
	yes("set nothing", Sets, 2, said("POLICY_NOTE", "nil"), `f.POLICY_NOTE = "x" f.POLICY_NOTE = nil`)
	yes("set is read", Sets, 2, said("FLOW_USER_NAME", "a!"), `f.FLOW_USER_NAME = "a" f.FLOW_USER_NAME = f.FLOW_USER_NAME .. "!"`)
	to := func(names ...string) func(b *bench, v egress.Verdict) bool {
		return func(_ *bench, v egress.Verdict) bool { return !v.Drop && slices.Equal(v.To, names) }
	}
	yes("route", Routed, 1, to("kafka"), `f:route("kafka")`)
	yes("route to several", Routed, 1, to("archive", "kafka"), `f:route("archive", "kafka") f:route("kafka")`)
	raised := func(all ...string) func(b *bench, v egress.Verdict) bool {
		return func(b *bench, v egress.Verdict) bool { return slices.Equal(b.alerts, all) }
	}
	yes("alert", Alerts, 1, raised("policy|4|flow|look here|192.0.2.1"), `f:alert("look here")`)
	yes("alert with severity", Alerts, 1, raised("policy|2|flow|look|192.0.2.1"), `f:alert("look", "critical")`)
	yes("alerts in full", Alerts, 2, raised("scan|3|flow|m|192.0.2.1", "policy|7|flow|n|192.0.2.1"),
		`f:alert{name = "scan", message = "m", severity = 3} f:alert{message = "n", severity = "debug"}`)
	yes("command", Calls, 1, func(b *bench, _ egress.Verdict) bool {
		return reflect.DeepEqual(b.ran, [][]string{{"/bin/true", "192.0.2.1", "443", "true", "; rm -rf /"}})
	}, `run("/bin/true", f.IPV4_SRC_ADDR or "", f.L4_DST_PORT, true, "; rm -rf /")`)
	yes("print", Calls, 1, func(b *bench, _ egress.Verdict) bool { return slices.Equal(b.printed, []string{"a 1 nil", "b"}) },
		`print("a", 1, nil) io.write("b\n")`)
}

// Fields are there by either name, absent is nil, and values are what people expect.
func TestFields(t *testing.T) {
	say := func(a *flow.Attrs) {
		a.Text(app.FlowUser, "anna")
		a.Text(app.TransactionProtocol, "dns")
	}
	for expr, want := range map[string]string{
		`f.IPV4_SRC_ADDR`: "192.0.2.1", `f.sourceIPv4Address`: "192.0.2.1", `f.IPV6_SRC_ADDR`: "nil",
		`f.IPV6_SRC_ADDR or f.IPV4_SRC_ADDR`: "192.0.2.1", `f.L4_DST_PORT`: "443", `f.destinationTransportPort`: "443",
		`f.PROTOCOL`: "6", `f.IN_BYTES`: "300", `f.octetDeltaCount`: "300", `f.OUT_BYTES`: "200",
		`f.FLOW_START_MILLISECONDS`: "1767225600000", `f:text("FLOW_START_MILLISECONDS")`: "1767225600000",
		`f.FLOW_USER_NAME`: "anna", `f.DNS_QUERY`: "nil", `f["in_bytes"]`: "300", `f.SRC_AS`: "nil",
		`f.IN_BYTES + f.OUT_BYTES`: "500", `in_network(f.IPV4_SRC_ADDR, "10.0.0.0/8", "192.0.2.0/24")`: "true",
		`in_network(f.IPV6_SRC_ADDR, "::/0")`: "false", `in_network(f.IPV4_SRC_ADDR, "10.0.0.0/8")`: "false",
		`tostring(f)`: "flow 192.0.2.1:40000 -> 192.0.2.2:443", `now()`: "1767225601", `type(f)`: "userdata",
		`string.format("%d", f.FLOW_START_MILLISECONDS)`: "1767225600000",
	} {
		b := good(t, body("print("+expr+")"))
		b.judge(egress.Flows, say)
		if got := strings.Join(b.printed, "/"); got != want || b.last.Err != nil {
			t.Errorf("%s is %s, not %s (%v)", expr, got, want, b.last.Err)
		}
	}
}

// A counter of 64 bits is exact up to what a number of Lua holds, and as text whatever it is.
func TestLargeCounter(t *testing.T) {
	b := good(t, body(`print(string.format("%d", f.IN_BYTES), f:text("IN_BYTES"))`))
	for _, c := range []struct {
		n    uint64
		want string
	}{{1 << 53, "9007199254740992 9007199254740992"}, {1<<64 - 1, "18446744073709551615"}} {
		r := samples[0]
		r.Octets[0] = c.n
		v := &flow.View{Record: &r}
		b.Judge(egress.Flows, v, &b.attrs, nil)
		if got := b.printed[len(b.printed)-1]; !strings.HasSuffix(got, c.want) {
			t.Errorf("%d is %s", c.n, got)
		}
	}
}

// All fields of a record can be gone through.
func TestPairs(t *testing.T) {
	b := good(t, body(`local n, has = 0, {} for k, v in pairs(f) do n = n + 1 has[k] = v end
		print(n > 20, has.IN_BYTES, has.IPV4_SRC_ADDR, has.POLICY_NOTE, has.IPV6_SRC_ADDR)`))
	b.judge(egress.Flows, func(a *flow.Attrs) { a.Text(flow.PolicyNote, "x") })
	if got := strings.Join(b.printed, ""); got != "true 300 192.0.2.1 x nil" || b.last.Err != nil {
		t.Errorf("%s, %v", got, b.last.Err)
	}
}

// What is wrong with a policy is said before it runs, with the line.
func TestRefused(t *testing.T) {
	for source, want := range map[string]string{
		"function on_flow(f)\n\tf:route(\"kafak\")\nend": `test.lua:2: exporter kafak is unknown; did you mean kafka?`,
		body("\nif f.IPV4_SRC_ADR then end"):             `test.lua:3: field IPV4_SRC_ADR is unknown; nearest are IPV4_SRC_ADDR`,
		body("f.IPV4_SRC_ADR = 3"):                       `test.lua:2: field IPV4_SRC_ADR is unknown; nearest are IPV4_SRC_ADDR`,
		body("f:dorp()"):                                 `test.lua:2: records have no method dorp; they have alert, drop`,
		body(`run("/bin/sh", "x")`):                      `test.lua:2: program /bin/sh may not run; add it to commands in [policy]`,
		body("if then"):                                  `test.lua:2: syntax error near "then"`,
		"function on_flow(f)":                            `test.lua:1: syntax error at the end; is an end missing?`,
		body("local a = nil .. 1"):                       `test.lua:2: attempt to concatenate a nil value (when it was tried with a made-up flow`,
		"x = 1":                                          `test.lua: it defines none of the functions`,
		"state.incr('x')":                                `test.lua:1: state is there in calls for records, not while the policy is read`,
		"on_flow = 3":                                    `test.lua: on_flow is a number; define it as a function`,
		"error('no')":                                    `test.lua:1: no`,
		body("f.IN_BYTES = 3"):                           `test.lua:2: IN_BYTES is measured, and cannot be set`,
		body("f.SRC_AS = -1"):                            `test.lua:2: SRC_AS is a number from 0 to 4294967295`,
		body("f.SRC_AS = 'x'"):                           `SRC_AS is no text: its type is unsigned32`,
		body("f:tag('a b')"):                             `a tag has no commas and no spaces`,
		body("f:alert{text = 'x'}"):                      `an alert has name, message and severity, but no text`,
		body("f:alert('x', 9)"):                          `a severity is 0 to 7 or one of emergency`,
		body("f.drop()"):                                 `drop is a method of records; write it with a colon, as in f:drop()`,
		body("in_network(f.IPV4_SRC_ADDR or f.IPV6_SRC_ADDR or '::', 'x')"): `it is no network; write it like "10.0.0.0/8"`,
		"goto x\nfunction on_flow() end":                                    `no visible label 'x'`,
		"local " + strings.Repeat("(", 2000) + "x":                          `test.lua:1: `,
		"x = " + strings.Repeat("not ", 2000) + "y":                         `nested more than 1000 deep`,
		"x = " + strings.Repeat("{", 1500) + strings.Repeat("}", 1500):      `nested more than 1000 deep`,
		strings.Repeat("-", 300<<10):                                        `test.lua has 307200 octets; write 262144 at most`,
		"\x00\x01":                                                          `test.lua:1: `,
	} {
		if _, err := write(t, source); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.80q: %v, not %s", source, err, want)
		}
	}
}

// A name that is another variable's is not judged as a field.
func TestHidden(t *testing.T) {
	good(t, "function on_flow(f) local f = {} print(f.whatever) end")
	good(t, "function on_flow(f) for f = 1, 2 do print(f) end end function other(f) return f.whatever end")
}

// What fails while it runs leaves the record as it was, is counted, and reported once.
func TestError(t *testing.T) {
	for _, onError := range []string{"pass", "drop"} {
		source := body("if f.L4_DST_PORT == 443 and f.FLOW_USER_NAME then f:tag('x') f.POLICY_NOTE = 'y' f:alert('z') local a = nil + 1 end")
		b := good(t, source, func(o *Options) { o.OnError = onError })
		for range 3 {
			v := b.judge(egress.Flows, func(a *flow.Attrs) { a.Text(app.FlowUser, "anna") })
			if v.Drop != (onError == "drop") || b.text(&b.view, "POLICY_TAGS") != "nil" ||
				b.text(&b.view, "POLICY_NOTE") != "nil" || b.text(&b.view, "FLOW_USER_NAME") != "anna" || b.alerts != nil {
				t.Errorf("%s: %+v", onError, b.last)
			}
		}
		if b.tally(Errors) != 3 || len(b.told) != 1 || !strings.HasPrefix(b.told[0], "policy: test.lua:2: cannot perform add") {
			t.Errorf("%d errors, told %q", b.tally(Errors), b.told)
		}
		if j := b.Judged(); j.Records != 3 || j.Passed+j.Lost() != 3 || j.Dropped["error"] != 3*uint64(boolean(onError == "drop")) {
			t.Errorf("account %+v", j)
		}
	}
}

// Records that do not meet the condition never reach Lua.
func TestWhen(t *testing.T) {
	b := good(t, body("f:drop()"), func(o *Options) { o.When = "L4_DST_PORT == 53" })
	if v := b.judge(egress.Flows); v.Drop || b.tally(Calls) != 0 || b.tally(Unmatched) != 1 || b.Judged().Passed != 1 {
		t.Errorf("%+v, %d calls", v, b.tally(Calls))
	}
}

// Kinds of records that the policy has no function for are none of its business.
func TestKinds(t *testing.T) {
	b := good(t, `
		function on_event(e) print("event", e.TRANSACTION_PROTOCOL) end
		function on_call(c) print("call") end
		function checkDNSFlow() print("dns", dns["flow.from"], dns["dns.query"], dns.query, dns.nonsense, dns["flow.dport"]) end`)
	said := func(a *flow.Attrs) {
		a.Text(app.TransactionProtocol, "dns")
		a.Text(b.program.schema.Named("DNS_QUERY"), "a.example")
	}
	for _, k := range []egress.Kind{egress.Flows, egress.Calls, eventsOf(t, "dns"), eventsOf(t, "http")} {
		b.judge(k, said)
	}
	want := []string{"call", "dns 192.0.2.1 a.example a.example nil 443", "event dns", "event dns"}
	if !slices.Equal(b.printed, want) || b.Judged().Records != 3 {
		t.Errorf("%q, %+v", b.printed, b.Judged())
	}
}

// Every function of nProbe is called for the events of its protocol, with its table.
func TestProtocols(t *testing.T) {
	for _, p := range protocols {
		b := good(t, fmt.Sprintf(`function %s()
			local n = 0
			for k, v in pairs(%s) do n = n + 1 print(k .. "=" .. v) end
		end`, p.function, p.table))
		if len(p.kinds()) == 0 {
			t.Errorf("%s is never called", p.function)
		}
		for _, k := range p.kinds() {
			b.printed = nil
			field := p.dissectors[0].Fields[0]
			b.judge(k, func(a *flow.Attrs) {
				if field.Type == flow.String {
					a.Text(field, "v")
				} else {
					a.Uint(field, 5)
				}
			})
			all := strings.Join(b.printed, " ")
			if b.last.Err != nil || !strings.Contains(all, "flow.from=192.0.2.1") || !strings.Contains(all, " "+p.table+".") {
				t.Errorf("%s: %v, %s", p.function, b.last.Err, all)
			}
		}
	}
}

// No method has the name of a field.
func TestMethods(t *testing.T) {
	b := good(t, body(""))
	names := methodNames()
	for name := range b.machine.record.methods {
		if b.program.schema.Named(name) != nil || !slices.Contains(names, name) {
			t.Errorf("method %s", name)
		}
	}
	if len(names) != len(b.machine.record.methods) {
		t.Error("some method is missing in the list")
	}
}

// What a worker measures only if somebody wants it is wanted if the policy names it.
func TestBlocks(t *testing.T) {
	o := DefaultOptions()
	plain, err := Blocks(&o, good(t, body("return f.IN_BYTES == 3")).program)
	if err != nil || plain != 0 {
		t.Error(plain, err)
	}
	p := good(t, body("return f.CLIENT_NW_LATENCY_MS ~= nil")).program
	b, err := Blocks(&o, p)
	want := (&flow.Template{Fields: []*flow.Field{p.schema.Named("CLIENT_NW_LATENCY_MS")}}).Blocks()
	if err != nil || b != want || b == 0 {
		t.Errorf("%b, not %b, %v", b, want, err)
	}
	o.When = "RETRANSMITTED_IN_PKTS > 0"
	if more, err := Blocks(&o, p); err != nil || more == b {
		t.Errorf("%b, %v", more, err)
	}
}
