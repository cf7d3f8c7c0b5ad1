package export

import "sync/atomic"

// Counters is what an exporter counts. It has no pointers and a fixed layout, so it may lie
// in memory that outlives the process. Any goroutine may read it at any time. Once the
// exporter is closed, Records plus Recovered is Exported plus Spooled plus all of Dropped.
type Counters struct {
	Records  atomic.Uint64 // flows given to the exporter
	Exported atomic.Uint64 // flows in messages the sink took
	Dropped  [Reasons]atomic.Uint64
	Messages atomic.Uint64 // messages the sink took
	Octets   atomic.Uint64 // octets in them
	Retries  atomic.Uint64 // attempts to send a message after the first
	Failures atomic.Uint64 // attempts that failed

	Zeroed    atomic.Uint64 // flows with absent values written as zeroes, for want of templates
	Cut       atomic.Uint64 // flows with strings cut to fit
	Saturated atomic.Uint64 // flows with counters too large for their element

	Filtered  atomic.Uint64 // flows left out because the exporter does not want them; not in Records
	Vetoed    atomic.Uint64 // flows that a policy kept from the exporter; nor are they
	Recovered atomic.Uint64 // flows found in the spool that an earlier run had left there
	Spooled   atomic.Uint64 // flows that are in the spool now
	Replayed  atomic.Uint64 // flows exported that were in the spool before
	Spool     atomic.Uint64 // which spool Spooled tells of; 0 is none

	// What the metering process reports; its owner stores it here, formats pass it on.
	IgnoredPackets, LostPackets atomic.Uint64
}

// Reason is why a flow was not exported.
type Reason uint8

const (
	QueueFull Reason = iota
	SendFailed
	Unrepresentable
	ShutdownTimeout
	Interrupted
	Rejected
	SpoolFull
	SpoolExpired
	SpoolCorrupt
	SpoolFailed
	WhilePaused
	Reasons
)

var reasons = [Reasons][2]string{
	QueueFull:       {"queue_full", "The queue was full: the collector is slower than the flows come."},
	SendFailed:      {"send_failed", "The message could not be sent in the time allowed."},
	Unrepresentable: {"unrepresentable", "The format has no way to say it, as NetFlow v5 has none for IPv6."},
	ShutdownTimeout: {"shutdown_timeout", "The time to shut down was over before the message was sent."},
	Interrupted:     {"interrupted", "The process ended before it could send or count the message."},
	Rejected:        {"rejected", "The destination took the message but refused the record for good."},
	SpoolFull:       {"spool_full", "The spool or its disk had no room, and its policy chose the record."},
	SpoolExpired:    {"spool_expired", "The message waited in the spool for longer than it may."},
	SpoolCorrupt:    {"spool_corrupt", "The message was damaged on the disk of the spool."},
	SpoolFailed:     {"spool_failed", "The disk of the spool failed when the message was written."},
	WhilePaused:     {"paused", "The exporter was paused, and had no room left or was ended."},
}

func (r Reason) String() string { return reasons[r][0] }

// Doc explains the reason in a sentence.
func (r Reason) Doc() string { return reasons[r][1] }

// DroppedTotal returns the flows dropped for any reason.
func (c *Counters) DroppedTotal() (n uint64) {
	for i := range c.Dropped {
		n += c.Dropped[i].Load()
	}
	return n
}

// Pending returns the flows that are in memory: neither exported nor dropped nor in the spool.
func (c *Counters) Pending() uint64 {
	done := c.Exported.Load() + c.DroppedTotal()
	done += c.Spooled.Load()
	return max(c.Records.Load()+c.Recovered.Load(), done) - done
}
