package watch

import (
	"net/netip"

	"github.com/weir-probe/weir/ctrlplane/aggregate"
	"github.com/weir-probe/weir/dataplane/flow"
)

// Talker is a host and what it sent and received in flows that were reported of late.
type Talker struct {
	Address netip.Addr `json:"address"`
	Octets  uint64     `json:"octets" doc:"Sent and received, at most: by Error too many at worst."`
	Packets uint64     `json:"packets" doc:"Sent and received, while the host was among those counted."`
	Flows   uint64     `json:"flows" doc:"Flows of the host, while it was among those counted."`
	Error   uint64     `json:"error" doc:"Octets that may be those of others."`
}

// hosts is how good counts are: one that has more than 1/hosts of all octets is among them, and no count
// is too high by more than that.
const hosts = 2048

// period is how long counts are of, in nanoseconds: between one period and two.
const period = 60e9

// talkers counts hosts in two generations, so that what was long ago is forgotten.
type talkers struct {
	now, before *aggregate.Table
	until       uint64
}

func (t *talkers) open() {
	t.now = aggregate.NewTable(aggregate.Octets, hosts)
	t.before = aggregate.NewTable(aggregate.Octets, hosts)
}

func (t *talkers) add(r *flow.Record) {
	if r.Last >= t.until {
		if r.Last >= t.until+period {
			t.now.Reset() // it was silent for so long
		}
		t.before, t.now, t.until = t.now, t.before, r.Last+period
		t.now.Reset()
	}
	if r.Ignored&flow.KeyAddresses != 0 || r.Version == 0 {
		return
	}
	x := aggregate.Sums{Octets: r.Octets, Packets: r.Packets, Records: 1}
	t.now.Add(r.Src[:], &x)
	t.now.Add(r.Dst[:], &x)
}

// Top returns up to so many hosts with the most octets of the last minute or two.
func (h *Hub) Top(most int) (all []Talker) {
	sum := aggregate.NewTable(aggregate.Octets, hosts)
	h.mu.Lock()
	sum.Merge(h.talkers.now)
	sum.Merge(h.talkers.before)
	h.mu.Unlock()
	rows, _ := sum.Top(most)
	for i := range rows {
		r := &rows[i]
		all = append(all, Talker{
			Address: netip.AddrFrom16([16]byte([]byte(r.Key))).Unmap(), Octets: aggregate.Octets.Of(&r.Sums) + r.Missing,
			Packets: aggregate.Packets.Of(&r.Sums), Flows: r.Records, Error: r.Missing,
		})
	}
	return all
}
