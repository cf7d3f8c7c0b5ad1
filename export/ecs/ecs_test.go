package ecs

import (
	"encoding/json"
	"fmt"
	"math"
	"net/netip"
	"strings"
	"testing"
	"time"

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

// documentOf returns the document of a flow, decoded, and as text.
func documentOf(t *testing.T, tpl *flow.Template, v *flow.View) (map[string]any, string) {
	t.Helper()
	f, err := New(export.FormatOptions{Template: tpl})
	if err != nil {
		t.Fatal(err)
	}
	line, ok := f.Append(f.Begin(nil, 0), v)
	var d map[string]any
	if err := json.Unmarshal(line, &d); err != nil || !ok {
		t.Fatalf("%v in %s", err, line)
	}
	return d, string(line)
}

// at returns what is at a path of a document.
func at(d map[string]any, path string) any {
	names := strings.Split(path, ".")
	for _, name := range names[:len(names)-1] {
		d, _ = d[name].(map[string]any)
	}
	return d[names[len(names)-1]]
}

func expect(t *testing.T, d map[string]any, want map[string]any) {
	t.Helper()
	for path, w := range want {
		if got := at(d, path); fmt.Sprint(got) != fmt.Sprint(w) {
			t.Errorf("%s is %v, want %v", path, got, w)
		}
	}
}

func TestFlow(t *testing.T) {
	tpl := exporttest.Template(t, everything(t), flow.DefaultECS)
	v := exporttest.Flow(0)
	v.VLAN, v.CVLAN, v.ID = 7, 8, flow.ID{1, 2, 3}
	var a flow.Attrs
	for f, text := range map[*flow.Field]string{
		flow.AppName: "TLS", flow.ServiceName: "YouTube", flow.SrcLongitude: "-9.5", flow.SrcLatitude: "38.7",
		flow.DstLongitude: "1.0", flow.ProbeName: "probe \"1\"\n",
	} {
		a.Text(f, text)
	}
	v.Attrs = a.All()
	d, _ := documentOf(t, tpl, v)
	expect(t, d, map[string]any{
		"@timestamp": "2023-11-14T23:13:21.500000Z", "event.start": "2023-11-14T23:13:20.000000Z",
		"event.end": "2023-11-14T23:13:21.500000Z", "event.duration": 1.5e9, "event.kind": "event",
		"event.category": []any{"network"}, "event.type": []any{"connection", "end"},
		"event.action": "network_flow", "event.reason": "idle timeout", "event.dataset": "weir.flow",
		"event.id": "01020300000000000000000000000000", "ecs.version": version,
		"source.ip": "10.1.0.0", "client.ip": "10.1.0.0", "source.port": 20000, "client.port": 20000,
		"destination.ip": "192.0.2.0", "server.ip": "192.0.2.0", "destination.port": 443,
		"source.bytes": 5000, "destination.bytes": 700, "client.bytes": 5000, "server.packets": 3,
		"network.bytes": 5700, "network.packets": 8, "network.type": "ipv4", "network.transport": "tcp",
		"network.iana_number": "6", "network.protocol": "tls", "network.application": "youtube",
		"network.vlan.id": "7", "network.inner.vlan.id": "8", "source.mac": "02-00-00-00-00-01",
		"observer.ingress.interface.id": "3", "observer.name": "probe \"1\"\n", "observer.type": "probe",
		"related.ip": []any{"10.1.0.0", "192.0.2.0"}, "source.geo.location": map[string]any{"lon": -9.5, "lat": 38.7},
		"destination.geo": nil, "weir.client_nw_latency_ms": 6, "weir.schema_version": export.SchemaVersion,
	})
	six, _ := documentOf(t, tpl, exporttest.Flow(2))
	expect(t, six, map[string]any{"source.ip": "2001:db8::2", "server.ip": "2001:db8:100::2", "network.type": "ipv6",
		"related.ip": []any{"2001:db8::2", "2001:db8:100::2"}, "network.transport": "udp", "source.mac": nil})
}

// said returns an event with attributes by their labels.
func said(s *flow.Schema, values map[string]any) *flow.View {
	v := exporttest.Flow(0)
	v.Kind = flow.KindEvent
	a := new(flow.Attrs)
	for label, value := range values {
		switch f := s.Named(label); value := value.(type) {
		case string:
			a.Text(f, value)
		case int:
			a.Uint(f, uint64(value))
		}
	}
	v.Attrs = a.All()
	return v
}

func TestEvents(t *testing.T) {
	s := everything(t)
	tpl := exporttest.Template(t, s, "@FULL@")
	const begin, end = exporttest.Epoch + 1_000_000_000, exporttest.Epoch + 1_250_000_000
	for _, c := range []struct {
		name         string
		values, want map[string]any
	}{
		{"times", map[string]any{"TRANSACTION_REQUEST_START": begin, "TRANSACTION_RESPONSE_END": end},
			map[string]any{"@timestamp": "2023-11-14T23:13:21.250000Z", "event.duration": 250e6,
				"event.start": "2023-11-14T23:13:21.000000Z", "event.action": "network_transaction",
				"event.dataset": "weir.event", "event.type": []any{"protocol"}, "network.bytes": nil}},
		{"dns", map[string]any{"DNS_QUERY": "a.test", "DNS_RET_CODE": 0, "DNS_QUERY_ID": 5,
			"DNS_FLAGS":    "AA;RD",
			"DNS_RESPONSE": "192.0.2.1/A;2001:db8::1/AAAA;x/1.2.3/A;1.2.3.4.5/A;::1%z/AAAA;a;;b.test/CNAME"},
			map[string]any{"dns.question.name": "a.test", "dns.type": "answer", "dns.id": "5",
				"dns.resolved_ip":  []any{"192.0.2.1", "2001:db8::1"},
				"dns.answers.data": []any{"192.0.2.1", "2001:db8::1", "x/1.2.3", "1.2.3.4.5", "::1%z", "a", "b.test"},
				"dns.header_flags": []any{"AA", "RD"}, "related.hosts": []any{"a.test"}}},
		{"dns query", map[string]any{"DNS_QUERY": ""}, map[string]any{"dns.type": "query", "related.hosts": nil}},
		{"http", map[string]any{"HTTP_PROTOCOL": "HTTP/1.1", "HTTP_HOST": "h", "HTTP_BODY_BYTES": -1},
			map[string]any{"http.version": "1.1", "url.domain": "h", "http.response.body.bytes": float64(math.MaxInt64)}},
		{"tls", map[string]any{"TLS_VERSION": 0x0304, "TLS_CIPHER": 0x1301, "TLS_RESUMED": 1,
			"TLS_CERT_NOT_AFTER": end, "TLS_CERT_NAMES": "a,b", "TLS_CLIENT_CIPHERS": "1301,1302"},
			map[string]any{"tls.version": "1.3", "tls.version_protocol": "tls", "tls.cipher": "0x1301",
				"tls.resumed": true, "tls.server.not_after": "2023-11-14T23:13:21.250000Z",
				"tls.server.x509.alternative_names": []any{"a", "b"}, "tls.client.supported_ciphers": []any{"1301", "1302"}}},
		{"dtls", map[string]any{"TLS_VERSION": 0xfefd},
			map[string]any{"tls.version": "1.2", "tls.version_protocol": "dtls"}},
		{"ssl", map[string]any{"TLS_VERSION": 0x0300},
			map[string]any{"tls.version": "3.0", "tls.version_protocol": "ssl"}},
		{"no tls", map[string]any{"TLS_VERSION": 0x7f1c}, map[string]any{"tls.version": "0x7f1c"}},
		{"not numbers", map[string]any{"SRC_IP_LONG": "1e5", "SRC_IP_LAT": "1"}, map[string]any{"source.geo": nil}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, _ := documentOf(t, tpl, said(s, c.values))
			expect(t, d, c.want)
		})
	}
	v := said(s, nil)
	v.Kind, v.Version = flow.KindStatistics, 0
	d, _ := documentOf(t, tpl, v)
	expect(t, d, map[string]any{"event.kind": "metric", "related": nil, "network.type": nil, "event.duration": nil})
}

// fits reports whether Elasticsearch takes a value of JSON as a type.
func fits(v any, typ string) bool {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			if !fits(e, typ) {
				return false
			}
		}
		return len(v) > 0
	case string:
		switch typ {
		case "ip":
			a, err := netip.ParseAddr(v)
			return err == nil && a.Zone() == ""
		case "date":
			_, err := time.Parse(time.RFC3339Nano, v)
			return err == nil
		}
		return typ == "keyword" || typ == "wildcard"
	case json.Number:
		switch typ {
		case "long":
			_, err := v.Int64()
			return err == nil
		case "unsigned_long":
			return !strings.ContainsAny(v.String(), ".-e")
		}
		return typ == "double"
	case bool:
		return typ == "boolean"
	case map[string]any:
		return typ == "geo_point" && len(v) == 2 && v["lon"] != nil && v["lat"] != nil
	}
	return false
}

// check checks a document against properties.
func check(t *testing.T, d, properties map[string]any, path string) {
	for name, v := range d {
		p, _ := properties[name].(map[string]any)
		if p == nil {
			t.Errorf("%s%s has no mapping", path, name)
			continue
		}
		if inner, object := p["properties"].(map[string]any); object {
			sub, ok := v.(map[string]any)
			if !ok {
				t.Errorf("%s%s is %v, mapped as an object", path, name, v)
			}
			check(t, sub, inner, path+name+".")
			continue
		}
		if typ := p["type"].(string); !fits(v, typ) {
			t.Errorf("%s%s is %v, which is no %s", path, name, v, typ)
		}
	}
}

// limited returns n or what the type of a field has room for.
func limited(f *flow.Field, n uint64) uint64 {
	if size := f.Type.Size(); f.Type <= flow.Unsigned32 && size < 8 {
		return min(n, 1<<(8*size)-1)
	}
	return n
}

// The mappings take every value of every field, of every kind of record and IP version.
func TestProperties(t *testing.T) {
	s := everything(t)
	tpl := exporttest.Template(t, s, "@FULL@")
	properties := Properties(s.Fields)
	if _, err := json.Marshal(properties); err != nil {
		t.Fatal(err)
	}
	f, err := New(export.FormatOptions{Template: tpl})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 6 * flow.Kinds {
		for _, n := range []uint64{0, 1, math.MaxUint64, exporttest.Epoch} {
			v := exporttest.Flow(i)
			v.Kind = flow.Kind(i % flow.Kinds)
			a := new(flow.Attrs)
			for _, fd := range s.Fields[i*len(s.Fields)/(6*flow.Kinds):] {
				if size := fd.Type.Size(); fd.Type == flow.String {
					a.Text(fd, "1.5;\x00\xff\"a,b/A;::/AAAA")
				} else if fd.Type == flow.OctetArray || size == 6 || size == 16 {
					a.Bytes(fd, []byte("0123456789abcdef")[:max(size, 4)])
				} else {
					a.Uint(fd, limited(fd, n))
				}
			}
			v.Attrs = a.All()
			line, _ := f.Append(f.Begin(nil, 0), v)
			decoder, d := json.NewDecoder(strings.NewReader(string(line))), map[string]any{}
			decoder.UseNumber()
			if err := decoder.Decode(&d); err != nil {
				t.Fatalf("%v in %s", err, line)
			}
			check(t, d, properties, "")
		}
	}
}

// No path of a field is in the way of another's.
func TestPaths(t *testing.T) {
	s := everything(t)
	paths := map[string]*flow.Field{}
	for _, f := range s.Fields {
		paths[Path(f)] = f
		if Type(f) == "" {
			t.Errorf("%s has no type", f.Key())
		}
	}
	for path, f := range paths {
		for i, c := range path {
			if o := paths[path[:i]]; c == '.' && o != nil {
				t.Errorf("%s of %s is in %s of %s", path, f.Key(), path[:i], o.Key())
			}
		}
	}
	if _, err := New(export.FormatOptions{Template: new(flow.Template)}); err == nil {
		t.Error("a template without fields is accepted")
	}
}
