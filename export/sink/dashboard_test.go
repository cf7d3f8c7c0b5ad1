package sink

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/app"
	"github.com/weir-probe/weir/export/ecs"
)

// everything returns all fields there are, also those of applications.
func everything(t *testing.T) *flow.Schema {
	t.Helper()
	s, err := flow.Compile(append(flow.All(), app.Fields())...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// paths returns the paths of the leaves of a tree of properties.
func paths(at string, properties map[string]any, into map[string]bool) {
	for name, p := range properties {
		if inner, ok := p.(map[string]any)["properties"].(map[string]any); ok {
			paths(at+name+".", inner, into)
			continue
		}
		into[at+name] = true
	}
}

// saved is a saved object of Kibana, a line of what its import takes.
type saved struct {
	ID, Type   string
	Attributes struct {
		VisState, PanelsJSON string
		Meta                 struct{ SearchSourceJSON string } `json:"kibanaSavedObjectMeta"`
	}
	References []struct{ Name, Type, ID string }
}

// The dashboard for Kibana is made of objects that are there, and shows fields that documents have.
func TestKibana(t *testing.T) {
	known := map[string]bool{"@timestamp": true}
	paths("", ecs.Properties(everything(t).Fields), known)
	objects, dashboards, shown := map[string]bool{}, 0, 0
	for line := range strings.Lines(read(t, "../../configs/kibana/weir.ndjson")) {
		var o saved
		if err := json.Unmarshal([]byte(line), &o); err != nil || o.ID == "" || o.Type == "" {
			t.Fatalf("line is no saved object (%v): %.80s", err, line)
		}
		names := map[string]bool{}
		for _, r := range o.References {
			if names[r.Name] = true; !objects[r.Type+"/"+r.ID] {
				t.Errorf("%s refers to %s %s, which does not stand before it", o.ID, r.Type, r.ID)
			}
		}
		objects[o.Type+"/"+o.ID] = true
		switch o.Type {
		case "dashboard":
			dashboards++
			var panels []struct{ PanelIndex, PanelRefName string }
			if err := json.Unmarshal([]byte(o.Attributes.PanelsJSON), &panels); err != nil || len(panels) == 0 {
				t.Errorf("panels of %s: %v", o.ID, err)
			}
			for _, p := range panels {
				if !names[p.PanelIndex+":"+p.PanelRefName] {
					t.Errorf("panel %s of %s refers to nothing", p.PanelIndex, o.ID)
				}
			}
		case "visualization":
			shown += visible(t, &o, known)
		}
	}
	if dashboards != 1 || shown < 10 {
		t.Errorf("%d dashboards show %d fields", dashboards, shown)
	}
}

// visible checks the fields of a visualization, and returns how many there are.
func visible(t *testing.T, o *saved, known map[string]bool) (n int) {
	t.Helper()
	var state struct {
		Aggs []struct {
			Params struct{ Field string }
		}
	}
	var source struct{ Query struct{ Query string } }
	if err := json.Unmarshal([]byte(o.Attributes.VisState), &state); err != nil {
		t.Errorf("state of %s: %v", o.ID, err)
	}
	if err := json.Unmarshal([]byte(o.Attributes.Meta.SearchSourceJSON), &source); err != nil {
		t.Errorf("search of %s: %v", o.ID, err)
	}
	fields := []string{}
	if field, value, ok := strings.Cut(source.Query.Query, " : "); ok {
		fields = append(fields, field)
		if value != "*" && source.Query.Query != `event.dataset : "weir.`+flow.KindFlow.String()+`"` {
			t.Errorf("%s asks for %s, which may find nothing", o.ID, source.Query.Query)
		}
	}
	for _, a := range state.Aggs {
		if a.Params.Field != "" {
			fields = append(fields, a.Params.Field)
		}
	}
	for _, f := range fields {
		if !known[f] {
			t.Errorf("%s shows %s, which no document has", o.ID, f)
		}
	}
	return len(fields)
}

// queries returns the statements of the dashboard for Grafana, for all times.
func queries(t *testing.T) (all []string) {
	t.Helper()
	var d struct {
		Panels []struct {
			Title   string
			GridPos struct{ X, Y, W, H int }
			Targets []struct{ RawSQL string }
		}
	}
	if err := json.Unmarshal([]byte(read(t, "../../configs/grafana/weir.json")), &d); err != nil {
		t.Fatal(err)
	}
	timed := regexp.MustCompile(`\$__timeFilter\(record_time\)`)
	interval := regexp.MustCompile(`\$__timeInterval\(record_time\)`)
	for _, p := range d.Panels {
		if p.Title == "" || p.GridPos.W == 0 || p.GridPos.X+p.GridPos.W > 24 || len(p.Targets) != 1 {
			t.Errorf("panel %q has no place or no statement", p.Title)
			continue
		}
		s := p.Targets[0].RawSQL
		if !timed.MatchString(s) {
			t.Errorf("panel %q is not limited to the time that is shown", p.Title)
		}
		all = append(all, interval.ReplaceAllString(timed.ReplaceAllString(s, "1"), "toStartOfMinute(record_time)"))
	}
	return all
}

// The dashboard for Grafana reads columns that tables have.
func TestGrafana(t *testing.T) {
	s := everything(t)
	label := regexp.MustCompile(`\b[A-Z][A-Z0-9]*(_[A-Z0-9]+)+\b|\bPROTOCOL\b`)
	var found []string
	for _, q := range queries(t) {
		for _, name := range label.FindAllString(q, -1) {
			if found = append(found, name); s.Named(name) == nil || s.Named(name).Key() != name {
				t.Errorf("there is no column %s: %s", name, q)
			}
		}
	}
	if slices.Sort(found); len(slices.Compact(found)) < 10 {
		t.Errorf("the dashboard reads only %s", found)
	}
}
