package enrich

import (
	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/app"
	"github.com/weir-probe/weir/dissect/fingerprint"
)

// Names says what numbers mean: the application, and the operating system that a SYN gives
// away.
type Names struct{}

// Enrich implements egress.Stage.
func (Names) Enrich(v *flow.View, a *flow.Attrs) {
	if x := app.ByNumber(v.Application); x != nil {
		a.Text(flow.AppName, x.Name)
		a.Text(flow.AppCategory, x.Category)
	}
	if os, ok := fingerprint.OS(&v.TCP[flow.Forward]); ok {
		a.Text(flow.OSHint, os)
	}
}
