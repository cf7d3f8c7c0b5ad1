package egress

import (
	"fmt"
	"slices"
	"strings"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/app"
)

// Records is a set of kinds of records: flows, and the events of each dissector.
type Records uint64

const (
	// Flows are the records that are made when flows end or are cut.
	Flows Records = 1 << 63
	// Calls are made of signalling and media.
	Calls Records = 1 << 62
	// Statistics are what weir counts.
	Statistics Records = 1 << 61
	// Events are the transactions of all dissectors, as they happen.
	Events Records = 1<<61 - 1
)

// Kind returns what a record in the set is; the set has one kind of record only.
func (r Records) Kind() flow.Kind {
	switch r {
	case Flows:
		return flow.KindFlow
	case Calls:
		return flow.KindCall
	case Statistics:
		return flow.KindStatistics
	}
	return flow.KindEvent
}

// EventsOf are the events of the dissector at a position of app.All.
func EventsOf(position int) Records { return 1 << position & Events }

// Kinds are the names of what can be exported: "flow", "event" for all events, "call",
// "statistics", and the name of each dissector for its events.
func Kinds() []string {
	names := []string{"flow", "event", "call", "statistics"}
	for _, d := range app.All {
		names = append(names, d.Name)
	}
	return names
}

// ParseRecords returns the set that Kinds name; none are flows.
func ParseRecords(kinds []string) (set Records, err error) {
	known := Kinds()
	for _, kind := range kinds {
		switch position := slices.Index(known, kind); position {
		case -1:
			return 0, fmt.Errorf("records %q are unknown: use some of %s", kind, strings.Join(known, " "))
		case 0:
			set |= Flows
		case 1:
			set |= Events
		case 2:
			set |= Calls
		case 3:
			set |= Statistics
		default:
			set |= EventsOf(position - 4)
		}
	}
	if len(kinds) == 0 {
		set = Flows
	}
	return set, nil
}
