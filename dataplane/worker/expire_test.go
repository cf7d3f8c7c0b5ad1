package worker

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dataplane/nic"
)

const s = time.Second

// told describes records: packets of both directions, first and last time after epoch, why.
func told(records []flow.Record) string {
	var b strings.Builder
	for i := range records {
		r := &records[i]
		fmt.Fprintf(&b, "%d+%d %v-%v %s; ", r.Packets[0], r.Packets[1],
			time.Duration(r.First-epoch), time.Duration(r.Last-epoch), reasons[r.End])
	}
	return strings.TrimSuffix(b.String(), "; ")
}

var reasons = [...]string{
	flow.EndIdle: "idle", flow.EndActive: "active", flow.EndDetected: "detected", flow.EndForced: "forced",
	flow.EndResource: "resource",
}

// udp, tcp and back are packets of one flow.
func udp(at time.Duration) pkt { return pkt{at: at, sport: 4000, dport: 53, payload: 10} }
func tcp(at time.Duration, flags string, seq, ack uint32) pkt {
	return pkt{at: at, sport: 4000, dport: 80, flags: flags, seq: seq, ack: ack}
}
func back(at time.Duration, flags string, seq, ack uint32) pkt {
	return pkt{at: at, src: "b", dst: "a", sport: 80, dport: 4000, flags: flags, seq: seq, ack: ack}
}

func udps(at ...time.Duration) (out []pkt) {
	for _, t := range at {
		out = append(out, udp(t))
	}
	return out
}

// other packets make time pass.
func other(at time.Duration) pkt { return pkt{at: at, src: "y", dst: "z", sport: 9999, dport: 9998} }

// Idle is 15 s, active a minute, linger 2 s. Whether the sweep comes between the packets,
// in the middle of other traffic, or the whole capture is one burst makes no difference.
func TestTimeouts(t *testing.T) {
	closed := []pkt{
		tcp(0, "S", 1, 0), back(1*s, "SA", 1, 2), tcp(1*s, "A", 2, 2),
		tcp(2*s, "FA", 2, 2), back(2*s, "FA", 2, 3), tcp(3*s, "A", 3, 3),
	}
	after := func(more ...pkt) []pkt { return append(closed[:len(closed):len(closed)], more...) }
	for _, c := range []struct {
		name    string
		packets []pkt
		flush   time.Duration
		want    string
	}{
		{"one packet", []pkt{udp(0)}, 1 * s, "1+0 0s-0s forced"},
		{"just not idle", []pkt{udp(0), udp(15*s - 1)}, 16 * s, "2+0 0s-14.999999999s forced"},
		{"idle", []pkt{udp(0), udp(15 * s)}, 16 * s, "1+0 0s-0s idle; 1+0 15s-15s forced"},
		{"idle at the end", []pkt{udp(0)}, 15 * s, "1+0 0s-0s idle"},
		{"long idle", []pkt{udp(0), udp(10 * time.Hour)}, 10 * time.Hour,
			"1+0 0s-0s idle; 1+0 10h0m0s-10h0m0s forced"},
		{"active", udps(0, 10*s, 20*s, 30*s, 40*s, 50*s, 60*s), 61 * s,
			"6+0 0s-50s active; 1+0 1m0s-1m0s forced"},
		{"active at the end, nothing since", udps(0, 10*s, 20*s, 34*s, 48*s), 62 * s,
			"5+0 0s-48s active"},
		{"active, then idle", udps(0, 14*s, 28*s, 42*s, 56*s, 90*s), 91 * s,
			"5+0 0s-56s active; 1+0 1m30s-1m30s forced"},
		{"idle and active at the same time are idle", udps(0, 15*s-1, 30*s-2, 45*s-3, 45*s), 60 * s,
			"5+0 0s-45s idle"},
		{"closed, forced while it lingers", closed, 4 * s, "4+2 0s-3s forced"},
		{"closed", closed, 5 * s, "4+2 0s-3s detected"},
		{"closed, a late packet", after(back(4*s, "A", 3, 4)), 10 * s, "4+3 0s-4s detected"},
		{"closed, a stray packet", after(back(5*s, "A", 3, 4)), 6 * s, "4+2 0s-3s detected; 0+1 5s-5s forced"},
		{"closed, again on the same ports", after(tcp(4*s, "S", 1000, 0)), 6 * s,
			"4+2 0s-3s detected; 1+0 4s-4s forced"},
		{"closed, again the other way",
			after(back(4*s, "S", 1000, 0), tcp(4*s, "SA", 7, 1001), back(4*s, "A", 1001, 8)), 6 * s,
			"4+2 0s-3s detected; 2+1 4s-4s forced"},
		{"a FIN from one side", []pkt{tcp(0, "S", 1, 0), tcp(1*s, "FA", 2, 2), back(2*s, "A", 2, 3)}, 5 * s,
			"2+1 0s-2s forced"},
		{"FINs, one not acknowledged",
			[]pkt{tcp(0, "FA", 2, 2), back(1*s, "FA", 2, 3), tcp(1*s, "A", 3, 2)}, 9 * s, "2+1 0s-1s forced"},
		{"reset", []pkt{tcp(0, "S", 1, 0), back(1*s, "RA", 0, 2)}, 3 * s, "1+1 0s-1s detected"},
		{"a SYN again", []pkt{tcp(0, "S", 1, 0), tcp(1*s, "S", 1, 0)}, 3 * s, "2+0 0s-1s forced"},
		{"backwards", []pkt{udp(10 * s), udp(0), udp(5 * s)}, 16 * s, "3+0 0s-10s forced"},
		{"far backwards", []pkt{udp(10 * time.Hour), udp(0), udp(5 * s)}, 0, "3+0 0s-10h0m0s forced"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, most := range []int{1, 2, 0} {
				b := newBench(t, &feed{frames: frames(c.packets), most: most}, usual())
				b.run(c.flush)
				if got := told(b.records); got != c.want {
					t.Errorf("in bursts of %d: %s\nwant %s", most, got, c.want)
				}
			}
			b := newBench(t, &feed{frames: frames(amid(c.packets)), most: 1}, usual())
			b.run(c.flush)
			if got := told(only(b.records, address("a"))); got != c.want && !strings.Contains(c.name, "backwards") {
				t.Errorf("amid others: %s\nwant %s", got, c.want)
			}
		})
	}
}

// amid puts packets of another flow between packets, ten a second for up to two minutes, so
// that everything that ends is found by the sweep.
func amid(packets []pkt) (out []pkt) {
	at := time.Duration(0)
	for _, p := range packets {
		for ; at < min(p.at, 2*time.Minute); at += s / 10 {
			out = append(out, other(at))
		}
		out = append(out, p)
	}
	return out
}

func only(records []flow.Record, ip []byte) (out []flow.Record) {
	for i := range records {
		if string(records[i].Src[12:]) == string(ip[12:]) || string(records[i].Dst[12:]) == string(ip[12:]) {
			out = append(out, records[i])
		}
	}
	return out
}

// After an active timeout the direction stays, and so does what is known of the connection.
func TestActiveTimeoutKeepsDirection(t *testing.T) {
	packets := []pkt{
		tcp(0, "S", 1, 0), back(10*ms, "SA", 1, 2), tcp(30*ms, "A", 2, 2),
		{at: 40 * ms, sport: 4000, dport: 80, flags: "PA", seq: 2, ack: 2, payload: 5},
	}
	for at := 10 * s; at < 130*s; at += 10 * s {
		packets = append(packets, back(at, "A", 2, 7)) // the server alone goes on
	}
	b := meter(t, usual(), packets...)
	want := "3+6 0s-50s active; 0+6 1m0s-1m50s active; 0+1 2m0s-2m0s forced"
	if got := told(b.records); got != want {
		t.Fatalf("%s\nwant %s", got, want)
	}
	for i := range b.records {
		r := &b.records[i]
		if r.Application == 0 || r.Confidence != flow.ByPort {
			t.Errorf("part %d: application %d", i, r.Application)
		}
		if r.DstPort != 80 || r.Latency.Server != uint64(10*ms) || r.Latency.Client != uint64(20*ms) {
			t.Errorf("part %d: port %d, latency %+v", i, r.DstPort, r.Latency)
		}
		if i > 0 && (r.Octets[0] != 0 || r.MinTTL[0] != 0 || r.L2Octets[0] != 0 || r.TCPFlags[0] != 0) {
			t.Errorf("part %d says something of the initiator, who was silent: %+v", i, r.Hot)
		}
		if i > 0 && r.SrcMAC != [6]byte{2, 0, 0, 0, 0, 2} { // tests frame all packets alike
			t.Errorf("part %d: MAC %x", i, r.SrcMAC)
		}
	}
}

// silent is a source without frames.
type silent struct{}

func (silent) Burst() []nic.Frame { return nil }

// turn is a source that gives each burst once.
type turn struct{ next []nic.Frame }

func (t *turn) Burst() []nic.Frame {
	b := t.next
	t.next = nil
	return b
}

// A flow that ended is handed over within Config.Lateness, however full the table is.
func TestLateness(t *testing.T) {
	for _, step := range []time.Duration{ms, 50 * ms, 200 * ms} {
		late(t, 1, step)
		late(t, 100, step)
	}
	late(t, 3000, ms)
}

func late(t *testing.T, flows int, step time.Duration) {
	src := &turn{}
	conf := usual()
	conf.Wait, conf.Flows, conf.Idle = false, flows, 5*s
	b := newBench(t, src, conf)
	now := epoch
	for i := 0; i < flows; i += 20 {
		for j := i; j < min(i+20, flows); j++ {
			src.next = append(src.next, framed(pkt{sport: uint16(j + 1), dport: 50000}.bytes(), now))
		}
		b.Step(now)
		now += uint64(ms)
	}
	for now < epoch+uint64(8*s) {
		now += uint64(step)
		before := len(b.records)
		b.Step(now)
		b.drain()
		for _, r := range b.records[before:] {
			wait := time.Duration(now - r.Last - uint64(conf.Idle))
			if wait > conf.Lateness+step || wait < conf.Lateness/4 {
				t.Fatalf("%d flows, a step each %v: handed over %v after it ended", flows, step, wait)
			}
		}
	}
	if len(b.records) != flows {
		t.Errorf("%d of %d flows handed over", len(b.records), flows)
	}
}

// When time jumps everything is handed over, a bounded part in each Step.
func TestTimeJumps(t *testing.T) {
	src := &turn{}
	conf := usual()
	conf.Wait, conf.Flows = false, 5000
	b := newBench(t, src, conf)
	for i := range 5000 {
		src.next = append(src.next, framed(pkt{sport: uint16(i + 1), dport: 50000}.bytes(), epoch))
		if len(src.next) == nic.Max || i == 4999 {
			b.Step(epoch)
		}
	}
	now := epoch + uint64(1000*time.Hour)
	for range 5000/handed + 5 {
		now += uint64(25 * ms)
		before := len(b.records)
		b.Step(now)
		b.drain()
		if n := len(b.records) - before; n > handed {
			t.Fatalf("%d records in a step", n)
		}
	}
	if len(b.records) != 5000 {
		t.Errorf("%d of 5000 flows handed over", len(b.records))
	}
	b.Step(epoch) // back again
	b.Step(1)
	b.Step(1<<64 - 1)
	b.balance(b.Report())
}

// A full table goes on metering and lets go of those that were silent for longest.
func TestEviction(t *testing.T) {
	conf := usual()
	conf.Flows = 64
	var packets []pkt
	for i := range 1000 {
		at := time.Duration(i) * ms
		packets = append(packets, pkt{at: at, sport: 5, dport: 6}, // goes on all the time
			pkt{at: at, src: "c", dst: "d", sport: uint16(i + 1), dport: 50000})
	}
	b := meter(t, conf, packets...)
	c := b.report.Counters
	if c[Metered] != 2000 || c[Opened] != 1001 || c[EndedResource] != 1001-64 || len(b.records) != 1001 {
		t.Errorf("%d records, counters %v", len(b.records), c)
	}
	for i := range b.records {
		if r := &b.records[i]; r.SrcPort == 5 && r.Packets[0] != 1000 {
			t.Errorf("the busiest flow was evicted after %d packets", r.Packets[0])
		}
	}
}

// When nobody takes the records they are lost, and counted; metering goes on.
func TestRingFull(t *testing.T) {
	conf := usual()
	conf.Wait, conf.Idle, conf.Flows = false, s, 1000
	src := &turn{}
	b := newBench(t, src, conf)
	most := b.ring.Cap() / int(unsafe.Sizeof(flow.Record{}))
	now := epoch
	for i := range 3000 {
		src.next = []nic.Frame{framed(pkt{sport: uint16(i + 1), dport: 50000}.bytes(), now)}
		b.Step(now)
		now += uint64(5 * ms)
	}
	for range 20 {
		now += uint64(s)
		b.Step(now)
	}
	r := b.Report()
	b.balance(r)
	c := r.Counters
	if n := c[Exported]; c[Metered] != 3000 || n == 0 || n > uint64(most) || c[RingFull] != 3000-n {
		t.Errorf("room for %d: %v", most, c)
	}
	b.drain()
	if uint64(len(b.records)) != c[Exported] {
		t.Errorf("%d records arrived of %d", len(b.records), c[Exported])
	}
}

// A worker whose consumer is gone stops in bounded time and counts what it could not hand over.
func TestFlushAlone(t *testing.T) {
	conf := usual()
	conf.Wait = false
	src := &turn{}
	b := newBench(t, src, conf)
	for i := range 1000 {
		src.next = []nic.Frame{framed(pkt{sport: uint16(i + 1), dport: 50000}.bytes(), epoch)}
		b.Step(epoch)
	}
	b.Flush(epoch)
	r := b.Report()
	b.balance(r)
	if r.Counters[EndedForced] != 1000 || r.Counters[RingFull] == 0 || r.Active != 0 {
		t.Errorf("%+v", r)
	}
}

// Reports come once a second.
func TestReports(t *testing.T) {
	conf := usual()
	conf.Index = 7
	b := newBench(t, silent{}, conf)
	for i := range 100 {
		b.Step(epoch + uint64(i)*uint64(s)/10)
		b.drain()
	}
	if b.reports != 10 || b.report.Worker != 7 || b.report.Capacity != 1000 {
		t.Errorf("%d reports in 10 s, the last %+v", b.reports, b.report)
	}
}
