package collect

import (
	"fmt"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// What tcpdump reads of counters, number by number.
func TestCounters(t *testing.T) {
	b := newBench(t, nil)
	path := collection("sflow/tcpdump__sflow_multiple_counter_30_pdus.pcap")
	b.read(path)
	text, err := os.ReadFile(path + ".tcpdump.sflow_multiple_counter_30_pdus.out")
	if err != nil {
		t.Fatal(err)
	}
	var want, got []string
	for _, m := range regexp.MustCompile(`ifindex (\d+), iftype (\d+), ifspeed (\d+), ifdirection (\d+)[^\n]*\n[^\n]*ifstatus (\d+)[^\n]*\n`+
		`\s*In octets (\d+), unicast pkts (\d+), multicast pkts (\d+), broadcast pkts (\d+), discards (\d+)\n`+
		`\s*In errors (\d+), unknown protos (\d+)\n`+
		`\s*Out octets (\d+), unicast pkts (\d+), multicast pkts (\d+), broadcast pkts (\d+), discards (\d+)\n`+
		`\s*Out errors (\d+), promisc mode (\d+)`).FindAllStringSubmatch(string(text), -1) {
		for i := range m {
			if m[i] == "4294967295" { // nobody counts it
				m[i] = ""
			}
		}
		want = append(want, strings.Join(m[1:], " "))
	}
	for _, r := range b.records {
		if r["IF_INDEX"] == "" { // a packet, or counters of something else
			continue
		}
		var row []string
		for _, key := range strings.Fields(`IF_INDEX IF_TYPE IF_SPEED IF_DIRECTION IF_STATUS IF_IN_OCTETS IF_IN_UNICAST_PKTS
			IF_IN_MULTICAST_PKTS IF_IN_BROADCAST_PKTS IF_IN_DISCARDS IF_IN_ERRORS IF_IN_UNKNOWN_PROTOCOLS IF_OUT_OCTETS
			IF_OUT_UNICAST_PKTS IF_OUT_MULTICAST_PKTS IF_OUT_BROADCAST_PKTS IF_OUT_DISCARDS IF_OUT_ERRORS IF_PROMISCUOUS`) {
			row = append(row, r[key])
		}
		got = append(got, strings.Join(row, " "))
	}
	if len(want) == 0 || !slices.Equal(want, got) {
		t.Errorf("%d records of counters, tcpdump has %d; the first are\n%s\n%s", len(got), len(want), got[:1], want[:1])
	}
	if n := b.count(SamplesBad); n != 0 {
		t.Errorf("%d samples are malformed", n)
	}
}

// What Telegraf finds in flow samples. Octets of frames are not compared: ours are without the check
// sequence, which agents count and strip.
func TestSampledPackets(t *testing.T) {
	b := newBench(t, nil)
	path := collection("sflow/derived_netflow__telegraf__sflow_issue_15918.pcap")
	b.read(path)
	text, err := os.ReadFile(path + ".expected.out")
	if err != nil {
		t.Fatal(err)
	}
	keys := map[string]string{"src": "SRC", "dst": "DST", "src_port": "L4_SRC_PORT", "dst_port": "L4_DST_PORT", "in_snmp": "INPUT_SNMP",
		"out_snmp": "OUTPUT_SNMP", "sampling_interval": "SAMPLING_INTERVAL", "in_src_mac": "IN_SRC_MAC",
		"out_dst_mac": "IN_DST_MAC", "sampling_drops": "SAMPLE_DROPS", "in_total_packets": "SAMPLE_POOL"}
	var flows []said
	for _, r := range b.records {
		if r["IN_PKTS"] != "" {
			r["SRC"], r["DST"] = r["IPV4_SRC_ADDR"]+r["IPV6_SRC_ADDR"], r["IPV4_DST_ADDR"]+r["IPV6_DST_ADDR"]
			flows = append(flows, r)
		}
	}
	i, compared := 0, 0
	for line := range strings.Lines(string(text)) {
		if !strings.Contains(line, ",src=") {
			continue
		}
		if i == len(flows) {
			t.Fatalf("%d flows, Telegraf has more", i)
		}
		for _, pair := range strings.Split(strings.Fields(line)[1], ",") {
			name, value, _ := strings.Cut(pair, "=")
			value = strings.Trim(strings.TrimSuffix(value, "u"), `"`)
			if name == "in_snmp" && strings.Contains(line, `direction="egress"`) {
				continue // Telegraf puts the number of the source there; tshark has the one that we have
			}
			if key := keys[name]; key != "" {
				compared++
				if flows[i][key] != value {
					t.Errorf("flow %d: %s is %s, want %s", i, key, flows[i][key], value)
				}
			}
		}
		i++
	}
	if i != len(flows) || compared < 20 {
		t.Errorf("%d flows, Telegraf has %d; %d values were compared", len(flows), i, compared)
	}
	b.counts(map[Counter]uint64{CounterRecords: b.count(CounterRecords)})
}

// A packet in VXLAN is that inside, with the tunnel around it.
func TestSampledTunnel(t *testing.T) {
	b := newBench(t, nil)
	b.read(collection("sflow/akvorado__data-encap-vxlan.pcap"))
	if len(b.records) != 1 {
		t.Fatalf("%d records, want 1", len(b.records))
	}
	for key, want := range map[string]string{
		"IPV6_SRC_ADDR": "2001:db8:4::1", "IPV6_DST_ADDR": "2001:db8:4::3", "PROTOCOL": "58", "IN_BYTES": "104",
		"UPSTREAM_TUNNEL_ID": "100", "TUNNEL_TYPE": "vxlan", "OUTER_IPV4_SRC_ADDR": "192.168.108.40",
		"OUTER_IPV4_DST_ADDR": "192.168.15.14", "SAMPLING_INTERVAL": "1", "FLOW_SOURCE": "2",
		"IN_SRC_MAC": "ca:6e:98:f8:49:8f", "EXPORTER_IPV4_ADDRESS": "127.0.0.1", "OBSERVATION_DOMAIN_ID": "1402",
	} {
		if got := b.records[0][key]; got != want {
			t.Errorf("%s is %s, want %s", key, got, want)
		}
	}
}

// tshark counts as many samples of packets, and the same rates.
func TestPings(t *testing.T) {
	b := newBench(t, nil)
	path := collection("sflow/wireshark-wiki__sFlow-v5-100-ping-per-second.pcap")
	b.read(path)
	text := shark(t, path)
	want, got := map[string]int{}, map[string]int{}
	for _, m := range regexp.MustCompile(`"sflow\.flow_sample\.sampling_rate": "(\d+)"`).FindAllStringSubmatch(text, -1) {
		want[m[1]]++
	}
	pings := 0
	for _, r := range b.records {
		if r["IN_PKTS"] == "" {
			continue
		}
		got[r["SAMPLING_INTERVAL"]]++
		if r["PROTOCOL"] == "1" {
			pings++
		}
	}
	if fmt.Sprint(want) != fmt.Sprint(got) || len(want) == 0 || pings == 0 {
		t.Errorf("samples by rate are %v, tshark has %v; %d pings", got, want, pings)
	}
}

// xdr makes octets of numbers of 32 bits, and text of strings.
func xdr(all ...any) (b []byte) {
	for _, x := range all {
		switch x := x.(type) {
		case int:
			b = be.AppendUint32(b, uint32(x))
		case []byte:
			b = append(b, x...)
		case string:
			b = append(be.AppendUint32(b, uint32(len(x))), x...)
			b = append(b, make([]byte, -len(x)&3)...)
		}
	}
	return b
}

// opaque makes a record or sample of a format.
func opaque(format int, body ...any) []byte {
	b := xdr(body...)
	return append(xdr(format, len(b)), b...)
}

// Every record that says more of a packet is read.
func TestExtended(t *testing.T) {
	four := func(a string) []byte { return append(xdr(1), netip.MustParseAddr(a).AsSlice()...) }
	ip := opaque(3, 1000, 6, netip.MustParseAddr("192.0.2.1").AsSlice(), netip.MustParseAddr("192.0.2.2").AsSlice(), 1234, 80, 0x12, 0x20)
	records := [][]byte{
		ip, opaque(1001, 10, 0, 20, 0), opaque(1002, four("198.51.100.1"), 24, 16),
		opaque(1003, four("198.51.100.2"), 64500, 64501, 64502, 1, 2, 2, 64503, 64504, 1, 4259840100, 120),
		opaque(1004, 106, "alice", 106, "bob"), opaque(1005, 2, "http://h.example/", "h.example"),
		opaque(1006, four("198.51.100.3"), 1, 100<<12, 0), opaque(1007, four("203.0.113.1"), four("203.0.113.2")),
		opaque(1020, 5000, 6000), opaque(1029, 77), opaque(1030, 78), opaque(4242, 1, 2, 3), opaque(1<<12|1, 9),
	}
	body := xdr(7, 3, 512, 5000, 9, 3, 4, len(records))
	for _, r := range records {
		body = append(body, r...)
	}
	b := newBench(t, nil)
	b.take(append(xdr(5, four("192.0.2.99"), 0, 1, 1000, 1), opaque(1, body)...), 100*second)
	if len(b.records) != 1 {
		t.Fatalf("%d records, want 1", len(b.records))
	}
	for key, want := range map[string]string{
		"IPV4_SRC_ADDR": "192.0.2.1", "L4_DST_PORT": "80", "TCP_FLAGS": "18", "SRC_TOS": "32", "IN_BYTES": "1000", "IN_PKTS": "1",
		"SAMPLING_INTERVAL": "512", "SAMPLING_ORIGIN": "data", "SCALED_IN_BYTES": "512000", "INPUT_SNMP": "3", "OUTPUT_SNMP": "4",
		"DIRECTION": "0", "DOT1Q_SRC_VLAN": "10", "DST_VLAN": "20", "IPV4_NEXT_HOP": "198.51.100.1", "IPV4_SRC_MASK": "24",
		"IPV4_DST_MASK": "16", "BGP_IPV4_NEXT_HOP": "198.51.100.2", "SRC_AS": "64501", "DST_AS": "64504",
		"BGP_PREV_ADJACENT_ASN": "64502", "BGP_NEXT_ADJACENT_ASN": "64503", "BGP_LOCAL_PREFERENCE": "120", "USERNAME": "alice",
		"DST_USERNAME": "bob", "SAMPLED_URL": "http://h.example/", "SAMPLED_HOST": "h.example", "MPLS_LABEL_1": "100",
		"POST_NAT_SRC_IPV4_ADDR": "203.0.113.1", "POST_NAPT_DST_PORT": "6000", "EGRESS_VNI": "77", "INGRESS_VNI": "78",
		"EXPORTER_IPV4_ADDRESS": "192.0.2.99", "EXPORT_VERSION": "5",
	} {
		if got := b.records[0][key]; got != want {
			t.Errorf("%s is %q, want %s", key, got, want)
		}
	}
	b.counts(map[Counter]uint64{SamplesUnknown: 2})
}

// Samples of version 4 and 2 follow each other without lengths.
func TestOldVersions(t *testing.T) {
	for _, version := range []int{2, 4} {
		ip := xdr(2, 1000, 17, netip.MustParseAddr("192.0.2.1").AsSlice(), netip.MustParseAddr("192.0.2.2").AsSlice(), 1234, 53, 0, 0)
		gateway := xdr(3, 64500, 64501, 64502)
		if version == 4 {
			gateway = append(gateway, xdr(1, 2, 1, 64503, 0, 100)...)
		} else {
			gateway = append(gateway, xdr(1, 64503)...)
		}
		sample := func(n int) []byte {
			return append(append(xdr(1, n, 3, 64, 5000, 0, 3, 4), ip...), append(xdr(2), append(xdr(1, 10, 0, 20, 0), gateway...)...)...)
		}
		counters := append(xdr(2, 1, 3, 30, 2), make([]byte, 88+52)...)
		m := append(xdr(version, 1, netip.MustParseAddr("192.0.2.99").AsSlice(), 1, 1000, 3), sample(1)...)
		m = append(append(m, counters...), sample(2)...)
		b := newBench(t, nil)
		b.take(m, 100*second)
		if len(b.records) != 3 {
			t.Fatalf("version %d: %d records, want 3", version, len(b.records))
		}
		for _, i := range []int{0, 2} {
			for key, want := range map[string]string{"L4_DST_PORT": "53", "DOT1Q_SRC_VLAN": "10", "DST_AS": "64503",
				"SAMPLING_INTERVAL": "64", "EXPORT_VERSION": strconv.Itoa(version)} {
				if got := b.records[i][key]; got != want {
					t.Errorf("version %d: record %d: %s is %s, want %s", version, i, key, got, want)
				}
			}
		}
		if b.records[1]["ETH_SYMBOL_ERRORS"] != "0" {
			t.Errorf("version %d: counters are %v", version, b.records[1])
		}
		b.counts(map[Counter]uint64{CounterRecords: 1})
	}
}

// Samples that lie cost themselves, or what follows them, and nothing more.
func TestSampleLies(t *testing.T) {
	agent := append(xdr(1), netip.MustParseAddr("192.0.2.99").AsSlice()...)
	ip := opaque(3, 1000, 17, []byte{192, 0, 2, 1}, []byte{192, 0, 2, 2}, 1, 2, 0, 0)
	good := opaque(1, 7, 3, 512, 5000, 0, 3, 4, 1, ip)
	for name, c := range map[string]struct {
		sample  []byte
		records int
	}{
		"more records than there are": {opaque(1, 7, 3, 512, 5000, 0, 3, 4, 1<<30, ip), 3},
		"length of a record":          {opaque(1, 7, 3, 512, 5000, 0, 3, 4, 1, 3, 1<<31-1, 1), 2},
		"length of a sample":          {xdr(1, 1<<30, 1, 2, 3), 1},
		"length of a header":          {opaque(1, 7, 3, 512, 5000, 0, 3, 4, 1, opaque(1, 1, 100, 4, 1<<30)), 2},
		"path of a gateway":           {opaque(1, 7, 3, 512, 5000, 0, 3, 4, 2, ip, opaque(1003, agent, 1, 2, 3, 1<<30)), 3},
	} {
		b := newBench(t, nil)
		m := append(xdr(5, agent, 0, 1, 1000, 3), good...)
		b.take(append(append(m, c.sample...), good...), second)
		if len(b.records) != c.records || b.count(SamplesBad) == 0 {
			t.Errorf("%s: %d records, want %d; %d malformed", name, len(b.records), c.records, b.count(SamplesBad))
		}
	}
	b := newBench(t, nil)
	b.take(append(xdr(5, agent, 0, 1, 1000, 1<<31-1), good...), second)
	if len(b.records) != 1 || b.count(SamplesBad) != 1 {
		t.Errorf("a count of samples that lies: %d records", len(b.records))
	}
}
