package worker

import (
	"math"

	"github.com/weir-probe/weir/dataplane/flow"
)

// inspect looks at the payload of the burst.
func (w *Worker) inspect() { w.show(w.n) }

// show lets the payload of the packets before the i-th be looked at that was not yet. It
// is called early when a flow is cut, because its record has to be complete by then.
func (w *Worker) show(i int) {
	sizes := w.conf.Blocks&flow.BlockSizes != 0
	if !sizes && len(w.dissectors) == 0 {
		return
	}
	for ; w.shown < i; w.shown++ {
		if w.table.hot[w.flows[w.shown]].Pending != 0 {
			w.examine(w.shown)
		}
		p, d := &w.packets[w.shown], w.dirs[w.shown]&1
		if !sizes || len(p.Payload) == 0 {
			continue
		}
		if s := &w.table.cold[w.flows[w.shown]].Sizes; s.Entropy[d] == 0 {
			s.Entropy[d] = 1 + w.logs.entropy(p.Payload)
		}
	}
}

// sample is how many octets of payload entropy is measured of.
const sample = 256

// logs holds what the n-th octet of a kind adds to the sum of n·log2(n) over all kinds, with 20 bits after the
// point; and n·log2(n) itself.
type logs struct {
	adds  [sample]uint32
	whole [sample + 1]uint32
}

func makeLogs() (l logs) {
	for n := 2; n < len(l.whole); n++ {
		l.whole[n] = uint32(math.Round(float64(n) * math.Log2(float64(n)) * (1 << 20)))
	}
	for n := range l.adds {
		l.adds[n] = l.whole[n+1] - l.whole[n]
	}
	return l
}

// entropy returns Shannon's entropy of the first octets of b, in bits per octet × 1000.
func (l *logs) entropy(b []byte) uint16 {
	b = b[:min(len(b), sample)]
	var counts [256]uint8 // one that wraps is not looked at again: b ends
	sum := uint32(0)
	for _, c := range b {
		sum += l.adds[counts[c]]
		counts[c]++
	}
	n := uint32(len(b))
	return uint16((uint64(l.whole[n]-sum)*1000/uint64(n) + 1<<19) >> 20)
}
