package egress

import (
	"context"
	"strings"
	"testing"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/app"
)

// byPort drops, routes, tags and raises alerts by the port of the server.
type byPort struct{ sum Judged }

func (b *byPort) Judge(kind Kind, v *flow.View, a *flow.Attrs, emit func(Kind, *flow.View)) (w Verdict) {
	b.sum.Records++
	switch v.DstPort {
	case 1:
		b.sum.Dropped["one"]++
		return Verdict{Drop: true}
	case 2:
		w.To = []string{"flow dns"}
	case 3:
		x := *v
		emit(Alerts, &x)
	case 4:
		a.Text(flow.AppName, "TAGGED")
		v.Attrs = a.All()
	}
	b.sum.Passed++
	return w
}

func (b *byPort) Judged() Judged { return b.sum }

// What a judge drops or sends elsewhere is in the account of every exporter that would have had it.
func TestJudge(t *testing.T) {
	schema, err := flow.Compile(append(flow.All(), app.Fields())...)
	if err != nil {
		t.Fatal(err)
	}
	flows, a := output(t, schema, "flow")
	both, m := output(t, schema, "flow dns")
	alerts, raised := output(t, schema, "alert")
	r := newRing(t)
	e := New([]Source{{Ring: r}}, nil, []*Output{flows, both, alerts})
	j := &byPort{Judged{Dropped: map[string]uint64{}}}
	e.Judge = j
	for _, port := range []uint16{9, 1, 2, 3, 4} {
		sendFlow(r, port)
	}
	sendEvent(r, "dns", 1)
	sendEvent(r, "dns", 2)
	r.Close()
	e.Run()
	for _, o := range e.outputs {
		for _, x := range o.Exporters() {
			if err := x.Close(context.Background()); err != nil {
				t.Fatal(err)
			}
		}
	}
	s := e.Summary()
	given := map[string]uint64{"flow": 5, "flow dns": 7, "alert": 1}
	for _, x := range s.Exporters {
		if x.Exported+x.Vetoed+x.Filtered != given[x.Name] || x.Exported != x.Records {
			t.Errorf("%+v, of %d", x, given[x.Name])
		}
	}
	ports := func(text string) string {
		var all []string
		for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
			_, port, _ := strings.Cut(line, `"L4_DST_PORT":`)
			all = append(all, strings.TrimSuffix(strings.Split(port, ",")[0], "}"))
		}
		return strings.Join(all, " ")
	}
	if got := ports(a.String()) + "/" + ports(m.String()) + "/" + ports(raised.String()); got != "9 3 4/9 2 3 4 2/3" {
		t.Errorf("exported %s", got)
	}
	if !strings.Contains(a.String(), "TAGGED") {
		t.Error("a tag is lost")
	}
	if s.Policy.Records != 7 || s.Policy.Passed+s.Policy.Lost() != 7 || s.Policy.Lost() != 2 {
		t.Errorf("%+v", s.Policy)
	}
	var text strings.Builder
	s.Print(&text)
	if !strings.Contains(text.String(), "policy    7 records judged = 5 passed + 2 dropped (one)\n") {
		t.Error(text.String())
	}
}
