package formats_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/export"
	"github.com/weir-probe/weir/export/exporttest"
	"github.com/weir-probe/weir/export/sink"
)

// collector is nfcapd, listening on loopback.
type collector struct {
	t    *testing.T
	cmd  *exec.Cmd
	dir  string
	port int
}

func startNfcapd(t *testing.T) *collector {
	t.Helper()
	for _, name := range []string{"nfcapd", "nfdump"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skip(name, " is not installed")
		}
	}
	l, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &collector{t: t, dir: t.TempDir(), port: l.LocalAddr().(*net.UDPAddr).Port}
	l.Close()
	c.cmd = exec.Command("nfcapd", "-p", strconv.Itoa(c.port), "-b", "127.0.0.1", "-w", c.dir, "-t", "3600")
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.cmd.Process.Kill(); c.cmd.Wait() })
	c.until("listens", func(queued string) bool { return queued != "" })
	return c
}

// until waits for the state of the collector's receive queue, in octets; empty is no socket.
func (c *collector) until(what string, ok func(queued string) bool) {
	c.t.Helper()
	if err := c.wait(what, ok); err != nil {
		c.t.Fatal(err)
	}
}

// wait is until for goroutines other than the test's.
func (c *collector) wait(what string, ok func(queued string) bool) error {
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		table, err := os.ReadFile("/proc/net/udp")
		if err != nil {
			return err
		}
		queued := ""
		for line := range strings.Lines(string(table)) {
			f := strings.Fields(line)
			if len(f) > 4 && f[1] == fmt.Sprintf("0100007F:%04X", c.port) {
				_, queued, _ = strings.Cut(f[4], ":")
			}
		}
		if ok(queued) {
			return nil
		}
	}
	return fmt.Errorf("nfcapd: waited in vain until it %s", what)
}

// stop ends the collector once it has read everything and returns the file it wrote.
func (c *collector) stop() string {
	c.t.Helper()
	c.until("has read everything", func(queued string) bool { return queued == "00000000" })
	c.cmd.Process.Signal(syscall.SIGTERM)
	c.cmd.Wait()
	files, err := filepath.Glob(filepath.Join(c.dir, "nfcapd.2*"))
	if err != nil || len(files) != 1 {
		c.t.Fatalf("nfcapd wrote %v (%v)", files, err)
	}
	return files[0]
}

// stored is a flow as nfdump prints it.
type stored struct {
	Src4    string `json:"src4_addr"`
	Dst4    string `json:"dst4_addr"`
	Src6    string `json:"src6_addr"`
	Dst6    string `json:"dst6_addr"`
	Sport   uint16 `json:"src_port"`
	Dport   uint16 `json:"dst_port"`
	Type    uint16 `json:"icmp_type"`
	Code    uint16 `json:"icmp_code"`
	Proto   uint8  `json:"proto"`
	Pkts    uint64 `json:"in_packets"`
	Octets  uint64 `json:"in_bytes"`
	OutPkts uint64 `json:"out_packets"`
	OutOct  uint64 `json:"out_bytes"`
	First   string `json:"first"`
	Last    string `json:"last"`
	Flags   string `json:"tcp_flags"`
	TOS     uint8  `json:"src_tos"`
	Input   uint32 `json:"input_snmp"`
	Output  uint32 `json:"output_snmp"`
}

func read(t *testing.T, file string) (flows []stored) {
	t.Helper()
	cmd := exec.Command("nfdump", "-r", file, "-o", "json")
	cmd.Env = append(os.Environ(), "TZ=UTC")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(out, &flows); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	return flows
}

// expected is what nfdump shall print of a direction; both puts the other one into the same record.
func expected(v *flow.View, d flow.Dir, both bool) stored {
	k, first, last := v.Key, v.First, v.Last
	if d == flow.Reverse {
		k = k.Reversed()
	}
	if !both {
		first, last = v.DirFirst[d], v.DirLast[d]
	}
	s := stored{
		Sport: k.SrcPort, Dport: k.DstPort, Proto: k.Proto, Pkts: v.Packets[d], Octets: v.Octets[d],
		First: stamp(first), Last: stamp(last), TOS: v.TOS[d],
		Input: v.Link.Ingress[d], Output: v.Link.Ingress[1-d],
	}
	flags := v.TCPFlags[d]
	if both {
		s.OutPkts, s.OutOct = v.Packets[1], v.Octets[1]
		flags |= v.TCPFlags[1]
	}
	s.Flags = letters(flags)
	if v.Version == 6 {
		s.Src6, s.Dst6 = address(k.Src), address(k.Dst)
	} else {
		s.Src4, s.Dst4 = address(k.Src), address(k.Dst)
	}
	if k.Proto == 1 {
		s.Sport, s.Dport, s.Type, s.Code, s.Flags = 0, 0, v.ICMP[d]>>8, v.ICMP[d]&255, ""
	}
	return s
}

func stamp(ns uint64) string {
	return time.Unix(0, int64(ns)).UTC().Format("2006-01-02T15:04:05.000")
}

// letters writes TCP flags as nfdump does.
func letters(flags uint16) string {
	b := []byte("CEUAPRSF")
	for i := range b {
		if flags>>(7-i)&1 == 0 {
			b[i] = '.'
		}
	}
	return string(b)
}

// receive exports the flows to nfcapd over UDP and returns those it has got.
func receive(t *testing.T, name string, o export.FormatOptions) []stored {
	t.Helper()
	judge := startNfcapd(t)
	k, err := sink.Open(fmt.Sprintf("udp://127.0.0.1:%d", judge.port), sink.Options{})
	if err != nil {
		t.Fatal(err)
	}
	send(t, newFormat(t, name, o), &paced{Sink: k, judge: judge}, false)
	return read(t, judge.stop())
}

// paced is a sink that lets the collector catch up now and then: UDP loses what finds no room.
type paced struct {
	export.Sink
	judge *collector
	sent  int
}

func (p *paced) Send(ctx context.Context, message []byte) error {
	if p.sent++; p.sent%32 == 0 {
		if err := p.judge.wait("catches up", func(queued string) bool { return queued == "00000000" }); err != nil {
			return err
		}
	}
	return p.Sink.Send(ctx, message)
}

// What nfcapd receives over UDP is what was sent: endpoints, counters, times, flags, interfaces.
func TestNfdump(t *testing.T) {
	for _, c := range netflow {
		t.Run(c.name, func(t *testing.T) {
			got := receive(t, c.name, options(t, c.template))
			var want []stored
			for i := range judged {
				v := exporttest.Flow(i)
				switch {
				case c.name != "netflow5":
					want = append(want, expected(v, flow.Forward, true))
				case v.Version == 4:
					want = append(want, expected(v, flow.Forward, false))
					if v.Packets[1] > 0 {
						want = append(want, expected(v, flow.Reverse, false))
					}
				}
			}
			if len(got) != len(want) {
				t.Fatalf("nfdump has %d flows, want %d", len(got), len(want))
			}
			for i := range want {
				if got[i] != want[i] {
					t.Errorf("flow %d:\nnfdump has %+v\nsent was   %+v", i, got[i], want[i])
				}
			}
		})
	}
}

// nfcapd takes the reverse elements of RFC 5103 for the opposite direction too; only the
// class of service it knows once, and keeps the last it reads.
func TestNfdumpReverse(t *testing.T) {
	o := options(t, flow.DefaultIPFIX)
	o.Biflow = export.RFC5103
	got := receive(t, "ipfix", o)
	if len(got) != judged {
		t.Fatalf("nfdump has %d flows, want %d", len(got), judged)
	}
	for i := range got {
		v := exporttest.Flow(i)
		want := expected(v, flow.Forward, true)
		if v.Packets[1] > 0 {
			want.TOS = v.TOS[1]
		}
		if got[i] != want {
			t.Errorf("flow %d:\nnfdump has %+v\nsent was   %+v", i, got[i], want)
		}
	}
}

// nfcapd learns the sampling rate from the header of v5. What it knows of options records, in
// the version Debian has, does not reach the flows whatever they hold, so tshark judges those.
func TestNfdumpSampling(t *testing.T) {
	o := options(t, flow.DefaultV5)
	o.Sampling = 100
	got := receive(t, "netflow5", o)
	if want := exporttest.Flow(0).Packets[0] * 100; len(got) == 0 || got[0].Pkts != want {
		t.Errorf("nfdump has %+v, want %d packets in the first flow", got[:min(len(got), 1)], want)
	}
}
