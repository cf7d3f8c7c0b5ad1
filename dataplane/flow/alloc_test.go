package flow

import "testing"

// Nothing that is done for each flow allocates.
func TestAllocations(t *testing.T) {
	s := compiled(t)
	var a Attrs
	views := []*View{{Record: tcpSample()}, {Record: icmpSample()}, {Record: icmp4Sample()}}
	buf := make([]byte, 0, 1<<16)
	if n := testing.AllocsPerRun(100, func() {
		a.Reset()
		a.Bytes(AppName, hello)
		a.Uint(SrcAS, 64500)
		for _, v := range views {
			v.Attrs = a.All()
			out := buf
			for _, f := range s.Fields {
				if val, ok := v.Value(f); ok {
					out = f.Wire(out, val, sampleTime)
					out = f.Fixed(out, val, sampleTime)
					out = f.JSON(out, val)
					out = f.Text(out, val)
				}
			}
		}
	}); n != 0 {
		t.Errorf("%v allocations for every field of three flows, want none", n)
	}
}

var hello = []byte("hello")

func benchmark(b *testing.B, template string, write func(f *Field, dst []byte, v Value) []byte) {
	tpl, err := compiled(b).Template(template)
	if err != nil {
		b.Fatal(err)
	}
	fields := tpl.Version(4)
	v := &View{Record: tcpSample()}
	buf := make([]byte, 0, 1<<12)
	b.ReportAllocs()
	for b.Loop() {
		out := buf
		for _, f := range fields {
			val, _ := v.Value(f)
			out = write(f, out, val)
		}
	}
	b.ReportMetric(float64(len(fields)), "fields")
}

func BenchmarkWire(b *testing.B) {
	benchmark(b, DefaultV9, func(f *Field, dst []byte, v Value) []byte { return f.Wire(dst, v, sampleTime) })
}

func BenchmarkJSON(b *testing.B) {
	benchmark(b, DefaultV9, func(f *Field, dst []byte, v Value) []byte { return f.JSON(dst, v) })
}

func BenchmarkCommunityID(b *testing.B) {
	benchmark(b, "%COMMUNITY_ID", func(f *Field, dst []byte, v Value) []byte { return f.JSON(dst, v) })
}
