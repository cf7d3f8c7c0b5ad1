package app

import (
	"testing"

	"github.com/weir-probe/weir/dataplane/flow"
)

// How a fuzzed message is shown.
const (
	asResponder = 1 << iota
	asDatagram
	afterLoss
	asFull
	asClosed
)

// FuzzAll shows octets to a dissector. Whatever they are, it must not panic, and State changes
// with accepted messages only.
func FuzzAll(f *testing.F) {
	for i, d := range All {
		calls(of(f, d), d, func(how uint8, octets []byte) { f.Add(uint8(i), how, octets) })
	}
	f.Fuzz(func(t *testing.T, i, how uint8, octets []byte) {
		if len(All) == 0 || len(octets) > MaxMessage {
			return
		}
		fuzzed(t, All[int(i)%len(All)], how, octets)
	})
}

// calls adds what is said to a dissector in conversations.
func calls(all []conversation, d *Dissector, add func(how uint8, octets []byte)) {
	for _, c := range all {
		for _, k := range callsOf(&c, d) {
			how := uint8(k.dir)
			if !c.stream() {
				how |= asDatagram
			}
			add(how, k.octets)
		}
	}
}

// fuzzed shows octets to a dissector.
func fuzzed(t *testing.T, d *Dissector, how uint8, octets []byte) {
	k := call{d: d, octets: octets, dir: flow.Dir(how & asResponder), state: make([]byte, d.State)}
	k.m.Stream = how&asDatagram == 0
	k.m.Lost, k.m.Full = how&afterLoss != 0 && k.m.Stream, how&asFull != 0 && k.m.Stream
	var m Message
	show(t, &k, &m)
}

func FuzzSSH(f *testing.F)  { fuzzOne(f, &SSH, sshSamples) }
func FuzzDTLS(f *testing.F) { fuzzOne(f, &DTLS, dtlsSamples) }

// fuzzOne is FuzzAll for one dissector.
func fuzzOne(f *testing.F, d *Dissector, samples func() []conversation) {
	calls(samples(), d, func(how uint8, octets []byte) { f.Add(how, octets) })
	f.Fuzz(func(t *testing.T, how uint8, octets []byte) {
		if len(octets) <= MaxMessage {
			fuzzed(t, d, how, octets)
		}
	})
}

// FuzzConversations lets two sides of a stream say anything, in pieces: cuts tells the length
// of each and whose it is. However the pieces are cut again, a dissector says the same of them.
func FuzzConversations(f *testing.F) {
	for i, d := range All {
		for _, c := range of(f, d) {
			var octets, cuts []byte
			for _, t := range c.turns {
				for n := 0; n < len(t.octets); n += 127 {
					cuts = append(cuts, byte(min(127, len(t.octets)-n))<<1|byte(t.dir))
				}
				octets = append(octets, t.octets...)
			}
			f.Add(uint8(i), octets, cuts)
		}
	}
	f.Fuzz(func(t *testing.T, i uint8, octets, cuts []byte) {
		if len(All) == 0 || len(octets) > 2*MaxMessage || len(cuts) > 1000 {
			return
		}
		d := All[int(i)%len(All)]
		c := says("fuzz", 6, flow.Forward, nil)
		c.turns = nil
		for _, cut := range cuts {
			n := min(int(cut>>1), len(octets))
			c.turns = append(c.turns, turn{dir: flow.Dir(cut & 1), octets: octets[:n:n]})
			octets = octets[n:]
		}
		want := drive(joined(&c), d)
		if len(want.faults) > 0 {
			t.Fatal(want.faults)
		}
		if err := same(want, drive(&c, d)); err != nil {
			t.Fatal(err)
		}
	})
}
