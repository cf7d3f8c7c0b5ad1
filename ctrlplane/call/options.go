// Package call makes one record of each call: of what was said to set it up and to end it (SIP, RFC
// 3261), and of how the media sounded that belongs to it (RTP). The two pass at different workers,
// in any order, and sometimes at different probes.
package call

import (
	"time"

	"github.com/weir-probe/weir/ctrlplane/egress"
	"github.com/weir-probe/weir/ctrlplane/session"
)

// Options are a table of the configuration.
type Options struct {
	Calls     int           `toml:"capacity" in:"0..16777216"` // at a time; 0 is no records of calls
	Hold      time.Duration `toml:"hold" in:"0s..1h"`          // after the end, for media to come; 0 see the manual
	Setup     time.Duration `toml:"setup_timeout" in:"10s..1h"`
	Longest   time.Duration `toml:"timeout" in:"1m..168h"` // of a call without signalling and media
	MediaOnly bool          `toml:"media_only"`            // records of media without signalling, too
	Link      []string      `toml:"link" one:"session-id x-cid charging-id in-reply-to"`

	// What the rest of the configuration says.
	Idle, Active time.Duration  // timeouts of flows
	Sessions     *session.Store // where endpoints of media are known; nil is nowhere
}

// DefaultOptions returns those of a table that says nothing.
func DefaultOptions() Options {
	return Options{
		Calls: 1 << 15, Setup: 5 * time.Minute, Longest: 2 * time.Hour, MediaOnly: true,
		Link: []string{"x-cid", "session-id"},
	}
}

// linkFields are the fields that names of Options.Link mean, as positions in signalFields.
var linkFields = map[string]int{
	"session-id": sipSessionID, "x-cid": sipXCID, "charging-id": sipChargingID, "in-reply-to": sipInReplyTo,
}

// slack is how much later than it should something may come.
const slack = 5 * time.Second

// patience is how long a transaction may still be repeated after its end, or tried anew after a
// challenge: 64 times T1 (RFC 3261, section 17.1.1.2).
const patience = 32 * time.Second

// hold returns how long the records of media may take to come after the end of a call.
func (o *Options) hold() time.Duration {
	if o.Hold > 0 {
		return o.Hold
	}
	return o.Idle + slack
}

// Counter is something a Correlator counts.
type Counter uint8

// What is counted.
const (
	Opened Counter = iota
	Ended
	TimedOut
	Evicted
	Stopped
	MediaCalls
	Late
	Outside
	NoCallID
	NoRoom
	Flows
	FlowsJoined
	FlowsLoose
	FlowsNoRoom
	EndpointsNoRoom
	Counters int = iota
)

// CounterDocs names and explains the counters, in their order. Opened is Ended, TimedOut, Evicted,
// Stopped and what is still going on, together.
var CounterDocs = [Counters]struct{ Name, Doc string }{
	Opened:          {"opened", "Calls and registrations that began, or were seen for the first time."},
	Ended:           {"ended", "Records of calls and registrations that came to an end."},
	TimedOut:        {"timed_out", "Records of those of which nothing more was seen."},
	Evicted:         {"evicted", "Records of those that had to make room for others, answered calls last."},
	Stopped:         {"stopped", "Records of those that went on when weir stopped."},
	MediaCalls:      {"media_only", "Records of media whose signalling was not seen."},
	Late:            {"late", "Transactions of calls whose record was made already."},
	Outside:         {"outside", "Transactions that belong to no call, as OPTIONS and MESSAGE."},
	NoCallID:        {"no_call_id", "Transactions of SIP without Call-ID or method."},
	NoRoom:          {"no_room", "Transactions left out because too many calls waited for their records to be made."},
	Flows:           {"flows", "Records of flows with media."},
	FlowsJoined:     {"flows_joined", "Flows of media that were found to belong to a call."},
	FlowsLoose:      {"flows_loose", "Flows of media whose call was not found in time."},
	FlowsNoRoom:     {"flows_no_room", "Records of media left out because there were too many flows of media."},
	EndpointsNoRoom: {"endpoints_no_room", "Endpoints of media left out because a call described too many."},
}

// Tally implements egress.Teller.
func (c *Correlator) Tally() []egress.Tally {
	const part = "calls"
	all := []egress.Tally{
		{Part: part, Name: "active", Doc: "Calls and registrations in hand.", N: uint64(c.calls.inUse()), Gauge: true},
		{Part: part, Name: "flows_active", Doc: "Flows of media in hand.", N: uint64(c.flows.inUse()), Gauge: true},
	}
	for i, n := range c.counts {
		all = append(all, egress.Tally{Part: part, Name: CounterDocs[i].Name, Doc: CounterDocs[i].Doc, N: n})
	}
	return all
}

// signalFields are what is read of a transaction of SIP, in the order of the constants.
const (
	sipMethod = iota
	sipCallID
	sipCSeq
	sipFromTag
	sipToTag
	sipCode
	sipUACMedia
	sipUASMedia
	sipInviteTime
	sipTryingTime
	sipRingingTime
	sipProgressTime
	sipOKTime
	sipFailureTime
	sipByeTime
	sipByeOKTime
	sipCancelTime
	sipCancelOKTime
	sipResponseRepeats
	sipInfoTone
	sipSessionID
	sipXCID
	sipChargingID
	sipInReplyTo
	sipAsker
	sipBegin
	sipResponse
	sipRepeats
	sipLatency
	signalCount
)
