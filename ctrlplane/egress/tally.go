package egress

import "github.com/weir-probe/weir/dataplane/flow"

// Tally is a count of a part of the control plane, as of calls or sessions.
type Tally struct {
	Part  string `json:"part"` // as "calls"
	Name  string `json:"name"` // as "evicted", in lower case with underscores
	Doc   string `json:"-"`    // in a sentence
	N     uint64 `json:"n"`
	Gauge bool   `json:"gauge,omitempty"` // it may become less
}

// A Teller counts and tells. Correlators that are Tellers are asked without being listed; the
// goroutine of the egress asks.
type Teller interface{ Tally() []Tally }

// A Reporter is a Teller with records of statistics of its own. The goroutine of the egress asks.
type Reporter interface {
	// Report puts facts together in a and emits them, of each of its parts, or of those of which there is news
	// since it was asked for that last.
	Report(news bool, a *flow.Attrs, emit func())
}

// tallies asks everybody who counts.
func (e *Egress) tallies() (all []Tally) {
	for _, c := range e.Correlators {
		if t, ok := c.(Teller); ok {
			all = append(all, t.Tally()...)
		}
	}
	for _, t := range e.Tellers {
		all = append(all, t.Tally()...)
	}
	return append(all, e.holding()...)
}
