package call

import (
	"bytes"

	"github.com/weir-probe/weir/dataplane/flow"
)

// signal is a transaction of SIP.
type signal struct {
	v       *flow.View
	call    []byte // Call-ID
	id      uint64 // its hash
	cseq    uint32
	from    uint64 // hashes of the tags, 0 for none
	to      uint64
	code    uint32
	begin   uint64 // when the request was seen, or else the response
	server  bool   // the server of the flow has asked
	ends    pair
	hop     uint64 // its hash
	repeats uint32
}

// takeSignal finds the call of a transaction and tells it.
func (c *Correlator) takeSignal(v *flow.View) {
	c.signal.Read(v)
	method, id := c.text(sipMethod), c.text(sipCallID)
	if len(method) == 0 || len(id) == 0 {
		c.counts[NoCallID]++
		return
	}
	s := signal{v: v, call: id, id: c.hash(id), from: c.tag(sipFromTag), to: c.tag(sipToTag)}
	s.cseq, s.code = uint32(c.number(sipCSeq)), uint32(c.number(sipCode))
	s.server = string(c.text(sipAsker)) == "server"
	s.repeats = uint32(c.number(sipRepeats) + c.number(sipResponseRepeats))
	if s.begin = c.number(sipBegin); s.begin == 0 {
		s.begin = c.number(sipResponse)
	}
	if s.begin == 0 {
		s.begin = v.Last
	}
	s.ends, _ = pairOf(&v.Key)
	s.hop = c.hopOf(&s.ends)
	c.dispatch(string(bytes.ToUpper(method[:min(len(method), 16)])), &s)
}

// dispatch tells a call of a transaction with a method.
func (c *Correlator) dispatch(method string, s *signal) {
	i, ok := c.callOf(method, s)
	if !ok {
		return
	}
	x := c.calls.all[i]
	x.last = max(x.last, s.begin, c.number(sipResponse))
	x.first = min(x.first, s.begin)
	x.repeats += s.repeats
	if remember(x.hops[:], s.hop) {
		x.hopCount++
	}
	switch method {
	case "INVITE":
		c.invite(i, x, s)
	case "ACK":
		x.earliest(acknowledged, s.begin)
		c.offers(i, x, s, false)
	case "BYE":
		c.bye(x, s)
	case "CANCEL":
		x.earliest(cancelled, max(c.number(sipCancelTime), s.begin))
		x.earliest(cancelOK, c.number(sipCancelOKTime))
		c.keepReason(x, s)
	case "REGISTER":
		c.register(x, s)
	default:
		c.inside(i, x, method, s)
	}
	if x.end() != 0 {
		c.review(x)
	}
	c.due.Set(2*i, c.deadline(x))
}

// callOf returns the call of a transaction, a new one if it begins one.
func (c *Correlator) callOf(method string, s *signal) (uint32, bool) {
	registers := method == "REGISTER"
	if registers {
		s.id = c.hash(append([]byte("REGISTER "), s.call...))
	}
	if c.past.has(s.id) {
		c.counts[Late]++
		return 0, false
	}
	i, known := c.ids[s.id]
	if known && registers && len(c.ready) < crowd {
		if x := c.calls.all[i]; x.open && c.deadline(x) < s.begin { // another cycle
			c.shut(i, x, ended)
			delete(c.ids, s.id)
			known = false
		}
	}
	switch {
	case known && !c.calls.all[i].open: // it waits for its record to be made
		c.counts[Late]++
		return 0, false
	case known:
		return i, true
	case method != "INVITE" && method != "BYE" && !registers:
		c.counts[Outside]++
		return 0, false
	}
	return c.open(method, s)
}

func (c *Correlator) text(f int) []byte {
	v, _ := c.signal.Value(f)
	return v.B
}

func (c *Correlator) number(f int) uint64 {
	v, _ := c.signal.Value(f)
	return v.U
}

func (c *Correlator) tag(f int) uint64 {
	if b := c.text(f); len(b) > 0 {
		return c.hash(b)
	}
	return 0
}

// hopOf returns a hash of the endpoints of a flow.
func (c *Correlator) hopOf(p *pair) uint64 {
	var b [36]byte
	copy(b[:], p[0].addr[:])
	copy(b[16:], p[1].addr[:])
	b[32], b[33], b[34], b[35] = byte(p[0].port>>8), byte(p[0].port), byte(p[1].port>>8), byte(p[1].port)
	return c.hash(b[:])
}

// open begins a call. If there is no room, another gives way.
func (c *Correlator) open(method string, s *signal) (uint32, bool) {
	if c.calls.inUse()-len(c.ready) >= c.o.Calls {
		if len(c.ready) >= crowd {
			c.counts[NoRoom]++
			return 0, false
		}
		c.evict()
	}
	i, ok := c.calls.take()
	if !ok {
		c.counts[NoRoom]++
		return 0, false
	}
	x := c.calls.all[i]
	x.open, x.id, x.registers, x.hangup, x.first, x.last = true, s.id, method == "REGISTER", nobody, s.begin, s.begin
	if method == "INVITE" {
		x.from, x.cseq, x.attempts = s.from, s.cseq, 1
	}
	c.ids[s.id] = i
	c.counts[Opened]++
	c.lead(x, method, s)
	if method == "INVITE" {
		c.connect(i, x, s)
	}
	return i, true
}

// lead makes the endpoints and parties of a transaction those of its call.
func (c *Correlator) lead(x *call, method string, s *signal) {
	x.lead, x.led = s.hop, moved{s.begin, s.ends}
	x.key, x.app, x.how, x.ignored = s.v.Key, s.v.Hot.Application, s.v.Confidence, s.v.Ignored
	if s.server {
		x.key = s.v.Reversed()
	}
	c.introduce(x, method, s)
}

// worth is how much would be lost with a call, from 0.
func (x *call) worth() int {
	switch {
	case x.registers:
		return 0
	case x.at[accepted] == 0 && x.at[ringing] == 0 && x.at[progress] == 0:
		return 1
	case x.end() != 0:
		return 2
	case x.at[accepted] == 0:
		return 3
	}
	return 4
}

// evict has a call make room: of some, the one of which least would be lost, the oldest of these.
func (c *Correlator) evict() {
	const some = 16
	var victim *call
	var number uint32
	for tries := 0; tries < some || victim == nil && tries < len(c.calls.all); tries++ {
		c.hand = (c.hand + 1) % len(c.calls.all)
		x := c.calls.all[c.hand]
		if !x.open {
			continue
		}
		if victim == nil || x.worth() < victim.worth() || x.worth() == victim.worth() && x.last < victim.last {
			victim, number = x, uint32(c.hand)
		}
	}
	if victim == nil {
		return
	}
	c.shut(number, victim, evicted)
}

// shut has the record of a call made with the next Tick.
func (c *Correlator) shut(i uint32, x *call, why ending) {
	x.open, x.why = false, why
	c.due.Drop(2 * i)
	c.ready = append(c.ready, i)
}

// introduce notes who speaks.
func (c *Correlator) introduce(x *call, method string, s *signal) {
	c.said.Load(x.said)
	for _, f := range beginFields {
		c.said.Remove(f)
	}
	if method == "BYE" { // who of them has called is not known
		c.said.Bytes(beginFields[0], s.call)
	} else {
		c.gather(c.begin, beginFields, s.v)
	}
	c.place.Read(s.v)
	for i, p := range placeFields {
		for d := range p {
			if v, ok := c.place.Value(2*i + d); ok {
				to := p[d]
				if s.server {
					to = p[1-d]
				}
				c.say(to, v)
			}
		}
	}
	x.said = append(x.said[:0], c.said.All()...)
}

// gather adds the values of fields that a transaction has to said.
func (c *Correlator) gather(p *flow.Plan, fields []*flow.Field, v *flow.View) {
	p.Read(v)
	for i, f := range fields {
		if val, ok := p.Value(i); ok {
			c.say(f, val)
		}
	}
}

// say adds a value to said in the place of another.
func (c *Correlator) say(f *flow.Field, v flow.Value) {
	c.said.Remove(f)
	if v.B != nil {
		c.said.Bytes(f, v.B)
		return
	}
	c.said.Uint(f, v.U)
}

// keep has a call say what a transaction says of fields, in the place of what it said before.
func (c *Correlator) keep(x *call, p *flow.Plan, fields []*flow.Field, v *flow.View) {
	c.said.Load(x.said)
	c.gather(p, fields, v)
	x.said = append(x.said[:0], c.said.All()...)
}

// fill has a call say what a transaction says of fields, where it has said nothing before.
func (c *Correlator) fill(x *call, p *flow.Plan, fields []*flow.Field, v *flow.View) {
	c.said.Load(x.said)
	c.known.Record, c.known.Attrs = &c.record, x.said
	p.Read(v)
	for i, f := range fields {
		if val, ok := p.Value(i); ok {
			if _, has := c.known.Value(f); !has {
				c.say(f, val)
			}
		}
	}
	x.said = append(x.said[:0], c.said.All()...)
}
