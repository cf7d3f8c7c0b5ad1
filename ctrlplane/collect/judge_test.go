package collect

import (
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
)

// What is expected of the oldest versions, value by value. Times of the uptime are as far apart.
func TestFixedVersions(t *testing.T) {
	for _, version := range []string{"v1", "v7"} {
		b := newBench(t, nil)
		path := collection("netflow/derived_netflow__beatsunit__netflow-" + version + ".pcap")
		b.read(path)
		var want struct{ Records []map[string]any }
		text, err := os.ReadFile(path + ".expected.json")
		if err == nil {
			err = json.Unmarshal(text, &want)
		}
		if err != nil || len(want.Records) != len(b.records) {
			t.Fatalf("%v; %d records, want %d", err, len(b.records), len(want.Records))
		}
		for i, r := range want.Records {
			for name, value := range r {
				if f := b.schema.Named(name); f != nil && !strings.HasSuffix(name, "SysUpTime") && b.records[i][f.Key()] != plain(value) {
					t.Errorf("%s: record %d: %s is %s, want %v", version, i, f.Key(), b.records[i][f.Key()], value)
				}
			}
			apart := r["flowEndSysUpTime"].(float64) - r["flowStartSysUpTime"].(float64)
			if got := b.records[i]["FLOW_DURATION_MILLISECONDS"]; got != plain(apart) {
				t.Errorf("%s: record %d: lasted %s ms, want %v", version, i, got, apart)
			}
		}
		b.counts(map[Counter]uint64{})
	}
}

// tokens are what Telegraf's expected records say, by our keys.
var tokens = map[string]string{
	"dst_port": "L4_DST_PORT", "src_port": "L4_SRC_PORT", "src": "IPV4_SRC_ADDR", "dst": "IPV4_DST_ADDR",
	"in_bytes": "IN_BYTES", "in_packets": "IN_PKTS", "l7_proto": "L7_PROTO", "flow_start_ms": "FLOW_START_MILLISECONDS",
	"flow_end_ms": "FLOW_END_MILLISECONDS", "in_src_mac": "IN_SRC_MAC", "out_dst_mac": "OUT_DST_MAC",
	"client_nw_latency_ms": "CLIENT_NW_LATENCY_MS", "server_nw_latency_ms": "SERVER_NW_LATENCY_MS",
	"app_latency_ms": "APPL_LATENCY_MS", "retransmitted_in_pkts": "RETRANSMITTED_IN_PKTS",
	"retransmitted_out_pkts": "RETRANSMITTED_OUT_PKTS", "retransmitted_in_bytes": "RETRANSMITTED_IN_BYTES",
	"ssl_version": "TLS_VERSION", "ssl_cipher": "TLS_CIPHER", "ssl_unsafe_cipher": "TLS_UNSAFE_CIPHER",
}

// nProbe's elements are fields, in IPFIX under ntop's number.
func TestNProbe(t *testing.T) {
	b := newBench(t, nil)
	path := collection("netflow/derived_netflow__telegraf__ipfix_pen_35632.pcap")
	b.read(path)
	text, err := os.ReadFile(path + ".expected.out")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	if len(lines) != len(b.records) {
		t.Fatalf("%d records, Telegraf has %d", len(b.records), len(lines))
	}
	compared := 0
	for i, line := range lines {
		for _, pair := range strings.Split(strings.Fields(line)[1], ",") {
			name, value, _ := strings.Cut(pair, "=")
			key := tokens[name]
			if key == "" {
				continue
			}
			compared++
			value = strings.Trim(strings.TrimSuffix(value, "u"), `"`)
			if b.records[i][key] != value {
				t.Errorf("record %d: %s is %s, want %s", i, key, b.records[i][key], value)
			}
		}
	}
	if compared < 2*len(tokens)-2 {
		t.Errorf("%d values were compared, want about %d", compared, 2*len(tokens))
	}
}

// What pmacct makes of routers' exports, record by record.
func TestPmacct(t *testing.T) {
	for _, c := range []struct{ capture, expected string }{
		{"pmacct__100-IPFIXv10-CISCO__traffic-00", "pmacct.scenario-01_output-flow-00"},
		{"pmacct__102-NFv9-CISCO-f2rd-pretag-sampling-reload__traffic-00", "pmacct.output-flow-00"},
	} {
		b := newBench(t, nil)
		path := collection("netflow/" + c.capture + ".pcap")
		b.read(path)
		text, err := os.ReadFile(path + "." + c.expected + ".json")
		if err != nil {
			t.Fatal(err)
		}
		var want, got []string
		for line := range strings.Lines(string(text)) {
			d := json.NewDecoder(strings.NewReader(line))
			d.UseNumber()
			var r map[string]any
			if err := d.Decode(&r); err != nil {
				t.Fatal(err)
			}
			want = append(want, tuple(func(name string) string { return toString(r[name]) },
				"ip_src", "ip_dst", "port_src", "port_dst", "iface_in", "iface_out", "tos", "mask_src", "mask_dst", "packets", "bytes"))
		}
		for _, r := range b.records {
			v := "4"
			if r["IP_PROTOCOL_VERSION"] == "6" {
				v = "6"
			}
			got = append(got, tuple(func(name string) string { return r[name] }, "IPV"+v+"_SRC_ADDR", "IPV"+v+"_DST_ADDR",
				"L4_SRC_PORT", "L4_DST_PORT", "INPUT_SNMP", "OUTPUT_SNMP", "SRC_TOS", "IPV"+v+"_SRC_MASK", "IPV"+v+"_DST_MASK",
				"IN_PKTS", "IN_BYTES"))
		}
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(want, got) {
			t.Errorf("%s: %d records are\n%s\npmacct has %d\n%s", c.capture, len(got), strings.Join(got, "\n"), len(want),
				strings.Join(want, "\n"))
		}
	}
}

func toString(v any) string {
	switch v := v.(type) {
	case json.Number:
		return v.String()
	case string:
		return v
	}
	return ""
}

// tuple writes values with spaces between; what is absent is 0.
func tuple(value func(name string) string, names ...string) string {
	var all []string
	for _, name := range names {
		v := value(name)
		if v == "" {
			v = "0"
		}
		all = append(all, v)
	}
	return strings.Join(all, " ")
}

// shark returns what tshark said of a capture.
func shark(t *testing.T, path string) string {
	t.Helper()
	if b, err := os.ReadFile(path + ".tshark.json"); err == nil {
		return string(b)
	}
	f, err := os.Open(path + ".tshark.json.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// The sampling rate of each record is that of its own sampler, as options announced it.
func TestSamplersOfOptions(t *testing.T) {
	b := newBench(t, nil)
	b.read(collection("netflow/derived_netflow__akvorado__multiplesamplingrates-merged.pcap"))
	for i, r := range b.records {
		want := map[string]string{"1": "2000", "2": "4000"}[r["FLOW_SAMPLER_ID"]]
		if r["SAMPLING_INTERVAL"] != want || want == "" || r["SAMPLING_ORIGIN"] != "options" {
			t.Errorf("record %d of sampler %s: %s by %s, want %s by options", i, r["FLOW_SAMPLER_ID"],
				r["SAMPLING_INTERVAL"], r["SAMPLING_ORIGIN"], want)
		}
	}
}

// A sampled section of a packet is dissected as a packet is.
func TestSection(t *testing.T) {
	b := newBench(t, nil)
	b.read(collection("netflow/derived_netflow__akvorado__datalink-merged.pcap"))
	if len(b.records) != 1 {
		t.Fatalf("%d records, want 1", len(b.records))
	}
	for key, want := range map[string]string{
		"IPV4_SRC_ADDR": "51.51.51.51", "IPV4_DST_ADDR": "52.52.52.52", "L4_SRC_PORT": "55501", "L4_DST_PORT": "11777",
		"PROTOCOL": "17", "IN_BYTES": "96", "IN_PKTS": "1", "INPUT_SNMP": "582", "DOT1Q_SRC_VLAN": "231",
		"IN_SRC_MAC": "b4:02:16:55:92:f4", "IN_DST_MAC": "18:2a:d3:6e:50:3f", "IN_L2_BYTES": "114",
	} {
		if got := b.records[0][key]; got != want {
			t.Errorf("%s is %s, want %s", key, got, want)
		}
	}
}
