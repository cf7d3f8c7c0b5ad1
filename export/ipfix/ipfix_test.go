package ipfix

import (
	"bytes"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/export"
	"github.com/weir-probe/weir/export/exporttest"
)

const second = uint64(time.Second)

// changer changes the options of a test.
type changer func(o *export.FormatOptions)

// dialects runs a test in both.
func dialects(t *testing.T, template string, change changer, test func(*writer, *decoder)) {
	t.Helper()
	for _, v9 := range []bool{false, true} {
		t.Run(map[bool]string{false: "ipfix", true: "netflow9"}[v9], func(t *testing.T) {
			o := export.FormatOptions{
				Template: exporttest.Template(t, exporttest.Schema(t), template),
				Boot:     exporttest.Boot, Domain: 7, Counters: new(export.Counters),
			}
			if change != nil {
				change(&o)
			}
			test(&writer{t: t, f: makeFormat(t, o, v9), now: exporttest.Epoch}, newDecoder(t, v9))
		})
	}
}

func makeFormat(t testing.TB, o export.FormatOptions, v9 bool) *Format {
	t.Helper()
	make := New
	if v9 {
		make = NewNetFlow9
	}
	f, err := make(o)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// decode reads all messages that were written.
func (w *writer) decode(d *decoder) []record {
	w.t.Helper()
	w.seal()
	for _, m := range w.messages {
		d.message(m)
	}
	return d.flows()
}

// What a flow has arrives, what it does not have is not there.
func TestPresence(t *testing.T) {
	const template = flow.DefaultV9 + ` %CLIENT_NW_LATENCY_MS %RETRANSMITTED_OUT_BYTES`
	tpl := exporttest.Template(t, exporttest.Schema(t), template)
	dialects(t, template, nil, func(w *writer, d *decoder) {
		const n = 100
		for i := range n {
			w.append(exporttest.Flow(i))
		}
		got := w.decode(d)
		if len(got) != n {
			t.Fatalf("%d flows arrived, want %d", len(got), n)
		}
		for i, r := range got {
			v := exporttest.Flow(i)
			count := 0
			for _, fd := range tpl.Version(v.Version) {
				c, err := w.f.d.column(fd, &w.f.o)
				if err != nil {
					t.Fatal(err)
				}
				val, has := v.Value(fd)
				b, there := r.values[element{c.pen, uint32(c.id)}]
				if has != there {
					t.Fatalf("flow %d: %s is there: %v, want %v", i, fd.Key(), there, has)
				}
				if !has {
					continue
				}
				count++
				back := fd.Read(b, exporttest.Boot)
				if want := fd.Read(fd.Fixed(nil, val, exporttest.Boot), exporttest.Boot); back.U != want.U ||
					!bytes.Equal(back.B, want.B) {
					t.Errorf("flow %d: %s is %v, want %v", i, fd.Key(), back, want)
				}
			}
			if _, ok := r.values[element{0, 160}]; ok {
				count++
			}
			if len(r.values) != count {
				t.Errorf("flow %d has %d values, want %d", i, len(r.values), count)
			}
		}
		if w.f.o.Counters.Zeroed.Load() != 0 {
			t.Error("flows were filled with zeroes")
		}
	})
}

// With one template per IP version absent values are zeroes.
func TestFull(t *testing.T) {
	full := func(o *export.FormatOptions) { o.Full = true }
	dialects(t, "%IN_PKTS %SRC_VLAN %CLIENT_NW_LATENCY_MS", full, func(w *writer, d *decoder) {
		for i := range 6 {
			w.append(exporttest.Flow(i))
		}
		for i, r := range w.decode(d) {
			vlan, ok := r.uint(0, 58)
			if want := exporttest.Flow(i).VLAN; !ok || vlan != uint64(want) {
				t.Errorf("flow %d has VLAN %d (%v), want %d", i, vlan, ok, want)
			}
		}
	})
}

// When templates run out the rest of the flows use the one with every column, and are counted.
func TestVariantLimit(t *testing.T) {
	var labels []string
	s := exporttest.Schema(t)
	for _, fd := range []*flow.Field{flow.SrcCountry, flow.DstCountry, flow.SrcCity, flow.DstCity,
		flow.SrcLongitude, flow.SrcLatitude, flow.DstLongitude, flow.DstLatitude} {
		labels = append(labels, fd.Key())
	}
	tpl := exporttest.Template(t, s, "%L4_SRC_PORT "+strings.Join(labels, " "))
	many := func(o *export.FormatOptions) { o.Template = tpl }
	dialects(t, "%L4_SRC_PORT", many, func(w *writer, d *decoder) {
		for i := range 256 {
			v := exporttest.Flow(0)
			v.SrcPort = uint16(i)
			var a flow.Attrs
			for bit, fd := range tpl.Fields[1:] {
				if i>>bit&1 != 0 {
					a.Bytes(fd, []byte("x"))
				}
			}
			v.Attrs = a.All()
			w.append(v)
		}
		got := w.decode(d)
		zeroed := 0
		for i, r := range got {
			if port, _ := r.uint(0, 7); port != uint64(i) {
				t.Errorf("flow %d has port %d", i, port)
			}
			if len(r.values) == 9 && i != 255 {
				zeroed++
			}
		}
		if n := len(w.f.variants); n > maxVariants || n < maxVariants/2 {
			t.Errorf("%d templates were made", n)
		}
		if c := w.f.o.Counters.Zeroed.Load(); c == 0 || c != uint64(zeroed) {
			t.Errorf("%d flows counted as filled with zeroes, %d are", c, zeroed)
		}
	})
}

// A string that has no room is cut at a character, the flow is there, and counted.
func TestCut(t *testing.T) {
	long := strings.Repeat("é", 127)
	small := func(o *export.FormatOptions) { o.Size = 250 }
	const template = "%L4_SRC_PORT %SRC_IP_CITY %DST_IP_CITY %SRC_AS_MAP %DST_AS_MAP"
	dialects(t, template, small, func(w *writer, d *decoder) {
		var a flow.Attrs
		for _, fd := range []*flow.Field{flow.SrcCity, flow.DstCity, flow.SrcASName, flow.DstASName} {
			a.Bytes(fd, []byte(long))
		}
		v := exporttest.Flow(0)
		v.Attrs = a.All()
		w.append(v)
		got := w.decode(d)
		if len(got) != 1 {
			t.Fatalf("%d flows arrived", len(got))
		}
		for e, b := range got[0].values {
			b = bytes.TrimRight(b, "\x00")
			if e[1] != 7 && (len(b) == 0 || !utf8.Valid(b) || !strings.HasPrefix(long, string(b))) {
				t.Errorf("element %v is %q", e, b)
			}
		}
		if c := w.f.o.Counters.Cut.Load(); c != 1 {
			t.Errorf("%d flows counted as cut, want 1", c)
		}
	})
}

// Counters in 4 octets say their largest value rather than a wrong one.
func TestNarrow(t *testing.T) {
	narrow := func(o *export.FormatOptions) { o.Narrow = true }
	dialects(t, "%IN_BYTES %IN_PKTS", narrow, func(w *writer, d *decoder) {
		v := exporttest.Flow(0)
		v.Octets[0], v.Packets[0] = 1<<40, 1<<32-1
		w.append(v)
		r := w.decode(d)[0]
		for id := range uint32(2) {
			if b := r.values[element{0, id + 1}]; !bytes.Equal(b, []byte{255, 255, 255, 255}) {
				t.Errorf("counter %d is %x", id+1, b)
			}
		}
		if c := w.f.o.Counters.Saturated.Load(); c != 1 {
			t.Errorf("%d flows counted as saturated, want 1", c)
		}
	})
}

// The counters of the opposite direction follow the convention of the collector.
func TestBiflow(t *testing.T) {
	for _, c := range []struct {
		biflow      export.Biflow
		there, none element
	}{
		{export.RFC5103, element{flow.RFC5103, 1}, element{0, 23}},
		{export.NProbe, element{0, 23}, element{flow.RFC5103, 1}},
	} {
		o := export.FormatOptions{
			Template: exporttest.Template(t, exporttest.Schema(t), "%IN_BYTES %OUT_BYTES"), Biflow: c.biflow,
		}
		w := &writer{t: t, f: makeFormat(t, o, false), now: exporttest.Epoch}
		w.append(exporttest.Flow(0))
		r := w.decode(newDecoder(t, false))[0]
		if _, ok := r.values[c.there]; !ok {
			t.Errorf("convention %d has no element %v: %v", c.biflow, c.there, r.values)
		}
		if _, ok := r.values[c.none]; ok {
			t.Errorf("convention %d has element %v", c.biflow, c.none)
		}
	}
}

// sysUpTime means nothing in IPFIX unless the record says when it was zero.
func TestSystemInit(t *testing.T) {
	dialects(t, "%FIRST_SWITCHED %LAST_SWITCHED", nil, func(w *writer, d *decoder) {
		w.append(exporttest.Flow(0))
		r := w.decode(d)[0]
		up, _ := r.uint(0, 22)
		init, ok := r.uint(0, 160)
		if d.v9 {
			init, ok = exporttest.Boot/1e6, !ok
		}
		if !ok || (init+up)*1e6 != exporttest.Flow(0).First {
			t.Errorf("uptime %d, init %d, there: %v", up, init, ok)
		}
	})
}

// A format fails at the start, not in the middle, and says what to do.
func TestErrors(t *testing.T) {
	s := exporttest.Schema(t)
	for _, c := range []struct {
		template string
		v9       bool
		size     int
		want     string
	}{
		{"%TCP_LOST_IN_BYTES", true, 0, "TCP_LOST_IN_BYTES"},
		{"%IN_L2_BYTES %OUT_L2_BYTES", true, 0, "has no number in NetFlow v9"},
		{"%IN_BYTES", false, 70000, "too large"},
		{flow.DefaultIPFIX, false, 200, "raise the MTU"},
		{flow.DefaultV9, true, 100, "raise the MTU"},
	} {
		make := New
		if c.v9 {
			make = NewNetFlow9
		}
		_, err := make(export.FormatOptions{Template: exporttest.Template(t, s, c.template), Size: c.size})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s in %d octets says %v, want %q", c.template, c.size, err, c.want)
		}
	}
}

// Every template the schema can make can be written as IPFIX.
func TestEveryField(t *testing.T) {
	o := export.FormatOptions{Template: exporttest.Template(t, exporttest.Schema(t), "@FULL@"), Size: 8000}
	w := &writer{t: t, f: makeFormat(t, o, false), now: exporttest.Epoch}
	for i := range 60 {
		w.append(exporttest.Flow(i))
	}
	if n := len(w.decode(newDecoder(t, false))); n != 60 {
		t.Errorf("%d flows arrived, want 60", n)
	}
}

func TestAllocations(t *testing.T) {
	dialects(t, flow.DefaultV9, nil, func(w *writer, d *decoder) {
		var flows []*flow.View
		for i := range 60 {
			flows = append(flows, exporttest.Flow(i))
			w.append(flows[i])
		}
		w.seal()
		buf := make([]byte, 0, 8192)
		i := 0
		m := w.f.Begin(buf, w.now)
		if n := testing.AllocsPerRun(1000, func() {
			var ok bool
			if m, ok = w.f.Append(m, flows[i%60]); !ok {
				m = w.f.Begin(w.f.Seal(m)[:0], w.now)
			}
			i++
		}); n != 0 {
			t.Errorf("Append allocates %v times", n)
		}
	})
}
