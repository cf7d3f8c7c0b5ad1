package netflow

import (
	"testing"

	"github.com/weir-probe/weir/dataplane/flow"
)

// Cisco documents how long the records of each layout are.
func TestLayouts(t *testing.T) {
	for _, c := range []struct {
		version uint16
		scheme  uint8
		octets  int
	}{
		{1, 0, 48}, {5, 0, 48}, {7, 0, 52}, {8, 1, 28}, {8, 2, 28}, {8, 3, 32}, {8, 4, 32}, {8, 5, 40}, {8, 6, 32},
		{8, 7, 40}, {8, 8, 44}, {8, 9, 32}, {8, 10, 32}, {8, 11, 32}, {8, 12, 32}, {8, 13, 40}, {8, 14, 40}, {8, 15, 0}, {6, 0, 0},
	} {
		if got := Octets(c.version, c.scheme); got != c.octets {
			t.Errorf("a record of v%d, scheme %d, has %d octets, want %d", c.version, c.scheme, got, c.octets)
		}
	}
}

// A header tells what it says, and is refused where it cannot be.
func TestRead(t *testing.T) {
	v9 := []byte{0, 9, 0, 1, 0, 0, 0x10, 0, 0x5f, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 3, 1, 2}
	m, f := Read(v9)
	if f != Fine || m.Version != 9 || m.Uptime != 0x1000 || m.Export != 0x5f000000*1e9 || m.Sequence != 7 || m.Domain != 3 || len(m.Body) != 2 {
		t.Errorf("%+v, %v", m, f)
	}
	ipfix := []byte{0, 10, 0, 20, 0x5f, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 3, 1, 2, 3, 4, 9, 9}
	if m, f = Read(ipfix); f != Fine || m.Length != 20 || len(m.Body) != 4 || m.Cut {
		t.Errorf("%+v, %v", m, f)
	}
	if m, f = Read(ipfix[:18]); f != Fine || !m.Cut || len(m.Body) != 2 {
		t.Errorf("cut: %+v, %v", m, f)
	}
	ipfix[3] = 15
	for _, c := range []struct {
		b    []byte
		want Fault
	}{{ipfix, BadLength}, {v9[:19], Short}, {v9[:3], Short}, {[]byte{0, 6, 0, 1}, UnknownVersion}, {[]byte{0xff, 0xff, 0, 1}, UnknownVersion},
		{append([]byte{0, 8, 0, 1}, make([]byte, 60)...), UnknownScheme}} {
		if _, f := Read(c.b); f != c.want {
			t.Errorf("%x: %v, want %v", c.b, f, c.want)
		}
	}
	v5 := append([]byte{0, 5, 0, 3}, make([]byte, 20+2*48)...)
	if m, f = Read(v5); f != Fine || !m.Cut || len(m.Body) != 96 {
		t.Errorf("v5 that lies about its count: %+v, %v", m, f)
	}
}

// Elements of enterprises that have no number in NetFlow v9 are where their exporters put them.
func TestEnterprisesOfV9(t *testing.T) {
	b := []byte{1, 0, 0, 4, 0, 8, 0, 4, 0x9c, 0x40, 0, 20, 0xe1, 0x34, 0, 2, 0xdd, 0x7d, 0, 32}
	got, rest, ok := NextTemplate(V9, false, b, make([]flow.Specifier, 8))
	want := []flow.Specifier{{ID: 8, Length: 4}, {PEN: flow.Cisco, ID: 7232, Length: 20},
		{PEN: flow.Ntop, ID: 180, Length: 2}, {PEN: flow.PaloAlto, ID: 1, Length: 32}}
	if !ok || len(rest) != 0 || len(got.Specs) != len(want) {
		t.Fatalf("%+v, %x, %v", got, rest, ok)
	}
	for i := range want {
		if got.Specs[i] != want[i] {
			t.Errorf("element %d is %+v, want %+v", i, got.Specs[i], want[i])
		}
	}
}

// Whatever octets say, they are read within bounds and come to an end.
func FuzzNetFlow(f *testing.F) {
	f.Add([]byte{0, 9, 0, 1, 0, 0, 0x10, 0, 0x5f, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 3, 0, 0, 0, 12, 1, 0, 0, 1, 0, 8, 0, 4})
	f.Add([]byte{0, 10, 0, 36, 0x5f, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 3, 0, 3, 0, 20, 1, 1, 0, 2, 0, 1, 0, 149, 0, 4, 0, 34, 0, 4, 0, 0})
	f.Add([]byte{0, 10, 0, 24, 0x5f, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 3, 0, 2, 0, 8, 0, 2, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		m, fault := Read(b)
		if fault != Fine {
			return
		}
		if m.Length <= 0 || m.Length > len(b) || len(m.Body) > len(b) {
			t.Fatalf("a message of %d octets in %d", m.Length, len(b))
		}
		if m.Version < V9 {
			if len(m.Body)%Octets(m.Version, m.Scheme) != 0 {
				t.Errorf("%d octets are no records", len(m.Body))
			}
			return
		}
		into := make([]flow.Specifier, 256)
		for body := m.Body; ; {
			s, rest, ok := NextSet(body)
			if !ok {
				return
			}
			if len(s.Body)+4+len(rest) != len(body) {
				t.Fatal("a set is not where it says")
			}
			body = rest
			templates, options := Describes(m.Version, s.ID)
			for of := s.Body; templates; {
				x, left, ok := NextTemplate(m.Version, options, of, into)
				if !ok {
					break
				}
				if len(left) >= len(of) || x.Scopes > len(x.Specs) && !x.Withdrawn() {
					t.Fatalf("%+v of %d octets, %d left", x, len(of), len(left))
				}
				of = left
			}
		}
	})
}
