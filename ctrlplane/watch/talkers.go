package watch

import (
	"net/netip"
	"slices"

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
	now, before generation
	until       uint64
}

func (t *talkers) init() { t.now, t.before = newGeneration(), newGeneration() }

func (t *talkers) add(r *flow.Record) {
	if r.Last >= t.until {
		if r.Last >= t.until+period {
			t.now = newGeneration() // it was silent for so long
		}
		t.before, t.now, t.until = t.now, newGeneration(), r.Last+period
	}
	octets, packets := r.Octets[0]+r.Octets[1], r.Packets[0]+r.Packets[1]
	if r.Ignored&flow.KeyAddresses != 0 || r.Version == 0 {
		return
	}
	t.now.add(r.Src, octets, packets)
	t.now.add(r.Dst, octets, packets)
}

// generation counts hosts in twice as many counters. When all are taken, the middle one of them is taken
// off all, which leaves room for as many as had less (Anderson et al., "A High-Performance Algorithm for
// Identifying Frequent Items in Data Streams", 2017).
type generation struct {
	of    map[[16]byte]*counted
	free  []*counted
	taken uint64 // off each
}

type counted struct{ octets, packets, flows uint64 }

func newGeneration() generation { return generation{of: make(map[[16]byte]*counted)} }

func (g *generation) add(addr [16]byte, octets, packets uint64) {
	c := g.of[addr]
	if c == nil {
		if len(g.of) == 2*hosts {
			g.shrink()
		}
		c = g.fresh()
		g.of[addr] = c
	}
	c.octets += octets
	c.packets += packets
	c.flows++
}

func (g *generation) fresh() *counted {
	n := len(g.free)
	if n == 0 {
		return new(counted)
	}
	c := g.free[n-1]
	g.free = g.free[:n-1]
	*c = counted{}
	return c
}

func (g *generation) shrink() {
	all := make([]uint64, 0, 2*hosts)
	for _, c := range g.of {
		all = append(all, c.octets)
	}
	slices.Sort(all)
	middle := all[hosts]
	g.taken += middle
	for addr, c := range g.of {
		if c.octets <= middle {
			delete(g.of, addr)
			g.free = append(g.free, c)
			continue
		}
		c.octets -= middle
	}
}

// Top returns up to so many hosts with the most octets of the last minute or two.
func (h *Hub) Top(most int) (all []Talker) {
	h.mu.Lock()
	sums := map[[16]byte]Talker{}
	for _, g := range []*generation{&h.talkers.now, &h.talkers.before} {
		for addr, c := range g.of {
			s := sums[addr]
			sums[addr] = Talker{
				Address: netip.AddrFrom16(addr).Unmap(), Octets: s.Octets + c.octets + g.taken, Packets: s.Packets + c.packets,
				Flows: s.Flows + c.flows, Error: s.Error + g.taken,
			}
		}
	}
	h.mu.Unlock()
	for _, s := range sums {
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b Talker) int {
		if a.Octets != b.Octets {
			if a.Octets > b.Octets {
				return -1
			}
			return 1
		}
		return a.Address.Compare(b.Address)
	})
	return all[:min(len(all), max(most, 0))]
}
