package flow

import (
	"bytes"
	"testing"
	"unsafe"
)

// A message is a record and whole attributes; anything else is refused.
func TestLoad(t *testing.T) {
	s := compiled(t)
	var a Attrs
	a.Text(AppName, "DNS")
	a.Uint(SrcAS, 64500)
	r := tcpSample()
	msg := append(bytes.Clone(unsafe.Slice((*byte)(unsafe.Pointer(r)), unsafe.Sizeof(*r))), a.All()...)
	var v View
	if !v.Load(msg) {
		t.Fatal("a record with attributes was refused")
	}
	for name, want := range map[string]string{"IN_BYTES": "1000", "L7_PROTO_NAME": `"DNS"`, "SRC_AS": "64500"} {
		if got := s.json(t, &v, name); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	record := int(unsafe.Sizeof(*r))
	name := record + 4 + len("DNS")
	for n := range len(msg) {
		if whole := n == record || n == name; v.Load(msg[:n:n]) != whole {
			t.Errorf("a message cut to %d octets: taken %v, want %v", n, !whole, whole)
		}
	}
}

// An attribute that was not written as its field's type is absent.
func TestWrongAttribute(t *testing.T) {
	s := compiled(t)
	var a Attrs
	a.Bytes(SrcAS, []byte{1, 2})
	a.Bytes(ExporterIPv4, make([]byte, 16))
	a.Uint(ProbeIPv6, 1)
	v := &View{Record: tcpSample(), Attrs: a.All()}
	for _, name := range []string{"SRC_AS", "EXPORTER_IPV4_ADDRESS", "NPROBE_IPV6_ADDRESS"} {
		if got := s.json(t, v, name); got != "" {
			t.Errorf("%s is %s", name, got)
		}
	}
}

// What one stage collected is added to what another did, never in part.
func TestAdd(t *testing.T) {
	s := compiled(t)
	var a, b Attrs
	a.Text(AppName, "DNS")
	b.Uint(DstAS, 64501)
	a.Add(b.All())
	v := &View{Record: tcpSample(), Attrs: a.All()}
	if s.json(t, v, "L7_PROTO_NAME") != `"DNS"` || s.json(t, v, "DST_AS") != "64501" {
		t.Errorf("after adding, the attributes are %x", a.All())
	}
	for range 400 {
		a.Add(b.All())
	}
	if a.Dropped == 0 {
		t.Error("a full buffer dropped nothing")
	}
	r := tcpSample()
	msg := append(bytes.Clone(unsafe.Slice((*byte)(unsafe.Pointer(r)), unsafe.Sizeof(*r))), a.All()...)
	if !v.Load(msg) {
		t.Error("a full buffer ends within an attribute")
	}
}

// What is removed is gone, wherever it stood and how often, and the rest is not.
func TestRemove(t *testing.T) {
	s := compiled(t)
	var a, want Attrs
	for _, f := range []*Field{DstCity, SrcCity, DstCity, AppName, DstCity} {
		if a.Text(f, f.Label); f != DstCity {
			want.Text(f, f.Label)
		}
	}
	a.Remove(s.Named("DST_IP_CITY"))
	a.Remove(s.Named("SRC_AS"))
	if !bytes.Equal(a.All(), want.All()) {
		t.Errorf("left are %q, want %q", a.All(), want.All())
	}
}
