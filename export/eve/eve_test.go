package eve

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/app"
	"github.com/weir-probe/weir/export"
	"github.com/weir-probe/weir/export/exporttest"
)

func everything(t *testing.T) *flow.Schema {
	t.Helper()
	s, err := flow.Compile(append(flow.All(), app.Fields())...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// written returns the object of a record, decoded.
func written(t *testing.T, s *flow.Schema, v *flow.View) map[string]any {
	t.Helper()
	f, err := New(export.FormatOptions{Template: Template(s)})
	if err != nil {
		t.Fatal(err)
	}
	line, ok := f.Append(f.Begin(nil, 0), v)
	d := json.NewDecoder(strings.NewReader(string(line)))
	d.UseNumber()
	var object map[string]any
	if err := d.Decode(&object); err != nil || !ok || strings.Count(string(line), "\n") != 1 {
		t.Fatalf("%v in %s", err, line)
	}
	return object
}

func expect(t *testing.T, object, want map[string]any) {
	t.Helper()
	for path, w := range want {
		at := any(object)
		for _, name := range strings.Split(path, ".") {
			inner, _ := at.(map[string]any)
			at = inner[name]
		}
		if fmt.Sprint(at) != fmt.Sprint(w) {
			t.Errorf("%s is %v, want %v", path, at, w)
		}
	}
}

func TestFlow(t *testing.T) {
	s := everything(t)
	v := exporttest.Flow(0)
	v.VLAN, v.CVLAN = 7, 8
	var a flow.Attrs
	a.Text(flow.AppName, "TLS")
	a.Text(flow.ProbeName, "p")
	v.Attrs = a.All()
	one := written(t, s, v)
	expect(t, one, map[string]any{
		"timestamp": "2023-11-14T23:13:21.500000+0000", "event_type": "flow", "vlan": []any{7, 8},
		"src_ip": "10.1.0.0", "src_port": 20000, "dest_ip": "192.0.2.0", "dest_port": 443, "proto": "TCP", "ip_v": 4,
		"app_proto": "tls", "host": "p", "schema_version": export.SchemaVersion, "icmp_type": nil, "tls": nil,
		"flow.pkts_toserver": 5, "flow.pkts_toclient": 3, "flow.bytes_toserver": 5070, "flow.bytes_toclient": 742,
		"flow.start": "2023-11-14T23:13:20.000000+0000", "flow.end": "2023-11-14T23:13:21.500000+0000",
		"flow.age": 1, "flow.state": "closed", "flow.reason": "timeout", "flow.alerted": false,
		"tcp.tcp_flags": "1b", "tcp.tcp_flags_ts": "1b", "tcp.tcp_flags_tc": "13", "tcp.syn": true, "tcp.rst": nil,
		"tcp.state": "closed",
	})
	event := exporttest.Flow(0)
	event.Kind = flow.KindEvent
	if two := written(t, s, event); one["flow_id"] != two["flow_id"] || one["flow_id"] == nil {
		t.Errorf("flow_id is %v of a flow and %v of its event", one["flow_id"], two["flow_id"])
	}
	expect(t, written(t, s, exporttest.Flow(1)), map[string]any{"proto": "ICMP", "icmp_type": 8, "icmp_code": 0,
		"src_port": nil, "tcp": nil, "flow.state": "established"})
	v = exporttest.Flow(2)
	v.L2Octets = [2]uint64{}
	expect(t, written(t, s, v), map[string]any{"proto": "UDP", "ip_v": 6, "src_ip": "2001:db8::2",
		"flow.bytes_toserver": 5014})
	v.Proto, v.Packets[1] = 200, 0
	expect(t, written(t, s, v), map[string]any{"proto": "200", "flow.state": "new"})
}

func TestStates(t *testing.T) {
	s := everything(t)
	for _, c := range []struct {
		flags      [2]uint16
		answered   bool
		state, tcp any
	}{
		{[2]uint16{syn, 0}, false, "new", "syn_sent"},
		{[2]uint16{syn, syn | ack}, true, "established", "syn_recv"},
		{[2]uint16{syn | ack, syn | ack}, true, "established", "established"},
		{[2]uint16{syn | ack | fin, syn | ack}, true, "established", nil},
		{[2]uint16{syn | ack | fin, syn | ack | fin}, true, "closed", "closed"},
		{[2]uint16{syn, rst | ack}, true, "closed", "closed"},
	} {
		v := exporttest.Flow(0)
		v.TCPFlags = c.flags
		if !c.answered {
			v.Packets[1] = 0
		}
		expect(t, written(t, s, v), map[string]any{"flow.state": c.state, "tcp.state": c.tcp})
	}
	for end, want := range map[flow.EndReason]any{flow.EndActive: nil, flow.EndForced: "shutdown",
		flow.EndResource: "forced", flow.EndDetected: "timeout", 0: nil} {
		v := exporttest.Flow(0)
		v.End = end
		expect(t, written(t, s, v), map[string]any{"flow.reason": want})
	}
}

// said are events by their attributes, and what is written of them.
var said = []struct {
	protocol     string
	values, want map[string]any
}{
	{"dns", map[string]any{"DNS_QUERY": "a.test", "DNS_QUERY_TYPE_NAME": "A", "DNS_QUERY_ID": 9, "DNS_RET_CODE": 0,
		"DNS_RET_CODE_NAME": "NOERROR", "DNS_FLAGS": "AA;RD", "DNS_RESPONSE": "192.0.2.1/A;x;b/c/TXT",
		"TRANSACTION_RESPONSE_END": exporttest.Epoch},
		map[string]any{"event_type": "dns", "dns.type": "response", "dns.id": 9, "dns.rcode": "NOERROR",
			"timestamp": "2023-11-14T23:13:20.000000+0000", "dns.aa": true, "dns.rd": true, "dns.ra": nil,
			"dns.queries": "[map[rrname:a.test rrtype:A]]", "flow": nil,
			"dns.answers": "[map[rdata:192.0.2.1 rrtype:A] map[rdata:x] map[rdata:b/c rrtype:TXT]]"}},
	{"dns", map[string]any{"DNS_QUERY_FLAGS": "RD"}, map[string]any{"dns.type": "request", "dns.rd": true,
		"dns.queries": nil, "dns.answers": nil}},
	{"http2", map[string]any{"HTTP_HOST": "h", "HTTP_URL": "/\"\n", "HTTP_RET_CODE": 200},
		map[string]any{"event_type": "http", "http.hostname": "h", "http.url": "/\"\n", "http.status": 200}},
	{"tls", map[string]any{"TLS_SERVER_NAME": "h", "TLS_VERSION": 0x0303, "TLS_RESUMED": 0,
		"TLS_CERT_SERIAL": []byte{0xa, 0xbc}, "TLS_CERT_SHA1": []byte{0xa, 0xbc}, "TLS_CLIENT_ALPN": "h2,h3",
		"TLS_CERT_NOT_AFTER": exporttest.Epoch, "JA3C_HASH": "aa"},
		map[string]any{"event_type": "tls", "tls.sni": "h", "tls.version": "TLS 1.2", "tls.serial": "0A:BC",
			"tls.fingerprint": "0a:bc", "tls.session_resumed": nil, "tls.client_alpns": []any{"h2", "h3"},
			"tls.notafter": "2023-11-14T23:13:20", "tls.ja3.hash": "aa", "tls.ja3s": nil}},
	{"dtls", map[string]any{"TLS_VERSION": 0xfefd}, map[string]any{"tls.version": "DTLS 1.2"}},
	{"tls", map[string]any{"TLS_VERSION": 0x7f1c, "TLS_RESUMED": 1},
		map[string]any{"tls.version": "0x7f1c", "tls.session_resumed": true}},
	{"quic", map[string]any{"QUIC_VERSION": 1}, map[string]any{"quic.version": "1", "event_type": "quic"}},
	{"quic", map[string]any{"QUIC_VERSION": 0x6b3343cf}, map[string]any{"quic.version": "6b3343cf"}},
	{"ssh", map[string]any{"SSH_CLIENT_VERSION": "SSH-2.0-Open-SSH 9", "SSH_SERVER_VERSION": "SSH",
		"HASSH_SERVER": "a"},
		map[string]any{"ssh.client.proto_version": "2.0", "ssh.client.software_version": "Open-SSH 9",
			"ssh.server.proto_version": nil, "ssh.server.hassh.hash": "a"}},
	{"what", nil, map[string]any{"event_type": "event", "src_ip": "10.1.0.0"}},
}

func TestEvents(t *testing.T) {
	s := everything(t)
	for _, c := range said {
		v := exporttest.Flow(0)
		v.Kind = flow.KindEvent
		var a flow.Attrs
		a.Text(app.TransactionProtocol, c.protocol)
		for label, value := range c.values {
			switch value := value.(type) {
			case string:
				a.Text(s.Named(label), value)
			case []byte:
				a.Bytes(s.Named(label), value)
			case int:
				a.Uint(s.Named(label), uint64(value))
			}
		}
		v.Attrs = a.All()
		expect(t, written(t, s, v), c.want)
	}
}

// Events of protocols that Suricata has no names for have all their fields, under their labels.
func TestOwn(t *testing.T) {
	f := &flow.Field{Element: flow.Element{Label: "XYZ_CALL_ID"}}
	typ, members := membersOf(&app.Dissector{Name: "xyz", Fields: []*flow.Field{f, {Element: flow.Element{Label: "Q"}}}})
	if typ != "xyz" || len(members) != 2 || members[0].path != "xyz.call_id" || members[1].path != "xyz.q" {
		t.Errorf("%s has %v", typ, members)
	}
	tpl := Template(everything(t))
	for _, d := range app.All {
		if _, members := membersOf(d); len(members) == 0 {
			t.Errorf("events of %s say nothing", d.Name)
		}
	}
	if b := tpl.Blocks(); b&flow.BlockLink == 0 {
		t.Errorf("blocks %b are maintained", b)
	}
	statistics := &flow.View{Record: new(flow.Record), Kind: flow.KindStatistics}
	if new(Format).Takes(statistics) {
		t.Error("EVE takes statistics")
	}
}
