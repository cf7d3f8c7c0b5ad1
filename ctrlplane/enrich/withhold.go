package enrich

import "github.com/weir-probe/weir/dataplane/flow"

// Withhold keeps what may be secret from every exporter.
type Withhold []*flow.Field

// Enrich implements egress.Stage.
func (w Withhold) Enrich(_ *flow.View, a *flow.Attrs) {
	for _, f := range w {
		a.Remove(f)
	}
}
