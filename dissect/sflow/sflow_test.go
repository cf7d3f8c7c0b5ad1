package sflow

import (
	"encoding/binary"
	"testing"
)

func words(all ...uint32) (b []byte) {
	for _, w := range all {
		b = binary.BigEndian.AppendUint32(b, w)
	}
	return b
}

// A port is an interface unless its format says otherwise, or it is the device itself.
func TestPorts(t *testing.T) {
	for u, want := range map[uint32]Port{3: {0, 3}, 1<<30 | 256: {1, 256}, 2<<30 | 7: {2, 7}, 1<<30 - 1: {0, 1<<30 - 1}} {
		if got := port(u); got != want || got.Known() != (u == 3) {
			t.Errorf("%#x is %+v, known %v", u, got, got.Known())
		}
	}
}

// A sample of a format nobody knows is passed over by its length.
func TestUnknownSample(t *testing.T) {
	d, ok := Read(words(5, 1, 0xc0000201, 0, 1, 1000, 2, 9, 8, 1, 2, 2, 12, 5, 3, 0))
	if !ok || d.Agent.Version != 4 {
		t.Fatal("no datagram")
	}
	a, ok := d.Next()
	d.Done(&a)
	b, ok2 := d.Next()
	d.Done(&b)
	if !ok || !ok2 || a.Kind != Unknown || b.Kind != Counters || b.Sequence != 5 || d.Bad() {
		t.Errorf("%+v, %+v, bad %v", a, b, d.Bad())
	}
}

// Reading comes to an end, and does not go beyond the octets.
func FuzzSFlow(f *testing.F) {
	f.Add(words(5, 1, 0xc0000201, 0, 1, 1000, 1, 1, 40, 7, 3, 512, 5000, 0, 3, 4, 1, 2, 0))
	f.Add(words(4, 1, 0xc0000201, 1, 1000, 1, 2, 1, 3, 30, 2))
	f.Fuzz(func(t *testing.T, b []byte) {
		d, ok := Read(b)
		for n := 0; ok; n++ {
			var s Sample
			if s, ok = d.Next(); !ok {
				return
			}
			var x Record
			for i := 0; s.Next(&x); i++ {
				switch x.Format {
				case Header:
					x.Sampled()
				case Gateway:
					x.Systems()
				case MPLS:
					x.Labels()
				case User:
					x.Users()
				}
				if i > len(b) {
					t.Fatal("there are more records than octets")
				}
			}
			d.Done(&s)
			if n > len(b) {
				t.Fatal("there are more samples than octets")
			}
		}
	})
}
