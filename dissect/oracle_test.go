package dissect

import (
	"bufio"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// tuple is an oracle's flow: one direction, ICMP type and code in dport.
type tuple struct {
	src, dst     netip.Addr
	proto        uint8
	sport, dport uint16
}

type total struct{ packets, octets, fragments int }

// summary is what an oracle says of a capture.
type summary struct {
	frames, ip, nonip int
	flows             map[tuple]total
}

// readFlows reads a .flows.csv.
func readFlows(t *testing.T, name string) summary {
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s := summary{flows: map[tuple]total{}}
	lines := bufio.NewScanner(f)
	lines.Scan()
	if _, err := fmt.Sscanf(lines.Text(), "# frames=%d ip=%d nonip=%d", &s.frames, &s.ip, &s.nonip); err != nil {
		t.Fatalf("%s: %v in %q", name, err, lines.Text())
	}
	lines.Scan()
	for lines.Scan() {
		c := strings.Split(lines.Text(), ",")
		n := func(i int) int {
			v, err := strconv.Atoi(c[i])
			if err != nil && c[i] != "" {
				t.Fatalf("%s: %v", name, err)
			}
			return v
		}
		k := tuple{netip.MustParseAddr(c[2]), netip.MustParseAddr(c[4]), uint8(n(1)), uint16(n(3)), uint16(n(5))}
		v := s.flows[k] // a row per VLAN
		s.flows[k] = total{v.packets + n(7), v.octets + n(8), v.fragments + n(16)}
	}
	return s
}

// fragments joins the later fragments of a datagram to the ports of its first.
type fragments map[[2]any]tuple

func (m fragments) tuple(p *Packet) tuple {
	k := tuple{
		netip.AddrFrom16(p.Src).Unmap(), netip.AddrFrom16(p.Dst).Unmap(), p.Proto, p.SrcPort, p.DstPort,
	}
	if p.Proto == protoICMP && p.Version == 4 || p.Proto == protoICMPv6 && p.Version == 6 {
		k.sport, k.dport = 0, p.ICMP
	}
	datagram := [2]any{[2]netip.Addr{k.src, k.dst}, p.FragmentID}
	switch p.Fragment {
	case FirstFragment:
		m[datagram] = k
	case LaterFragment:
		if first, ok := m[datagram]; ok {
			return first
		}
	}
	return k
}

// summarize dissects a capture. Frames whose first fragment comes later are joined too.
func summarize(t *testing.T, name string, outer bool) summary {
	s := summary{flows: map[tuple]total{}}
	var p Packet
	known := fragments{}
	all := frames(t, name)
	for i := range all {
		if p.Dissect(&all[i], outer); p.Fragment == FirstFragment {
			known.tuple(&p)
		}
	}
	for i := range all {
		s.frames++
		if p.Dissect(&all[i], outer); p.Stop.Refused() {
			s.nonip++
			continue
		}
		s.ip++
		k := known.tuple(&p)
		v := s.flows[k]
		if v.packets, v.octets = v.packets+1, v.octets+int(p.Octets); p.Fragment != Whole {
			v.fragments++
		}
		s.flows[k] = v
	}
	return s
}

func (k tuple) String() string {
	return fmt.Sprintf("%v>%v/%d", netip.AddrPortFrom(k.src, k.sport), netip.AddrPortFrom(k.dst, k.dport), k.proto)
}

// differ lists how two summaries differ, in order.
func differ(got, want summary) (diffs []string) {
	if got.frames != want.frames || got.ip != want.ip || got.nonip != want.nonip {
		diffs = append(diffs, fmt.Sprintf("frames %d ip %d nonip %d, want %d, %d, %d",
			got.frames, got.ip, got.nonip, want.frames, want.ip, want.nonip))
	}
	for k, w := range want.flows {
		if g := got.flows[k]; g != w {
			diffs = append(diffs, fmt.Sprintf("%v: got %v, want %v", k, g, w))
		}
	}
	for k, g := range got.flows {
		if _, ok := want.flows[k]; !ok {
			diffs = append(diffs, fmt.Sprintf("%v: got %v, want none", k, g))
		}
	}
	slices.Sort(diffs)
	return diffs
}

// explained are the differences to the oracle, each with its reason.
var explained = map[string]struct {
	why   string
	diffs []string
}{
	"robustness/nDPI__fuzz-2006-06-26-2594.pcap": {
		"A frame has the EtherType of IPv4 and an IPv4 header whose version was changed to 6. The oracle goes " +
			"by the version and finds an IPv6 packet of 27778 octets; weir refuses the contradiction.",
		[]string{
			"[8011:4af7:c0a8:102:c0a8:101:b0b:35]:0>[34:4489:e530:100:1::]:0/4: got {0 0 0}, want {1 27778 0}",
			"frames 691 ip 606 nonip 85, want 691, 607, 84",
		},
	},
}

// notCaptures are files without frames.
var notCaptures = map[string]string{
	"robustness/wireshark-wiki__c07-sip-r2.cap": "It is of Microsoft Network Monitor, neither pcap nor pcapng.",
}

// The outermost packets of every capture are those of the oracle.
func TestOutermost(t *testing.T) {
	dir := captures(t)
	oracles, err := filepath.Glob(filepath.Join(dir, "*", "*.flows.csv"))
	if err != nil || len(oracles) == 0 {
		t.Fatal("no oracles", err)
	}
	for _, oracle := range oracles {
		capture := strings.TrimSuffix(oracle, ".flows.csv")
		name := strings.TrimPrefix(capture, dir+"/")
		t.Run(name, func(t *testing.T) {
			if why := notCaptures[name]; why != "" {
				t.Skip(why)
			}
			diffs, known := differ(summarize(t, capture, true), readFlows(t, oracle)), explained[name]
			if !slices.Equal(diffs, known.diffs) {
				t.Errorf("differences:\n%s\nexplained:\n%s", strings.Join(diffs, "\n"), strings.Join(known.diffs, "\n"))
			}
		})
	}
}
