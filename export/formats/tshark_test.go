package formats_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/export/exporttest"
)

// capture is a sink that keeps the messages as UDP datagrams in a capture file.
type capture struct {
	bytes.Buffer
	port uint16
}

func newCapture(port uint16) *capture {
	c := &capture{port: port}
	const magic, rawIP = 0xa1b2c3d4, 101
	binary.Write(c, binary.LittleEndian, []uint32{magic, 2 | 4<<16, 0, 0, 1 << 16, rawIP})
	return c
}

func (c *capture) Send(_ context.Context, m []byte) error {
	n := uint32(28 + len(m))
	binary.Write(c, binary.LittleEndian, []uint32{exporttest.Epoch / 1e9, 0, n, n})
	ip := []uint16{0x4500, uint16(n), 0, 0, 0x4011, 0, 0x7f00, 1, 0x7f00, 1, 9999, c.port, uint16(n - 20), 0}
	binary.Write(c, binary.BigEndian, ip)
	c.Write(m)
	return nil
}

func (c *capture) Close() error { return nil }

// dissect has tshark print columns for every datagram. Values of one column are joined by commas.
func (c *capture) dissect(t *testing.T, columns ...string) (rows [][]string) {
	t.Helper()
	if _, err := exec.LookPath("tshark"); err != nil {
		t.Skip("tshark is not installed")
	}
	file := filepath.Join(t.TempDir(), "messages.pcap")
	if err := os.WriteFile(file, c.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"-r", file, "-d", fmt.Sprintf("udp.port==%d,cflow", c.port), "-T", "fields",
		"-E", "separator=|", "-E", "occurrence=a", "-e", "_ws.malformed", "-e", "_ws.expert.message"}
	for _, name := range columns {
		args = append(args, "-e", name)
	}
	cmd := exec.Command("tshark", args...)
	cmd.Env = append(os.Environ(), "TZ=UTC")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("tshark: %v", err)
	}
	for line := range strings.Lines(string(out)) {
		row := strings.Split(strings.TrimSuffix(line, "\n"), "|")
		if row[0] != "" || row[1] != "" {
			t.Errorf("tshark complains of message %d: %s %s", len(rows)+1, row[0], row[1])
		}
		rows = append(rows, row[2:])
	}
	return rows
}

// judgement is a column of tshark and the field it shows.
type judgement struct{ column, field string }

var common = []judgement{
	{"cflow.srcport", "L4_SRC_PORT"}, {"cflow.dstport", "L4_DST_PORT"}, {"cflow.protocol", "PROTOCOL"},
	{"cflow.srcaddr", "IPV4_SRC_ADDR"}, {"cflow.srcaddrv6", "IPV6_SRC_ADDR"},
	{"cflow.dstaddr", "IPV4_DST_ADDR"}, {"cflow.dstaddrv6", "IPV6_DST_ADDR"},
	{"cflow.packets", "IN_PKTS"}, {"cflow.octets", "IN_BYTES"},
	{"cflow.post_packets", "OUT_PKTS"}, {"cflow.post_octets", "OUT_BYTES"},
	{"cflow.inputint", "INPUT_SNMP"}, {"cflow.outputint", "OUTPUT_SNMP"},
	{"cflow.srcmac", "IN_SRC_MAC"}, {"cflow.flow_end_reason", "FLOW_END_REASON"},
	{"cflow.vlanid", "SRC_VLAN"},
	{"cflow.pie.ntop.client_nw_latency_ms", "CLIENT_NW_LATENCY_MS"},
	{"cflow.pie.ntop.retransmitted_in_pkts", "RETRANSMITTED_IN_PKTS"},
	{"cflow.pie.ntop.retransmitted_out_bytes", "RETRANSMITTED_OUT_BYTES"},
}

// What tshark reads is what was sent, ntop's elements under their names, absent ones absent.
func TestTshark(t *testing.T) {
	t.Parallel()
	for _, c := range netflow[:2] {
		t.Run(c.name, func(t *testing.T) {
			o := options(t, c.template)
			messages := newCapture(4739)
			send(t, newFormat(t, c.name, o), messages, true)
			columns := []string{"cflow.abstimestart", "cflow.timestart",
				"cflow.sequence_analysis.expected_sn"}
			for _, j := range common {
				columns = append(columns, j.column)
			}
			i := 0
			for _, row := range messages.dissect(t, columns...) {
				if row[2] != "" {
					t.Errorf("tshark expects sequence number %s", row[2])
				}
				if row[3+slices.Index(columns[3:], "cflow.protocol")] == "" {
					continue // explanations
				}
				v := exporttest.Flow(i)
				checkStart(t, v, row)
				for n, j := range common {
					want := textOf(v, o.Template, j.field)
					if got := row[3+n]; got != want && number(got) != want {
						t.Errorf("flow %d: tshark has %s %q, sent was %q", i, j.column, got, want)
					}
				}
				i++
			}
			if i != judged {
				t.Errorf("tshark has %d flows, want %d", i, judged)
			}
		})
	}
}

// textOf returns a value of a flow as text, empty if it has none or the template no such field.
func textOf(v *flow.View, tpl *flow.Template, label string) string {
	for _, fd := range tpl.Version(v.Version) {
		if fd.Key() == label {
			if val, ok := v.Value(fd); ok {
				return string(fd.Text(nil, val))
			}
		}
	}
	return ""
}

// checkStart compares the start of a flow, which IPFIX gives as a date and v9 as an uptime.
func checkStart(t *testing.T, v *flow.View, row []string) {
	t.Helper()
	want := fmt.Sprintf("%d.%03d000000", (v.First-exporttest.Boot)/1e9, v.First/1e6%1000)
	if row[0] != "" {
		row[1] = row[0]
		want = time.Unix(0, int64(v.First)).UTC().Format("Jan _2, 2006 15:04:05.000000000 UTC")
	}
	if row[1] != want {
		t.Errorf("tshark has start %q, sent was %q", row[1], want)
	}
}

// number turns hexadecimal into decimal and leaves the rest.
func number(s string) string {
	if digits, hex := strings.CutPrefix(s, "0x"); hex {
		if n, err := strconv.ParseUint(digits, 16, 64); err == nil {
			return strconv.FormatUint(n, 10)
		}
	}
	return s
}

// tshark reads the sampling rate each format announces, and what RFC 5610 says of elements.
func TestTsharkOptions(t *testing.T) {
	for name, c := range map[string]struct {
		columns []string
		want    string
	}{
		"ipfix": {[]string{"cflow.sampling_packet_interval", "cflow.sampling_packet_space",
			"cflow.selector_algorithm", "cflow.information_element_name"}, "1 99 1 clientNwLatencyMs"},
		"netflow9": {[]string{"cflow.sampling_interval", "cflow.sampling_algorithm"}, "100 1"},
		"netflow5": {[]string{"cflow.samplerate", "cflow.samplingmode"}, "100 1"},
	} {
		t.Run(name, func(t *testing.T) {
			o := options(t, "%IPV4_SRC_ADDR %IN_BYTES %CLIENT_NW_LATENCY_MS")
			o.Sampling = 100
			messages := newCapture(2055)
			send(t, newFormat(t, name, o), messages, false)
			if got := strings.Join(messages.dissect(t, c.columns...)[0], " "); got != c.want {
				t.Errorf("tshark has %q, want %q", got, c.want)
			}
		})
	}
}

// tshark reads v5: a record a direction, in one datagram.
func TestTsharkV5(t *testing.T) {
	messages := newCapture(2055)
	f := newFormat(t, "netflow5", options(t, flow.DefaultV5))
	m := f.Begin(nil, exporttest.Epoch+1e9)
	v := exporttest.Flow(0)
	m, _ = f.Append(m, v)
	messages.Send(t.Context(), f.Seal(m))
	row := messages.dissect(t,
		"cflow.count", "cflow.srcaddr", "cflow.dstaddr", "cflow.srcport", "cflow.dstport",
		"cflow.packets", "cflow.octets", "cflow.timestart", "cflow.timeend", "cflow.tcpflags", "cflow.tos",
		"cflow.inputint", "cflow.outputint")[0]
	want := []string{"2", "10.1.0.0,192.0.2.0", "192.0.2.0,10.1.0.0", "20000,443", "443,20000",
		"5,3", "5000,700", "3600.000000000,3600.030000000", "3601.500000000,3601.490000000", "0x1b,0x13",
		"0x20,0x28", "3,4", "4,3"}
	if !slices.Equal(row, want) {
		t.Errorf("tshark has\n%q, want\n%q", row, want)
	}
}
