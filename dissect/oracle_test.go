package dissect

import (
	"bufio"
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/weir-probe/weir/dataplane/nic"
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

// readFlows reads a .flows.csv or .flows.csv.gz.
func readFlows(t *testing.T, name string) summary {
	s := summary{flows: map[tuple]total{}}
	lines := bufio.NewScanner(unpacked(t, name))
	lines.Scan()
	if _, err := fmt.Sscanf(lines.Text(), "# frames=%d ip=%d nonip=%d", &s.frames, &s.ip,
		&s.nonip); err != nil {
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
		k := tuple{netip.MustParseAddr(c[2]), netip.MustParseAddr(c[4]), uint8(n(1)), uint16(n(3)),
			uint16(n(5))}
		v := s.flows[k] // a row per VLAN
		s.flows[k] = total{v.packets + n(7), v.octets + n(8), v.fragments + n(16)}
	}
	return s
}

// datagram is what the fragments of a packet have in common.
type datagram struct {
	src, dst netip.Addr
	id       uint32
}

// later is a fragment without ports.
type later struct {
	datagram
	tuple
	octets int
}

func identify(p *Packet) (tuple, datagram) {
	k := tuple{
		netip.AddrFrom16(p.Src).Unmap(), netip.AddrFrom16(p.Dst).Unmap(), p.Proto, p.SrcPort, p.DstPort,
	}
	if p.Proto == protoICMP && p.Version == 4 || p.Proto == protoICMPv6 && p.Version == 6 {
		k.sport, k.dport = 0, p.ICMP
	}
	return k, datagram{k.src, k.dst, p.FragmentID}
}

// summarize dissects a capture. Later fragments are of the ports of the first one before them,
// or if there is none of that after them.
func summarize(t *testing.T, name string, outer bool) summary {
	s := summary{flows: map[tuple]total{}}
	first, rest := map[datagram]tuple{}, []later{}
	add := func(k tuple, octets, fragments int) {
		v := s.flows[k]
		s.flows[k] = total{v.packets + 1, v.octets + octets, v.fragments + fragments}
	}
	var p Packet
	eachFrame(t, name, func(f *nic.Frame) {
		s.frames++
		if p.Dissect(f, outer); p.Stop.Refused() {
			s.nonip++
			return
		}
		s.ip++
		k, d := identify(&p)
		switch p.Fragment {
		case Whole:
			add(k, int(p.Octets), 0)
		case FirstFragment:
			first[d] = k
			add(k, int(p.Octets), 1)
		case LaterFragment:
			if before, ok := first[d]; ok {
				add(before, int(p.Octets), 1)
			} else {
				rest = append(rest, later{d, k, int(p.Octets)})
			}
		}
	})
	for _, r := range rest {
		if k, ok := first[r.datagram]; ok {
			r.tuple = k
		}
		add(r.tuple, r.octets, 1)
	}
	return s
}

func (k tuple) String() string {
	return fmt.Sprintf("%v>%v/%d", netip.AddrPortFrom(k.src, k.sport), netip.AddrPortFrom(k.dst, k.dport),
		k.proto)
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
	"bench/realmix_share.pcap.zst": {
		"30 frames of PPPoE have a PPP protocol number of one octet, which the oracle does not know. Segments " +
			"that the NIC was to cut up have a total length of 0: the oracle adds nothing for them; weir, as " +
			"tshark, what the frame has.",
		[]string{
			"10.100.0.0:57013>142.250.179.131:80/6: got {16 917 0}, want none",
			"10.199.2.121:59327>10.199.2.111:389/6: got {12 4443 0}, want {12 2595 0}",
			"10.199.2.121:59355>10.199.2.111:389/6: got {6 2870 0}, want {6 990 0}",
			"10.199.2.121:59356>10.199.2.111:389/6: got {4 2343 0}, want {4 463 0}",
			"10.200.200.27:5357>10.200.200.192:49653/6: got {3 2514 0}, want {3 92 0}",
			"10.87.101.8:30353>54.165.118.142:443/6: got {18 28599 0}, want {18 3313 0}",
			"142.250.179.131:80>10.100.0.0:57013/6: got {14 16167 0}, want none",
			"169.254.59.247:53387>169.254.46.4:11010/6: got {66 17102 0}, want {66 3232 0}",
			"192.168.1.187:54164>192.168.1.178:7070/6: got {947 2015760 0}, want {947 219121 0}",
			"frames 206912 ip 203673 nonip 3239, want 206912, 203643, 3269",
		},
	},
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
	oracles, err := filepath.Glob(filepath.Join(dir, "*", "*.flows.csv*"))
	if err != nil || len(oracles) == 0 {
		t.Fatal("no oracles", err)
	}
	for _, oracle := range oracles {
		capture, packed, _ := strings.Cut(oracle, ".flows.csv")
		if packed != "" {
			capture += ".zst"
		}
		name := strings.TrimPrefix(capture, dir+"/")
		t.Run(name, func(t *testing.T) {
			if why := notCaptures[name]; why != "" {
				t.Skip(why)
			}
			diffs, known := differ(summarize(t, capture, true), readFlows(t, oracle)), explained[name]
			if !slices.Equal(diffs, known.diffs) {
				t.Errorf("differences:\n%s\nexplained:\n%s", strings.Join(diffs, "\n"),
					strings.Join(known.diffs, "\n"))
			}
		})
	}
}
