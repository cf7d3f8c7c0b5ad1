package export

import (
	"time"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/export/spool"
)

// Options of an exporter. The zero value of each member stands for its default.
type Options struct {
	Size     int           // octets of a message, as the format was told; 1400
	Age      time.Duration // how long a flow may wait for others; 1 s
	Queue    int           // messages that wait to be sent; 1024
	Block    bool          // when the queue is full wait instead of dropping
	Timeout  time.Duration // of an attempt to send; 10 s
	Patience time.Duration // how long a message is tried again; 30 s, or for ever if there is a spool
	Backoff  time.Duration // the first pause between attempts, doubled each time; 100 ms
	Retry    time.Duration // the longest pause; 5 s
	Records  uint32        // flows in a message at most; 0 is as many as fit
	Counters *Counters     // where to count; nil is the exporter's own memory

	// Wants says which flows are exported; nil is all. The others are counted as filtered.
	Wants func(*flow.View) bool
	// MessageRate is how many messages a second are sent at most, OctetRate how many octets; 0 is as
	// many as the destination takes.
	MessageRate, OctetRate float64
	// Spool is where messages wait on disk while the destination is away; nil is nowhere, and the queue
	// is all there is. The exporter closes it.
	Spool *spool.Log
	// Paused says that nothing is sent before Resume.
	Paused bool
}

func (o *Options) fill() {
	if o.Patience == 0 && o.Spool == nil {
		o.Patience = 30 * time.Second
	}
	o.Size = orElse(o.Size, DefaultSize)
	o.Age = orElse(o.Age, time.Second)
	o.Queue = orElse(o.Queue, 1024)
	o.Timeout = orElse(o.Timeout, 10*time.Second)
	o.Backoff = orElse(o.Backoff, 100*time.Millisecond)
	o.Retry = orElse(o.Retry, 5*time.Second)
	if o.Counters == nil {
		o.Counters = new(Counters)
	}
}

func orElse[T int | time.Duration](v, otherwise T) T {
	if v == 0 {
		return otherwise
	}
	return v
}
