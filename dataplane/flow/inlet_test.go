package flow

import (
	"bytes"
	"testing"
	"unsafe"
)

// arrive reads a record of a template as a collector does.
func arrive(t testing.TB, in *Inlet, b []byte, c Clock) (*View, []byte) {
	t.Helper()
	var a Arrival
	a.Begin(c)
	rest, ok := in.Read(b, &a)
	if !ok {
		t.Fatalf("%x is no record", b)
	}
	msg := make([]byte, a.Size())
	a.Put(msg)
	v := new(View)
	if !v.Load(msg) {
		t.Fatal("what an arrival puts is no message")
	}
	return v, rest
}

// What is written of a flow is read back as it was, field by field.
func TestInletReadsWhatIsWritten(t *testing.T) {
	s := compiled(t)
	for i, sample := range samples {
		v := &View{Record: sample()}
		var attrs Attrs
		attrs.Uint(SrcAS, 64500)
		attrs.Text(AppName, "DNS")
		v.Attrs = attrs.All()
		for _, f := range s.Fields {
			want, ok := v.Value(f)
			if !ok || f.calc != nil && f.PEN == Weir { // worked out anew of other things
				continue
			}
			text := f.JSON(nil, want)
			b := f.Wire(nil, want, sampleBoot)
			length := uint16(f.Type.Size())
			if length == 0 {
				length = Varies
			}
			specs := []Specifier{{IANA, 60, 1}, {IANA, 4, 1}, {f.PEN, f.ID, length}}
			in := s.Inlet(specs, Leaving)
			got, rest := arrive(t, in, append([]byte{v.Version, v.Proto}, b...), Clock{Boot: sampleBoot, Export: sampleTime})
			if f.only != 0 {
				got.Version = f.only
			}
			x, ok := got.Value(f)
			back := f.JSON(nil, x)
			if again := f.Wire(nil, x, sampleBoot); len(rest) != 0 || !ok || !bytes.Equal(again, b) {
				t.Errorf("sample %d: %s was %s (%x) and is %s (%x), there %v, rest %x", i, f.Key(), text, b, back, again, ok, rest)
			}
		}
	}
}

const sampleBoot = sampleTime - 3600e9

// What a template does not have is absent, not zero.
func TestInletAbsent(t *testing.T) {
	s := compiled(t)
	in := s.Inlet([]Specifier{{IANA, 8, 4}, {IANA, 12, 4}, {IANA, 4, 1}}, Leaving)
	v, _ := arrive(t, in, []byte{192, 0, 2, 1, 192, 0, 2, 2, 6}, Clock{})
	known := map[string]bool{
		"IPV4_SRC_ADDR": true, "IPV4_DST_ADDR": true, "PROTOCOL": true, "PROTOCOL_MAP": true,
		"RECORD_KIND": true, "SCHEMA_VERSION": true, "IP_PROTOCOL_VERSION": true,
	}
	var plan []*Field
	for _, f := range s.Fields {
		plan = append(plan, f)
		if x, ok := v.Value(f); ok != known[f.Key()] {
			t.Errorf("%s: there %v, %s", f.Key(), ok, f.JSON(nil, x))
		}
	}
	p := NewPlan(plan)
	p.Read(v)
	for i, f := range plan {
		if b, ok := p.Wire(nil, i, 0); ok != known[f.Key()] {
			t.Errorf("plan: %s: there %v, %x", f.Key(), ok, b)
		}
	}
}

// Numbers may be of any width, and saturate where they do not fit.
func TestInletReducedSize(t *testing.T) {
	s := compiled(t)
	for _, c := range []struct {
		specs []Specifier
		b     []byte
		field string
		want  string
	}{
		{[]Specifier{{IANA, 1, 3}}, []byte{1, 2, 3}, "IN_BYTES", "66051"},
		{[]Specifier{{IANA, 7, 4}}, []byte{0, 1, 0, 0}, "L4_SRC_PORT", "65535"},
		{[]Specifier{{IANA, 10, 2}}, []byte{1, 0}, "INPUT_SNMP", "256"},
		{[]Specifier{{IANA, 1, Varies}}, []byte{2, 1, 0}, "IN_BYTES", "256"},
		{[]Specifier{{IANA, 85, 4}}, []byte{0, 0, 1, 0}, "IN_BYTES", "256"},
		{[]Specifier{{IANA, 85, 4}, {IANA, 1, 4}}, []byte{0, 0, 1, 0, 0, 0, 0, 9}, "IN_BYTES", "9"},
		{[]Specifier{{IANA, 85, 4}, {IANA, 1, 4}}, []byte{0, 0, 1, 0, 0, 0, 0, 9}, "OCTET_TOTAL", "256"},
		{[]Specifier{{IANA, 232, 8}, {IANA, 231, 8}}, []byte{7: 4, 15: 5}, "OUT_BYTES", "4"},
		{[]Specifier{{IANA, 23, 4}}, []byte{0, 0, 0, 7}, "IN_BYTES", "7"},
		{[]Specifier{{IANA, 4, 1}, {IANA, 7, 2}, {IANA, 11, 2}}, []byte{1, 0, 0, 8, 0}, "ICMP_TYPE", "2048"},
		{[]Specifier{{IANA, 22, 4}, {IANA, 152, 8}}, []byte{0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9},
			"FLOW_START_MILLISECONDS", "9"},
	} {
		specs := append([]Specifier{{IANA, 60, 1}}, c.specs...)
		v, _ := arrive(t, s.Inlet(specs, Leaving), append([]byte{4}, c.b...), Clock{Boot: 1})
		if got := s.json(t, v, c.field); got != c.want {
			t.Errorf("%v: %s is %s, want %s", c.specs, c.field, got, c.want)
		}
	}
}

// A template may say anything, and so may a record.
func FuzzInlet(f *testing.F) {
	s, err := Compile(All()...)
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte{0, 8, 0, 4, 0, 1, 255, 255}, []byte{192, 0, 2, 1, 2, 3, 4})
	f.Add([]byte{0, 22, 0, 4, 0, 161, 0, 4, 1, 37, 255, 255}, []byte{0, 0, 0, 1, 0, 0, 0, 2, 255, 0, 1, 9})
	f.Fuzz(func(t *testing.T, template, record []byte) {
		var specs []Specifier
		for len(template) >= 4 && len(specs) < 64 {
			pens := [...]uint32{IANA, IANA, RFC5103, Ntop, Cisco}
			specs = append(specs, Specifier{pens[int(template[0]>>4)%len(pens)],
				be.Uint16(template) & 0xfff, be.Uint16(template[2:])})
			template = template[4:]
		}
		for _, c := range []Convention{Leaving, Opposite} {
			in := s.Inlet(specs, c)
			var a Arrival
			a.Begin(Clock{Boot: 1, Export: sampleTime})
			rest, ok := in.Read(record, &a)
			if ok && len(record)-len(rest) < in.Shortest() {
				t.Errorf("read %d octets of a record that has %d", len(record)-len(rest), in.Shortest())
			}
			a.Carry()
			msg := make([]byte, a.Size())
			a.Put(msg)
			if !new(View).Load(msg) {
				t.Error("what an arrival puts is no message")
			}
		}
	})
}

// Nothing is allocated for a record.
func TestInletAllocations(t *testing.T) {
	in, b := flow20(t)
	var a Arrival
	a.Begin(Clock{})
	msg := make([]byte, 2048)
	if n := testing.AllocsPerRun(100, func() {
		a.Begin(Clock{HasUptime: true, Export: sampleTime})
		if _, ok := in.Read(b, &a); !ok {
			t.Fatal("the record is not read")
		}
		a.Put(msg[:a.Size()])
	}); n != 0 {
		t.Errorf("%v allocations for a record, want none", n)
	}
	_ = unsafe.Sizeof(a)
}

// flow20 is a template of 20 fields and a record.
func flow20(t testing.TB) (*Inlet, []byte) {
	var specs []Specifier
	n := 0
	for _, x := range [][2]uint16{{8, 4}, {12, 4}, {15, 4}, {10, 4}, {14, 4}, {2, 8}, {1, 8}, {22, 4}, {21, 4}, {7, 2},
		{11, 2}, {6, 1}, {4, 1}, {5, 1}, {16, 4}, {17, 4}, {9, 1}, {13, 1}, {61, 1}, {48, 1}} {
		specs = append(specs, Specifier{IANA, x[0], x[1]})
		n += int(x[1])
	}
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i)
	}
	return compiled(t).Inlet(specs, Leaving), b
}

func BenchmarkInlet(b *testing.B) {
	in, r := flow20(b)
	var a Arrival
	msg := make([]byte, 2048)
	b.ReportAllocs()
	for b.Loop() {
		a.Begin(Clock{HasUptime: true, Export: sampleTime})
		in.Read(r, &a)
		a.Put(msg[:a.Size()])
	}
}
