package policy

import (
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/weir-probe/weir/ctrlplane/condition"
	"github.com/weir-probe/weir/ctrlplane/egress"
	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/app"
)

// bench is a policy at work, and what it said.
type bench struct {
	*Policy
	t       testing.TB
	attrs   flow.Attrs
	view    flow.View
	last    Decision
	alerts  []string
	printed []string
	ran     [][]string
	told    []string
}

var compiled = sync.OnceValues(func() (*flow.Schema, error) { return flow.Compile(append(flow.All(), app.Fields())...) })

func schemaOf(t testing.TB) *flow.Schema {
	t.Helper()
	schema, err := compiled()
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// write reads a policy from a string.
func write(t testing.TB, source string, change ...func(o *Options)) (*bench, error) {
	t.Helper()
	o := DefaultOptions()
	o.Commands = []string{"/bin/true"}
	for _, f := range change {
		f(&o)
	}
	w := World{Schema: schemaOf(t), Exporters: []string{"kafka", "archive"}}
	p, err := Compile("test.lua", []byte(source), &o, w)
	if err != nil {
		return nil, err
	}
	b := &bench{t: t}
	h := NewHost()
	h.Offline = true
	h.Run = func(argv []string) { b.ran = append(b.ran, argv) }
	h.Print = func(text string) { b.printed = append(b.printed, text) }
	h.Tell = func(err error) { b.told = append(b.told, err.Error()) }
	if b.Policy, err = New(p, o, h); err != nil {
		return nil, err
	}
	b.Take()
	b.Observe = func(_ egress.Kind, _ *flow.View, d *Decision) { b.last = *d }
	return b, nil
}

func good(t testing.TB, source string, change ...func(o *Options)) *bench {
	t.Helper()
	b, err := write(t, source, change...)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// judge has a record judged: a TCP connection with an attribute or two.
func (b *bench) judge(kind egress.Kind, say ...func(a *flow.Attrs)) egress.Verdict {
	r := samples[0]
	b.attrs.Reset()
	for _, f := range say {
		f(&b.attrs)
	}
	b.view = flow.View{Record: &r, Attrs: b.attrs.All(), Kind: kind.Of(), ID: flow.ID{7}}
	return b.Judge(kind, &b.view, &b.attrs, func(kind egress.Kind, v *flow.View) {
		if kind != egress.Alerts {
			b.t.Errorf("raised a record of kind %d", kind)
		}
		b.alerts = append(b.alerts, strings.Join([]string{
			b.text(v, "ALERT_NAME"), b.text(v, "ALERT_SEVERITY"), b.text(v, "ALERT_OF"), b.text(v, "ALERT_MESSAGE"),
			b.text(v, "IPV4_SRC_ADDR"),
		}, "|"))
	})
}

// text returns a field as text, "nil" if there is none.
func (b *bench) text(v *flow.View, name string) string {
	f := b.program.schema.Named(name)
	x, ok := v.Value(f)
	if !ok {
		return "nil"
	}
	return string(f.Text(nil, x))
}

func (b *bench) tally(c Counter) uint64 {
	for i, t := range b.host.Tally() {
		if i == int(c) {
			return t.N
		}
	}
	return 0
}

// eventsOf returns the kind of the events of a dissector.
func eventsOf(t testing.TB, name string) egress.Kind {
	i := slices.IndexFunc(app.All, func(d *app.Dissector) bool { return d.Name == name })
	if i < 0 {
		t.Fatalf("no dissector %s", name)
	}
	return egress.EventsOf(i)
}

const threeConditions = `
function on_flow(f)
	if f.L4_DST_PORT == 53 and f.PROTOCOL == 17 and f.IN_BYTES > 1000 then
		f:drop("large query")
	end
end`

func TestThree(t *testing.T) {
	b := good(t, threeConditions)
	if v := b.judge(egress.Flows); v.Drop || b.last.Err != nil {
		t.Error(v, b.last.Err)
	}
}

// BenchmarkPolicy is what a record costs. The condition alone is what the same three comparisons cost without Lua.
func BenchmarkPolicy(b *testing.B) {
	b.Run("condition-alone", func(b *testing.B) {
		k, err := condition.Compile("L4_DST_PORT == 443 and PROTOCOL == 6 and IN_BYTES > 1000", schemaOf(b))
		if err != nil {
			b.Fatal(err)
		}
		r := samples[0]
		v := flow.View{Record: &r}
		for range b.N {
			k.Holds(&v)
		}
	})
	for _, c := range []struct{ name, source, when string }{
		{"three-conditions", `function on_flow(f)
			if f.L4_DST_PORT == 443 and f.PROTOCOL == 6 and f.IN_BYTES > 1000 then f:drop("x") end
		end`, ""},
		{"empty", `function on_flow(f) end`, ""},
		{"tagging", `function on_flow(f)
			if f.L4_DST_PORT == 443 and f.IPV4_SRC_ADDR == "192.0.2.1" then f:tag("web") end
		end`, ""},
		{"counting", `function on_flow(f)
			if state.incr("n" .. (f.L4_DST_PORT or 0)) > 1e9 then f:tag("web") end
		end`, ""},
		{"filtered", `function on_flow(f) f:drop("x") end`, "L4_DST_PORT == 53 and IN_BYTES > 1000"},
	} {
		b.Run(c.name, func(b *testing.B) {
			p := good(b, c.source, func(o *Options) { o.When = c.when })
			p.Observe = nil
			r := samples[0]
			emit := func(egress.Kind, *flow.View) {}
			b.ReportAllocs()
			b.ResetTimer()
			for range b.N {
				p.attrs.Reset()
				p.view = flow.View{Record: &r, Attrs: p.attrs.All()}
				p.Judge(egress.Flows, &p.view, &p.attrs, emit)
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
		})
	}
}
