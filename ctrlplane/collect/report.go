package collect

import (
	"cmp"
	"slices"

	"github.com/weir-probe/weir/dataplane/flow"
)

// Report implements egress.Reporter: of each exporter what came, and at once if it falls silent or sends again.
func (c *Collector) Report(news bool, a *flow.Attrs, emit func()) {
	all := c.registry.all()
	if news {
		all = slices.DeleteFunc(all, func(x *exporter) bool { return x.silent.Load() == x.told })
	}
	slices.SortFunc(all, func(x, y *exporter) int {
		return cmp.Or(x.key.addr.Compare(y.key.addr), cmp.Compare(x.key.domain, y.key.domain))
	})
	for _, x := range all {
		silent := x.silent.Load()
		x.told = silent
		a.Reset()
		a.Text(flow.StatisticsOf, "collector")
		a.Text(flow.StatisticsName, c.o.Name)
		x.report(a, silent)
		emit()
	}
}

func (x *exporter) report(a *flow.Attrs, silent bool) {
	switch addr := x.key.addr; {
	case addr.IsUnspecified(): // of a file nobody knows it
	case addr.Is4():
		a.Bytes(flow.ExporterIPv4, addr.AsSlice())
	default:
		a.Bytes(flow.ExporterIPv6, addr.AsSlice())
	}
	x.mu.RLock()
	templates := len(x.templates)
	x.mu.RUnlock()
	quiet := uint64(0)
	if silent {
		quiet = 1
	}
	a.Uint(flow.ObservationDomain, uint64(x.key.domain))
	a.Uint(flow.CollectedMessages, x.stats.messages.Load())
	a.Uint(flow.CollectedOctets, x.stats.octets.Load())
	a.Uint(flow.CollectedRecords, x.stats.records.Load())
	a.Uint(flow.CollectedLost, x.stats.lost.Load())
	a.Uint(flow.CollectedTemplates, uint64(templates))
	a.Uint(flow.CollectedLast, uint64(x.last.Load()))
	a.Uint(flow.CollectedSilent, quiet)
}
