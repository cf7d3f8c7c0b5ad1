package route

import (
	"net/netip"

	"github.com/weir-probe/weir/ctrlplane/egress"
	"github.com/weir-probe/weir/dataplane/flow"
)

// Stage implements egress.Stage. It must come before what else knows the autonomous systems of addresses:
// what is said first counts.
type Stage struct{ Table *Table }

// Enrich says how both ends of a flow are reached. That towards the server is where it goes.
func (s Stage) Enrich(v *flow.View, a *flow.Attrs) {
	if v.Ignored&flow.KeyAddresses != 0 {
		return
	}
	if r, bits := s.Table.Find(netip.AddrFrom16(v.Src).Unmap()); r != nil {
		a.Uint(flow.SrcMask, uint64(bits))
		r.tell(a, flow.SrcAS, flow.PrevAdjacentAS, flow.SrcASPath[:])
	}
	r, bits := s.Table.Find(netip.AddrFrom16(v.Dst).Unmap())
	if r == nil {
		return
	}
	a.Uint(flow.DstMask, uint64(bits))
	r.tell(a, flow.DstAS, flow.NextAdjacentAS, flow.DstASPath[:])
	if r.NextHop.Is4() {
		a.Bytes(flow.BGPNextHopIPv4, r.NextHop.AsSlice())
	} else if r.NextHop.Is6() {
		a.Bytes(flow.BGPNextHopIPv6, r.NextHop.AsSlice())
	}
}

// tell says the path of a route. A route from inside has none.
func (r *Route) tell(a *flow.Attrs, origin, adjacent *flow.Field, path []*flow.Field) {
	n := len(r.Path)
	if n == 0 {
		return
	}
	a.Uint(origin, uint64(r.Path[n-1]))
	a.Uint(adjacent, uint64(r.Path[0]))
	for i := range min(n, len(path)) {
		a.Uint(path[i], uint64(r.Path[i]))
	}
}

// Tally implements egress.Teller.
func (t *Table) Tally() []egress.Tally {
	t.mu.RLock()
	defer t.mu.RUnlock()
	n := uint64(len(t.routes))
	all := []egress.Tally{{Part: "bgp", Name: "routes", Doc: "Routes that are known.", N: n, Gauge: true}}
	for i, d := range CounterDocs {
		all = append(all, egress.Tally{Part: "bgp", Name: d.Name, Doc: d.Doc, N: t.counts[i]})
	}
	return all
}
