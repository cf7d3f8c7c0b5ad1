package egress

import (
	"fmt"
	"slices"
	"strings"

	"github.com/weir-probe/weir/dissect/app"
	"github.com/weir-probe/weir/export"
)

// Records is a set of kinds of records: flows, and the events of each dissector.
type Records uint64

const (
	// Flows are the records that are made when flows end or are cut.
	Flows Records = 1 << 63
	// Events are the transactions of all dissectors, as they happen.
	Events Records = 1<<32 - 1
)

// EventsOf are the events of the dissector at a position of app.All.
func EventsOf(position int) Records { return 1 << position & Events }

// Kinds are the names of what can be exported: "flow", "event" for all events, and the name
// of each dissector for its events.
func Kinds() []string {
	names := []string{"flow", "event"}
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
		default:
			set |= EventsOf(position - 2)
		}
	}
	if len(kinds) == 0 {
		set = Flows
	}
	return set, nil
}

// Output is an exporter and the records that it gets.
type Output struct {
	*export.Exporter
	Records Records
}
