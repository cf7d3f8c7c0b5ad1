package formats_test

import (
	"bytes"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bufbuild/protocompile"
	"google.golang.org/protobuf/encoding/protodelim"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/export"
	"github.com/weir-probe/weir/export/exporttest"
	"github.com/weir-probe/weir/export/formats"
	"github.com/weir-probe/weir/export/protobuf"
)

// asked is the template of the comparison: every type there is, in both directions, with attributes.
const asked = `%SCHEMA_VERSION %IPV4_SRC_ADDR %IPV4_DST_ADDR %L4_SRC_PORT %L4_DST_PORT %PROTOCOL %PROTOCOL_MAP
	%IP_PROTOCOL_VERSION %IN_BYTES %IN_PKTS %OUT_BYTES %OUT_PKTS %FLOW_START_MILLISECONDS %FLOW_END_MICROSECONDS
	%FLOW_END_SEC %FLOW_DURATION_MILLISECONDS %TCP_FLAGS %IN_SRC_MAC %CLIENT_NW_LATENCY_MS %SRC_TO_DST_IAT_AVG
	%INPUT_SNMP %SRC_IP_CITY %SRC_AS %COMMUNITY_ID %L7_PROTO_NAME %RECORD_ID %MIN_TTL %REVERSE_MIN_TTL`

// record is what a reader found in one record, by paths or labels.
type record map[string]string

// reader is how a format is read by somebody else, and what it calls the values: names it does not
// list are labels.
type reader struct {
	read  func(t *testing.T, s *flow.Schema, text []byte) []record
	names map[string]string // by label; an empty one is not written
}

var readers = map[string]reader{
	"json":         {lines, nil},
	"json-numeric": {numbered, nil},
	"csv":          {commas, nil},
	"text":         {bars, nil},
	"log":          {tabs, nil},
	"protobuf":     {messagesOf, nil},
	"ecs": {lines, only("source.ip IPV4_SRC_ADDR destination.ip IPV4_DST_ADDR source.ip IPV6_SRC_ADDR " +
		"destination.ip IPV6_DST_ADDR source.port L4_SRC_PORT destination.port L4_DST_PORT " +
		"network.iana_number PROTOCOL network.transport PROTOCOL_MAP source.bytes IN_BYTES source.packets IN_PKTS " +
		"destination.bytes OUT_BYTES destination.packets OUT_PKTS event.start FLOW_START_MILLISECONDS " +
		"event.end FLOW_END_MICROSECONDS weir.tcp_flags TCP_FLAGS weir.client_nw_latency_ms CLIENT_NW_LATENCY_MS " +
		"source.geo.city_name SRC_IP_CITY source.as.number SRC_AS network.community_id COMMUNITY_ID " +
		"network.protocol L7_PROTO_NAME event.id RECORD_ID weir.min_ttl MIN_TTL weir.schema_version SCHEMA_VERSION")},
	"eve": {lines, only("src_ip IPV4_SRC_ADDR src_ip IPV6_SRC_ADDR dest_ip IPV4_DST_ADDR dest_ip IPV6_DST_ADDR " +
		"src_port L4_SRC_PORT dest_port L4_DST_PORT flow.pkts_toserver IN_PKTS flow.pkts_toclient OUT_PKTS " +
		"flow.start FLOW_START_MILLISECONDS flow.end FLOW_END_MICROSECONDS community_id COMMUNITY_ID " +
		"ip_v IP_PROTOCOL_VERSION app_proto L7_PROTO_NAME schema_version SCHEMA_VERSION")},
	"zeek":      {conns, zeekNames},
	"zeek-json": {lines, zeekNames},
}

var zeekNames = only("id.orig_h IPV4_SRC_ADDR id.orig_h IPV6_SRC_ADDR id.resp_h IPV4_DST_ADDR " +
	"id.resp_h IPV6_DST_ADDR orig_pkts IN_PKTS resp_pkts OUT_PKTS orig_ip_bytes IN_BYTES resp_ip_bytes OUT_BYTES " +
	"community_id COMMUNITY_ID service L7_PROTO_NAME orig_l2_addr IN_SRC_MAC ip_proto PROTOCOL " +
	"ts FLOW_START_MILLISECONDS")

// only makes names of pairs; labels that are not among them are not written.
func only(pairs string) map[string]string {
	names := map[string]string{}
	words := strings.Fields(pairs)
	for i := 0; i < len(words); i += 2 {
		names[words[i+1]] = words[i]
	}
	return names
}

// lines reads objects, those in objects by paths with dots.
func lines(t *testing.T, _ *flow.Schema, text []byte) (all []record) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	for {
		var object map[string]any
		if err := d.Decode(&object); err == io.EOF {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		r := record{}
		flatten(r, "", object)
		all = append(all, r)
	}
}

func flatten(r record, path string, object map[string]any) {
	for name, v := range object {
		switch v := v.(type) {
		case map[string]any:
			flatten(r, path+name+".", v)
		case string:
			r[path+name] = v
		case json.Number:
			r[path+name] = v.String()
		}
	}
}

func numbered(t *testing.T, s *flow.Schema, text []byte) (all []record) {
	for _, r := range lines(t, s, text) {
		labelled := record{}
		for number, v := range r {
			pen, id, private := strings.Cut(number, ".")
			if !private {
				pen, id = "0", number
			}
			p, _ := strconv.Atoi(pen)
			n, _ := strconv.Atoi(id)
			f := s.Element(uint32(p), uint16(n))
			for _, other := range s.Fields { // what nProbe has in the place of the opposite direction
				if !private && int(other.Legacy) == n {
					f = other
				}
			}
			if f == nil {
				t.Fatalf("nothing is called %s", number)
			}
			labelled[f.Key()] = v
		}
		all = append(all, labelled)
	}
	return all
}

// table makes records of rows below a row of labels; what is empty is absent.
func table(rows [][]string, labels []string) (all []record) {
	for _, row := range rows {
		r := record{}
		for i, v := range row {
			if v != "" {
				r[labels[i]] = v
			}
		}
		all = append(all, r)
	}
	return all
}

func commas(t *testing.T, _ *flow.Schema, text []byte) []record {
	rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return table(rows[1:], rows[0])
}

func split(text []byte, separator string) (rows [][]string) {
	for line := range strings.Lines(string(text)) {
		rows = append(rows, strings.Split(strings.TrimSuffix(line, "\n"), separator))
	}
	return rows
}

func bars(_ *testing.T, _ *flow.Schema, text []byte) []record {
	rows := split(text, "|")
	return table(rows[1:], rows[0])
}

func tabs(_ *testing.T, _ *flow.Schema, text []byte) []record {
	rows := split(text, "\t")
	labels := rows[1]
	for i := range labels {
		labels[i], _, _ = strings.Cut(strings.TrimPrefix(labels[i], "# "), "[")
	}
	all := table(rows[3:], labels)
	for _, r := range all { // a column of addresses has those of the other version too
		if a := r["IPV4_SRC_ADDR"]; strings.Contains(a, ":") {
			r["IPV6_SRC_ADDR"], r["IPV6_DST_ADDR"] = a, r["IPV4_DST_ADDR"]
			delete(r, "IPV4_SRC_ADDR")
			delete(r, "IPV4_DST_ADDR")
		}
	}
	return all
}

func conns(_ *testing.T, _ *flow.Schema, text []byte) []record {
	var labels []string
	var rows [][]string
	for _, row := range split(text, "\t") {
		switch {
		case row[0] == "#fields":
			labels = row[1:]
		case row[0][0] != '#':
			for i := range row {
				row[i] = strings.TrimSuffix(row[i], "-")
			}
			rows = append(rows, row)
		}
	}
	return table(rows, labels)
}

func messagesOf(t *testing.T, s *flow.Schema, octets []byte) (all []record) {
	schema, err := protobuf.Schema(s)
	if err != nil {
		t.Fatal(err)
	}
	c := protocompile.Compiler{Resolver: &protocompile.SourceResolver{
		Accessor: protocompile.SourceAccessorFromMap(map[string]string{"weir.proto": schema}),
	}}
	files, err := c.Compile(t.Context(), "weir.proto")
	if err != nil {
		t.Fatal(err)
	}
	in := bytes.NewReader(octets)
	for {
		m := dynamicpb.NewMessage(files[0].Messages().ByName("Record"))
		if err := protodelim.UnmarshalFrom(in, m); err == io.EOF {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		r := record{}
		m.Range(func(d protoreflect.FieldDescriptor, v protoreflect.Value) bool {
			text := v.String()
			if d.Kind() == protoreflect.BytesKind {
				text = hex.EncodeToString(v.Bytes())
			}
			r[strings.ToUpper(string(d.Name()))] = text
			return true
		})
		all = append(all, r)
	}
}

// dressed returns flow i with attributes.
func dressed(i int) *flow.View {
	v := exporttest.Flow(i)
	v.ID = flow.ID{byte(i >> 8), byte(i), 1}
	v.IATCount, v.IATSum = [2]uint32{3, 3}, [2]uint64{uint64(i) * 1000, 0}
	var a flow.Attrs
	if i%2 == 0 {
		a.Text(flow.SrcCity, "Ghent "+strconv.Itoa(i))
		a.Uint(flow.SrcAS, uint64(i)<<16)
	}
	if i%3 != 1 {
		a.Text(flow.AppName, "dns")
	}
	v.Attrs = bytes.Clone(a.All())
	return v
}

// written returns the flows in a format, as a file has them.
func written(t *testing.T, name string, tpl *flow.Template, n int) (file []byte) {
	t.Helper()
	f := newFormat(t, name, export.FormatOptions{Template: tpl, Boot: exporttest.Boot})
	if o, ok := f.(export.Opener); ok {
		file = o.Open()(nil, nil)
	}
	m := f.Begin(nil, exporttest.Epoch)
	for i := 0; i < n; {
		next, ok := f.Append(m, dressed(i))
		if m = next; ok {
			i++
			continue
		}
		file = append(file, f.Seal(m)...)
		m = f.Begin(nil, exporttest.Epoch)
	}
	return append(file, f.Seal(m)...)
}

// same reports whether a reader has the value of a field. Numbers may be written in other ways, times
// as dates or with fewer digits, octets in hexadecimal.
func same(f *flow.Field, v flow.Value, got string) bool {
	want := string(f.Text(nil, v))
	if got == want {
		return true
	}
	if f.Type >= flow.DateTimeSeconds && f.Type <= flow.SysUpTimeMilliseconds {
		for _, layout := range []string{"2006-01-02T15:04:05.999999", time.RFC3339Nano, "2006-01-02T15:04:05.999999-0700"} {
			if at, err := time.Parse(layout, got); err == nil {
				return at.UnixNano() == int64(v.U/1e3*1e3)
			}
		}
		seconds, err := strconv.ParseFloat(got, 64)
		whole := strconv.FormatUint(v.U/1e9, 10) == got
		return err == nil && (whole || uint64(seconds*1e3+.5) == v.U/1e6)
	}
	if v.B != nil && f.Type != flow.String {
		return got == hex.EncodeToString(v.B)
	}
	x, err := strconv.ParseFloat(got, 64)
	y, err2 := strconv.ParseFloat(want, 64)
	return err == nil && err2 == nil && x-y < .001 && y-x < .001
}

// The same flows have the same values in every format, as others read it: each value is compared with
// what the flow itself says, and what a flow does not have is in no format.
func TestValues(t *testing.T) {
	t.Parallel()
	const flows = 10_000
	s := exporttest.Schema(t)
	tpl := exporttest.Template(t, s, asked)
	for name, r := range readers {
		t.Run(name, func(t *testing.T) {
			fields := tpl
			if f := formats.Named(name); f.Fixed != nil {
				fields = f.Fixed(s)
			}
			got := r.read(t, s, written(t, name, fields, flows))
			if len(got) != flows {
				t.Fatalf("%d records, want %d", len(got), flows)
			}
			checked := 0
			for i := range got {
				checked += compare(t, r, got[i], dressed(i), tpl)
				if t.Failed() {
					t.Fatalf("flow %d: %v", i, got[i])
				}
			}
			if checked < 10*flows {
				t.Errorf("only %d values were compared", checked)
			}
		})
	}
}

// compare compares a record with a flow and returns how many values it compared.
func compare(t *testing.T, r reader, got record, v *flow.View, tpl *flow.Template) (checked int) {
	t.Helper()
	for _, f := range tpl.Version(v.Version) {
		name := f.Key()
		if r.names != nil {
			if name = r.names[f.Key()]; name == "" {
				continue
			}
		}
		val, ok := v.Value(f)
		text, has := got[name]
		if has != ok {
			t.Errorf("%s is there: %v, want %v", name, has, ok)
		} else if ok && !same(f, val, text) {
			t.Errorf("%s is %q, want %q", name, text, f.Text(nil, val))
		}
		if ok {
			checked++
		}
	}
	return checked
}

// Every format that is not read here is judged elsewhere in this package.
func TestEveryFormatIsRead(t *testing.T) {
	for _, f := range formats.All {
		_, ok := readers[f.Name]
		elsewhere := f.Layout != nil || f.Name == "table" ||
			slices.ContainsFunc(netflow, func(c struct{ name, template string }) bool { return c.name == f.Name })
		if !ok && !elsewhere {
			t.Errorf("nobody reads %s", f.Name)
		}
	}
}
