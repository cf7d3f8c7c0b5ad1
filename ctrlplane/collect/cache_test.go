package collect

import (
	"fmt"
	"testing"
	"time"
)

// counted is a template of records with a key, counts, flags and times, and what makes them.
var counted = set(2, words(256, 9, 8, 4, 12, 4, 7, 2, 11, 2, 4, 1, 6, 2, 1, 4, 2, 4, 152, 8)...)

// aFlow is a record of counted from one host to another, so many seconds after the epoch.
func aFlow(src, dst byte, port [2]uint16, flags uint16, octets, packets uint32, first uint64) []byte {
	b := append([]byte{192, 0, 2, src, 192, 0, 2, dst}, words(port[0], port[1])...)
	b = be.AppendUint16(append(b, 6), flags)
	b = be.AppendUint32(be.AppendUint32(b, octets), packets)
	return be.AppendUint64(b, first*1000)
}

var (
	asking    = [2]uint16{40000, 80}
	answering = [2]uint16{80, 40000}
)

// whole are the flows as text, in the order in which they were handed over.
func (b *bench) whole() (all []string) {
	for _, r := range b.records {
		all = append(all, fmt.Sprintf("%s>%s in %s/%s out %s/%s flags %s/%s at %s", r["IPV4_SRC_ADDR"][8:], r["IPV4_DST_ADDR"][8:],
			r["IN_BYTES"], r["IN_PKTS"], r["OUT_BYTES"], r["OUT_PKTS"], r["CLIENT_TCP_FLAGS"], r["SERVER_TCP_FLAGS"],
			r["FLOW_START_SEC"]))
	}
	return all
}

// What exporters say of the two directions of a flow becomes one record of both, whichever comes first.
func TestStitch(t *testing.T) {
	there := aFlow(1, 2, asking, 2, 100, 1, 1000)
	back := aFlow(2, 1, answering, 18, 900, 3, 1001)
	const both = "1>2 in 100/1 out 900/3 flags 2/18 at 1000"
	alone := []string{"1>2 in 100/1 out / flags 2/ at 1000", "2>1 in 900/3 out / flags 18/ at 1001"}
	for name, c := range map[string]struct {
		messages [][]byte
		want     []string
		joined   uint64
	}{
		"in order":      {[][]byte{set(256, append(there[:len(there):len(there)], back...)...)}, []string{both}, 1},
		"answer first":  {[][]byte{set(256, back...), set(256, there...)}, []string{both}, 1},
		"nobody else's": {[][]byte{set(256, there...), nil, set(256, back...)}, alone, 0},
		"twice": {[][]byte{set(256, there...), set(256, there...), set(256, back...)},
			[]string{alone[0], both}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, func(o *Options) { o.Stitch = 10 * time.Second })
			domain := uint32(1)
			for _, m := range c.messages {
				if m == nil { // what follows is of another exporter
					domain++
					continue
				}
				all := ipfixMessage(0, counted, m)
				be.PutUint32(all[12:], domain)
				b.take(all, second)
			}
			b.c.workers[0].tick(12 * second)
			b.drain()
			if got := b.whole(); fmt.Sprint(got) != fmt.Sprint(c.want) {
				t.Errorf("got\n%q, want\n%q", got, c.want)
			}
			if n := b.count(Joined); n != c.joined || b.count(Records) != uint64(len(b.records))+n {
				t.Errorf("%d records are %d handed over and %d joined", b.count(Records), len(b.records), n)
			}
			if c := b.c.workers[0].cache; len(c.flows) != 0 || len(c.order) != 0 {
				t.Errorf("%d flows still wait", len(c.flows))
			}
		})
	}
}

// A record waits for the opposite direction as long as it may, and no longer.
func TestStitchWaits(t *testing.T) {
	b := newBench(t, func(o *Options) { o.Stitch, o.Cache = 10*time.Second, 16 })
	b.take(ipfixMessage(0, counted, set(256, aFlow(1, 2, asking, 2, 100, 1, 1000)...)), second)
	b.take(ipfixMessage(1, counted), 10*second)
	if len(b.records) != 0 {
		t.Errorf("handed over too early: %v", b.whole())
	}
	b.take(ipfixMessage(1, counted), 11*second)
	if len(b.records) != 1 {
		t.Errorf("not handed over: %v", b.whole())
	}
	for i := range 40 {
		b.take(ipfixMessage(0, counted, set(256, aFlow(byte(i), 99, asking, 2, 100, 1, 1000)...)), 20*second)
	}
	if n := b.count(CacheFull); n != 40-16 || len(b.records) != 1+40-16 {
		t.Errorf("%d did not wait, %d were handed over", n, len(b.records))
	}
}

// Records of one flow are summed up for as long as it was asked for, in both directions if that was, too.
func TestAggregate(t *testing.T) {
	for stitch, want := range map[time.Duration]string{
		0:           "[1>2 in 300/5 out / flags 27/ at 1000 2>1 in 70/7 out / flags 16/ at 1001]",
		time.Second: "[1>2 in 300/5 out 70/7 flags 27/16 at 1000]",
	} {
		b := newBench(t, func(o *Options) { o.Aggregate, o.Stitch = time.Minute, stitch })
		for i, r := range [][]byte{
			aFlow(1, 2, asking, 2, 100, 1, 1000), aFlow(2, 1, answering, 16, 70, 7, 1001),
			aFlow(1, 2, asking, 24, 150, 2, 1030), aFlow(1, 2, asking, 17, 50, 2, 1040),
		} {
			b.take(ipfixMessage(uint32(i), counted, set(256, r...)), uint64(i+1)*second)
		}
		if len(b.records) != 0 {
			t.Errorf("handed over too early: %v", b.whole())
		}
		b.c.finish()
		b.drain()
		if got := fmt.Sprint(b.whole()); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}
