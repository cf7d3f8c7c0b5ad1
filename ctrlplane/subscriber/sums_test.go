package subscriber

import (
	"strconv"
	"testing"
	"time"

	"github.com/weir-probe/weir/ctrlplane/egress"
	"github.com/weir-probe/weir/dataplane/flow"
)

// TestUsageOthers has more subscribers use something than there is room for: those with most have records of their
// own, and with that of all others they are everything.
func TestUsageOthers(t *testing.T) {
	var s sums
	s.open(&Options{Sessions: 4, Interval: time.Minute})
	var up, down, flows uint64
	for round := range 3 {
		for who := range 12 {
			r := flow.Record{}
			r.First, r.Last = uint64(round+1)*1e9, uint64(round+2)*1e9
			r.Octets = [2]uint64{uint64(who*who*1000 + 1), 10}
			b := binding{who: uint64(who), is: [parts][]byte{apn: []byte("internet" + strconv.Itoa(who%2))}}
			s.add(&flow.View{Record: &r}, &b, flow.Forward)
			up, down, flows = up+r.Octets[0], down+r.Octets[1], flows+1
		}
	}
	sum := map[egress.Kind][3]uint64{}
	others := map[egress.Kind]int{}
	s.flush(100e9, func(kind egress.Kind, v *flow.View) {
		n, _ := v.Value(flow.UsageFlows)
		x := sum[kind]
		sum[kind] = [3]uint64{x[0] + v.Octets[0], x[1] + v.Octets[1], x[2] + n.U}
		of, _ := v.Value(flow.UsageOf)
		if string(of.B) == "others" {
			others[kind]++
		}
		if members, _ := v.Value(flow.UsageSubscribers); string(of.B) == "group" && members.U < 6 {
			t.Errorf("a group has %d subscribers", members.U)
		}
	})
	want := [3]uint64{up, down, flows}
	if sum[egress.Subscribers] != want || sum[egress.Groups] != want || others[egress.Subscribers] != 1 || others[egress.Groups] != 0 {
		t.Errorf("records have %v, flows %v; others %v", sum, want, others)
	}
}
