package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/weir-probe/weir/dataplane/link"
)

// writeFlows writes a capture of n UDP flows with a question and an answer each.
func writeFlows(t *testing.T, n int) string {
	t.Helper()
	var b bytes.Buffer
	put := func(v ...any) {
		for _, x := range v {
			binary.Write(&b, binary.LittleEndian, x)
		}
	}
	put(uint32(0xa1b2c3d4), uint16(2), uint16(4), uint64(0), uint32(65535), uint32(1))
	for i := range n {
		for dir := range 2 {
			f := udpFrame(uint16(1024+i%60000), byte(i/60000), dir == 1)
			put(uint32(1700000000+i/10000), uint32(i%10000*100), uint32(len(f)), uint32(len(f)))
			b.Write(f)
		}
	}
	path := filepath.Join(t.TempDir(), "flows.pcap")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// udpFrame is a datagram of 8 octets from 10.0.host.1:port to 10.1.0.1:7777, or back.
func udpFrame(port uint16, host byte, back bool) []byte {
	f := make([]byte, 14+20+8+8)
	f[12], f[13] = 8, 0
	ip := f[14:]
	ip[0], ip[8], ip[9] = 0x45, 64, 17
	binary.BigEndian.PutUint16(ip[2:], uint16(len(ip)))
	src, dst := ip[12:16], ip[16:20]
	sport, dport := ip[20:22], ip[22:24]
	if back {
		src, dst, sport, dport = dst, src, dport, sport
	}
	copy(src, []byte{10, 0, host, 1})
	copy(dst, []byte{10, 1, 0, 1})
	binary.BigEndian.PutUint16(sport, port)
	binary.BigEndian.PutUint16(dport, 7777)
	binary.BigEndian.PutUint16(ip[24:], 16)
	return f
}

// collector counts lines that come by TCP, and reads no faster than it is told.
type collector struct {
	net.Listener
	lines atomic.Int64
	pause atomic.Int64 // nanoseconds between reads of 4 KiB
}

func listen(t *testing.T) *collector {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &collector{Listener: l}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			conn.(*net.TCPConn).SetReadBuffer(1 << 18)
			go c.read(conn)
		}
	}()
	return c
}

func (c *collector) read(conn net.Conn) {
	defer conn.Close()
	buf := make([]byte, 4096)
	for {
		n, err := conn.Read(buf)
		c.lines.Add(int64(bytes.Count(buf[:n], []byte{'\n'})))
		if err != nil {
			return
		}
		time.Sleep(time.Duration(c.pause.Load()))
	}
}

// log is what a program said so far.
type log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *log) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// start starts weir run and ends it when the test is over, if it did not end by then.
func start(t *testing.T, args ...string) (*exec.Cmd, *log) {
	t.Helper()
	c, l := exec.Command(weir, append([]string{"run"}, args...)...), &log{}
	c.Stderr = l
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Process.Kill() })
	return c, l
}

// until waits for something to become true.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(60 * time.Second); !is(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("in vain: %s", what)
		}
	}
}

// TestNothingIsLostSilently meters through DPDK while the collector is slow, kills the
// control plane, starts another, and then has every packet and every record accounted for.
func TestNothingIsLostSilently(t *testing.T) {
	if strings.Contains(must(t, "version"), "without DPDK") {
		t.Skip("built without DPDK")
	}
	const flows = 100_000
	dir := t.TempDir()
	c := listen(t)
	c.pause.Store(int64(20 * time.Millisecond))
	conf := filepath.Join(dir, "weir.toml")
	write(t, conf, fmt.Sprintf(`schema = 1
[dataplane]
socket = %q
ring_size = "256KiB"
[[input]]
port = "net_pcap0,rx_pcap=%s"
queues = 1
[flow]
idle_timeout = "2s"
capacity = 65536
[[exporter]]
name = "slow"
format = "json"
to = "tcp://%s"
queue = 4
`, filepath.Join(dir, "dataplane.sock"), writeFlows(t, flows), c.Addr()))

	t.Cleanup(func() { // a dataplane that a failed test left behind
		if a, err := link.Attach(filepath.Join(dir, "dataplane.sock")); err == nil {
			a.Stop()
			a.Detach()
		}
	})

	first, _ := start(t, "-c", conf)
	until(t, "the collector gets something", func() bool { return c.lines.Load() > 0 })
	first.Process.Kill()
	// Wait would wait for the dataplane, which shares the standard error.
	first.Process.Wait()

	summary := filepath.Join(dir, "summary.json")
	second, said := start(t, "-c", conf, "--summary", summary)
	until(t, "attach", func() bool { return strings.Contains(said.String(), "attached to a running dataplane") })
	time.Sleep(3 * time.Second) // flows go idle and overrun ring and queue
	c.pause.Store(0)
	if err := second.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := second.Wait(); err != nil {
		t.Errorf("weir run: %v\n%s", err, said)
	}

	s := readSummary(t, summary)
	p := s.Packets
	if p["received"] != 2*flows || p["received"] != p["metered"]+p["refused"]+p["filtered"]+p["sampled_out"] {
		t.Errorf("packets: %v", p)
	}
	ended := p["ended_idle"] + p["ended_active"] + p["ended_detected"] + p["ended_forced"] + p["ended_resource"]
	if s.Made() != ended || s.Made() < flows {
		t.Errorf("%d records made, %d ended", s.Made(), ended)
	}
	if p["ring_full"] == 0 {
		t.Errorf("the ring was never full: the test shows less than it means to")
	}
	if len(s.Exporters) != 1 {
		t.Fatalf("exporters: %+v", s.Exporters)
	}
	x := s.Exporters[0]
	dropped := uint64(0)
	for _, n := range x.Dropped {
		dropped += n
	}
	if x.Records != x.Exported+dropped || x.Pending != 0 {
		t.Errorf("exporter: %+v", x)
	}
	// The killed one may have repeated the message it had in hand.
	if x.Records < p["exported"] || x.Records > p["exported"]+1 {
		t.Errorf("%d records in the exporter, %d handed over", x.Records, p["exported"])
	}
	if x.Dropped["queue_full"] == 0 || x.Dropped["interrupted"] == 0 {
		t.Errorf("neither a full queue nor an interruption was seen: %v", x.Dropped)
	}
	until(t, "the collector has read everything", func() bool { return c.lines.Load() >= int64(x.Exported) })
	t.Logf("%d packets, %d records, %d exported, %v, %d lost in the ring",
		p["received"], s.Made(), x.Exported, x.Dropped, p["ring_full"])
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestRunCapture meters a capture that is over before the control plane can attach.
func TestRunCapture(t *testing.T) {
	dir := t.TempDir()
	conf, flows := filepath.Join(dir, "weir.toml"), filepath.Join(dir, "flows.json")
	here, err := filepath.Abs(sample)
	if err != nil {
		t.Fatal(err)
	}
	write(t, conf, fmt.Sprintf(`schema = 1
[dataplane]
socket = %q
[[input]]
capture = [%q]
[flow]
capacity = 4096
[[exporter]]
format = "json"
to = %q
`, filepath.Join(dir, "dataplane.sock"), here, flows))
	must(t, "run", "-c", conf)
	got, err := os.ReadFile(flows)
	if err != nil {
		t.Fatal(err)
	}
	want := sorted(must(t, "replay", "--json", "-q", sample))
	if n := len(sorted(string(got))); n != len(want) {
		t.Errorf("%d flows, replayed there are %d", n, len(want))
	}
}
