package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"
)

const heardTemplate = `%RECORD_KIND %L4_SRC_PORT %SIP_CALL_STATE %SIP_CALL_ID %RTP_SIP_CALL_ID
%CALL_POST_DIAL_DELAY_USEC
%RTP_IN_SSRC %RTP_OUT_SSRC %RTP_IN_PKTS %RTP_IN_LOST_PKTS %RTP_IN_DUPLICATE_PKTS %RTP_IN_REORDERED_PKTS
%RTP_IN_JITTER_USEC %RTP_IN_MAX_JITTER_USEC %RTP_IN_MAX_DELTA_USEC %RTP_IN_R_VALUE %RTP_IN_CODEC
%RTP_OUT_PKTS %RTP_OUT_LOST_PKTS %RTP_OUT_DUPLICATE_PKTS %RTP_OUT_REORDERED_PKTS
%RTP_OUT_JITTER_USEC %RTP_OUT_MAX_JITTER_USEC %RTP_OUT_MAX_DELTA_USEC %RTP_OUT_R_VALUE %RTP_OUT_CODEC`

// TestKernelCalls has sipp call sipp, and both talk, through a network that harms what the caller says in
// known ways. Before it and behind it packets are recorded: those that went in and did not come out are lost,
// and weir has to tell of exactly these, in the flow's record and in that of the call. tshark judges the jitter.
func TestKernelCalls(t *testing.T) {
	for _, tool := range []string{"sipp", "tcpdump", "tshark"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("no %s: make vm-test installs it", tool)
		}
	}
	p := newPath(t)
	p.run(t, p.router, "tc", "qdisc", "add", "dev", "rs0", "root", "netem", "delay", "0ms")
	o := &overheard{dir: t.TempDir(), dropped: map[string]int{}}
	o.before, o.after = filepath.Join(o.dir, "before.pcap"), filepath.Join(o.dir, "after.pcap")
	write(t, filepath.Join(o.dir, "sound.raw"), strings.Repeat("\xd5", 8000)) // a second of silence
	o.met = p.meterAs(t, "rs0", heardTemplate, func() {
		endBefore, endAfter := p.record(t, "rc0", o.before), p.record(t, "rs0", o.after)
		for i := range harms {
			p.call(t, o, i)
		}
		endBefore()
		endAfter()
	})
	o.again = objects(t, must(t, "replay", "-q", "--json", "--records", "flow,call", "--template", heardTemplate,
		o.after))
	o.shark = sharkStreams(t, o.after)
	for i := range harms {
		t.Run(harms[i].name, func(t *testing.T) { o.judge(t, i) })
	}
	o.worse(t)
}

// harmful is what the network does to a call.
type harmful struct {
	name, harm             string
	back                   time.Duration // delay of what the called side sends
	lost, again, reordered bool
	jitter                 float64 // at least, microseconds; what the machine has of itself adds to it
}

var harms = [...]harmful{
	{name: "none", harm: "delay 0ms"},
	{name: "loss", harm: "loss 5%", lost: true},
	{name: "delay", harm: "delay 150ms", back: 300 * time.Millisecond},
	{name: "jitter", harm: "delay 100ms 60ms", reordered: true, jitter: 20e3}, // two thirds of it, half of the time
	{name: "reorder", harm: "delay 50ms reorder 20%", reordered: true},
	{name: "duplicate", harm: "duplicate 5%", again: true},
	{name: "all", harm: "delay 100ms 60ms loss 5% duplicate 5% reorder 5%", lost: true, again: true,
		reordered: true, jitter: 20e3},
}

// ports returns where the sides of a call receive media.
func ports(i int) (caller, called int) { return 6000 + 40*i, 6020 + 40*i }

// overheard is what was seen of the calls.
type overheard struct {
	dir           string
	before, after string // recordings
	dropped       map[string]int
	met, again    []map[string]any // records of weir, which was there, and of the recording
	shark         map[int]sharkStream
}

// call has a call be made whose caller is harmed, but for the first and last seconds, as nobody who receives
// can know what was lost there. The Call-ID is the name of the harm.
func (p path) call(t *testing.T, o *overheard, i int) {
	t.Helper()
	h := &harms[i]
	harm := func(args string) {
		p.run(t, p.router, strings.Fields("tc qdisc change dev rs0 root netem "+args)...)
	}
	p.delay(t, 0, h.back)
	dropped, size := p.dropped(t, "rs0"), sizeOf(o.before)
	caller, called := ports(i)
	answer := p.talk(t, p.server, o.dir, "uas", serverAddress, "-p", "5060", "-mp", strconv.Itoa(called))
	hangUp := p.talk(t, p.client, o.dir, "uac", clientAddress, "-mp", strconv.Itoa(caller), "-d", "30000",
		"-cid_str", h.name, serverAddress+":5060")
	until(t, "media for a second", func() bool { return sizeOf(o.before) > size+30e3 })
	harm(h.harm)
	until(t, "media for twenty seconds", func() bool { return sizeOf(o.before) > size+450e3 })
	harm("delay 0ms")
	hangUp()
	answer()
	o.dropped[h.name] = p.dropped(t, "rs0") - dropped
}

func sizeOf(file string) int64 {
	i, err := os.Stat(file)
	if err != nil {
		return 0
	}
	return i.Size()
}

// judge holds all records of a call against the truth.
func (o *overheard) judge(t *testing.T, i int) {
	h := &harms[i]
	in, out := o.truth(t, i)
	t.Logf("of %d packets %d lost, %d again, %d in another order", in.sent, in.lost, in.again, in.reordered)
	disorder := in.reordered > 0 || !h.reordered // which the end of a delay makes, too
	if in.lost > 0 != h.lost || in.again > 0 != h.again || !disorder || in.sent < 1000 {
		t.Fatalf("the network did something else: %+v", in)
	}
	const others = 3 // it may lose what resolves addresses, and copies
	if n := o.dropped[h.name]; n < in.lost || n > in.lost+in.again+others {
		t.Errorf("recordings say that %d were lost, the network says %d", in.lost, n)
	}
	caller, _ := ports(i)
	for _, kind := range []string{"flow", "call"} {
		for _, x := range []struct {
			record map[string]any
			near   float64
		}{{one(t, o.met, kind, h.name), 0.05}, {one(t, o.again, kind, h.name), 0.01}} {
			sides := [2]string{"RTP_IN_", "RTP_OUT_"}
			if kind == "flow" && x.record["L4_SRC_PORT"] != float64(caller) {
				sides = [2]string{"RTP_OUT_", "RTP_IN_"} // the called side has said something first
			}
			in.compare(t, x.record, sides[0], x.near)
			out.compare(t, x.record, sides[1], x.near)
		}
	}
	jitter, _ := one(t, o.met, "call", h.name)["RTP_IN_JITTER_USEC"].(float64)
	if jitter < h.jitter {
		t.Errorf("jitter of %v µs, %v at least were injected", jitter, h.jitter)
	}
}

// worse holds that R tells good from bad, and the time until it rings against a known delay.
func (o *overheard) worse(t *testing.T) {
	t.Helper()
	of := func(name, label string) float64 {
		v, _ := one(t, o.met, "call", name)[label].(float64)
		return v
	}
	for _, name := range []string{"jitter", "all"} { // the machine's own jitter is worth more than some losses
		a, b := of("none", "RTP_IN_R_VALUE"), of(name, "RTP_IN_R_VALUE")
		if t.Logf("R %.1f, with %s %.1f", a, name, b); b >= a {
			t.Errorf("R is %v, with %s %v", a, name, b)
		}
	}
	const rings = "CALL_POST_DIAL_DELAY_USEC"
	bare := math.Inf(1) // what the machine takes for it can only add to it
	for _, h := range harms {
		if h.back == 0 {
			bare = min(bare, of(h.name, rings))
		}
	}
	added := time.Duration(of("delay", rings)-bare) * time.Microsecond
	if t.Logf("it rings %v later", added); added < 285*time.Millisecond || added > 600*time.Millisecond {
		t.Errorf("it rings %v later, 300 ms were injected", added)
	}
}

// one returns the only record of a kind of a call.
func one(t *testing.T, all []map[string]any, kind, id string) map[string]any {
	t.Helper()
	var found []map[string]any
	for _, r := range all {
		is := r["RTP_SIP_CALL_ID"] == id || r["SIP_CALL_ID"] == id
		if is && r["RECORD_KIND"] == kind && r["RTP_IN_PKTS"] != nil {
			found = append(found, r)
		}
	}
	if len(found) != 1 || kind == "call" && found[0]["SIP_CALL_STATE"] != "CALL_COMPLETED" {
		t.Fatalf("records of kind %s: %v\nall: %v", kind, found, all)
	}
	return found[0]
}

// talk starts sipp with a scenario for one call; the function waits for it to end.
func (p path) talk(t *testing.T, ns, dir, scenario, address string, more ...string) (wait func()) {
	t.Helper()
	file, err := filepath.Abs("testdata/sipp-" + scenario + ".xml")
	if err != nil {
		t.Fatal(err)
	}
	args := append([]string{"sipp", "-sf", file, "-i", address, "-mi", address, "-m", "1", "-nostdin",
		"-trace_err", "-error_file", filepath.Join(dir, scenario+".errors"), "-timeout", "240"}, more...)
	c := p.in(ns, args...)
	c.Dir = dir
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Kill(-c.Process.Pid, syscall.SIGKILL) })
	if scenario == "uas" {
		until(t, "sipp", func() bool {
			out, _ := p.in(ns, "ss", "-lunH", "sport = :5060").Output()
			return len(out) > 0
		})
	}
	return func() {
		if err := c.Wait(); err != nil {
			said, _ := os.ReadFile(filepath.Join(dir, scenario+".errors"))
			t.Fatalf("sipp %s: %v: %s", scenario, err, said)
		}
	}
}

// record records media at an interface of the router; the function ends it.
func (p path) record(t *testing.T, dev, file string) (end func()) {
	t.Helper()
	c, said := p.in(p.router, "tcpdump", "-i", dev, "-U", "-B", "8192", "-Z", "root", "-w", file, "udp"), &log{}
	c.Stderr = said
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	until(t, "tcpdump", func() bool { return strings.Contains(said.String(), "listening") })
	return func() {
		time.Sleep(500 * time.Millisecond)
		c.Process.Signal(os.Interrupt)
		if err := c.Wait(); err != nil || !strings.Contains(said.String(), "\n0 packets dropped by kernel") {
			t.Fatalf("tcpdump: %v: %s", err, said)
		}
	}
}

// dropped returns how many packets the network has lost at an interface of the router.
func (p path) dropped(t *testing.T, dev string) (n int) {
	t.Helper()
	out := p.run(t, p.router, "tc", "-s", "qdisc", "show", "dev", dev)
	_, rest, _ := strings.Cut(out, "(dropped ")
	if _, err := fmt.Sscan(strings.TrimRight(strings.Fields(rest)[0], ","), &n); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return n
}

// injected is what the network did to a stream, and what tshark says of what came.
type injected struct {
	sent, came, lost, again, reordered int
	shark                              sharkStream
}

// sharkStream is a line of tshark's table; times in milliseconds.
type sharkStream struct {
	packets                         int
	maxDelta, meanJitter, maxJitter float64
}

// truth compares what went into the network with what came out. What the called side sends is not harmed.
func (o *overheard) truth(t *testing.T, i int) (in, out injected) {
	t.Helper()
	caller, called := ports(i)
	before, after := sequence(t, o.before, called), sequence(t, o.after, called)
	back := sequence(t, o.after, caller)
	in, out = passed(before, after), passed(back, back)
	in.shark, out.shark = o.shark[called], o.shark[caller]
	return in, out
}

// passed counts what became of packets with these sequence numbers.
func passed(before, after []uint16) injected {
	x := injected{sent: len(before), came: len(after)}
	came, top := map[uint16]bool{}, after[0]
	for _, n := range after {
		switch {
		case came[n]:
			x.again++
		case int16(n-top) < 0:
			x.reordered++
		default:
			top = n
		}
		came[n] = true
	}
	for _, n := range before {
		if !came[n] {
			x.lost++
		}
	}
	return x
}

// sequence returns the sequence numbers of the packets of RTP towards a port.
func sequence(t *testing.T, file string, port int) (all []uint16) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := pcapgo.NewReader(f)
	if err != nil || r.LinkType() != layers.LinkTypeEthernet {
		t.Fatalf("%s: %v, %v", file, err, r.LinkType())
	}
	const udp, rtp = 14 + 20, 14 + 20 + 8
	for {
		b, _, err := r.ReadPacketData()
		if err == io.EOF && len(all) > 0 {
			return all
		}
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if len(b) < rtp+12 || int(binary.BigEndian.Uint16(b[udp+2:])) != port {
			continue
		}
		all = append(all, binary.BigEndian.Uint16(b[rtp+2:]))
	}
}

// sharkStreams asks tshark for the streams of a recording, by the port that they are sent to.
func sharkStreams(t *testing.T, file string) map[int]sharkStream {
	t.Helper()
	out, err := exec.Command("tshark", "-r", file, "--enable-heuristic", "rtp_udp", "-q", "-z", "rtp,streams").Output()
	if err != nil {
		t.Fatalf("tshark: %v", err)
	}
	all := map[int]sharkStream{}
	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line)
		at := slices.IndexFunc(f, func(s string) bool { return strings.HasPrefix(s, "(") })
		if at < 7 || len(f) < at+7 {
			continue
		}
		var port int
		var s sharkStream
		fields := strings.Join([]string{f[5], f[at-2], f[at+3], f[at+5], f[at+6]}, " ")
		if _, err := fmt.Sscan(fields, &port, &s.packets, &s.maxDelta, &s.meanJitter, &s.maxJitter); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		all[port] = s
	}
	return all
}

// compare holds a record against the truth: counts are exact, jitter is near what tshark says. Where weir was there
// itself, a machine that stands still between one clock and the other spoils single times, and two of its
// processors may show packets to weir in another order than to the recording.
func (x *injected) compare(t *testing.T, r map[string]any, prefix string, near float64) {
	t.Helper()
	for label, want := range map[string]int{"PKTS": x.came, "LOST_PKTS": x.lost, "DUPLICATE_PKTS": x.again,
		"REORDERED_PKTS": x.reordered} {
		got, ok := r[prefix+label].(float64)
		if label == "REORDERED_PKTS" && near > 0.01 && math.Abs(got-float64(want)) <= 2+0.01*float64(want) {
			continue
		}
		if !ok || int(got) != want || x.shark.packets != x.came {
			t.Errorf("%s: %s%s is %v, want %d; tshark has %d packets", r["RECORD_KIND"], prefix, label, r[prefix+label],
				want, x.shark.packets)
		}
	}
	for label, want := range map[string]float64{"JITTER_USEC": x.shark.meanJitter, "MAX_JITTER_USEC": x.shark.maxJitter,
		"MAX_DELTA_USEC": x.shark.maxDelta} {
		got, _ := r[prefix+label].(float64)
		t.Logf("%s %s%-15s %8.3f ms, tshark %8.3f", r["RECORD_KIND"], prefix, label, got/1e3, want)
		mean := label == "JITTER_USEC"
		if math.Abs(got/1e3-want) > near*want+0.002 && (mean || near < 0.05) {
			t.Errorf("%s: %s%s is %v µs, tshark says %v ms", r["RECORD_KIND"], prefix, label, got, want)
		}
	}
	if r[prefix+"CODEC"] != "PCMA" {
		t.Errorf("%s: codec %v", r["RECORD_KIND"], r[prefix+"CODEC"])
	}
}
