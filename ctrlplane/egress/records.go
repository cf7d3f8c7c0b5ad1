package egress

import (
	"fmt"
	"slices"
	"strings"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/app"
)

// Kind is whose record one is. It is finer than flow.Kind, as the events of each dissector are a
// kind of their own (see EventsOf).
type Kind uint8

const (
	Flows       Kind = iota // made when flows end or are cut
	Calls                   // made of signalling and media
	Statistics              // what weir counts
	Subscribers             // what each subscriber has used
	Groups                  // what all have used that share an access point name and a cell
	Devices                 // what other devices count
	Aggregates              // what records have in common, summed up
	Alerts                  // what a policy raised the alarm about
	plain       int  = iota // how many kinds there are besides events
	firstEvents Kind = 32   // those of the first of app.All
)

// kinds are the names of the kinds besides events, by Kind, and what they are to formats.
var kinds = [plain]struct {
	name string
	kind flow.Kind
}{
	Flows:      {"flow", flow.KindFlow},
	Calls:      {"call", flow.KindCall},
	Statistics: {"statistics", flow.KindStatistics},

	Subscribers: {"subscriber", flow.KindUsage},
	Groups:      {"group", flow.KindUsage},
	Devices:     {"counters", flow.KindCounters},
	Aggregates:  {"aggregate", flow.KindAggregate},
	Alerts:      {"alert", flow.KindAlert},
}

// EventsOf are the events of the dissector at a position of app.All.
func EventsOf(position int) Kind { return firstEvents + Kind(position) }

// Of returns what a record of the kind is to formats.
func (k Kind) Of() flow.Kind {
	if k >= firstEvents || int(k) >= plain {
		return flow.KindEvent
	}
	return kinds[k].kind
}

// Name returns the name of the kind, for events that of the dissector; "" if there is no such kind.
func (k Kind) Name() string {
	switch i := int(k) - int(firstEvents); {
	case i >= 0 && i < len(app.All):
		return app.All[i].Name
	case int(k) < plain:
		return kinds[k].name
	}
	return ""
}

// Records is a set of kinds. The zero value is empty.
type Records [4]uint64

// Only returns the set of some kinds.
func Only(some ...Kind) (r Records) {
	for _, k := range some {
		r[k/64] |= 1 << (k % 64)
	}
	return r
}

// Events returns the set of the events of all dissectors.
func Events() (r Records) {
	for i := range app.All {
		r = r.And(Only(EventsOf(i)))
	}
	return r
}

// And returns what is in either set.
func (r Records) And(other Records) Records {
	for i := range r {
		r[i] |= other[i]
	}
	return r
}

// Has reports whether the kind is in the set.
func (r Records) Has(k Kind) bool { return r[k/64]>>(k%64)&1 != 0 }

// Meets reports whether some kind is in both sets.
func (r Records) Meets(other Records) bool {
	for i := range r {
		if r[i]&other[i] != 0 {
			return true
		}
	}
	return false
}

// Kinds are the names of what can be exported: "flow", "event" for all events, those of other
// kinds, and the name of each dissector for its events.
func Kinds() []string {
	names := []string{kinds[Flows].name, flow.KindEvent.String()}
	for _, k := range kinds[Flows+1:] {
		names = append(names, k.name)
	}
	for _, d := range app.All {
		names = append(names, d.Name)
	}
	return names
}

// ParseRecords returns the set that Kinds name; none are flows.
func ParseRecords(names []string) (set Records, err error) {
	if len(names) == 0 {
		return Only(Flows), nil
	}
	for _, name := range names {
		some, ok := named(name)
		if !ok {
			return Records{}, fmt.Errorf("records %q are unknown: use some of %s", name, strings.Join(Kinds(), " "))
		}
		set = set.And(some)
	}
	return set, nil
}

// named returns the kinds with a name.
func named(name string) (Records, bool) {
	if name == flow.KindEvent.String() {
		return Events(), true
	}
	for k := range kinds {
		if kinds[k].name == name {
			return Only(Kind(k)), true
		}
	}
	i := slices.IndexFunc(app.All, func(d *app.Dissector) bool { return d.Name == name })
	if i < 0 {
		return Records{}, false
	}
	return Only(EventsOf(i)), true
}
