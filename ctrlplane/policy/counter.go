package policy

import "github.com/weir-probe/weir/ctrlplane/egress"

// Counter is what a host counts.
type Counter int

const (
	Calls Counter = iota
	Unmatched
	Errors
	Runaways
	Resting
	Restarts
	Tags
	Sets
	Routed
	Alerts
	Commands
	CommandsLimited
	CommandsFailed
	CommandsDropped
	Unprinted
	StateEntries
	StateOctets
	StateEvicted
	StateExpired
	counters
)

// CounterDocs names and explains every Counter.
var CounterDocs = [counters]struct {
	Name, Doc string
	Gauge     bool
}{
	Calls:           {"calls", "Calls of functions of the policy.", false},
	Unmatched:       {"unmatched", "Records that passed because they do not meet the condition.", false},
	Errors:          {"errors", "Calls that failed.", false},
	Runaways:        {"runaways", "Calls that used up their instructions, their memory or their time.", false},
	Resting:         {"resting", "Records that had the default fate because several calls in a row had run away.", false},
	Restarts:        {"restarts", "Times that the policy began anew because its variables were larger than memory allows.", false},
	Tags:            {"tags", "Tags given to records.", false},
	Sets:            {"sets", "Fields that were given a value, or lost it.", false},
	Routed:          {"routed", "Records that went to some exporters only.", false},
	Alerts:          {"alerts", "Alerts that were raised.", false},
	Commands:        {"commands", "Programs that were to run, within the rate that is allowed.", false},
	CommandsLimited: {"commands_limited", "Programs that did not run because too many had been started in the second.", false},
	CommandsFailed:  {"commands_failed", "Programs that could not start, failed or took too long.", false},
	CommandsDropped: {"commands_dropped", "Programs that did not run because too many were waiting, or weir ended.", false},
	Unprinted:       {"unprinted", "Lines that were not logged because there were too many.", false},
	StateEntries:    {"state_entries", "Entries of state.", true},
	StateOctets:     {"state_octets", "Octets of memory for them.", true},
	StateEvicted:    {"state_evicted", "Entries of state that made room for others.", false},
	StateExpired:    {"state_expired", "Entries of state whose time was over.", false},
}

// Tally implements egress.Teller.
func (h *Host) Tally() (all []egress.Tally) {
	if !h.used {
		return nil // nobody had a policy yet
	}
	n := h.counts
	for _, c := range h.commands {
		s := c.Stats()
		n[CommandsFailed] += s.Failed
		n[CommandsDropped] += s.Dropped
	}
	n[StateEntries], n[StateOctets] = uint64(len(h.state.entries)), uint64(h.state.octets)
	n[StateEvicted], n[StateExpired] = h.state.evicted, h.state.expired
	for c, d := range CounterDocs {
		all = append(all, egress.Tally{Part: "policy", Name: d.Name, Doc: d.Doc, N: n[c], Gauge: d.Gauge})
	}
	return all
}
