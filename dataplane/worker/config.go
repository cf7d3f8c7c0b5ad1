// Package worker is the dataplane: one worker per core, each polling its own queue and
// keeping its own flows. Workers share nothing and take no locks.
package worker

import (
	"errors"
	"fmt"
	"time"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dataplane/nic/filter"
	"github.com/weir-probe/weir/dissect/app"
)

// Config is what a worker needs to know.
type Config struct {
	Index    uint32        // number of the worker, given in its reports
	Flows    int           // capacity of the flow table
	Idle     time.Duration // a flow ends when no packet came for so long
	Active   time.Duration // a longer flow is reported in parts of so long
	Linger   time.Duration // a TCP connection ends so long after its FINs or RST
	Lateness time.Duration // a flow that ended is handed over at most so much later
	Seed     uint64        // of the hash; must not be guessed; 0 draws one

	// Fragments is how many fragmented datagrams the ports are remembered of; 0 meters
	// fragments other than the first without ports. FragmentTimeout is for how long.
	Fragments       int
	FragmentTimeout time.Duration

	// Streams is how many flows may be looked into at a time, from when a dissector accepts a
	// message or waits for the rest of one until the flow ends; 0 looks into none. StreamMemory is
	// how many octets there are for what has to be kept of them: parts of messages, attributes, the
	// dissectors' State. Transactions is how many may wait for their responses, TransactionTimeout
	// for how long.
	Streams            int
	StreamMemory       int
	Transactions       int
	TransactionTimeout time.Duration
	Dissectors         []*app.Dissector // at most MaxDissectors, those first in doubt first; nil is app.All
	Early              uint64           // bit i: dissector i's transactions are told at the request
	Off                uint64           // bit i: dissector i is not used
	Malformed          int              // malformed packets a second to hand over

	Sampling uint32          // meter one packet in so many; 0 and 1 are all
	Filter   *filter.Program // frames it refuses are not metered; nil lets all pass
	Ignore   flow.KeyPart    // parts of the key not to look at
	Ingress  bool            // the interface is part of the key
	Outer    bool            // meter the outermost IP packet of tunnels
	NoSwap   bool            // the first packet's sender is the initiator, without heuristics
	Blocks   flow.Block      // cold blocks to maintain
	Shard    Shard           // the part of the frames to meter when several workers see all of them
	Wait     bool            // when the ring is full wait for the consumer instead of dropping
}

// Shard is one of Of equal parts of all flows; zero is everything.
type Shard struct{ Index, Of uint32 }

// MaxFlows and the others bound what a table may be asked to hold.
const (
	MaxFlows     = 1 << 28
	MaxFragments = 1 << 24

	MaxStreams      = 1 << 24
	MaxStreamMemory = 1 << 36
	MaxTransactions = 1 << 26
	MaxDissectors   = 64
)

// check returns what is wrong with c.
func (c *Config) check() error {
	var errs []error
	wrong := func(is bool, format string, a ...any) {
		if is {
			errs = append(errs, fmt.Errorf("worker: "+format, a...))
		}
	}
	wrong(c.Flows < 1 || c.Flows > MaxFlows, "table of %d flows: give 1 to %d", c.Flows, MaxFlows)
	wrong(c.Idle <= 0 || c.Active <= 0, "timeouts idle %v, active %v: give more than 0", c.Idle, c.Active)
	wrong(c.Linger < 0, "linger %v: give 0 or more", c.Linger)
	wrong(c.Lateness <= 0, "lateness %v: give more than 0", c.Lateness)
	wrong(c.Fragments < 0 || c.Fragments > MaxFragments,
		"cache of %d fragmented datagrams: give 0 to %d", c.Fragments, MaxFragments)
	wrong(c.Fragments > 0 && c.FragmentTimeout <= 0,
		"fragment timeout %v: give more than 0", c.FragmentTimeout)
	wrong(c.Shard.Of > 0 && c.Shard.Index >= c.Shard.Of, "shard %d of %d", c.Shard.Index, c.Shard.Of)
	c.checkInspection(wrong)
	return errors.Join(errs...)
}
