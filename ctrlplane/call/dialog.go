package call

import (
	"bytes"
	"slices"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/app"
)

// sender returns the side that sent the request.
func (x *call) sender(s *signal) side {
	if x.from == 0 || s.from == x.from {
		return caller
	}
	return callee
}

// invite tells a call of an INVITE: the first one, another attempt, or one inside the call.
func (c *Correlator) invite(i uint32, x *call, s *signal) {
	if x.from == 0 {
		x.from, x.cseq = s.from, s.cseq
	}
	inside := x.at[accepted] != 0 && (s.cseq != x.cseq || s.from != x.from)
	if inside {
		if n := s.from ^ uint64(s.cseq)<<1; x.again != n {
			x.again = n
			x.reinvites++
		}
		c.offers(i, x, s, true)
		return
	}
	switch {
	case s.cseq > x.cseq: // it was challenged, redirected or refused before
		x.cseq, x.code, x.best, x.at[refused] = s.cseq, 0, 0, 0
		x.attempts++
	case s.cseq < x.cseq:
		x.earliest(invited, c.number(sipInviteTime))
		return
	}
	if here := (moved{s.begin, s.ends}); here.before(&x.led) { // the next hop is answered before the first
		c.lead(x, "INVITE", s)
	}
	x.earliest(invited, max(c.number(sipInviteTime), c.number(sipBegin)))
	x.earliest(trying, c.number(sipTryingTime))
	x.earliest(ringing, c.number(sipRingingTime))
	x.earliest(progress, c.number(sipProgressTime))
	if s.hop == x.lead {
		c.fill(x, c.begin, beginFields, s.v)
	}
	c.invited(x, s)
	c.offers(i, x, s, false)
}

// invited notes how an INVITE was answered.
func (c *Correlator) invited(x *call, s *signal) {
	if s.to != 0 && remember(x.tags[:], s.to) {
		x.dialogs++
	}
	switch {
	case s.code == 0:
	case s.code < 300:
		if remember(x.taken[:], s.to) && x.code >= 200 && x.code < 300 {
			return // another one of those that were called accepts, too
		}
		x.code = s.code
		at := max(c.number(sipOKTime), s.begin)
		if here := (moved{at, s.ends}); here.before(&x.answered) { // of several hops, the first that says something
			x.answered = here
			c.keep(x, c.answer, answerFields, s.v)
		} else {
			c.fill(x, c.answer, answerFields, s.v)
		}
		x.earliest(accepted, at)
	case x.at[accepted] != 0:
	case x.code == 0 || x.best == s.hop || s.hop == x.lead: // the hop next to the caller knows best
		x.code, x.best = s.code, s.hop
		x.at[refused] = max(c.number(sipFailureTime), s.begin)
		c.keep(x, c.answer, answerFields, s.v)
		c.keepReason(x, s)
	}
}

// keepReason has a call say the reason that the transaction in hand gives.
func (c *Correlator) keepReason(x *call, s *signal) { c.keep(x, c.reason, reasonFields, s.v) }

// bye tells a call of a BYE.
func (c *Correlator) bye(x *call, s *signal) {
	who := x.sender(s)
	other := s.to
	if who == callee {
		other = s.from
	}
	x.endDialog(other)
	x.earliest(bye, max(c.number(sipByeTime), s.begin))
	x.earliest(byeOK, c.number(sipByeOKTime))
	if x.from != 0 && x.hangup == nobody {
		x.hangup = who
	}
	c.keepReason(x, s)
	c.remind(x, c.o.hold())
}

// inside tells a call of another request that belongs to it.
func (c *Correlator) inside(i uint32, x *call, method string, s *signal) {
	switch method {
	case "UPDATE":
		if n := s.from ^ uint64(s.cseq)<<1; x.updated != n {
			x.updated = n
			x.updates++
		}
		c.offers(i, x, s, x.at[accepted] != 0)
	case "PRACK":
		c.offers(i, x, s, false)
	case "INFO":
		if tone := c.text(sipInfoTone); len(tone) > 0 && int(x.toned) < len(x.tones) {
			x.tones[x.toned] = tone[0]
			x.toned++
		}
	case "REFER":
		if s.code >= 200 && s.code < 300 {
			x.referrals++
		}
		c.keep(x, c.refer, referFields, s.v)
	}
}

// offers notes where the sides want to receive media, and who is on hold.
func (c *Correlator) offers(i uint32, x *call, s *signal, inside bool) {
	who := x.sender(s)
	near, far := s.v.Src, s.v.Dst
	if s.server {
		near, far = far, near
	}
	offer, answer := c.text(sipUACMedia), c.text(sipUASMedia)
	c.endpoints(description{call: i, side: who, at: s.begin}, offer, near)
	c.endpoints(description{call: i, side: callee - who, at: max(s.begin, c.number(sipResponse))}, answer, far)
	if inside && len(offer) > 0 {
		c.hold(x, who, holds(offer), s.begin)
	}
}

// holds reports whether a description asks for no media: in the way of RFC 3264, section 8.4, or of
// RFC 2543.
func holds(b []byte) bool {
	var m app.Media
	any := false
	for ok := true; ok; {
		if b, ok = app.ReadMedia(b, &m); !ok || m.Port == 0 {
			continue
		}
		any = true
		unspecified := m.Address.IsValid() && m.Address.IsUnspecified()
		if m.Direction != app.SendOnly && m.Direction != app.Inactive && !unspecified {
			return false
		}
	}
	return any
}

// hold notes that a side puts the call on hold, or does not any more.
func (c *Correlator) hold(x *call, who side, on bool, at uint64) {
	was := x.holding[caller] || x.holding[callee]
	if on && !x.holding[who] {
		x.holds++
	}
	x.holding[who] = on
	switch is := x.holding[caller] || x.holding[callee]; {
	case is && !was:
		x.heldSince = at
	case was && !is:
		x.held += max(at, x.heldSince) - x.heldSince
	}
}

// register tells a cycle of registration of a REGISTER.
func (c *Correlator) register(x *call, s *signal) {
	x.slowest = max(x.slowest, c.number(sipLatency))
	x.code = s.code
	switch {
	case s.code == 0:
		return
	case s.code < 300:
		x.ok++
	default:
		x.other++
	}
	x.begun = max(s.begin, c.number(sipResponse))
	if challenges(s.code) {
		x.begun = after(x.begun, patience-slack)
	}
	c.fill(x, c.begin, beginFields, s.v)
	c.keep(x, c.answer, answerFields, s.v)
}

var referFields = []*flow.Field{app.SIPReferTo}

// maxKeys is how many values a call may be found by on the other side of an exchange.
const maxKeys = 4

// connect looks for the call on the other side of an exchange: one that has a value of these headers
// in common, or whose Call-ID one of them says.
func (c *Correlator) connect(i uint32, x *call, s *signal) {
	c.tie(i, x, s.call, c.links[s.id])
	for _, name := range c.o.Link {
		field := linkFields[name]
		value := c.text(field)
		for len(value) > 0 && len(x.keys) < maxKeys {
			var one []byte
			one, value = cutLink(field, value)
			if len(bytes.Trim(one, "0")) == 0 {
				continue
			}
			h := c.hash(one)
			if len(x.link) == 0 {
				x.link = append(x.link[:0], one...)
			}
			if j, ok := c.ids[h]; ok {
				c.tie(i, x, one, j+1)
			}
			c.tie(i, x, one, c.links[h])
			if c.links[h] == 0 {
				c.links[h] = i + 1
				x.keys = append(x.keys, h)
			}
		}
	}
}

// cutLink returns the first of the values of a header, and the others. Session-ID has those of both
// ends, which change places (RFC 7989, section 5); In-Reply-To has a list.
func cutLink(field int, value []byte) (one, rest []byte) {
	separator := ","
	switch field {
	case sipXCID, sipChargingID:
		return bytes.TrimSpace(value), nil
	case sipSessionID:
		separator = ";"
	}
	one, rest, _ = bytes.Cut(value, []byte(separator))
	one = bytes.TrimPrefix(bytes.TrimSpace(one), []byte("remote="))
	return one, rest
}

// tie has two calls name each other that have a value in common; j is the number of the other plus
// one, 0 for none.
func (c *Correlator) tie(i uint32, x *call, value []byte, j uint32) {
	if j == 0 || j-1 == i || len(x.linked) > 0 {
		return
	}
	y := c.calls.all[j-1]
	if !y.open || y.registers {
		return
	}
	x.linked = append(x.linked[:0], c.callID(y)...)
	if len(y.linked) == 0 {
		y.linked = append(y.linked[:0], c.callID(x)...)
	}
	if len(y.link) == 0 {
		y.link = append(y.link[:0], value...)
	}
	x.link = append(x.link[:0], y.link...)
}

// callID returns the Call-ID of a call.
func (c *Correlator) callID(x *call) []byte {
	c.known.Record, c.known.Attrs = &c.record, x.said
	v, _ := c.known.Value(app.SIPCallID)
	return v.B
}

// untie takes a call out of where others look for it.
func (c *Correlator) untie(i uint32, x *call) {
	for _, h := range slices.Backward(x.keys) {
		if c.links[h] == i+1 {
			delete(c.links, h)
		}
	}
}
