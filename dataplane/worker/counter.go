package worker

import (
	"unsafe"

	"github.com/weir-probe/weir/dataplane/nic"
	"github.com/weir-probe/weir/dataplane/ring"
	"github.com/weir-probe/weir/dissect"
)

// Counter is something a worker counts.
type Counter uint8

const (
	Received Counter = iota
	SampledOut
	Filtered
	NotInShard
	Refused
	Metered
	MeteredOctets
	TimeBackwards
	FragmentsJoined
	FragmentsHeld
	FragmentsLate
	FragmentsNoRoom
	FragmentsOverlapping
	Opened
	EndedIdle
	EndedActive
	EndedDetected
	EndedForced
	EndedResource
	Emptied
	Exported
	RingFull
	RingWaits
	TransactionsDone
	Events
	EventsRingFull
	TransactionsNoRoom
	TransactionsEarly
	TalksNoRoom
	StreamNoRoom
	HoldNoRoom
	HoldFull
	StateNoRoom
	AttrsNoRoom
	AttrsDropped
	StreamHoles
	StreamJumps
	MessageTooLong
	AsksPutOff
	BudgetOver
	GaveUp
	SCTPFragments
	DatagramsWhole
	DatagramsCut
	MalformedLimited
	MalformedRingFull
	TrackedFrames
	TrackedRingFull
	Counters int = iota
)

// CounterDocs names and explains every Counter; metrics and documentation come from it. In
// every Report, Received is the sum of SampledOut, Filtered, NotInShard, Refused, Metered
// and Report.Waiting, and the sum of the Ended ones is that of Exported and RingFull.
var CounterDocs = [Counters]struct{ Name, Doc string }{
	Received:   {"received", "Frames the source handed over."},
	SampledOut: {"sampled_out", "Frames left out by packet sampling."},
	Filtered:   {"filtered", "Frames the capture filter refused."},
	NotInShard: {"not_in_shard", "Frames that another worker on the same source counts."},
	Refused: {"refused",
		"Frames without a packet that can be metered; the dissection counters say why."},
	Metered:         {"metered", "Packets counted in a flow."},
	MeteredOctets:   {"metered_octets", "IP octets of the packets counted in a flow, headers included."},
	TimeBackwards:   {"time_backwards", "Packets with an earlier time than their flow's last one."},
	FragmentsJoined: {"fragments_joined", "Later fragments that got the ports of their first one."},
	FragmentsHeld: {"fragments_held",
		"Later fragments that came before their first one and waited for it."},
	FragmentsLate: {"fragments_late",
		"Later fragments metered without ports: the first one did not come in time."},
	FragmentsNoRoom: {"fragments_no_room",
		"Later fragments metered without ports: too many were waiting, or none may."},
	FragmentsOverlapping: {"fragments_overlapping",
		"Fragments with octets of their datagram that had been there before: a copy, or an attack (RFC 5722)."},
	Opened:    {"opened", "Flows that began."},
	EndedIdle: {"ended_idle", "Records made because no packet came for the idle timeout."},
	EndedActive: {"ended_active",
		"Records made because the flow had lasted the active timeout; it goes on."},
	EndedDetected: {"ended_detected", "Records made because TCP ended the connection."},
	EndedForced:   {"ended_forced", "Records made because the probe stopped."},
	EndedResource: {"ended_resource", "Records made early because the flow table was full."},
	Emptied: {"emptied",
		"Flows that ended without a packet since their last record, which leaves nothing to say."},
	Exported:  {"exported", "Records handed to the control plane."},
	RingFull:  {"ring_full", "Records lost because the control plane did not take them in time."},
	RingWaits: {"ring_waits", "Times the worker waited for the control plane to make room."},
	TransactionsDone: {"transactions",
		"Transactions and notices of which something was said: the sum of the next two."},
	Events: {"events",
		"Transactions handed to the control plane."},
	EventsRingFull: {"events_ring_full",
		"Transactions lost because the control plane did not take them in time."},
	TransactionsNoRoom: {"transactions_no_room",
		"Requests and responses not followed: too many transactions were open."},
	TransactionsEarly: {"transactions_early",
		"Transactions called unanswered before their time, to make room for others of their flow."},
	TalksNoRoom: {"streams_no_room",
		"Flows not looked into: too many were."},
	StreamNoRoom: {"stream_memory_full",
		"Parts of messages forgotten for want of memory; it counts as a hole, too."},
	HoldNoRoom: {"hold_memory_full",
		"Segments that came too early, and parts of SCTP messages, not held for want of memory."},
	HoldFull: {"hold_full",
		"Times a hole was given up because too many segments were held behind it."},
	StateNoRoom: {"state_memory_full",
		"Flows not looked into for want of memory for the dissector's state."},
	AttrsNoRoom: {"attributes_memory_full",
		"Attributes forgotten for want of memory."},
	AttrsDropped: {"attributes_dropped",
		"Attributes forgotten because a flow or transaction had too many."},
	StreamHoles: {"stream_holes",
		"Times octets of a stream that dissectors needed were not seen."},
	StreamJumps: {"stream_jumps",
		"Segments too far from the others of their stream to belong to it."},
	MessageTooLong: {"message_too_long",
		"Messages longer than is put together, of which the beginning did not suffice."},
	AsksPutOff: {"asks_put_off",
		"Times a message that grows by tiny segments was not parsed again at once."},
	BudgetOver: {"budget_over",
		"Times dissectors wanted to see too much of a flow, or a segment had too many messages."},
	GaveUp: {"gave_up",
		"Flows or directions no longer looked into because what they said made no sense any more."},
	SCTPFragments: {"sctp_fragments",
		"Fragments of SCTP messages that were not put together, because another one was not seen in its turn."},
	DatagramsWhole: {"datagrams_joined",
		"Datagrams of UDP that came in fragments and were put together for dissectors."},
	DatagramsCut: {"datagrams_cut",
		"Datagrams in fragments of which dissectors saw the beginning only: the others did not follow it in order."},
	MalformedLimited: {"malformed_limited",
		"Malformed packets not handed over because there were too many in a second."},
	MalformedRingFull: {"malformed_ring_full",
		"Malformed packets lost because the control plane did not take them in time."},
	TrackedFrames: {"tracked",
		"Frames handed over as they are, because a user's packets are tracked."},
	TrackedRingFull: {"tracked_ring_full",
		"Frames of tracked users lost because the control plane did not take records in time, which count more."},
}

// Report is what a worker says of itself: totals since it was made, unless noted. It
// travels through the ring as ring.Stats.
type Report struct {
	Time     uint64 // nanoseconds since the Unix epoch, by the worker's clock
	Worker   uint32 // Config.Index
	_        uint32
	Counters [Counters]uint64
	Stops    [dissect.Stops]uint64 // frames that were not sampled out, filtered or another shard's
	NIC      nic.Stats             // zero if the source does not count
	Active   uint64                // flows in the table now
	Capacity uint64                // flows the table holds at most
	Waiting  uint64                // fragments waiting now

	Dissectors   [MaxDissectors]Dissected // by their position in Config.Dissectors
	Streams      uint64                   // flows looked into now, or of which something was found
	StreamMemory uint64                   // octets in use for them
	Transactions uint64                   // waiting now, or being answered
}

// Load reads a message of kind ring.Stats and reports whether it is one.
func (r *Report) Load(message []byte) bool {
	if len(message) != int(unsafe.Sizeof(*r)) {
		return false
	}
	copy(unsafe.Slice((*byte)(unsafe.Pointer(r)), unsafe.Sizeof(*r)), message)
	return true
}

// Report says how things are. The worker's goroutine calls it.
func (w *Worker) Report() Report {
	r := Report{
		Time: w.now, Worker: w.conf.Index, Counters: w.counts, Stops: w.stops,
		Active: uint64(w.table.active()), Capacity: uint64(w.conf.Flows), Waiting: uint64(w.fragments.n),
		Dissectors: w.index, StreamMemory: uint64(w.arena.lent),
	}
	if len(w.talks) > 0 {
		r.Streams = uint64(w.conf.Streams - len(w.unused))
		r.Transactions = uint64(w.conf.Transactions - len(w.spare))
	}
	if w.source != nil {
		r.NIC = w.source.Stats()
	}
	return r
}

// report sends a Report if there is room for it; else the next one makes up for it.
func (w *Worker) report() {
	w.reported = w.now
	r := w.Report()
	if b := w.reserve(ring.Stats, int(unsafe.Sizeof(r))); b != nil {
		*(*Report)(unsafe.Pointer(unsafe.SliceData(b))) = r
	}
}
