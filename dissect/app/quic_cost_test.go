package app

import (
	"slices"
	"testing"

	"github.com/weir-probe/weir/dataplane/flow"
)

// quicAllocations is how often memory is needed to open a packet: for the cipher of its header,
// the cipher of its payload, and the mode of that.
const quicAllocations = 3

// quicBudget is what a datagram may need: the packets in it that are opened, by the keys there
// are and then by others. Those of honest peers have one, or two when a second key is tried.
const quicBudget = 2 * quicAllocations

// Memory is needed for packets that are opened, and for nothing else.
func TestQUICAllocations(t *testing.T) {
	hello := cryptoFrame(0, helloOf("a.example", paramsHere, 0))
	begin := over("", initialOf(0, hello)).turns[0]
	for _, c := range []struct {
		name   string
		before []turn
		octets []byte
		want   float64
	}{
		{"the client's first", nil, begin.octets, quicAllocations},
		{"the server's first", []turn{begin}, answerIn(0, cryptoFrame(0, answerOf(false))), quicAllocations},
		{"of keys that were tried before", []turn{begin}, initialOf(1, hello), quicAllocations},
		{"early data", []turn{begin}, longPacket(1, quicTo, quicFrom), 0},
		{"of another version", nil, append([]byte{0xc0, 0, 1, 0, 0}, make([]byte, 1300)...), 0},
		{"of another protocol", nil, make([]byte, 1300), 0},
		{"without a long header", []turn{begin}, append([]byte{0x41}, make([]byte, 50)...), 0},
		{"Google's", nil, []byte("\x0912345678Q043\x01"), 0},
	} {
		var m Message
		state := make([]byte, QUIC.State)
		show := func(u turn) {
			m.Show(u.octets, u.dir)
			m.State = state
			QUIC.Ask(&m)
		}
		for _, u := range c.before {
			show(u)
		}
		last, before := over("", c.octets).turns[0], slices.Clone(state)
		if n := testing.AllocsPerRun(100, func() {
			copy(state, before)
			show(last)
		}); n != c.want {
			t.Errorf("%s: %v allocations, want %v", c.name, n, c.want)
		}
	}
}

func BenchmarkQUICFirst(b *testing.B) {
	first := initialOf(0, cryptoFrame(0, helloOf("a.example", paramsHere, 300)))
	var m Message
	state := make([]byte, QUIC.State)
	b.ReportAllocs()
	for b.Loop() {
		clear(state)
		m.Show(first, flow.Forward)
		m.State = state
		if QUIC.Ask(&m) != Accept {
			b.Fatal("not accepted")
		}
	}
}

func BenchmarkQUICNot(b *testing.B) {
	other := append([]byte{0x16, 0xfe, 0xfd}, make([]byte, 1200)...)
	var m Message
	state := make([]byte, QUIC.State)
	for b.Loop() {
		m.Show(other, flow.Forward)
		m.State = state
		if QUIC.Ask(&m) != Reject {
			b.Fatal("not rejected")
		}
	}
}
