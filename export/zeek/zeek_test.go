package zeek

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/export"
	"github.com/weir-probe/weir/export/exporttest"
)

// connection returns a TCP flow with the control bits of both ends in letters.
func connection(orig, resp string) *flow.View {
	v := exporttest.Flow(0)
	for d, letters := range [2]string{orig, resp} {
		v.TCPFlags[d], v.Packets[d] = 0, uint64(len(letters))
		for _, c := range letters {
			v.TCPFlags[d] |= map[rune]uint16{'F': fin, 'S': syn, 'R': rst, 'A': ack, '.': 0}[c]
		}
	}
	v.TCP = [2]flow.TCP{}
	return v
}

// What Zeek's documentation of conn_state and its script say of connections.
func TestState(t *testing.T) {
	for _, c := range []struct{ orig, resp, want string }{
		{"S", "", "S0"},
		{"SA", "SA", "S1"},
		{"SAF", "SAF", "SF"},
		{"S", "RA", "REJ"},
		{"SR", "R", "REJ"},
		{"SAF", "SA", "S2"},
		{"SA", "SAF", "S3"},
		{"SAR", "SA", "RSTO"},
		{"SAR", "SAF", "RSTO"},
		{"SA", "SAR", "RSTR"},
		{"SAF", "SAR", "RSTR"},
		{"SR", "", "RSTOS0"},
		{"R", "", "OTH"},
		{"", "SAR", "RSTRH"},
		{"SF", "", "SH"},
		{"", "SAF", "SHR"},
		{"", "SA", "OTH"},
		{"A", "A", "OTH"},
		{"A", "", "OTH"},
		{"S", "SA", "OTH"},
	} {
		if got := state(connection(c.orig, c.resp)); got != c.want {
			t.Errorf("%s and %s are %s, want %s", c.orig, c.resp, got, c.want)
		}
	}
	for _, c := range []struct {
		proto   uint8
		packets [2]uint64
		want    string
	}{
		{protoUDP, [2]uint64{1, 1}, "SF"}, {protoUDP, [2]uint64{1, 0}, "S0"}, {protoUDP, [2]uint64{0, 1}, "SHR"},
		{protoICMP, [2]uint64{1, 1}, "OTH"}, {47, [2]uint64{1, 0}, "OTH"},
	} {
		v := exporttest.Flow(0)
		v.Proto, v.Packets = c.proto, c.packets
		if got := state(v); got != c.want {
			t.Errorf("protocol %d with %v packets is %s, want %s", c.proto, c.packets, got, c.want)
		}
	}
	v := exporttest.Flow(0)
	v.Ignored = flow.KeyPorts
	if got := state(v); got != "" {
		t.Errorf("several connections in one are %s", got)
	}
}

func TestHistory(t *testing.T) {
	full := connection("SAF", "SAF")
	for d := range full.TCP {
		full.TCP[d] = flow.TCP{Seen: flow.SeenSYN | flow.SeenSequence, SYNSeq: 1<<32 - 1, NextSeq: 101}
	}
	full.TCP[1].NextSeq, full.TCP[0].RetransmittedPackets, full.TCP[1].ZeroWindows = 1, 1, 1
	full.Octets = [2]uint64{500, 500}
	first := connection("SA", "SA")
	first.TCP[0] = flow.TCP{Seen: flow.SeenPacket, InitialFlags: syn | ack}
	udp, udp6 := exporttest.Flow(4), exporttest.Flow(2)
	udp6.Packets, udp6.Octets = [2]uint64{1, 2}, [2]uint64{48, 97}
	for _, c := range []struct {
		v    *flow.View
		want string
	}{
		{full, "ShDTwFf"}, {connection("S", "RA"), "Sr"}, {connection("SA", "SA"), "Sh"}, {first, "Hh"},
		{connection("A", "A"), ""}, {udp, "D"}, {udp6, "d"}, {exporttest.Flow(1), ""},
	} {
		if got := string(history(nil, c.v)); got != c.want {
			t.Errorf("history is %q, want %q", got, c.want)
		}
	}
	for d, want := range []uint64{100, 0} {
		if n, ok := payload(full, flow.Dir(d)); !ok || n != want {
			t.Errorf("payload %d is %d %v, want %d", d, n, ok, want)
		}
	}
	full.Octets[0] = 1 << 32
	if n, ok := payload(full, flow.Forward); ok {
		t.Errorf("payload of more than the sequence space is %d", n)
	}
	full.Octets[0] = 50
	if n, ok := payload(full, flow.Forward); ok {
		t.Errorf("payload of %d octets in 50", n)
	}
}

// rows reads a log as zeek-cut does: names and types from the header, values by their separator.
func rows(t *testing.T, log string) (all []map[string]string) {
	t.Helper()
	var names, types []string
	for line := range strings.Lines(log) {
		values := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		switch {
		case values[0] == "#fields":
			names = values[1:]
		case values[0] == "#types":
			types = values[1:]
		case line[0] == '#':
		case len(values) != len(names) || len(values) != len(types):
			t.Fatalf("%d values of %d names in %q", len(values), len(names), line)
		default:
			row := map[string]string{}
			for i, v := range values {
				row[names[i]] = v
			}
			all = append(all, row)
		}
	}
	return all
}

func TestLog(t *testing.T) {
	exporttest.Schema(t) // gives attributes their numbers
	v := exporttest.Flow(0)
	var a flow.Attrs
	a.Text(flow.AppName, "TLS")
	v.Attrs, v.VLAN, v.ID = a.All(), 7, flow.ID{1}
	echo := exporttest.Flow(1)
	var hostile flow.Attrs
	hostile.Text(flow.AppName, "A\tb\n\\\xff é")
	echo.Attrs = hostile.All()
	f, err := New(export.FormatOptions{})
	if err != nil {
		t.Fatal(err)
	}
	m, _ := f.Append(f.Begin(nil, 0), v)
	m, _ = f.Append(m, echo)
	log := string(f.Open()(nil, m)) + string(f.Seal(m))
	got := rows(t, log)
	want := []map[string]string{{
		"ts": "1700003600.000000", "uid": string(uid(nil, v)), "id.orig_h": "10.1.0.0", "id.orig_p": "20000",
		"id.resp_h": "192.0.2.0", "id.resp_p": "443", "proto": "tcp", "service": "ssl", "duration": "1.500000",
		"conn_state": "SF", "history": "ShTFf", "orig_bytes": "-", "local_orig": "-", "tunnel_parents": "-",
		"orig_pkts": "5", "orig_ip_bytes": "5000", "resp_pkts": "3", "resp_ip_bytes": "700", "missed_bytes": "0",
		"vlan": "7", "inner_vlan": "-", "orig_l2_addr": "02:00:00:00:00:01",
	}, {
		"id.orig_p": "8", "id.resp_p": "0", "proto": "icmp", "service": `a\x09b\x0a\x5c\xff é`, "conn_state": "OTH",
		"history": "-", "vlan": "-", "orig_l2_addr": "-",
	}}
	if len(got) != len(want) {
		t.Fatalf("%d rows in %s", len(got), log)
	}
	for i := range want {
		for name, w := range want[i] {
			if g := got[i][name]; g != w {
				t.Errorf("row %d: %s is %q, want %q", i, name, g, w)
			}
		}
	}
	if len(got[0]["uid"]) != 18 || got[0]["uid"] == got[1]["uid"] || !strings.HasPrefix(log, "#separator \\x09\n") {
		t.Errorf("identifiers or header are wrong in\n%s", log)
	}
	checkJSON(t, []*flow.View{v, echo}, want)
}

// checkJSON checks that JSON has the same values, those that are set.
func checkJSON(t *testing.T, flows []*flow.View, want []map[string]string) {
	t.Helper()
	f, err := NewJSON(export.FormatOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, opens := any(f).(export.Opener); opens {
		t.Error("JSON begins with a header")
	}
	for i, v := range flows {
		line, _ := f.Append(f.Begin(nil, 0), v)
		d := json.NewDecoder(strings.NewReader(string(line)))
		d.UseNumber()
		var object map[string]any
		if err := d.Decode(&object); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		for name, w := range want[i] {
			got, set := object[name]
			if name == "service" && i == 1 {
				w = "a\tb\n\\\ufffd é"
			}
			if set != (w != "-") || set && fmt.Sprint(got) != w {
				t.Errorf("JSON %d: %s is %v, want %s", i, name, got, w)
			}
		}
		if object["_path"] != "conn" || fmt.Sprint(object["schema_version"]) != fmt.Sprint(export.SchemaVersion) {
			t.Errorf("JSON begins with %s", line)
		}
	}
	event := exporttest.Flow(0)
	event.Kind = flow.KindEvent
	if f.Takes(event) || !f.Takes(flows[0]) {
		t.Error("conn.log takes an event or refuses a flow")
	}
}

// The fields that the columns need are there, and have what is looked at measured.
func TestTemplate(t *testing.T) {
	tpl := Template(exporttest.Schema(t))
	if n := len(strings.Fields(needed)); len(tpl.Fields) != n {
		t.Errorf("%d fields of %d labels", len(tpl.Fields), n)
	}
	if b := tpl.Blocks(); b&flow.BlockTCP == 0 || b&flow.BlockLink == 0 {
		t.Errorf("blocks %b are maintained", b)
	}
}
