package dissect

import (
	"bytes"
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"github.com/weir-probe/weir/dataplane/nic"
)

// describe writes what a packet says in one line; what is zero is left out.
func describe(p *Packet) string {
	if p.Stop.Refused() {
		return StopDocs[p.Stop].Name
	}
	var b strings.Builder
	end := func(a [16]byte, port uint16) string {
		return netip.AddrPortFrom(netip.AddrFrom16(a).Unmap(), port).String()
	}
	fmt.Fprintf(&b, "%s>%s/%d len %d payload %d", end(p.Src, p.SrcPort), end(p.Dst, p.DstPort),
		p.Proto, p.Octets, p.PayloadLen)
	for _, v := range []struct {
		name  string
		value uint64
	}{
		{"tunnel", uint64(p.Tunnel)}, {"vlan", uint64(p.VLAN)}, {"cvlan", uint64(p.CVLAN)},
		{"mpls", uint64(p.MPLS[0] >> 12)}, {"mpls", uint64(p.MPLS[1] >> 12)}, {"mpls",
			uint64(p.MPLS[2] >> 12)},
		{"part", uint64(p.Fragment)}, {"mss", uint64(p.MSS)}, {"scale", uint64(p.Scale)},
	} {
		if v.value != 0 {
			fmt.Fprintf(&b, " %s %d", v.name, v.value)
		}
	}
	if p.Options != 0 {
		fmt.Fprintf(&b, " options %x", p.Options)
	}
	if p.Stop != Complete {
		fmt.Fprintf(&b, " %s", StopDocs[p.Stop].Name)
	}
	if o := &p.Outer; o.Depth != 0 {
		fmt.Fprintf(&b, " in %d.%d %s>%s/%d id %d.%d", o.Type, o.Depth, end(o.Src, o.SrcPort),
			end(o.Dst, o.DstPort), o.Proto, o.ID, o.Session)
	}
	return b.String()
}

func dissected(s *sample, outer bool) (p Packet) {
	f := frame(s.link, s.frame)
	p.Dissect(&f, outer)
	return p
}

func TestDissect(t *testing.T) {
	for _, s := range samples() {
		p := dissected(&s, false)
		if got := describe(&p); got != s.want {
			t.Errorf("%s:\n got %s\nwant %s", s.name, got, s.want)
		}
		valid(t, s.name, &p, s.frame)
	}
}

// Outermost packets are at depth 0, and refused if and only if the innermost are.
func TestOuter(t *testing.T) {
	for _, s := range samples() {
		in, out := dissected(&s, false), dissected(&s, true)
		if out.Outer != (Outer{}) || out.Tunnel != 0 || out.Stop.Refused() != in.Stop.Refused() {
			t.Errorf("%s: outermost is %s, innermost %s", s.name, describe(&out), describe(&in))
		}
		if in.Outer.Depth == 1 && (out.Src != in.Outer.Src || out.DstPort != in.Outer.DstPort) {
			t.Errorf("%s: outermost is %s, but the tunnel is of %s", s.name, describe(&out), describe(&in))
		}
		valid(t, s.name, &out, s.frame)
	}
}

// valid checks what holds for every packet.
func valid(t testing.TB, name string, p *Packet, b []byte) {
	t.Helper()
	if p.Stop >= Stops {
		t.Fatalf("%s: stop %d has no name", name, p.Stop)
	}
	if p.Stop.Refused() {
		if p.Version != 0 {
			t.Errorf("%s: %s although there is an IP header", name, StopDocs[p.Stop].Name)
		}
		return
	}
	if p.Version != 4 && p.Version != 6 {
		t.Errorf("%s: IP version %d", name, p.Version)
	}
	if int(p.PayloadLen) < len(p.Payload) || p.PayloadLen > p.Octets {
		t.Errorf("%s: payload %d captured, %d by headers, of %d octets", name, len(p.Payload), p.PayloadLen,
			p.Octets)
	}
	if !bytes.Contains(b, p.Payload) {
		t.Errorf("%s: the payload is not of the frame", name)
	}
	if (p.Outer.Depth == 0) != (p.Outer == Outer{}) || p.Outer.Depth > maxLayers {
		t.Errorf("%s: outer %+v", name, p.Outer)
	}
	if p.Fragment == LaterFragment && (p.SrcPort != 0 || p.DstPort != 0) {
		t.Errorf("%s: ports of a later fragment", name)
	}
}

// A packet that was used before says nothing of what it said.
func TestReuse(t *testing.T) {
	all := samples()
	for i := range all {
		for j := range all {
			got, want := dissected(&all[i], false), dissected(&all[j], false)
			f := frame(all[j].link, all[j].frame)
			got.Dissect(&f, false)
			if !same(&got, &want) {
				t.Errorf("%s after %s:\n got %+v\nwant %+v", all[j].name, all[i].name, got, want)
			}
		}
	}
}

// same compares packets, payloads by place.
func same(a, b *Packet) bool {
	return fmt.Sprintf("%+v", *a) == fmt.Sprintf("%+v", *b)
}

// Cut frames say nothing that the whole frame does not, and no frame with an IP header is lost.
func TestCut(t *testing.T) {
	for _, s := range samples() {
		whole := dissected(&s, false)
		refused := false
		for n := len(s.frame); n >= 0; n-- {
			f := frame(s.link, bytes.Clone(s.frame[:n]))
			f.Wire = uint32(len(s.frame))
			var p Packet
			p.Dissect(&f, false)
			valid(t, s.name, &p, s.frame)
			if p.Outer.Depth > whole.Outer.Depth || p.Outer.Depth == whole.Outer.Depth && lies(&p, &whole) {
				t.Errorf("%s cut at %d: %s, whole: %s", s.name, n, describe(&p), describe(&whole))
			}
			if refused && !p.Stop.Refused() {
				t.Errorf("%s cut at %d is metered, but not with more octets", s.name, n)
			}
			refused = p.Stop.Refused() && n < len(s.frame)

			f.Wire = f.Len // as if it were all there was
			p.Dissect(&f, false)
			valid(t, s.name, &p, s.frame)
		}
	}
}

// lies reports whether a cut packet says more than the whole one.
func lies(cut, whole *Packet) bool {
	if cut.Stop.Refused() {
		return false
	}
	return cut.Octets != whole.Octets || cut.Src != whole.Src || cut.Dst != whole.Dst ||
		cut.SrcPort != 0 && cut.SrcPort != whole.SrcPort || cut.DstPort != 0 &&
		cut.DstPort != whole.DstPort ||
		cut.TCPFlags&^whole.TCPFlags != 0 || len(cut.Payload) > len(whole.Payload) && whole.Stop == Complete
}

// Every octet of every sample may be anything.
func TestEveryOctet(t *testing.T) {
	for _, s := range samples() {
		b := bytes.Clone(s.frame)
		f := frame(s.link, b)
		var p Packet
		for i := range b {
			for _, v := range []byte{0, 1, 4, 0x0f, 0x40, 0x7f, 0x80, 0xf0, 0xfe, 0xff} {
				b[i] = v
				p.Dissect(&f, false)
				valid(t, s.name, &p, b)
				p.Dissect(&f, true)
				valid(t, s.name, &p, b)
			}
			b[i] = s.frame[i]
		}
	}
}

func TestAllocations(t *testing.T) {
	for _, s := range samples() {
		f := frame(s.link, s.frame)
		p := new(Packet)
		if n := testing.AllocsPerRun(100, func() { p.Dissect(&f, false) }); n != 0 {
			t.Errorf("%s: %v allocations", s.name, n)
		}
	}
}

// Every way to end has a name and a sentence, and a frame that ends so.
func TestStops(t *testing.T) {
	seen := map[Stop]bool{}
	for _, s := range samples() {
		seen[dissected(&s, false).Stop] = true
	}
	names := map[string]bool{}
	for s, d := range StopDocs {
		if !seen[Stop(s)] {
			t.Errorf("no frame ends with %q", d.Name)
		}
		if d.Name == "" || names[d.Name] || !strings.HasSuffix(d.Doc, ".") {
			t.Errorf("stop %d has no name and sentence of its own: %q", s, d)
		}
		names[d.Name] = true
	}
}

// byLayers is what the layers say of a frame, plain or not; plain is what is said of a plain one.
func byLayers(t testing.TB, f *nic.Frame) (isPlain bool) {
	t.Helper()
	var q Packet
	p := used(t)
	if !p.plain(f) {
		return false
	}
	q.limit = maxLayers
	q.read(f)
	if q.left, q.limit = 0, 0; !same(&p, &q) {
		t.Fatalf("plain frame % x:\n got %+v\nwant %+v", f.Bytes(), p, q)
	}
	return true
}

// used is a packet of which a frame before said whatever one can say.
func used(t testing.TB) Packet {
	var p Packet
	v := reflect.ValueOf(&p).Elem()
	say(t, v)
	p.Payload = []byte("before")
	return p
}

// say sets all members of v to something.
func say(t testing.TB, v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			m := v.Field(i)
			say(t, reflect.NewAt(m.Type(), m.Addr().UnsafePointer()).Elem())
		}
	case reflect.Array:
		for i := range v.Len() {
			say(t, v.Index(i))
		}
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(101)
	case reflect.Int:
		v.SetInt(101)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Slice:
	default:
		t.Fatalf("a packet has a %v", v.Type())
	}
}

// Of a plain frame the same is said as by the layers, whatever its octets are and wherever it ends.
func TestPlain(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range samples() {
		b := bytes.Clone(s.frame)
		for n := len(b); n >= 0; n-- {
			f := frame(s.link, b[:n:n])
			seen[s.name] = byLayers(t, &f) || seen[s.name]
		}
		f := frame(s.link, b)
		for i := range b {
			for bit := range 8 {
				b[i] = s.frame[i] ^ 1<<bit
				byLayers(t, &f)
			}
			b[i] = s.frame[i]
		}
	}
	if !seen["tcp"] || !seen["udp"] || !seen["padding"] || seen["vlan"] || seen["ipv6"] || seen["vxlan"] {
		t.Errorf("plain are %v", seen)
	}
}

func FuzzPacket(f *testing.F) {
	for _, s := range samples() {
		f.Add(uint16(s.link), uint8(0), s.frame)
	}
	var before Packet
	f.Fuzz(func(t *testing.T, link uint16, more uint8, b []byte) {
		in := frame(nic.Link(link), b)
		in.Wire += uint32(more)
		byLayers(t, &in)
		for _, outer := range []bool{false, true} {
			var p Packet
			p.Dissect(&in, outer)
			valid(t, "fuzz", &p, b)
			if before.Dissect(&in, outer); !same(&p, &before) {
				t.Fatalf("reused packet differs:\n%+v\n%+v", before, p)
			}
		}
	})
}

func BenchmarkDissect(b *testing.B) {
	for _, s := range samples() {
		switch s.name {
		case "tcp", "udp", "vlan", "vxlan", "ipv6", "vxlan arp":
			f := frame(s.link, s.frame)
			p := new(Packet)
			b.Run(s.name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					p.Dissect(&f, false)
				}
			})
		}
	}
}
