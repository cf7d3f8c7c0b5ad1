package app

import (
	"bytes"
	"fmt"
	"slices"
	"sync"

	"github.com/weir-probe/weir/dataplane/flow"
)

// The reference driver does with conversations what workers do, in the simplest way. Tests
// of dissectors, the contract and the golden files use it, and workers are compared with it.

// turn is what one side says in one go: a datagram, or some octets of a stream.
type turn struct {
	dir    flow.Dir
	octets []byte
	time   uint64
	lost   uint64 // octets of the stream before these that were not seen
	closed bool   // the stream of this side ends behind the octets
}

// conversation is what the two ends of a flow say to each other, in the order it was seen.
type conversation struct {
	name    string // of a sample, or the addresses
	proto   uint8  // 6 TCP, 17 UDP, 132 SCTP
	srcPort uint16 // of the initiator
	dstPort uint16
	turns   []turn
}

func (c *conversation) stream() bool { return c.proto == 6 }

// says returns the conversation of one message, from the client unless dir says otherwise.
func says(name string, proto uint8, dir flow.Dir, octets []byte) conversation {
	return conversation{name: name, proto: proto, srcPort: 40000, dstPort: 40001,
		turns: []turn{{dir: dir, octets: octets}}}
}

// heard is a message as a dissector understood it.
type heard struct {
	Dissector string            `json:"dissector"`
	Server    bool              `json:"server,omitempty"` // said by the responder
	Role      string            `json:"role"`
	Key       uint64            `json:"key,omitempty"`
	Octets    int               `json:"octets"`         // consumed
	Skip      uint64            `json:"skip,omitempty"` // see Said.Skip
	Lost      bool              `json:"lost,omitempty"`
	Finish    bool              `json:"finish,omitempty"`
	Flaw      string            `json:"flaw,omitempty"`
	Fields    map[string]string `json:"fields,omitempty"`
}

// event is a transaction or a notice.
type event struct {
	Dissector string            `json:"dissector"`
	Kind      string            `json:"kind"` // transaction, unanswered, unasked, notice
	Fields    map[string]string `json:"fields"`
}

// outcome is what became of a conversation.
type outcome struct {
	messages    []heard
	events      []event
	fields      map[string]string // attributes of the flow
	application uint16
	rejected    []string // dissectors that gave up, in order
	faults      []string // breaches of the contract
	dropped     uint64   // attributes that did not fit
	calls       []call   // how Parse was called, if asked for
}

// call is a message as it was shown, so that it can be shown again.
type call struct {
	d      *Dissector
	octets []byte
	dir    flow.Dir
	m      Message // flags and ports only
	state  []byte  // before the call
}

// driver is a flow being dissected.
type driver struct {
	outcome
	c       *conversation
	pending []*Dissector
	owner   *Dissector // the one that accepted a message
	memory  map[*Dissector][]byte
	sides   [2]side
	open    []*transaction
	m       Message
	keep    bool // note the calls
}

// side is one direction of a stream.
type side struct {
	buf    []byte
	begun  uint64
	last   uint64
	skip   uint64
	lost   bool
	closed bool
}

// drive runs dissectors over a conversation.
func drive(c *conversation, dissectors ...*Dissector) *outcome {
	r := &driver{c: c, pending: slices.Clone(dissectors)}
	return r.run()
}

// callsOf returns how a dissector is called in a conversation.
func callsOf(c *conversation, d *Dissector) []call {
	r := &driver{c: c, pending: []*Dissector{d}, keep: true}
	return r.run().calls
}

func (r *driver) run() *outcome {
	schema()
	c := r.c
	r.fields, r.memory = map[string]string{}, map[*Dissector][]byte{}
	for _, t := range c.turns {
		r.take(t)
	}
	for _, dir := range []flow.Dir{flow.Forward, flow.Reverse} {
		r.end(dir)
	}
	for _, t := range r.open {
		r.close(t)
	}
	return &r.outcome
}

// take is shown the next turn.
func (r *driver) take(t turn) {
	s := &r.sides[t.dir]
	if !r.c.stream() {
		s.begun, s.last = t.time, t.time
		r.ask(t.dir, t.octets)
		return
	}
	if gap := t.lost; gap > 0 {
		over := min(gap, s.skip)
		s.jump(over)
		if gap > over {
			s.buf, s.lost = nil, true
		}
	}
	over := min(uint64(len(t.octets)), s.skip)
	s.jump(over)
	if rest := t.octets[over:]; len(rest) > 0 {
		if len(s.buf) == 0 {
			s.begun = t.time
		}
		s.buf, s.last = append(s.buf, rest...), t.time
		r.read(t.dir)
	}
	if t.closed {
		r.end(t.dir)
	}
}

// jump leaves n of the octets to be skipped behind.
func (s *side) jump(n uint64) {
	if s.skip != ToEnd {
		s.skip -= n
	}
}

// end tells that a side says no more.
func (r *driver) end(dir flow.Dir) {
	s := &r.sides[dir]
	if s.closed || !r.c.stream() {
		return
	}
	s.closed = true
	r.read(dir)
}

// read shows what a side has said until it is not understood any further.
func (r *driver) read(dir flow.Dir) {
	s := &r.sides[dir]
	for len(s.buf) > 0 && len(r.pending) > 0 {
		used, ok := r.ask(dir, s.buf[:min(len(s.buf), MaxMessage)])
		if !ok {
			return
		}
		s.buf, s.lost, s.begun = s.buf[used:], false, s.last
		over := min(uint64(len(s.buf)), r.m.Said.Skip)
		s.skip = r.m.Said.Skip
		s.jump(over)
		s.buf = s.buf[over:]
	}
	if len(r.pending) == 0 {
		s.buf = nil
	}
}

// ask shows a message to everyone interested until one accepts it.
func (r *driver) ask(dir flow.Dir, octets []byte) (used int, ok bool) {
	for _, d := range slices.Clone(r.pending) {
		switch r.show(d, dir, octets) {
		case Reject:
			r.drop(d)
		case More:
			if m := &r.m; !m.Stream || m.Full || m.Closed {
				r.drop(d)
			}
		case Accept:
			used = r.m.Pos()
			r.accept(d)
			return used, true
		case Done:
			used = r.m.Pos()
			r.accept(d)
			r.pending = nil
			return used, true
		}
	}
	return 0, false
}

func (r *driver) drop(d *Dissector) {
	r.rejected = append(r.rejected, d.Name)
	r.pending = slices.DeleteFunc(r.pending, func(x *Dissector) bool { return x == d })
}

// show asks one dissector.
func (r *driver) show(d *Dissector, dir flow.Dir, octets []byte) Verdict {
	if r.memory[d] == nil {
		r.memory[d] = make([]byte, d.State)
	}
	s, m := &r.sides[dir], &r.m
	m.Show(octets, dir)
	m.State, m.Begun, m.Time = r.memory[d], s.begun, s.last
	m.SrcPort, m.DstPort, m.Stream = r.c.srcPort, r.c.dstPort, r.c.stream()
	m.Lost, m.Full, m.Closed = s.lost, m.Stream && len(octets) == MaxMessage, s.closed
	before := bytes.Clone(m.State)
	if r.keep {
		k := call{d: d, octets: bytes.Clone(octets), dir: dir, state: before}
		k.m.Begun, k.m.Time, k.m.SrcPort, k.m.DstPort = m.Begun, m.Time, m.SrcPort, m.DstPort
		k.m.Stream, k.m.Lost, k.m.Full, k.m.Closed = m.Stream, m.Lost, m.Full, m.Closed
		r.calls = append(r.calls, k)
	}
	v := d.Ask(m)
	r.check(d, v, before)
	return v
}

// check notes breaches of the contract that show in a single call.
func (r *driver) check(d *Dissector, v Verdict, before []byte) {
	fault := func(format string, args ...any) {
		r.faults = append(r.faults, d.Name+": "+fmt.Sprintf(format, args...))
	}
	m := &r.m
	if v < Accept && !bytes.Equal(before, m.State) {
		fault("State written without accepting the message")
	}
	if v == Accept && m.Stream && m.Pos() == 0 && m.Said.Skip == 0 {
		fault("a message of a stream accepted that consumes nothing")
		m.Said.Skip = ToEnd
	}
	r.dropped = m.Attrs.Dropped
	if r.owner != nil && m.Said.Switch == r.owner {
		fault("became what it is")
	}
	for label, f := range attributes(m.Attrs.All()) {
		if !slices.ContainsFunc(d.Fields, func(x *flow.Field) bool { return x.Key() == label }) {
			fault("%s is not among its fields: %q", label, f)
		}
	}
}

// accept makes d the owner of the flow and notes what it said.
func (r *driver) accept(d *Dissector) {
	r.owner, r.pending = d, []*Dissector{d}
	m := &r.m
	if r.application == 0 {
		r.application = d.Number
	}
	if m.Said.Number != 0 {
		r.application = m.Said.Number
	}
	fields := attributes(m.Attrs.All())
	r.messages = append(r.messages, heard{
		Dissector: d.Name, Server: m.Dir == flow.Reverse, Role: roles[m.Said.Role], Key: m.Said.Key,
		Octets: m.Pos(), Skip: m.Said.Skip, Lost: m.Lost, Finish: m.Said.Finish, Flaw: m.Said.Flaw, Fields: fields,
	})
	r.pair(d, fields)
	if to := m.Said.Switch; to != nil {
		r.owner, r.pending = to, []*Dissector{to}
		if to.Number != 0 {
			r.application = to.Number
		}
	}
}

var roles = [...]string{
	Part: "part", Request: "request", Response: "response", Interim: "interim", Notice: "notice",
}

// merge adds what is not yet said.
func merge(dst, src map[string]string) {
	for k, v := range src {
		if _, ok := dst[k]; !ok {
			dst[k] = v
		}
	}
}

// schema is compiled of the fields of flows and of all dissectors.
var schema = sync.OnceValue(func() *flow.Schema {
	s, err := flow.Compile(append(flow.All(), Fields())...)
	if err != nil {
		panic(err)
	}
	return s
})

// attributes returns the text of attributes by label. The first of two alike counts, as in
// flow.View.
func attributes(b []byte) map[string]string {
	all, v := map[string]string{}, flow.View{Record: &flow.Record{}, Attrs: b}
	for _, f := range Fields() {
		if x, ok := v.Value(f); ok {
			all[f.Key()] = string(f.Text(nil, x))
		}
	}
	return all
}
