package subscriber

import "github.com/weir-probe/weir/ctrlplane/egress"

// Counter is something a Correlator counts.
type Counter uint8

// What is counted.
const (
	Opened Counter = iota
	Ended
	TimedOut
	Evicted
	Nameless
	Lost
	Bound
	Released
	Displaced
	Contested
	Tagged
	Untagged
	Ambiguous
	Leased
	Counters int = iota
)

// CounterDocs names and explains the counters, in their order. Opened is Ended, TimedOut, Evicted and what
// is still going on, together.
var CounterDocs = [Counters]struct{ Name, Doc string }{
	Opened:    {"opened", "Sessions of subscribers that began, or were seen for the first time."},
	Ended:     {"ended", "Sessions that came to an end."},
	TimedOut:  {"timed_out", "Sessions of which nothing more was seen."},
	Evicted:   {"evicted", "Sessions that had to make room for others, those not seen for long first."},
	Nameless:  {"nameless", "Signalling that says of an address or tunnel, but not whose it is."},
	Lost:      {"lost", "Signalling about sessions whose beginning was not seen."},
	Bound:     {"bound", "Times that an address, prefix or tunnel became somebody's, or was said to be again."},
	Released:  {"released", "Times that one was somebody's no more."},
	Displaced: {"displaced", "Times that one became somebody else's though nobody had said that it was free."},
	Contested: {"contested", "Addresses among them that two access points use: nobody's until it is clear whose."},
	Tagged:    {"tagged", "Records of flows and events whose subscriber is known."},
	Untagged:  {"untagged", "Records whose addresses and tunnels are of no known subscriber, or were not all the time."},
	Leased:    {"leased", "Records among those whose subscriber is known, by DHCP alone."},
	Ambiguous: {"ambiguous", "Records among them whose two tunnels are of different subscribers."},
}

// Tally implements egress.Teller.
func (c *Correlator) Tally() []egress.Tally {
	const part = "subscribers"
	all := []egress.Tally{
		{Part: part, Name: "active", Doc: "Sessions of subscribers in hand.", N: uint64(c.held), Gauge: true},
	}
	for i, n := range c.book.counts {
		all = append(all, egress.Tally{Part: part, Name: CounterDocs[i].Name, Doc: CounterDocs[i].Doc, N: n})
	}
	return all
}
