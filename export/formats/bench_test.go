package formats_test

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"testing"

	"github.com/weir-probe/weir/export"
	"github.com/weir-probe/weir/export/exporttest"
	"github.com/weir-probe/weir/export/formats"
)

// thirty has thirty fields, all of which the flows of the benchmark have.
const thirty = `%IPV4_SRC_ADDR %IPV4_DST_ADDR %L4_SRC_PORT %L4_DST_PORT %PROTOCOL %IP_PROTOCOL_VERSION
	%FLOW_START_MILLISECONDS %FLOW_END_MILLISECONDS %FLOW_END_REASON %IN_BYTES %IN_PKTS %OUT_BYTES %OUT_PKTS
	%SRC_TOS %DST_TOS %TCP_FLAGS %CLIENT_TCP_FLAGS %SERVER_TCP_FLAGS %INPUT_SNMP %OUTPUT_SNMP %IN_SRC_MAC
	%IN_DST_MAC %MIN_TTL %MAX_TTL %CLIENT_NW_LATENCY_MS %SERVER_NW_LATENCY_MS %APPL_LATENCY_MS
	%RETRANSMITTED_IN_PKTS %RETRANSMITTED_OUT_PKTS %RETRANSMITTED_IN_BYTES`

// BenchmarkAppend measures flows of thirty fields, of all formats.
func BenchmarkAppend(b *testing.B) {
	s := exporttest.Schema(b)
	for _, format := range formats.All {
		b.Run(format.Name, func(b *testing.B) {
			o := export.FormatOptions{Template: exporttest.Template(b, s, thirty), Boot: exporttest.Boot}
			f, err := formats.New(format.Name, o)
			if err != nil {
				b.Fatal(err)
			}
			v := exporttest.Flow(0)
			m := f.Begin(make([]byte, 0, 1<<13), exporttest.Epoch)
			b.ReportAllocs()
			for b.Loop() {
				for {
					var ok bool
					if m, ok = f.Append(m, v); ok {
						break
					}
					m = f.Begin(f.Seal(m)[:0], exporttest.Epoch)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "flows/s")
		})
	}
}

// BenchmarkEncodingJSON is the same flow by the standard library, from a struct of the same
// members and from a map, to compare.
func BenchmarkEncodingJSON(b *testing.B) {
	tpl := exporttest.Template(b, exporttest.Schema(b), thirty)
	v := exporttest.Flow(0)
	object := map[string]any{}
	var members []reflect.StructField
	for i, fd := range tpl.Version(4) {
		val, ok := v.Value(fd)
		if !ok {
			b.Fatalf("the flow has no %s", fd.Key())
		}
		var member any
		if err := json.Unmarshal(fd.JSON(nil, val), &member); err != nil {
			b.Fatal(err)
		}
		object[fd.Key()] = member
		typ := reflect.TypeFor[string]()
		if _, number := member.(float64); number {
			typ = reflect.TypeFor[uint64]()
		}
		members = append(members, reflect.StructField{
			Name: fmt.Sprintf("F%d", i), Type: typ,
			Tag: reflect.StructTag(fmt.Sprintf(`json:"%s"`, fd.Key())),
		})
	}
	if len(object) != 30 {
		b.Fatalf("the flow has %d fields", len(object))
	}
	text, err := json.Marshal(object)
	if err != nil {
		b.Fatal(err)
	}
	record := reflect.New(reflect.StructOf(members)).Interface()
	if err := json.Unmarshal(text, record); err != nil {
		b.Fatal(err)
	}
	for name, value := range map[string]any{"map": object, "struct": record} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := json.Marshal(value); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "flows/s")
		})
	}
}

// nowhere is a sink that takes everything at once.
type nowhere struct{}

func (nowhere) Send(context.Context, []byte) error { return nil }
func (nowhere) Close() error                       { return nil }

// BenchmarkExporter measures Append of an exporter, messages and sender included.
func BenchmarkExporter(b *testing.B) {
	f, err := formats.New("ipfix", export.FormatOptions{
		Template: exporttest.Template(b, exporttest.Schema(b), thirty), Boot: exporttest.Boot,
	})
	if err != nil {
		b.Fatal(err)
	}
	e := export.New("bench", f, nowhere{}, export.Options{Block: true})
	v := exporttest.Flow(0)
	b.ReportAllocs()
	for b.Loop() {
		e.Append(v)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "flows/s")
	if err := e.Close(b.Context()); err != nil {
		b.Fatal(err)
	}
}
