package worker

import (
	"testing"
	"time"

	"github.com/weir-probe/weir/dataplane/flow"
)

const ms = time.Millisecond

func TestOneFlow(t *testing.T) {
	b := meter(t, usual(),
		pkt{at: 0, sport: 40000, dport: 80, flags: "S", seq: 100},
		pkt{at: 10 * ms, src: "b", dst: "a", sport: 80, dport: 40000, flags: "SA", seq: 500, ack: 101, ttl: 50},
		pkt{at: 15 * ms, sport: 40000, dport: 80, flags: "A", seq: 101, ack: 501},
		pkt{at: 20 * ms, sport: 40000, dport: 80, flags: "PA", seq: 101, ack: 501, payload: 100},
		pkt{at: 60 * ms, src: "b", dst: "a", sport: 80, dport: 40000, flags: "PA", seq: 501, ack: 201,
			payload: 1000, ttl: 51},
	)
	if len(b.records) != 1 {
		t.Fatalf("%d records", len(b.records))
	}
	r := &b.records[0]
	if r.Packets != [2]uint64{3, 2} || r.Octets != [2]uint64{40*3 + 100, 40*2 + 1000} {
		t.Errorf("packets %v, octets %v", r.Packets, r.Octets)
	}
	if r.First != epoch || r.Last != epoch+uint64(60*ms) || r.End != flow.EndForced {
		t.Errorf("first %d, last %d, end %d", r.First, r.Last, r.End)
	}
	if r.MinTTL != [2]uint8{64, 50} || r.MaxTTL != [2]uint8{64, 51} {
		t.Errorf("TTL %v to %v", r.MinTTL, r.MaxTTL)
	}
	l := r.Latency
	if l.Server != uint64(10*ms) || l.Client != uint64(5*ms) || l.Application != uint64(40*ms) {
		t.Errorf("latencies %+v", l)
	}
}
