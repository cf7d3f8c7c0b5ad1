package worker

import (
	"bytes"
	"testing"
	"time"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dataplane/nic"
	"github.com/weir-probe/weir/dataplane/nic/filter"
)

const query = 8 << 8 // echo request

// The first packet decides who is the initiator: a is, or b.
func TestDirection(t *testing.T) {
	for _, c := range []struct {
		name      string
		first     pkt // from a to b
		initiator byte
	}{
		{"SYN", pkt{sport: 80, dport: 4000, flags: "S"}, 'a'},
		{"SYN+ACK", pkt{sport: 4000, dport: 80, flags: "SA"}, 'b'},
		{"segment to a server", pkt{sport: 4000, dport: 80, flags: "A"}, 'a'},
		{"segment from a server", pkt{sport: 80, dport: 4000, flags: "A"}, 'b'},
		{"reset from a server", pkt{sport: 443, dport: 4000, flags: "R"}, 'b'},
		{"between servers", pkt{sport: 53, dport: 53}, 'a'},
		{"between clients", pkt{sport: 40000, dport: 50000}, 'a'},
		{"datagram from a registered port", pkt{sport: 5060, dport: 40000}, 'b'},
		{"datagram to a registered port", pkt{sport: 40000, dport: 4739}, 'a'},
		{"port 0 is nobody's", pkt{sport: 0, dport: 40000}, 'a'},
		{"echo request", pkt{icmp: query + 1}, 'a'},
		{"echo reply", pkt{icmp: 1}, 'b'},
	} {
		for _, conf := range []Config{usual(), {}} {
			if conf.Flows == 0 {
				conf = usual()
				conf.NoSwap, c.initiator = true, 'a'
			}
			answer := c.first
			answer.src, answer.dst, answer.sport, answer.dport = "b", "a", c.first.dport, c.first.sport
			answer.at, answer.ttl = ms, 33
			if answer.icmp != 0 {
				answer.icmp ^= query
			}
			b := meter(t, conf, c.first, answer, c.first)
			if len(b.records) != 1 {
				t.Errorf("%s: %d records", c.name, len(b.records))
				continue
			}
			r := &b.records[0]
			d := flow.Forward
			if c.initiator == 'b' {
				d = flow.Reverse
			}
			if r.Src[15] != c.initiator-'a'+1 || r.Packets[d] != 2 || r.Packets[d^1] != 1 ||
				r.MaxTTL[d^1] != 33 || r.MaxTTL[d] != 64 {
				t.Errorf("%s: from %d, packets %v, TTL %v", c.name, r.Src[15], r.Packets, r.MaxTTL)
			}
			if want := uint16(c.first.sport); c.first.icmp == 0 && d == flow.Forward && r.SrcPort != want {
				t.Errorf("%s: source port %d", c.name, r.SrcPort)
			}
			if want := [2][6]byte{{2, 0, 0, 0, 0, 1}, {2, 0, 0, 0, 0, 2}}; [2][6]byte{r.SrcMAC, r.DstMAC} != want &&
				d == flow.Forward || [2][6]byte{r.DstMAC, r.SrcMAC} != want && d == flow.Reverse {
				t.Errorf("%s: MAC %x to %x", c.name, r.SrcMAC, r.DstMAC)
			}
		}
	}
}

// Both ends of a flow can be the same.
func TestLand(t *testing.T) {
	land := pkt{src: "a", dst: "a", sport: 80, dport: 80, flags: "SA"}
	b := meter(t, usual(), land, land)
	if len(b.records) != 1 || b.records[0].Packets != [2]uint64{2, 0} {
		t.Errorf("%s", told(b.records))
	}
}

func TestKeyParts(t *testing.T) {
	packets := []pkt{
		{sport: 1000, dport: 80, flags: "S"}, {sport: 1001, dport: 80, flags: "S"},
		{sport: 1001, dport: 80, flags: "R"}, {at: 5 * s, sport: 1001, dport: 80, flags: "S"},
		{at: 5 * s, sport: 1000, dport: 80}, {at: 5 * s, sport: 1000, dport: 80, vlan: 5, flags: "S"},
		{at: 5 * s, src: "c", dst: "d", sport: 1000, dport: 80, flags: "S"},
	}
	for _, c := range []struct {
		ignore flow.KeyPart
		want   int
	}{
		{0, 6}, {flow.KeyVLAN, 5}, {flow.KeyPorts, 4}, {flow.KeyProto, 4}, {flow.KeyAddresses, 4},
		{flow.KeyPorts | flow.KeyProto, 3},
		{flow.KeyPorts | flow.KeyProto | flow.KeyAddresses | flow.KeyVLAN | flow.KeyTunnel, 1},
	} {
		conf := usual()
		conf.Ignore = c.ignore
		b := meter(t, conf, packets...)
		if len(b.records) != c.want {
			t.Errorf("ignoring %b: %d records, want %d: %s", c.ignore, len(b.records), c.want, told(b.records))
		}
		for i := range b.records {
			r := &b.records[i]
			if r.Ignored != c.ignore || c.ignore&flow.KeyPorts != 0 && (r.SrcPort|r.DstPort) != 0 ||
				c.ignore&flow.KeyAddresses != 0 && r.Src != [16]byte{} || c.ignore&flow.KeyProto != 0 && r.Proto != 0 {
				t.Errorf("ignoring %b: %+v", c.ignore, r.Key)
			}
			if c.ignore&aggregate != 0 && (r.TCP[0] != flow.TCP{} || r.End == flow.EndDetected) {
				t.Errorf("ignoring %b: many connections are taken for one", c.ignore)
			}
		}
	}
}

func TestIngress(t *testing.T) {
	for _, c := range []struct {
		ingress bool
		want    int
	}{{false, 1}, {true, 2}} {
		f := frames([]pkt{udp(0), udp(0)})
		f[1].Port = 3
		conf := usual()
		conf.Ingress = c.ingress
		b := newBench(t, &feed{frames: f}, conf)
		b.run(0)
		if len(b.records) != c.want {
			t.Errorf("ingress in the key %v: %d records", c.ingress, len(b.records))
		}
	}
}

func TestSampling(t *testing.T) {
	for _, c := range []struct{ sampling, want uint32 }{
		{0, 1000}, {1, 1000}, {2, 500}, {7, 143}, {1000, 1}, {5000, 1},
	} {
		conf := usual()
		conf.Sampling = c.sampling
		var packets []pkt
		for range 1000 {
			packets = append(packets, udp(0))
		}
		b := meter(t, conf, packets...)
		if n := b.report.Counters; n[Metered] != uint64(c.want) || n[SampledOut] != 1000-uint64(c.want) {
			t.Errorf("one in %d: %v", c.sampling, n)
		}
	}
}

func TestFilter(t *testing.T) {
	p, err := filter.Compile(nic.Ethernet, 0, "udp port 53")
	if err != nil {
		t.Skip(err)
	}
	conf := usual()
	conf.Filter = p
	b := meter(t, conf, udp(0), tcp(0, "S", 1, 0), udp(0))
	if n := b.report.Counters; n[Metered] != 2 || n[Filtered] != 1 {
		t.Errorf("%v", n)
	}
}

// What is no IP is refused with its reason; what has no time gets that of the Step.
func TestOddFrames(t *testing.T) {
	arp := append(bytes.Repeat([]byte{0xff}, 12), 8, 6, 0, 1, 8, 0, 6, 4)
	f := []nic.Frame{framed(arp, epoch), framed(arp[:5], epoch), udp(0).frame(), udp(0).frame()}
	f[3].Link = 9999
	f[2].Time = 0
	src := &turn{next: f}
	b := newBench(t, src, usual())
	b.Step(epoch + 5)
	b.finish()
	if n := b.report; n.Counters[Refused] != 3 || n.Counters[Metered] != 1 {
		t.Errorf("%+v", n)
	}
	if len(b.records) != 1 || b.records[0].First != epoch+5 {
		t.Errorf("%+v", b.records)
	}
}

// finish flushes.
func (b *bench) finish() {
	b.Flush(0)
	b.drain()
	b.balance(b.report)
}

func TestConfigIsChecked(t *testing.T) {
	for name, spoil := range map[string]func(c *Config){
		"flows": func(c *Config) { c.Flows = 0 }, "too many flows": func(c *Config) { c.Flows = 1 << 30 },
		"idle": func(c *Config) { c.Idle = 0 }, "active": func(c *Config) { c.Active = -time.Second },
		"linger": func(c *Config) { c.Linger = -1 }, "lateness": func(c *Config) { c.Lateness = 0 },
		"fragments":        func(c *Config) { c.Fragments = -1 },
		"fragment timeout": func(c *Config) { c.FragmentTimeout = 0 },
		"shard":            func(c *Config) { c.Shard = Shard{2, 2} },
	} {
		conf := usual()
		spoil(&conf)
		if _, err := New(silent{}, newBench(t, silent{}, usual()).ring, conf); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
