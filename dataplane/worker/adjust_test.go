package worker

import (
	"testing"
	"time"

	"github.com/weir-probe/weir/dataplane/nic"
	"github.com/weir-probe/weir/dataplane/nic/filter"
	"github.com/weir-probe/weir/dissect/app"
)

// A timeout that becomes shorter holds for flows that are open already, and one that becomes longer, too.
func TestAdjustTimeouts(t *testing.T) {
	conf := usual()
	conf.Wait = false
	for _, c := range []struct {
		name       string
		idle       time.Duration
		early, all int // records a second and 20 s after the only packet, besides that of the other flow
	}{{"shorter", time.Second / 10, 1, 1}, {"the same", conf.Idle, 0, 1}, {"longer", time.Hour, 0, 0}} {
		f := &feed{frames: frames([]pkt{udp(0)})}
		b := newBench(t, f, conf)
		b.Step(epoch)
		s := b.conf.Settings()
		s.Idle, s.Lateness = c.idle, 100*time.Millisecond
		b.Adjust(s)
		step := func(until time.Duration) int {
			for at := time.Duration(0); at < until; at += 10 * time.Millisecond {
				b.Step(epoch + uint64(at))
			}
			b.drain()
			return len(b.records)
		}
		if n := step(time.Second); n != c.early {
			t.Errorf("%s: %d records after a second", c.name, n)
		}
		if n := step(20 * time.Second); n != c.all {
			t.Errorf("%s: %d records after 20 seconds", c.name, n)
		}
	}
}

// Settings that change a hundred times while packets come lose none of them: every one is in a record or
// counted as filtered, and dissectors that are off look into no flow that begins.
func TestAdjustAlways(t *testing.T) {
	conf := usual()
	conf.Wait, conf.Streams, conf.StreamMemory, conf.Transactions, conf.TransactionTimeout = true, 100, 1<<20, 100, time.Second
	var packets []pkt
	for i := range 20_000 {
		packets = append(packets, pkt{at: time.Duration(i) * time.Millisecond, sport: uint16(1000 + i%100), dport: uint16(53 + i%2), payload: 20})
	}
	f := &feed{frames: frames(packets), most: 20}
	b := newBench(t, f, conf)
	only, err := filter.Compile(nic.Ethernet, 0, "udp port 53")
	if err != nil {
		only = nil // a build without libpcap
	}
	adjusted := 0
	for i := 0; !f.Done(); i++ {
		b.Step(0)
		b.balance(b.Report())
		if b.drain(); i%10 != 0 {
			continue
		}
		s := conf.Settings()
		s.Idle, s.Active = time.Duration(1+i%7)*100*time.Millisecond, time.Duration(1+i%5)*time.Second
		s.Linger, s.Lateness = time.Duration(i%3)*time.Second, time.Duration(1+i%4)*50*time.Millisecond
		if s.Off = 0; i%20 == 0 {
			s.Off = 1<<len(app.All) - 1
		}
		if i%30 == 0 {
			s.Filter = only
		}
		if err := conf.Check(s); err != nil {
			t.Fatal(err)
		}
		b.Adjust(s)
		adjusted++
	}
	b.Flush(0)
	b.drain()
	b.balance(b.report)
	sum := uint64(0)
	for i := range b.records {
		sum += b.records[i].Packets[0] + b.records[i].Packets[1]
	}
	c := &b.report.Counters
	if sum != c[Metered] || c[Received] != uint64(len(packets)) || c[Metered]+c[Filtered] != c[Received] || adjusted < 100 {
		t.Errorf("%d adjustments: %d packets in records, %v", adjusted, sum, *c)
	}
	if only != nil && (c[Filtered] == 0 || c[Filtered] > c[Received]/4) {
		t.Errorf("%d were filtered", c[Filtered])
	}
	s := conf.Settings()
	s.Idle = 0
	if conf.Check(s) == nil {
		t.Error("no timeout is one")
	}
}

// A dissector that is off looks into no flow that begins, and does again when it is on.
func TestAdjustDissectors(t *testing.T) {
	conf := usual()
	conf.Streams, conf.StreamMemory, conf.Transactions, conf.TransactionTimeout = 100, 1<<20, 100, time.Second
	b := newBench(t, &feed{}, conf)
	before := b.any
	s := conf.Settings()
	s.Off = 1
	b.Adjust(s)
	for k := range b.any {
		if b.any[k] != before[k]&^1 || b.usable(0) || !b.usable(1) {
			t.Errorf("transport %d has %x", k, b.any[k])
		}
	}
	s.Off = 0
	if b.Adjust(s); b.any != before {
		t.Errorf("got %x, want %x", b.any, before)
	}
}
