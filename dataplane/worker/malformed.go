package worker

import (
	"github.com/weir-probe/weir/dataplane/nic"
	"github.com/weir-probe/weir/dataplane/ring"
)

// Dissected is what a dissector has done.
type Dissected struct {
	Flows     uint64 // it was decided on
	Messages  uint64 // it accepted
	Malformed uint64 // messages among them, and among those it rejected later, with a flaw
}

// flawed counts a malformed message of dissector j, and hands over the packet it ended in if
// so configured: as many a second as Config.Malformed says.
func (w *Worker) flawed(j int) {
	h := &w.hand
	w.index[j].Malformed++
	if w.conf.Malformed == 0 || h.packet < 0 || w.frames[h.packet] == nil {
		return
	}
	if s := h.now / second; s != w.second {
		w.second, w.inSecond = s, 0
	}
	if w.inSecond >= w.conf.Malformed {
		w.counts[MalformedLimited]++
		return
	}
	w.inSecond++
	k := w.picture(ring.Malformed, w.frames[h.packet], h.now)
	if k == nil {
		w.counts[MalformedRingFull]++
		return
	}
	k.Of = w.place[j]
	k.Say(w.msg.Said.Flaw)
}

// pictures are the frames of the burst, borrowed as it is; nil for a packet whose frame is gone.
type pictures struct {
	frames   [burst]*nic.Frame
	second   uint64 // in which inSecond malformed packets were handed over
	inSecond int
}
