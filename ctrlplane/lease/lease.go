// Package lease tells who had an address while a flow lasted: the MAC address and the host name that
// DHCP was told. What it learns is kept among the sessions, under session.Lease and the address, and so
// known to all probes that share them.
package lease

import (
	"time"

	"github.com/weir-probe/weir/ctrlplane/egress"
	"github.com/weir-probe/weir/ctrlplane/session"
	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/app"
)

// Correlator implements egress.Correlator. It makes no records.
type Correlator struct {
	sessions *session.Store
	v4, v6   egress.Kind // events of DHCP
	asked    map[asker]request
	now      uint64
	known    bool // there was a lease, or others may know some
	counts   [Counters]uint64
	text     []byte
}

// request is what a client asked that is not answered yet.
type request struct {
	name string
	at   uint64
}

// crowd is how many requests without an answer are remembered.
const crowd = 1 << 14

// linger is how long a lease that is over is remembered, for the records of flows that it lasted for.
const linger = uint64(10 * time.Minute)

// Counter is something a Correlator counts.
type Counter uint8

// What is counted.
const (
	Learned Counter = iota
	Renewed
	Ended
	Foreign
	Told
	Counters int = iota
)

// CounterDocs names and explains the counters, in their order.
var CounterDocs = [Counters]struct{ Name, Doc string }{
	Learned: {"learned", "Addresses that DHCP gave to somebody who did not have them."},
	Renewed: {"renewed", "Leases that were renewed."},
	Ended:   {"ended", "Leases that their clients gave up."},
	Foreign: {"foreign", "Leases that somebody else than their client said to give up, which ends none."},
	Told:    {"told", "Ends of flows and transactions of which was said who had the address."},
}

// New returns a Correlator that keeps what it learns in a store. shared says that others put leases there.
func New(sessions *session.Store, shared bool) *Correlator {
	c := &Correlator{sessions: sessions, asked: map[asker]request{}, known: shared}
	for i, d := range app.All {
		switch d {
		case &app.DHCP:
			c.v4 = egress.EventsOf(i)
		case &app.DHCPv6:
			c.v6 = egress.EventsOf(i)
		}
	}
	return c
}

// Take learns from DHCP, and adds to every record who had its addresses.
func (c *Correlator) Take(kind egress.Kind, v *flow.View, a *flow.Attrs) {
	if kind == c.v4 || kind == c.v6 {
		c.learn(v, a, kind == c.v6)
	}
	if !c.known || v.Ignored&flow.KeyAddresses != 0 {
		return
	}
	c.tell(v, a, v.Src, flow.SrcLeaseMAC, flow.SrcLeaseName)
	c.tell(v, a, v.Dst, flow.DstLeaseMAC, flow.DstLeaseName)
}

// tell says who had an address while the flow lasted.
func (c *Correlator) tell(v *flow.View, a *flow.Attrs, addr [16]byte, mac, name *flow.Field) {
	x, ok := c.find(addr)
	if !ok || x.begin > v.Last || x.end < v.First {
		return
	}
	c.counts[Told]++
	if x.mac != nil {
		a.Bytes(mac, x.mac)
	}
	if x.name != "" {
		a.Text(name, x.name)
	}
}

// Holder returns who had an address all the time from first to last, in nanoseconds since the Unix epoch: MAC
// address, nil if it is not known, and host name.
func (c *Correlator) Holder(addr [16]byte, first, last uint64) (mac []byte, name string, ok bool) {
	if !c.known {
		return nil, "", false
	}
	x, ok := c.find(addr)
	if !ok || x.begin > first || x.end < last {
		return nil, "", false
	}
	return x.mac, x.name, true
}

// Tick tells the store the time.
func (c *Correlator) Tick(now uint64, _ func(kind egress.Kind, v *flow.View)) {
	if now > c.now {
		c.now = now
		c.sessions.Tick(now)
	}
}

// Flush does nothing: there are no records to make.
func (c *Correlator) Flush(func(kind egress.Kind, v *flow.View)) {}

// Tally implements egress.Teller.
func (c *Correlator) Tally() (all []egress.Tally) {
	for i, d := range CounterDocs {
		all = append(all, egress.Tally{Part: "leases", Name: d.Name, Doc: d.Doc, N: c.counts[i]})
	}
	return all
}
