package worker

import (
	"math/bits"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect"
	"github.com/weir-probe/weir/dissect/app"
)

// examine has the dissectors look at the payload of the i-th packet, whose flow has some pending.
func (w *Worker) examine(i int) {
	p := &w.packets[i]
	h := w.grasp(w.flows[i], p.Time)
	h.d, h.packet = w.dirs[i]&1, i
	switch {
	case p.Fragment != dissect.Whole && w.protos[i] == protoUDP:
		w.fragment(p)
	case p.Fragment == dissect.LaterFragment:
	case w.protos[i] == protoTCP:
		w.stream(p)
	case len(p.Payload) == 0:
	case w.protos[i] == protoSCTP:
		w.chunks(p)
	default:
		if h.t != nil && h.t.sides[0].n|h.t.sides[1].n != 0 {
			w.incomplete()
			if h.r.Pending == 0 {
				return
			}
		}
		w.datagram(p.Payload, p.Fragment != dissect.Whole || len(p.Payload) < int(p.PayloadLen))
	}
}

// datagram shows a datagram, of which the end may be missing.
func (w *Worker) datagram(octets []byte, cut bool) {
	h := &w.hand
	m := &w.msg
	if h.t != nil {
		s := &h.t.sides[h.d]
		s.base, s.count = s.top, s.count+1
		s.first = s.count - h.earlier
		s.top += uint64(len(octets))
	}
	m.Begun, m.Time, m.SrcPort, m.DstPort = h.now, h.now, h.r.SrcPort, h.r.DstPort
	if h.begun != 0 {
		m.Begun = h.begun
	}
	m.Stream, m.Lost, m.Full, m.Closed, m.Cut = false, false, false, false, cut
	v := w.consult(octets)
	if v >= app.Accept && m.Said.Switch != nil && m.Pos() == 0 && h.r.Pending != 0 {
		v = w.consult(octets) // it is the first one of the other protocol
	}
	switch v {
	case app.Reject:
		w.refuse()
	case app.More:
		w.waitFor()
	default:
		w.behind()
	}
}

// behind shows the messages behind the first one of a datagram. One that makes no sense ends it.
func (w *Worker) behind() {
	h, m := &w.hand, &w.msg
	for n := 1; n < inDatagram && m.Said.Again && m.Len() > 0 && h.t != nil && h.pending != 0; n++ {
		h.t.sides[h.d].base += uint64(m.Pos())
		if w.consult(m.Peek()) < app.Accept {
			return
		}
	}
}

// refuse notes that a datagram was rejected by everyone. One that was decided on may see some
// that are not its own: anybody can send a datagram that looks as if it were of the flow.
func (w *Worker) refuse() {
	t := w.hand.t
	if t == nil || t.decided == 0 {
		if w.hand.r.Pending == 0 {
			w.retire()
		}
		return
	}
	if t.rejects++; t.rejects >= attempts {
		w.counts[GaveUp]++
		w.retire()
	}
}

// waitFor counts datagrams that dissectors could not decide on.
func (w *Worker) waitFor() {
	if w.hand.t != nil && w.hand.t.decided != 0 {
		return
	}
	if !w.enter() {
		w.retire()
		return
	}
	if w.hand.t.waits++; w.hand.t.waits >= undecided {
		w.counts[BudgetOver]++
		w.retire()
	}
}

// consult shows octets to the pending dissectors until one accepts them: those the ports
// speak for first. One that needs more of a stream has to be waited for, as the answer must
// not depend on how the stream was cut into segments. The caller has prepared what w.msg
// says about the octets.
func (w *Worker) consult(octets []byte) app.Verdict {
	h := &w.hand
	if t := h.t; t != nil && t.decided != 0 {
		return w.consultOne(octets, t)
	}
	some := w.candidates(octets)
	tentative := uint64(0)
	if !w.msg.Stream {
		tentative = some & w.tentative
	}
	some &^= tentative
	hinted := w.hinted(h.r, some)
	verdict := app.Reject
	for _, set := range [3]uint64{hinted, some &^ hinted, tentative} {
		for ; set != 0; set &= set - 1 {
			switch v := w.consider(bits.TrailingZeros64(set), octets); v {
			case app.Reject:
			case app.More:
				if verdict = v; w.msg.Stream {
					return v
				}
			default:
				return v
			}
		}
	}
	return verdict
}

// candidates returns the pending dissectors whose flows may begin with octets. Others are not of
// the flow, unless what it began with was not seen.
func (w *Worker) candidates(octets []byte) uint64 {
	h := &w.hand
	if len(octets) == 0 || h.t != nil && h.t.switched {
		return h.pending
	}
	some := w.maybe(h.pending, octets)
	if some != h.pending && !w.msg.Lost {
		h.narrow(some)
	}
	return some
}

// consider asks dissector j, one of several, about octets.
func (w *Worker) consider(j int, octets []byte) app.Verdict {
	h := &w.hand
	tentative := !w.msg.Stream && w.tentative>>j&1 != 0
	state := w.scratch[:w.dissectors[j].State]
	if tentative && h.t != nil && h.t.state != 0 {
		state = w.arena.bytes(h.t.state)[:len(state)]
	}
	v := w.showTo(j, octets, state)
	if v == app.More && tentative && !w.suspend(j) {
		v = app.Reject
	}
	switch v {
	case app.More:
	case app.Reject:
		if !w.msg.Lost {
			h.narrow(h.pending &^ (1 << j))
		}
		if tentative && h.t != nil {
			w.arena.give(h.t.state)
			h.t.state = 0
		}
	default:
		w.accept(j, v)
	}
	return v
}

// suspend keeps what tentative dissector j has written for the next datagram, and reports whether
// there was room.
func (w *Worker) suspend(j int) bool {
	h := &w.hand
	if w.dissectors[j].State == 0 || h.t != nil && h.t.state != 0 {
		return true
	}
	state := w.remember(j)
	if state == 0 {
		return false
	}
	if !w.enter() {
		w.arena.give(state)
		return false
	}
	h.t.state = state
	return true
}

// remember moves what dissector j has written to a block of its own, 0 if there is no room.
func (w *Worker) remember(j int) block {
	written := w.scratch[:w.dissectors[j].State]
	state := w.arena.take(len(written))
	if state == 0 {
		w.counts[StateNoRoom]++
	} else {
		copy(w.arena.bytes(state), written)
	}
	clear(written)
	return state
}

// consultOne shows octets to the dissector that was decided on.
func (w *Worker) consultOne(octets []byte, t *talk) app.Verdict {
	j := int(t.decided - 1)
	var state []byte
	if t.state != 0 {
		state = w.arena.bytes(t.state)[:w.dissectors[j].State]
	}
	v := w.showTo(j, octets, state)
	switch v {
	case app.Accept, app.Done:
		w.accept(j, v)
	case app.Reject:
		m := &w.msg
		if m.Short() && !m.Stream && m.Said.Flaw == "" {
			m.Said.Flaw = "message ends too soon"
		}
		if m.Said.Flaw != "" && !m.Lost {
			w.flawed(j)
		}
	}
	return v
}

// showTo asks dissector j. A message that cannot get longer is not asked more of.
func (w *Worker) showTo(j int, octets []byte, state []byte) app.Verdict {
	m := &w.msg
	m.Show(octets, w.hand.d)
	m.State = state
	v := w.dissectors[j].Ask(m)
	if v == app.More && (m.Full || m.Closed) {
		if m.Full {
			w.counts[MessageTooLong]++
		}
		return app.Reject
	}
	return v
}

// accept takes in what dissector j said of a message that is its own.
func (w *Worker) accept(j int, v app.Verdict) {
	h, m := &w.hand, &w.msg
	w.index[j].Messages++
	fresh := h.t == nil || h.t.decided == 0
	if fresh {
		w.index[j].Flows++
		if n := w.dissectors[j].Number; n != 0 {
			h.r.Application, h.r.Confidence = n, flow.ByContent
		}
	}
	if m.Said.Number != 0 {
		h.r.Application, h.r.Confidence = m.Said.Number, flow.ByContent
	}
	if m.Said.Flaw != "" {
		w.flawed(j)
	}
	if m.Attrs.Dropped > 0 {
		w.counts[AttrsDropped] += m.Attrs.Dropped
		m.Attrs.Dropped = 0
	}
	if fresh && !w.decide(j) {
		return
	}
	h.t.rejects = 0
	w.pair(j)
	if m.Said.Switch != nil {
		w.become(m.Said.Switch)
	} else if v == app.Done {
		w.retire()
	}
}

// decide makes dissector j the one of the flow in hand, and reports whether there was room. A
// tentative one goes on with the state it has; that of another is forgotten.
func (w *Worker) decide(j int) bool {
	h, d := &w.hand, w.dissectors[j]
	had := h.t != nil
	state := block(0)
	if had && h.t.state != 0 {
		if w.tentative>>j&1 != 0 {
			state = h.t.state
		} else {
			w.arena.give(h.t.state)
		}
		h.t.state = 0
	}
	if d.State > 0 && state == 0 {
		state = w.remember(j)
	}
	if d.State > 0 && state == 0 || !w.enter() {
		w.arena.give(state)
		w.retire()
		return false
	}
	h.narrow(1 << j)
	h.t.state, h.t.decided = state, uint8(j+1)
	if s := &h.t.sides[h.d]; !had {
		s.count, s.first = 1, 1
		s.top = uint64(w.msg.Len() + w.msg.Pos())
	}
	return true
}

// become hands the flow in hand over to another dissector.
func (w *Worker) become(d *app.Dissector) {
	h := &w.hand
	w.abandon(Abandoned)
	for j, other := range w.dissectors {
		if other == d && w.usable(j) {
			w.bequeath()
			h.t.decided, h.t.switched, h.t.waits = 0, true, 0
			h.narrow(1 << j)
			return
		}
	}
	w.retire()
}
