// Package subscriber finds out who is behind a flow: who had an address or a tunnel while its packets
// flowed, as RADIUS, GTP, PFCP and Diameter tell. Signalling and traffic pass at different workers, and
// sometimes at different probes; the session store is where they meet.
package subscriber

import (
	"fmt"
	"time"

	"github.com/weir-probe/weir/ctrlplane/session"
)

// Options are a table of the configuration.
type Options struct {
	Sessions int           `toml:"capacity" in:"0..67108864"` // at a time; 0 is none
	Hold     time.Duration `toml:"hold" in:"0s..1m"`          // records wait so long for signalling
	HoldRoom int64         `toml:"hold_memory" in:"1MiB..64GiB"`
	Grace    time.Duration `toml:"grace" in:"0s..1m"` // traffic may begin so much before its signalling
	Longest  time.Duration `toml:"timeout" in:"1m..2400h"`
	Linger   time.Duration `toml:"linger" in:"0s..24h"` // 0 see the manual
	Say      []string      `toml:"fields" one:"imsi msisdn imei apn cell nas session mac"`
	Interval time.Duration `toml:"interval" in:"0s..24h"`             // of the records of usage; 0 is none
	DHCP     bool          `toml:"leases"`                            // who is known by DHCP alone is a user, too
	Tracks   string        `toml:"track_dir"`                         // where packets of users are kept that are tracked; empty is nowhere
	Room     int64         `toml:"track_total_size" in:"1MiB..64TiB"` // octets of all files there

	// What the rest of the configuration says.
	Idle, Active time.Duration // timeouts of flows
	Store        *session.Store
	Shared       bool // other probes know subscribers, too
	Leases       Leases
}

// Leases tell who had an address all the time from first to last, in nanoseconds since the Unix epoch, as DHCP
// knows: by MAC address, which may be nil, and host name, which may be empty. nil is that nobody tells.
type Leases interface {
	Holder(addr [16]byte, first, last uint64) (mac []byte, name string, ok bool)
}

// DefaultOptions returns those of a table that says nothing.
func DefaultOptions() Options {
	return Options{
		Sessions: 1 << 17, HoldRoom: 64 << 20, Room: 1 << 30, Longest: 24 * time.Hour,
		Say: []string{"imsi", "msisdn", "imei", "apn", "cell", "nas", "session", "mac"},
	}
}

// Check returns what is wrong with the options, and what to do about it.
func (o *Options) Check() error {
	if o.Grace > o.Longest {
		return fmt.Errorf("grace %v is longer than the timeout %v: give less", o.Grace, o.Longest)
	}
	return nil
}

// slack is how much later than it should a record may come.
const slack = 5 * time.Second

// linger returns for how long a binding that ended is remembered: as long as records of flows may come that
// it explains. One of a flow that goes on is made when the active timeout is over.
func (o *Options) linger() time.Duration {
	if o.Linger > 0 {
		return o.Linger
	}
	return max(o.Idle, o.Active) + o.Hold + slack
}
