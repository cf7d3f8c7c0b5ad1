package expect

import "github.com/weir-probe/weir/ctrlplane/egress"

// Counter is something a Correlator counts.
type Counter uint8

// What is counted.
const (
	Announced Counter = iota
	Tied
	counters
)

// Counters explains what is counted, by Counter.
var Counters = [counters]struct{ Name, Doc string }{
	Announced: {"announced", "Transactions that tell of a flow to come, as the data connection of FTP."},
	Tied:      {"tied", "Records of flows to which what announced them was added."},
}

// Tally implements egress.Teller.
func (c *Correlator) Tally() (all []egress.Tally) {
	for i, d := range Counters {
		all = append(all, egress.Tally{Part: "expected", Name: d.Name, Doc: d.Doc, N: c.counts[i]})
	}
	return all
}
