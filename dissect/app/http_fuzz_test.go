package app

import (
	"testing"

	"github.com/weir-probe/weir/dataplane/flow"
)

// Bits of a cut, which says how a piece of a stream comes.
const (
	cutReverse = 1 << iota // it is the responder's
	cutLost                // octets before it were lost
	cutLength              // from here on: its length
)

func FuzzHTTP(f *testing.F)  { fuzzPieces(f, &HTTP) }
func FuzzHTTP2(f *testing.F) { fuzzPieces(f, &HTTP2) }

// fuzzPieces lets two sides say anything, in pieces between which octets may be lost. However
// the pieces are cut again, the same is said of them.
func fuzzPieces(f *testing.F, d *Dissector) {
	for _, c := range of(f, d) {
		var octets, cuts []byte
		for _, t := range c.turns {
			for b := t.octets; len(b) > 0; {
				n := min(len(b), 255/cutLength)
				cuts = append(cuts, byte(n*cutLength)|byte(t.dir))
				octets, b = append(octets, b[:n]...), b[n:]
			}
		}
		f.Add(octets, cuts)
	}
	f.Fuzz(func(t *testing.T, octets, cuts []byte) {
		if len(octets) > 3*MaxMessage || len(cuts) > 2000 {
			return
		}
		c := says("fuzz", 6, flow.Forward, nil)
		c.turns, c.dstPort = nil, 80
		for _, cut := range cuts {
			n := min(int(cut)/cutLength, len(octets))
			c.turns = append(c.turns, turn{
				dir: flow.Dir(cut & cutReverse), lost: uint64(cut&cutLost) * 50, octets: octets[:n:n],
			})
			octets = octets[n:]
		}
		want, got := drive(joined(&c), d), drive(&c, d)
		if len(want.faults)+len(got.faults) > 0 {
			t.Fatal(want.faults, got.faults)
		}
		if len(want.rejected)+len(got.rejected) > 0 {
			return // behind a loss a whole segment is refused, however long it is
		}
		if err := same(want, got); err != nil {
			t.Fatal(err)
		}
	})
}
