package collect

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"github.com/weir-probe/weir/dataplane/flow"
)

// Account is what came from an exporter, of one of its observation domains.
type Account struct {
	Collector string     `json:"collector"`
	Exporter  netip.Addr `json:"exporter"` // unspecified if nobody knows it, of files
	Domain    uint32     `json:"domain"`
	Messages  uint64     `json:"messages"`
	Octets    uint64     `json:"octets"`
	Records   uint64     `json:"records"`
	Lost      uint64     `json:"lost"` // records, or messages of NetFlow v9 and sFlow, that are missing
	Templates int        `json:"templates"`
	Last      time.Time  `json:"last"`
	Silent    bool       `json:"silent"`
}

// Accounts returns those of all exporters, by address and domain. Any goroutine may ask.
func (c *Collector) Accounts() (all []Account) {
	for _, x := range c.sorted() {
		all = append(all, x.account(c.o.Name))
	}
	return all
}

func (x *exporter) account(collector string) Account {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return Account{
		collector, x.key.addr, x.key.domain, x.stats.messages.Load(), x.stats.octets.Load(), x.stats.records.Load(),
		x.stats.lost.Load(), len(x.templates), time.Unix(0, x.last.Load()).UTC(), x.silent.Load(),
	}
}

func (c *Collector) sorted() []*exporter {
	all := c.registry.all()
	slices.SortFunc(all, func(x, y *exporter) int {
		return cmp.Or(x.key.addr.Compare(y.key.addr), cmp.Compare(x.key.domain, y.key.domain),
			cmp.Compare(x.key.family, y.key.family))
	})
	return all
}

// Report implements egress.Reporter: of each exporter what came, and at once if it falls silent or sends again.
func (c *Collector) Report(news bool, a *flow.Attrs, emit func()) {
	for _, x := range c.sorted() {
		t := x.account(c.o.Name)
		if news && t.Silent == x.told {
			continue
		}
		x.told = t.Silent
		a.Reset()
		t.facts(a)
		emit()
	}
}

// facts says the account in fields.
func (t *Account) facts(a *flow.Attrs) {
	a.Text(flow.StatisticsOf, "collector")
	a.Text(flow.StatisticsName, t.Collector)
	switch addr := t.Exporter; {
	case addr.IsUnspecified(): // of a file nobody knows it
	case addr.Is4():
		a.Bytes(flow.ExporterIPv4, addr.AsSlice())
	default:
		a.Bytes(flow.ExporterIPv6, addr.AsSlice())
	}
	quiet := uint64(0)
	if t.Silent {
		quiet = 1
	}
	a.Uint(flow.ObservationDomain, uint64(t.Domain))
	a.Uint(flow.CollectedMessages, t.Messages)
	a.Uint(flow.CollectedOctets, t.Octets)
	a.Uint(flow.CollectedRecords, t.Records)
	a.Uint(flow.CollectedLost, t.Lost)
	a.Uint(flow.CollectedTemplates, uint64(t.Templates))
	a.Uint(flow.CollectedLast, uint64(t.Last.UnixNano()))
	a.Uint(flow.CollectedSilent, quiet)
}
