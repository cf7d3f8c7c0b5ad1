package ipfix

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/weir-probe/weir/export"
	"github.com/weir-probe/weir/export/exporttest"
	"github.com/weir-probe/weir/export/sink"
	"github.com/weir-probe/weir/export/spool"
)

// gone is a sink that refuses all until it is let go, as a destination that cannot be reached.
type gone struct {
	export.Sink
	there  *atomic.Bool
	stream export.Stream
}

func (g gone) Send(ctx context.Context, m []byte) error {
	if !g.there.Load() {
		return errors.New("no route")
	}
	return g.Sink.Send(ctx, m)
}

func (g gone) Preface(open func(dst, next []byte) []byte) { g.stream.Preface(open) }
func (g gone) Renew() bool                                { return g.stream.(export.Renewer).Renew() }

// packets is the same for a sink without connections.
type packets struct {
	export.Sink
	there *atomic.Bool
}

func (p packets) Send(ctx context.Context, m []byte) error {
	return gone{Sink: p.Sink, there: p.there}.Send(ctx, m)
}

// process is a probe with a template of its own. All of them have the same spool.
func process(t *testing.T, dir, target, template string, there *atomic.Bool, v9 bool) *export.Exporter {
	t.Helper()
	f := makeFormat(t, export.FormatOptions{
		Template: exporttest.Template(t, exporttest.Schema(t), template), Boot: exporttest.Boot, Size: 300,
	}, v9)
	k, err := sink.Open(target, sink.Options{})
	if err != nil {
		t.Fatal(err)
	}
	l, err := spool.Open(spool.Options{Dir: dir, Format: "ipfix", Segment: 2000})
	if err != nil {
		t.Fatal(err)
	}
	o := export.Options{
		Size: 300, Queue: 4, Block: true, Backoff: time.Millisecond, Retry: time.Millisecond, Spool: l, Age: 1,
	}
	if stream, ok := k.(export.Stream); ok {
		return export.New("resume", f, gone{k, there, stream}, o)
	}
	return export.New("resume", f, packets{k, there}, o)
}

// templates of processes, one after the other: none can be read with that of another.
var successive = []string{
	"L4_SRC_PORT IN_BYTES IPV4_SRC_ADDR IPV6_SRC_ADDR", "IPV4_DST_ADDR L4_SRC_PORT TCP_FLAGS CLIENT_NW_LATENCY_MS",
	"PROTOCOL IN_PKTS OUT_PKTS L4_SRC_PORT", "L4_SRC_PORT IN_BYTES",
}

const each = 120 // flows of a process

// succeed runs the processes: each finds what the one before has left, the last delivers it.
func succeed(t *testing.T, target string, v9 bool) {
	t.Helper()
	dir := t.TempDir()
	var there atomic.Bool
	for i, template := range successive {
		e := process(t, dir, target, template, &there, v9)
		for n := range each {
			e.Append(exporttest.Flow(i*each + n))
		}
		if last := i == len(successive)-1; last {
			there.Store(true)
		}
		e.Tick(uint64(time.Now().UnixNano()))
		for end := time.Now().Add(30 * time.Second); there.Load() && e.Stats().Spooled > 0 && time.Now().Before(end); {
			time.Sleep(time.Millisecond)
		}
		if there.Load() { // and some that were in no spool
			for n := range each {
				e.Append(exporttest.Flow(len(successive)*each + n))
			}
		}
		closeIt(t, e)
		if st := e.Stats(); st.Pending > 0 || there.Load() && (st.Spooled > 0 || st.Recovered != 3*each) {
			t.Errorf("process %d: %+v", i, st)
		}
	}
}

// source returns the port that tells a flow from others.
func source(t *testing.T, r record) int {
	t.Helper()
	b, ok := r.values[element{0, 7}]
	if !ok {
		return 0 // ICMP has none
	}
	return int(be.Uint16(b))
}

// ports are those of all flows, in order.
func ports() (all []int) {
	for i := range (len(successive) + 1) * each {
		all = append(all, int(exporttest.Flow(i).SrcPort))
	}
	return all
}

// What processes with other templates have left in the spool is delivered over connections that begin with theirs,
// also if the collector breaks them.
func TestResumeOverTCP(t *testing.T) {
	for _, limit := range []int64{1 << 20, 700} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		var connections [][]byte
		var wg sync.WaitGroup
		wg.Go(func() {
			for n := limit; ; n += limit {
				c, err := l.Accept()
				if err != nil {
					return
				}
				b, _ := io.ReadAll(io.LimitReader(c, n))
				connections = append(connections, b)
				c.Close()
			}
		})
		succeed(t, "tcp://"+l.Addr().String(), false)
		l.Close()
		wg.Wait()
		var got []int
		for _, b := range connections {
			d := newDecoder(t, false)
			if missing := d.split(b); missing > 0 && limit == 1<<20 {
				t.Errorf("a connection with %d octets ends %d before a message does", len(b), missing)
			}
			for _, r := range d.flows() {
				got = append(got, source(t, r))
			}
		}
		if want := ports(); limit == 1<<20 && !slices.Equal(got, want) {
			t.Errorf("%d connections with %d flows, from %v", len(connections), len(got), diverge(got, want))
		}
		if limit == 1<<20 && len(connections) != len(successive) {
			t.Errorf("%d connections, want one for each process", len(connections))
		}
		if len(got) == 0 { // what was on its way when a connection broke is lost
			t.Errorf("%d connections without flows", len(connections))
		}
	}
}

// diverge returns what came and what should have, from where that differs.
func diverge(got, want []int) [2][]int {
	for len(got) > 0 && len(want) > 0 && got[0] == want[0] {
		got, want = got[1:], want[1:]
	}
	return [2][]int{got, want}
}

// Over UDP a message with the templates of those that follow precedes them.
func TestResumeOverUDP(t *testing.T) {
	for _, v9 := range []bool{false, true} {
		c, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			t.Fatal(err)
		}
		_ = c.SetReadBuffer(1 << 22)
		succeed(t, "udp://"+c.LocalAddr().String(), v9)
		d, sessions := newDecoder(t, v9), 1
		buf := make([]byte, 1<<16)
		for {
			_ = c.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
			n, err := c.Read(buf)
			if err != nil {
				break
			}
			if at := d.sequenceAt(); d.began && be.Uint32(buf[at:]) != d.next { // of another process
				d.began = false
				clear(d.templates)
				sessions++
			}
			d.message(slices.Clone(buf[:n]))
		}
		c.Close()
		var got []int
		for _, r := range d.flows() {
			got = append(got, source(t, r))
		}
		if !slices.Equal(got, ports()) || sessions != len(successive) {
			t.Errorf("v9 %v: %d flows of %d processes, from %v", v9, len(got), sessions, diverge(got, ports()))
		}
	}
}

// sequenceAt is where the sequence number of a message is.
func (d *decoder) sequenceAt() int {
	if d.v9 {
		return netflow9{}.shape().sequence
	}
	return ipfix{}.shape().sequence
}
