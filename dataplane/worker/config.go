// Package worker is the dataplane: one worker per core, each polling its own queue and
// keeping its own flows. Workers share nothing and take no locks.
package worker

import (
	"time"

	"github.com/weir-probe/weir/dataplane/flow"
)

// Config is what a worker needs to know.
type Config struct {
	Flows    int           // capacity of the flow table
	Idle     time.Duration // a flow ends when no packet came for so long
	Active   time.Duration // a longer flow is reported in parts of so long
	Linger   time.Duration // a TCP connection ends so long after its FINs or RST
	Lateness time.Duration // a flow that ended is handed over at most so much later
	Seed     uint64        // of the hash; must not be guessed

	Sampling uint32       // meter one packet in so many; 0 and 1 are all
	Filter   Filter       // frames it refuses are not metered; nil lets all pass
	Ignore   flow.KeyPart // parts of the key not to look at
	Ingress  bool         // the interface is part of the key
	Outer    bool         // meter the outermost IP packet of tunnels
	NoSwap   bool         // the first packet's sender is the initiator, without heuristics
	Blocks   flow.Block   // cold blocks to maintain
	Shard    Shard        // the part of the frames to meter when several workers see all of them
	Wait     bool         // when the ring is full wait for the consumer instead of dropping
}

// Shard is one of Of equal parts of all flows; zero is everything.
type Shard struct{ Index, Of uint32 }

// Filter decides on a frame by its octets (see nic/filter).
type Filter interface {
	Match(frame []byte, wire uint32) bool
}
