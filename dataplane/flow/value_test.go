package flow

import (
	"math"
	"testing"
)

// tcpValues is what fields say of tcpSample in JSON; empty is absent.
var tcpValues = map[string]string{
	"IN_BYTES": "1000", "OUT_BYTES": "9000", "IN_PKTS": "10", "OUT_PKTS": "12",
	"PROTOCOL": "6", "PROTOCOL_MAP": `"tcp"`, "IP_PROTOCOL_VERSION": "4",
	"IPV4_SRC_ADDR": `"192.0.2.1"`, "IPV4_DST_ADDR": `"198.51.100.7"`, "IPV6_SRC_ADDR": "",
	"L4_SRC_PORT": "40000", "L4_DST_PORT": "443", "L4_SRV_PORT": "443", "SRC_TOS": "40", "DST_TOS": "72",
	"MIN_TTL": "60", "REVERSE_MIN_TTL": "50", "MAX_TTL": "64", "REVERSE_MAX_TTL": "51",
	"FLOW_END_REASON": "3", "BIFLOW_DIRECTION": "1",

	"FIRST_SWITCHED": "1700000000", "LAST_SWITCHED": "1700000002", "FLOW_START_SEC": "1700000000",
	"FLOW_START_MILLISECONDS": "1700000000123", "FLOW_START_MICROSECONDS": "1700000000123456",
	"FLOW_START_NANOSECONDS": "1700000000123456789", "FLOW_END_MILLISECONDS": "1700000002623",
	"FLOW_DURATION_MILLISECONDS": "2500", "FLOW_DURATION_MICROSECONDS": "2500000",

	"IN_L2_BYTES": "1140", "OUT_L2_BYTES": "9168", "INPUT_SNMP": "3", "OUTPUT_SNMP": "4",
	"IN_SRC_MAC": `"02:00:00:00:00:01"`, "OUT_DST_MAC": `"02:00:00:00:00:fe"`,
	"SRC_VLAN": "200", "DST_VLAN": "200", "DOT1Q_SRC_VLAN": "100", "DOT1Q_DST_VLAN": "100",
	"DOT1Q_CUSTOMER_VLAN": "200", "MPLS_LABEL_1": "100000", "MPLS_LABEL_3": "100002",
	"IPV6_FLOW_LABEL": "", "ICMP_TYPE": "", "ICMP_IPV4_TYPE": "",

	"TCP_FLAGS": "283", "CLIENT_TCP_FLAGS": "27", "SERVER_TCP_FLAGS": "26",
	"CLIENT_INITIAL_TCP_FLAGS": "2", "SERVER_INITIAL_TCP_FLAGS": "18",
	"RETRANSMITTED_IN_PKTS": "1", "RETRANSMITTED_OUT_PKTS": "2", "RETRANSMITTED_IN_BYTES": "100",
	"RETRANSMITTED_OUT_BYTES": "101", "OOORDER_IN_PKTS": "3", "OOORDER_OUT_PKTS": "4",
	"DUPLICATE_OUT_PKTS": "6", "TCP_HOLES_OUT": "8", "TCP_LOST_OUT_BYTES": "201",
	"TCP_ZERO_WINDOWS_IN": "9", "TCP_WIN_MIN_IN": "1000", "TCP_WIN_MAX_OUT": "2001",
	"TCP_WIN_MSS_IN": "1460", "TCP_WIN_MSS_OUT": "1459", "TCP_WIN_SCALE_IN": "7", "TCP_WIN_SCALE_OUT": "8",

	"CLIENT_NW_LATENCY_MS": "1.5", "SERVER_NW_LATENCY_MS": "10.2", "APPL_LATENCY_MS": "5.25",
	"CLIENT_RTT_USEC": "3000", "SERVER_RTT_USEC": "20400", "APPL_LATENCY_USEC": "5250",

	"MIN_IP_PKT_LEN": "40", "REVERSE_MAX_IP_PKT_LEN": "1500", "SHORTEST_FLOW_PKT": "40",
	"LONGEST_FLOW_PKT": "1500", "NUM_PKTS_UP_TO_128_BYTES": "1", "NUM_PKTS_OVER_1514_BYTES": "7",
	"NUM_PKTS_TTL_EQ_1": "1", "NUM_PKTS_TTL_2_5": "2", "NUM_PKTS_TTL_5_32": "3", "NUM_PKTS_TTL_224_255": "2",
	"SRC_FRAGMENTS": "1", "DST_FRAGMENTS": "2", "OUT_CE_PKTS": "4",
	"ENTROPY_CLIENT_BYTES": "7500", "ENTROPY_SERVER_BYTES": "8000",

	"DURATION_IN": "2500", "DURATION_OUT": "2390", "SRC_TO_DST_IAT_MIN": "1", "SRC_TO_DST_IAT_AVG": "1",
	"SRC_TO_DST_IAT_STDDEV": "0", "DST_TO_SRC_IAT_MIN": "0.5", "DST_TO_SRC_IAT_STDDEV": "0.5",
	"SRC_TO_DST_MAX_THROUGHPUT": "4800", "DST_TO_SRC_MIN_THROUGHPUT": "800",
	"SRC_TO_DST_AVG_THROUGHPUT": "3200", "DST_TO_SRC_AVG_THROUGHPUT": "28800",

	"UPSTREAM_TUNNEL_ID": "5001", "DOWNSTREAM_TUNNEL_ID": "5002", "UPSTREAM_SESSION_ID": "70001",
	"TUNNEL_ID": "5001", "LAYER2_SEGMENT_ID": "72057594037932937", "TUNNEL_TYPE": `"vxlan"`,
	"TUNNEL_DEPTH": "1", "OUTER_IPV4_SRC_ADDR": `"203.0.113.1"`, "OUTER_IPV6_DST_ADDR": "",
	"OUTER_L4_DST_PORT": "4789", "OUTER_PROTOCOL": "17", "UNTUNNELED_IPV4_DST_ADDR": `"198.51.100.7"`,
	"UNTUNNELED_L4_DST_PORT": "443", "UNTUNNELED_PROTOCOL": "6",

	"L7_PROTO": "91", "APPLICATION_ID": `"22:91"`, "L7_CONFIDENCE": "6", "L7_PROTO_NAME": "",
	"SRC_AS": "", "SAMPLING_INTERVAL": "",
}

// icmpValues is what fields say of icmpSample.
var icmpValues = map[string]string{
	"IPV4_SRC_ADDR": "", "IPV6_SRC_ADDR": `"2001:db8::1"`, "IPV6_FLOW_LABEL": "74565",
	"REVERSE_IPV6_FLOW_LABEL": "344865", "PROTOCOL_MAP": `"ipv6-icmp"`, "L4_SRC_PORT": "", "L4_DST_PORT": "",
	"ICMP_TYPE": "", "ICMP_IPV6_TYPE_CODE": "32768", "REVERSE_ICMP_IPV6_TYPE_CODE": "33024",
	"ICMP_IPV6_TYPE": "128", "ICMP_IPV6_CODE": "0", "TCP_FLAGS": "", "CLIENT_TCP_FLAGS": "",
	"RETRANSMITTED_IN_PKTS": "", "TCP_WIN_MIN_IN": "", "TCP_WIN_MSS_IN": "", "TCP_WIN_SCALE_IN": "",
	"OUTER_IPV4_SRC_ADDR": "", "OUTER_IPV6_SRC_ADDR": `"2001:db8:f::1"`,
	"UNTUNNELED_IPV6_SRC_ADDR": `"2001:db8::1"`,
}

func TestValues(t *testing.T) {
	s := compiled(t)
	for _, c := range []struct {
		record *Record
		values map[string]string
	}{{tcpSample(), tcpValues}, {icmpSample(), icmpValues}} {
		v := &View{Record: c.record}
		for name, want := range c.values {
			if got := s.json(t, v, name); got != want {
				t.Errorf("protocol %d: %s is %s, want %s", v.Proto, name, got, want)
			}
		}
	}
}

// What was not measured is absent; what was counted and found to be none is 0.
func TestAbsent(t *testing.T) {
	s := compiled(t)
	v := &View{Record: &Record{}}
	v.Version, v.Proto, v.SrcPort, v.DstPort, v.Packets[Forward] = 4, 6, 1, 2, 1
	present := map[string]bool{}
	for _, f := range s.Fields {
		if _, ok := v.Value(f); ok {
			present[f.Label] = true
		}
	}
	for _, name := range []string{"OUT_BYTES", "OUT_PKTS", "TCP_FLAGS", "CLIENT_TCP_FLAGS", "SRC_TOS",
		"MIN_TTL", "RETRANSMITTED_OUT_PKTS", "NUM_PKTS_TTL_EQ_1", "SRC_FRAGMENTS", "TUNNEL_DEPTH",
		"FLOW_DURATION_MILLISECONDS"} {
		if !present[name] {
			t.Errorf("%s is absent", name)
		}
	}
	for _, name := range []string{"DST_TOS", "REVERSE_MIN_TTL", "SERVER_TCP_FLAGS", "FLOW_END_REASON",
		"OUTPUT_SNMP", "IN_SRC_MAC", "SRC_VLAN", "DST_VLAN", "DOT1Q_CUSTOMER_VLAN", "MPLS_LABEL_1", "ICMP_TYPE",
		"IPV6_SRC_ADDR", "CLIENT_INITIAL_TCP_FLAGS", "TCP_WIN_MIN_IN", "TCP_WIN_MSS_IN", "TCP_WIN_SCALE_IN",
		"CLIENT_NW_LATENCY_MS", "SERVER_RTT_USEC", "APPL_LATENCY_MS", "MIN_IP_PKT_LEN", "SHORTEST_FLOW_PKT",
		"LONGEST_FLOW_PKT",
		"ENTROPY_CLIENT_BYTES", "DURATION_IN", "SRC_TO_DST_IAT_MIN", "SRC_TO_DST_IAT_AVG", "SRC_TO_DST_IAT_STDDEV",
		"SRC_TO_DST_MAX_THROUGHPUT", "SRC_TO_DST_AVG_THROUGHPUT", "UPSTREAM_TUNNEL_ID", "UPSTREAM_SESSION_ID",
		"TUNNEL_ID", "TUNNEL_TYPE", "LAYER2_SEGMENT_ID", "OUTER_IPV4_SRC_ADDR", "OUTER_L4_SRC_PORT",
		"OUTER_PROTOCOL", "UNTUNNELED_PROTOCOL", "UNTUNNELED_IPV4_SRC_ADDR", "UNTUNNELED_L4_DST_PORT", "L7_PROTO",
		"APPLICATION_ID", "APPLICATION_NAME", "L7_CONFIDENCE", "SRC_IP_COUNTRY", "SRC_AS", "IPV4_SRC_MASK",
		"L7_OS_HINT", "EXPORTER_IPV4_ADDRESS", "SAMPLING_INTERVAL"} {
		if present[name] {
			t.Errorf("%s is present", name)
		}
	}
	v.Packets = [2]uint64{}
	if s.json(t, v, "IN_L2_BYTES") != "0" || s.json(t, v, "OUT_L2_BYTES") != "0" {
		t.Error("no packets have no frames: that is 0, not unknown")
	}
}

// Parts of the key that are not looked at are absent.
func TestIgnored(t *testing.T) {
	s := compiled(t)
	v := &View{Record: tcpSample()}
	for part, names := range map[KeyPart][]string{
		KeyVLAN: {"SRC_VLAN", "DST_VLAN", "DOT1Q_SRC_VLAN"},
		KeyProto: {"PROTOCOL", "PROTOCOL_MAP", "TCP_FLAGS", "OOORDER_IN_PKTS", "COMMUNITY_ID",
			"UNTUNNELED_PROTOCOL"},
		KeyAddresses: {"IPV4_SRC_ADDR", "IPV4_DST_ADDR", "COMMUNITY_ID", "UNTUNNELED_IPV4_SRC_ADDR"},
		KeyPorts:     {"L4_SRC_PORT", "L4_DST_PORT", "L4_SRV_PORT", "COMMUNITY_ID", "UNTUNNELED_L4_SRC_PORT"},
		KeyTunnel:    {"TUNNEL_ID"},
	} {
		for _, name := range names {
			v.Ignored = 0
			if s.json(t, v, name) == "" {
				t.Errorf("%s is absent from a whole key", name)
			}
			if v.Ignored = part; s.json(t, v, name) != "" {
				t.Errorf("%s is present though %b is ignored", name, part)
			}
		}
	}
}

// Values at the ends of their ranges neither wrap nor divide by zero.
func TestExtremes(t *testing.T) {
	s := compiled(t)
	v := &View{Record: tcpSample()}
	v.Hot.Octets[Forward], v.First, v.Last = math.MaxUint64, 5, 6
	v.IATSquares[Forward] = math.MaxUint64
	v.Max[Forward] = math.MaxUint32
	v.Confidence, v.Outer.Type = 200, 200
	v.Outer.ID[Forward] = 1 << 24
	for name, want := range map[string]string{
		"SRC_TO_DST_AVG_THROUGHPUT": "18446744073709551615", "SRC_TO_DST_IAT_STDDEV": "",
		"SRC_TO_DST_MAX_THROUGHPUT": "34359738360", "L7_CONFIDENCE": "",
	} {
		if got := s.json(t, v, name); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	v.Outer.Type = NVGRE
	if got := s.json(t, v, "LAYER2_SEGMENT_ID"); got != "" {
		t.Errorf("a segment of 25 bits is %s", got)
	}
	v.First = 7 // a packet before the first
	a, b := s.json(t, v, "FLOW_DURATION_MILLISECONDS"), s.json(t, v, "SRC_TO_DST_AVG_THROUGHPUT")
	if a != "0" || b != "" {
		t.Errorf("a flow that ends before it starts lasts %s ms at %s bits", a, b)
	}
	v.MinLen = [2]uint32{0, 70}
	if got := s.json(t, v, "SHORTEST_FLOW_PKT"); got != "70" {
		t.Errorf("shortest packet is %s, want that of the only direction with packets", got)
	}
	for typ := Tunnel(1); typ < Tunnels; typ++ {
		if typ.String() == "" {
			t.Errorf("tunnel %d has no name", typ)
		}
	}
}

func TestAttributes(t *testing.T) {
	s := compiled(t)
	var a Attrs
	a.Bytes(AppName, []byte("TLS"))
	a.Uint(SrcAS, 64500)
	a.Bytes(ExporterIPv4, []byte{192, 0, 2, 9})
	a.Bytes(SrcCity, make([]byte, 300))
	var b Attrs
	b.Load(a.All())
	v := &View{Record: tcpSample(), Attrs: b.All()}
	for name, want := range map[string]string{
		"L7_PROTO_NAME": `"TLS"`, "APPLICATION_NAME": `"TLS"`, "SRC_AS": "64500", "DST_AS": "",
		"EXPORTER_IPV4_ADDRESS": `"192.0.2.9"`, "DST_IP_CITY": "",
	} {
		if got := s.json(t, v, name); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	if c, ok := v.Value(SrcCity); !ok || len(c.B) != 255 {
		t.Errorf("a long name has %d octets, want 255", len(c.B))
	}
	for range 20 {
		a.Bytes(DstCity, make([]byte, 255))
	}
	if a.Dropped == 0 || len(a.All()) > 3<<10 {
		t.Errorf("%d octets of attributes, %d dropped", len(a.All()), a.Dropped)
	}
	for n := range len(v.Attrs) { // cut anywhere, attributes end there
		cut := &View{Record: v.Record, Attrs: v.Attrs[:n]}
		cut.Value(SrcCity)
	}
	a.Reset()
	if v.Attrs = a.All(); s.json(t, v, "SRC_AS") != "" {
		t.Error("an attribute outlived Reset")
	}
}
