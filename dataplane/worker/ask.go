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
	case p.Fragment == dissect.LaterFragment:
	case w.protos[i] == protoTCP:
		w.stream(p)
	case len(p.Payload) == 0:
	case w.protos[i] == protoSCTP:
		w.chunks(p)
	default:
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
		s.first = s.count
		s.top += uint64(len(octets))
	}
	m.Begun, m.Time, m.SrcPort, m.DstPort = h.now, h.now, h.r.SrcPort, h.r.DstPort
	m.Stream, m.Lost, m.Full, m.Closed, m.Cut = false, false, false, false, cut
	switch w.consult(octets) {
	case app.Reject:
		w.refuse()
	case app.More:
		w.waitFor()
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
	r := w.hand.r
	if t := w.hand.t; t != nil && t.decided != 0 {
		return w.consultOne(octets, t)
	}
	verdict := app.Reject
	hinted := w.hinted(r)
	for _, set := range [2]uint32{hinted, r.Pending &^ hinted} {
		for ; set != 0; set &= set - 1 {
			j := bits.TrailingZeros32(set)
			switch v := w.showTo(j, octets, w.scratch[:w.dissectors[j].State]); v {
			case app.Reject:
				if !w.msg.Lost {
					r.Pending &^= 1 << j
				}
			case app.More:
				if verdict = v; w.msg.Stream {
					return v
				}
			default:
				w.accept(j, v)
				return v
			}
		}
	}
	return verdict
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

// decide makes dissector j the one of the flow in hand, and reports whether there was room.
func (w *Worker) decide(j int) bool {
	h, d := &w.hand, w.dissectors[j]
	had := h.t != nil
	state := block(0)
	if d.State > 0 {
		if state = w.arena.take(int(d.State)); state == 0 {
			w.counts[StateNoRoom]++
		} else {
			copy(w.arena.bytes(state), w.scratch[:d.State])
		}
		clear(w.scratch[:d.State])
	}
	if d.State > 0 && state == 0 || !w.enter() {
		w.arena.give(state)
		w.retire()
		return false
	}
	h.r.Pending = 1 << j
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
		if other == d {
			w.arena.give(h.t.state)
			h.t.state, h.t.decided, h.r.Pending = 0, 0, 1<<j
			return
		}
	}
	w.retire()
}

// SCTP chunks (RFC 9260, section 3.3.1).
const (
	chunkData  = 0
	dataHeader = 16
	wholeData  = 3 // the first and the last fragment of a message at once
	maxChunks  = 64
)

// chunks shows the messages in an SCTP packet that are whole.
func (w *Worker) chunks(p *dissect.Packet) {
	b := p.Payload
	for range maxChunks {
		if len(b) < 4 || w.hand.r.Pending == 0 {
			return
		}
		n := int(b[2])<<8 | int(b[3])
		if n < 4 {
			return
		}
		cut := n > len(b)
		c := b[:min(n, len(b))]
		if b[0] == chunkData && len(c) > dataHeader {
			if b[1]&wholeData == wholeData {
				w.datagram(c[dataHeader:], cut)
			} else {
				w.counts[SCTPFragments]++
			}
		}
		b = b[min((n+3)&^3, len(b)):]
	}
}
