package worker

import (
	"fmt"
	"net"
	"testing"
	"time"
	"unsafe"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dataplane/nic"
	"github.com/weir-probe/weir/dataplane/ring"
)

// epoch is when the tests take place, in nanoseconds.
const epoch = uint64(1_700_000_000_000_000_000)

// pkt describes a packet; what is left out is usual.
type pkt struct {
	at           time.Duration // after epoch
	src, dst     string        // addresses, "a" is 10.0.0.1, "b" 10.0.0.2
	sport, dport uint16
	flags        string // TCP control bits by their first letters; empty for UDP
	icmp         uint16 // type×256+code; ICMP if not 0
	seq, ack     uint32
	payload      int
	id           uint16
	offset       uint16 // of a fragment, in octets
	more         bool
	vlan         uint16
	ttl, tos     uint8
}

// address understands the abbreviations of pkt.
func address(s string) net.IP {
	if len(s) == 1 {
		return net.IPv4(10, 0, 0, s[0]-'a'+1)
	}
	return net.ParseIP(s)
}

// bytes returns the frame.
func (p pkt) bytes() []byte {
	if p.src == "" {
		p.src, p.dst = "a", "b"
	}
	ip := &layers.IPv4{
		Version: 4, IHL: 5, Id: p.id, TTL: max(p.ttl, 1), TOS: p.tos, FragOffset: p.offset / 8,
		SrcIP: address(p.src), DstIP: address(p.dst), Protocol: layers.IPProtocolUDP,
	}
	if p.ttl == 0 {
		ip.TTL = 64
	}
	if p.more {
		ip.Flags = layers.IPv4MoreFragments
	}
	stack := []gopacket.SerializableLayer{&layers.Ethernet{
		SrcMAC: net.HardwareAddr{2, 0, 0, 0, 0, 1}, DstMAC: net.HardwareAddr{2, 0, 0, 0, 0, 2},
		EthernetType: layers.EthernetTypeIPv4,
	}}
	if p.vlan != 0 {
		stack[0].(*layers.Ethernet).EthernetType = layers.EthernetTypeDot1Q
		stack = append(stack, &layers.Dot1Q{VLANIdentifier: p.vlan, Type: layers.EthernetTypeIPv4})
	}
	stack = append(stack, ip)
	if l := p.transport(ip); l != nil && p.offset == 0 {
		stack = append(stack, l)
	}
	payload := make(gopacket.Payload, p.payload)
	for i := range payload {
		payload[i] = byte(i)
	}
	b := gopacket.NewSerializeBuffer()
	opts := gopacket.SerializeOptions{FixLengths: true}
	if err := gopacket.SerializeLayers(b, opts, append(stack, payload)...); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func (p pkt) transport(ip *layers.IPv4) gopacket.SerializableLayer {
	if p.icmp != 0 {
		ip.Protocol = layers.IPProtocolICMPv4
		return &layers.ICMPv4{TypeCode: layers.ICMPv4TypeCode(p.icmp - 1)} // 1 is the echo reply
	}
	if p.flags == "" {
		return &layers.UDP{SrcPort: layers.UDPPort(p.sport), DstPort: layers.UDPPort(p.dport)}
	}
	ip.Protocol = layers.IPProtocolTCP
	t := &layers.TCP{
		SrcPort: layers.TCPPort(p.sport), DstPort: layers.TCPPort(p.dport), Seq: p.seq, Ack: p.ack, Window: 1000,
	}
	for _, c := range p.flags {
		switch c {
		case 'F':
			t.FIN = true
		case 'S':
			t.SYN = true
		case 'R':
			t.RST = true
		case 'P':
			t.PSH = true
		case 'A':
			t.ACK = true
		}
	}
	return t
}

// frame returns the packet as a source gives it.
func (p pkt) frame() nic.Frame { return framed(p.bytes(), epoch+uint64(p.at)) }

func framed(b []byte, at uint64) nic.Frame {
	return nic.Frame{
		Data: unsafe.Pointer(&b[0]), Len: uint32(len(b)), Wire: uint32(len(b)), Time: at, Link: nic.Ethernet,
	}
}

// feed is a source of given frames.
type feed struct {
	frames []nic.Frame
	most   int // frames in a burst, 0 for nic.Max
}

func (f *feed) Burst() []nic.Frame {
	n := f.most
	if n == 0 {
		n = nic.Max
	}
	n = min(n, len(f.frames))
	b := f.frames[:n]
	f.frames = f.frames[n:]
	return b
}

func (f *feed) Done() bool { return len(f.frames) == 0 }

// usual is the configuration of tests that care for nothing special.
func usual() Config {
	return Config{
		Flows: 1000, Idle: 15 * time.Second, Active: time.Minute, Linger: 2 * time.Second,
		Lateness: time.Second, Seed: 1, Fragments: 100, FragmentTimeout: 10 * time.Second,
		Blocks: flow.AllBlocks, Wait: true,
	}
}

// bench is a worker with what it is connected to.
type bench struct {
	*Worker
	t       testing.TB
	ring    *ring.Ring
	records []flow.Record
	flows   []flow.View // with their attributes
	events  []flow.View
	flawed  []string
	report  Report
	reports int
}

func newBench(t testing.TB, src nic.Source, conf Config) *bench {
	t.Helper()
	r, err := ring.Format(make([]byte, ring.Size(1<<18)))
	if err != nil {
		t.Fatal(err)
	}
	return benchOn(t, src, conf, r)
}

func benchOn(t testing.TB, src nic.Source, conf Config, r *ring.Ring) *bench {
	t.Helper()
	w, err := New(src, r, conf)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	return &bench{Worker: w, t: t, ring: r}
}

// drain reads the ring.
func (b *bench) drain() {
	for {
		kind, msg := b.ring.Next()
		switch kind {
		case ring.None:
			b.ring.Release()
			return
		case ring.Flow:
			var v flow.View
			if !v.Load(msg) {
				b.t.Fatal("record cannot be read")
			}
			b.records = append(b.records, *v.Record)
			b.flows = append(b.flows, keptView(b.t, msg))
		case ring.Event:
			b.events = append(b.events, keptView(b.t, msg))
		case ring.Malformed:
			var f Kept
			frame, ok := f.Load(msg)
			if !ok {
				b.t.Fatal("malformed packet cannot be read")
			}
			b.flawed = append(b.flawed, fmt.Sprintf("%d %s %d/%d", f.Of, f.Why(), len(frame), f.Wire))
		case ring.Stats:
			b.reports++
			if !b.report.Load(msg) {
				b.t.Fatal("report cannot be read")
			}
		}
	}
}

// run steps until the source ends, flushes at the time now after epoch, 0 for that of the
// last frame, and checks the sums.
func (b *bench) run(now time.Duration) {
	b.t.Helper()
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			default:
				b.drain()
				time.Sleep(time.Millisecond / 10)
			}
		}
	}()
	for !b.src.(nic.Finite).Done() {
		b.Step(0)
		b.balance(b.Report())
	}
	if now != 0 {
		now += time.Duration(epoch)
	}
	b.Flush(uint64(now))
	close(stop)
	<-done
	b.drain()
	b.balance(b.report)
	if b.report.Active != 0 || b.report.Waiting != 0 {
		b.t.Errorf("%d flows and %d fragments are left", b.report.Active, b.report.Waiting)
	}
	if uint64(len(b.records)) != b.report.Counters[Exported] {
		b.t.Errorf("%d records arrived, %d were exported", len(b.records), b.report.Counters[Exported])
	}
}

// balance checks that nothing is lost silently.
func (b *bench) balance(r Report) {
	b.t.Helper()
	c := &r.Counters
	in := c[SampledOut] + c[Filtered] + c[NotInShard] + c[Refused] + c[Metered] + r.Waiting
	if c[Received] != in {
		b.t.Fatalf("received %d, accounted for %d: %v", c[Received], in, *c)
	}
	made := c[EndedIdle] + c[EndedActive] + c[EndedDetected] + c[EndedForced] + c[EndedResource]
	if made != c[Exported]+c[RingFull] {
		b.t.Fatalf("records: made %d, exported %d, lost %d", made, c[Exported], c[RingFull])
	}
	stops := uint64(0)
	for _, n := range r.Stops {
		stops += n
	}
	if stops != c[Metered]+r.Waiting+c[Refused] {
		b.t.Fatalf("%d frames were dissected, %d metered, %d refused", stops, c[Metered], c[Refused])
	}
}

// meter runs packets through a worker and returns its bench.
func meter(t testing.TB, conf Config, packets ...pkt) *bench {
	t.Helper()
	b := newBench(t, &feed{frames: frames(packets)}, conf)
	b.run(0)
	return b
}

func frames(packets []pkt) (f []nic.Frame) {
	for _, p := range packets {
		f = append(f, p.frame())
	}
	return f
}
