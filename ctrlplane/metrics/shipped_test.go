package metrics

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
)

const (
	shippedDashboard = "../../configs/grafana/probe.json"
	shippedRules     = "../../configs/prometheus/weir.rules.yml"
	shippedRuleTests = "../../configs/prometheus/weir.rules.test.yml"
)

// TestShippedNames finds every metric that the dashboard and the alerts ask for among those there are, and every
// label that they choose by.
func TestShippedNames(t *testing.T) {
	labels := map[string][]string{}
	for _, m := range all() {
		labels[m.name] = m.labels
	}
	metric := regexp.MustCompile(`\b(weir_\w+)(?:\{([^}]*)\})?`)
	matcher := regexp.MustCompile(`(\w+) *(?:=~|!~|!=|=)`)
	for _, path := range []string{shippedDashboard, shippedRules} {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		asked := map[string]bool{}
		for _, found := range metric.FindAllStringSubmatch(string(b), -1) {
			known, ok := labels[found[1]]
			if asked[found[1]] = true; !ok {
				t.Errorf("%s: there is no metric %s", path, found[1])
			}
			for _, by := range matcher.FindAllStringSubmatch(found[2], -1) {
				if by[1] != "instance" && !strings.Contains(" "+strings.Join(known, " ")+" ", " "+by[1]+" ") {
					t.Errorf("%s: %s has no label %s", path, found[1], by[1])
				}
			}
		}
		if len(asked) < 10 {
			t.Errorf("%s asks for %d metrics", path, len(asked))
		}
	}
}

// strictly decodes JSON as Grafana's model of it does. The model has an error that is a list without any when all is
// well, and leaves out what it is in: so what is nested is decoded by itself.
func strictly(into interface{ UnmarshalJSONStrict([]byte) error }, b []byte) error {
	err := into.UnmarshalJSONStrict(b)
	if all := (cog.BuildErrors{}); errors.As(err, &all) && len(all) == 0 {
		return nil
	}
	return err
}

//lint:ignore SA1019 the next model is not what Grafana imports from a file yet
type model = dashboard.Dashboard

// panels are those of the dashboard, and what they ask.
type panels struct {
	Panels []json.RawMessage
}

// TestShippedDashboard reads the dashboard as Grafana's own model of it does: nothing is unknown, no panel lies on
// another, and each asks Prometheus for something.
func TestShippedDashboard(t *testing.T) {
	plugins.RegisterDefaultPlugins()
	b, err := os.ReadFile(shippedDashboard)
	if err != nil {
		t.Fatal(err)
	}
	var d model
	if err := strictly(&d, b); err != nil {
		t.Fatal(err)
	}
	var raw panels
	if err := json.Unmarshal(b, &raw); err != nil || len(raw.Panels) < 12 || *d.Title == "" || *d.Uid == "" {
		t.Fatalf("%d panels, %v", len(raw.Panels), err)
	}
	taken, ids := map[[2]uint32]bool{}, map[uint32]bool{}
	for _, text := range raw.Panels {
		var p dashboard.Panel
		if err := strictly(&p, text); err != nil {
			t.Fatal(err)
		}
		if ids[*p.Id] || *p.Title == "" || *p.Description == "" {
			t.Errorf("panel %d is not told from others", *p.Id)
		}
		ids[*p.Id] = true
		g := p.GridPos
		if g.X+g.W > 24 {
			t.Errorf("%s is too wide", *p.Title)
		}
		for x := g.X; x < g.X+g.W; x++ {
			for y := g.Y; y < g.Y+g.H; y++ {
				if at := [2]uint32{x, y}; taken[at] {
					t.Fatalf("%s lies on another panel", *p.Title)
				} else {
					taken[at] = true
				}
			}
		}
		var asks struct{ Targets []json.RawMessage }
		if err := json.Unmarshal(text, &asks); err != nil || len(asks.Targets) == 0 {
			t.Errorf("%s asks for nothing: %v", *p.Title, err)
		}
		for _, target := range asks.Targets {
			var q prometheus.Dataquery
			if err := strictly(&q, target); err != nil || !strings.Contains(q.Expr, "$instance") {
				t.Errorf("%s asks %q: %v", *p.Title, q.Expr, err)
			}
		}
	}
	for _, name := range []string{"gridPos", "legendFormat", "refresh"} {
		wrong := []byte(strings.ReplaceAll(string(b), `"`+name+`"`, `"`+name+`s"`))
		err := strictly(new(model), wrong)
		if json.Unmarshal(wrong, &raw) == nil && err == nil {
			err = strictly(new(dashboard.Panel), raw.Panels[0])
			var asks struct{ Targets []json.RawMessage }
			if json.Unmarshal(raw.Panels[0], &asks) == nil && err == nil {
				err = strictly(new(prometheus.Dataquery), asks.Targets[0])
			}
		}
		if err == nil {
			t.Errorf("a misspelt %s passes", name)
		}
	}
}

// promtool runs Prometheus' own tool.
func promtool(t *testing.T, args ...string) {
	t.Helper()
	if _, err := exec.LookPath("promtool"); err != nil {
		t.Skip("promtool is not installed: make alerts-test does it")
	}
	if out, err := exec.Command("promtool", args...).CombinedOutput(); err != nil {
		t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// TestShippedRules has Prometheus load the alerts, of a probe that is well and of one that is not, and parse what
// the dashboard asks for.
func TestShippedRules(t *testing.T) {
	promtool(t, "check", "rules", shippedRules)
	promtool(t, "test", "rules", shippedRuleTests)
	b, err := os.ReadFile(shippedDashboard)
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		Panels []struct{ Targets []struct{ Expr string } }
	}
	if err := json.Unmarshal(b, &d); err != nil {
		t.Fatal(err)
	}
	var rules strings.Builder
	rules.WriteString("groups:\n- name: dashboard\n  rules:\n")
	n := 0
	for _, p := range d.Panels {
		for _, q := range p.Targets {
			expr := strings.NewReplacer("$__rate_interval", "5m", "$instance", ".*").Replace(q.Expr)
			rules.WriteString("  - {record: \"dashboard:expr" + strings.Repeat("x", n) + "\", expr: '" + expr + "'}\n")
			n++
		}
	}
	path := filepath.Join(t.TempDir(), "dashboard.yml")
	if err := os.WriteFile(path, []byte(rules.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	promtool(t, "check", "rules", path)
}

// TestShippedAlertsTested finds a test for every alert.
func TestShippedAlertsTested(t *testing.T) {
	rules, err := os.ReadFile(shippedRules)
	if err != nil {
		t.Fatal(err)
	}
	tests, err := os.ReadFile(shippedRuleTests)
	if err != nil {
		t.Fatal(err)
	}
	alerts := regexp.MustCompile(`alert: (\w+)`).FindAllStringSubmatch(string(rules), -1)
	for _, a := range alerts {
		if strings.Count(string(tests), "alertname: "+a[1]) != 2 {
			t.Errorf("%s is not tested with what sets it off and what does not", a[1])
		}
	}
	if len(alerts) == 0 {
		t.Error("there are no alerts")
	}
}
