package formats_test

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"syscall"
	"testing"
	"time"

	"github.com/weir-probe/weir/dataplane/flow"
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

// spent is the processor time of the process so far, which other processes do not lengthen.
func spent(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// rate reports how many records a core writes in a second.
func rate(b *testing.B, since time.Duration) {
	b.Helper()
	b.ReportMetric(float64(b.N)/(spent(b)-since).Seconds(), "records/core-s")
}

// BenchmarkAppend measures flows of thirty fields, of all formats. Those whose members are fixed
// write these.
func BenchmarkAppend(b *testing.B) {
	s := exporttest.Schema(b)
	for _, format := range formats.All {
		b.Run(format.Name, func(b *testing.B) {
			o := export.FormatOptions{Template: exporttest.Template(b, s, thirty), Boot: exporttest.Boot}
			if format.Fixed != nil {
				o.Template = format.Fixed(s)
			}
			f, err := formats.New(format.Name, o)
			if err != nil {
				b.Fatal(err)
			}
			v := exporttest.Flow(0)
			m := f.Begin(make([]byte, 0, 1<<13), exporttest.Epoch)
			b.ReportAllocs()
			since := spent(b)
			for b.Loop() {
				for {
					var ok bool
					if m, ok = f.Append(m, v); ok {
						break
					}
					m = f.Begin(f.Seal(m)[:0], exporttest.Epoch)
				}
			}
			rate(b, since)
		})
	}
}

// equivalents returns what encoding/json makes the same object of: a map, and a struct of the same
// members, by their names.
func equivalents(b *testing.B, tpl *flow.Template, v *flow.View) map[string]any {
	b.Helper()
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
	return map[string]any{"map": object, "struct": record}
}

// BenchmarkEncodingJSON is the same flow by the standard library, and how many times as long as ours
// it takes.
func BenchmarkEncodingJSON(b *testing.B) {
	tpl := exporttest.Template(b, exporttest.Schema(b), thirty)
	v := exporttest.Flow(0)
	f, err := formats.New("json", export.FormatOptions{Template: tpl})
	if err != nil {
		b.Fatal(err)
	}
	for name, value := range equivalents(b, tpl, v) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			since := spent(b)
			for b.Loop() {
				if _, err := json.Marshal(value); err != nil {
					b.Fatal(err)
				}
			}
			rate(b, since)
			theirs, begun := spent(b)-since, spent(b)
			m := f.Begin(make([]byte, 0, 1<<13), exporttest.Epoch)
			for range b.N {
				m, _ = f.Append(m[:0], v)
			}
			b.ReportMetric(theirs.Seconds()/(spent(b)-begun).Seconds(), "times-ours")
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
