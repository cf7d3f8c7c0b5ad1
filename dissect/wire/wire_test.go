package wire

import (
	"bytes"
	"math/rand/v2"
	"reflect"
	"testing"
)

// makers are all the functions that make a header.
var makers = []any{
	AsEthernet, AsVLAN, AsSNAP, AsWiFi, AsCooked, AsCooked2, AsLoopback, AsLabel, AsControlWord, AsPPPoE,
	AsPPP, AsIPv4, AsIPv6, AsExtension, AsFragment, AsAH, AsPorts, AsUDP, AsICMP, AsTCP, AsGRE, AsERSPAN,
	AsVXLAN, AsGPE, AsGeneve, AsGTPU, AsL2TP, AsTeredo, AsCAPWAP,
}

// check makes a header of b in every way. What was made and what follows are parts of b in
// order, and no method of what was made fails.
func check(t *testing.T, b []byte) (made []string) {
	in := []reflect.Value{reflect.ValueOf(b)}
	for _, maker := range makers {
		out := reflect.ValueOf(maker).Call(in)
		h, rest := out[0], out[1].Bytes()
		if !out[2].Bool() {
			if h.Len() != 0 || len(rest) != 0 {
				t.Errorf("%v of %x: something although it failed", h.Type(), b)
			}
			continue
		}
		made = append(made, h.Type().Name())
		if got := append(bytes.Clone(h.Bytes()), rest...); !bytes.HasPrefix(b, got) {
			t.Errorf("%v of %x: %x and %x", h.Type(), b, h.Bytes(), rest)
		}
		if cap(b)-cap(rest) != h.Len() && len(rest) > 0 {
			t.Errorf("%v of %x: the rest is capped", h.Type(), b)
		}
		for i := range h.NumMethod() {
			h.Method(i).Call(nil)
		}
	}
	for n, rest, ok := 0, b, true; ok; n++ {
		if _, _, rest, ok = Option(rest); n > len(b) {
			t.Fatalf("options of %x do not end", b)
		}
	}
	return made
}

// beginnings make the headers that few octets begin.
var beginnings = [][]byte{
	nil, {0xaa, 0xaa, 3, 0, 0, 0}, {0x88, 0x01}, {0x03, 0x88}, {0x11}, {0x45, 0, 0, 60}, {0x4f, 0, 0, 80},
	{0x60}, {0x30, 0xff, 0, 40}, {0x34, 0xff, 0, 40, 0, 0, 0, 1, 0, 0, 0, 0x85, 1, 0, 0, 0}, {0, 2, 0, 1, 0, 1},
	{0x4a, 2, 0, 60, 0, 1, 0, 1}, {0xf0, 0, 8, 0}, {0x30, 1, 0x88, 0x0b}, {0x10}, {0x20},
	{8, 0, 0, 0, 0, 0, 1, 0},
	{12, 0, 0, 1, 0, 0, 1, 0}, {2, 0x40, 8, 0, 0, 0, 1, 0}, {0, 0x10, 2, 0, 0, 0, 0, 0}, {0, 1, 2, 3},
	{0, 80, 0, 80, 0, 0, 0, 0, 0, 0, 0, 0, 0xf0, 2},
}

func TestHeaders(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	made := map[string]bool{}
	for range 6 {
		for _, begin := range beginnings {
			b := make([]byte, 120)
			for i := range b {
				v := random.Uint32() // bits set less often than not, for short lengths
				b[i] = byte(v & (v >> 8))
			}
			copy(b, begin)
			for n := range b {
				for _, name := range check(t, bytes.Clone(b[:n])) {
					made[name] = true
				}
			}
		}
	}
	if len(made) != len(makers) {
		t.Errorf("only %d of %d headers were made: %v", len(made), len(makers), made)
	}
}

func FuzzHeaders(f *testing.F) {
	for _, b := range beginnings {
		f.Add(append(bytes.Clone(b), make([]byte, 60)...))
	}
	f.Fuzz(func(t *testing.T, b []byte) { check(t, b) })
}
