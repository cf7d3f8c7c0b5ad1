package flow_test

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/app"
)

// arbitrary returns a view of random octets, with random attributes of some fields behind them. What
// number it is decides which field that is at least.
func arbitrary(r *rand.Rand, s *flow.Schema, number int) *flow.View {
	rec := new(flow.Record)
	octets := unsafe.Slice((*byte)(unsafe.Pointer(rec)), unsafe.Sizeof(*rec))
	for i := range octets {
		if octets[i] = byte(r.Uint32()); r.IntN(3) == 0 {
			octets[i] = 0
		}
	}
	rec.Version = []uint8{0, 4, 4, 6, 6}[r.IntN(5)]
	rec.Proto = []uint8{1, 6, 6, 17, 58, 132, 200}[r.IntN(7)]
	rec.Outer.Type = flow.Tunnel(r.IntN(int(flow.Tunnels)))
	rec.Outer.Version = []uint8{0, 4, 6}[r.IntN(3)]
	rec.Last = max(rec.First, rec.Last)
	v := &flow.View{Record: rec, ID: flow.ID{byte(r.IntN(2))}, Kind: flow.Kind(r.IntN(flow.Kinds))}
	if r.IntN(3) > 0 {
		var a flow.Attrs
		for i := range r.IntN(20) { // some twice, and some with octets of a wrong length
			f := s.Fields[r.IntN(len(s.Fields))]
			if i == 0 {
				f = s.Fields[number%len(s.Fields)]
			}
			switch r.IntN(3) {
			case 0:
				a.Uint(f, r.Uint64())
			case 1:
				a.Bytes(f, octets[:r.IntN(40)])
			default:
				a.Bytes(f, octets[:f.Type.Size()])
			}
		}
		v.Attrs = a.All()
	}
	return v
}

// A plan says of every field what View.Value says, and writes what Field.Wire writes.
func TestPlan(t *testing.T) {
	s, err := flow.Compile(append(flow.All(), app.Fields())...)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	fields := slices.Concat(s.Fields, s.Fields[:9], s.Fields[len(s.Fields)-9:]) // some twice
	p := flow.NewPlan(fields)
	had := make([]bool, len(fields))
	const boot = 1e18
	for number := range 16000 {
		v := arbitrary(r, s, number)
		p.Read(v)
		for i, f := range fields {
			want, has := v.Value(f)
			wire := []byte{'-'}
			if has {
				wire = f.Wire(wire, want, boot)
			}
			octets := bytes.Clone(want.B) // a calculated one is overwritten by the next
			got, ok := p.Value(i)
			if ok != has || got.U != want.U || !bytes.Equal(got.B, octets) {
				t.Fatalf("%s: plan says %v %v, view %v %v", f.Key(), got, ok, want, has)
			}
			if b, ok := p.Wire([]byte{'-'}, i, boot); ok != has || !bytes.Equal(b, wire) {
				t.Fatalf("%s: plan writes %x %v, field %x %v", f.Key(), b, ok, wire, has)
			}
			had[i] = had[i] || has
		}
	}
	for i, f := range fields {
		if !had[i] {
			t.Errorf("no flow of this test has %s", f.Key())
		}
	}
}

func TestPlanAllocations(t *testing.T) {
	s, err := flow.Compile(append(flow.All(), app.Fields())...)
	if err != nil {
		t.Fatal(err)
	}
	p, v := flow.NewPlan(s.Fields), arbitrary(rand.New(rand.NewPCG(3, 4)), s, 0)
	dst := make([]byte, 0, 1<<16)
	if n := testing.AllocsPerRun(100, func() {
		p.Read(v)
		for i := range s.Fields {
			dst, _ = p.Wire(dst[:0], i, 0)
		}
	}); n != 0 {
		t.Errorf("a plan allocates %v times", n)
	}
}
