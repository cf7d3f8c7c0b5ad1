package collect

import (
	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dataplane/ring"
	"github.com/weir-probe/weir/dissect/sflow"
)

// counted adds what a record of counters says.
func (w *Worker) counted(r *sflow.Record) bool {
	a := &w.a
	switch r.Format {
	case sflow.InterfaceCounters:
		if c := r.Interface(); !r.R.Short() {
			for i, f := range flow.InterfaceCounters {
				w.tell(f, c[i])
			}
		}
	case sflow.EthernetCounters:
		var n [13]uint32
		r.Numbers(n[:])
		if !r.R.Short() {
			for i, f := range flow.EthernetCounters {
				w.tell(f, uint64(n[i]))
			}
		}
	case sflow.VLANCounters:
		id, octets := r.R.U32(), r.R.U64()
		var n [4]uint32
		r.Numbers(n[:])
		if !r.R.Short() {
			a.Attrs.Uint(flow.CounterVLAN, uint64(id))
			a.Attrs.Uint(flow.VLANOctets, octets)
			for i, f := range flow.VLANCounters {
				w.tell(f, uint64(n[i]))
			}
		}
	case sflow.ProcessorCounters:
		for _, f := range flow.ProcessorCounters[:3] {
			w.tell(f, uint64(r.R.U32()))
		}
		for _, f := range flow.ProcessorCounters[3:] {
			a.Attrs.Uint(f, r.R.U64())
		}
	default:
		return false
	}
	return true
}

// tell says a number of 32 bits, unless it is that which means that nobody counts it.
func (w *Worker) tell(f *flow.Field, n uint64) {
	if f.Type != flow.Unsigned32 || n != 1<<32-1 {
		w.a.Attrs.Uint(f, n)
	}
}

// counters hands over the counters in hand: a record of its own kind, about no flow.
func (w *Worker) counters(s *session) {
	a := &w.a
	a.First, a.Last = w.now, w.now
	w.sign(s)
	w.counts.add(CounterRecords, 1)
	s.stats.records.Add(1)
	b := w.reserve(ring.Counters, a.Size())
	if b == nil {
		w.counts.add(RingFull, 1)
		return
	}
	a.Put(b)
}
