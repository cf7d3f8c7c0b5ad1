package app

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
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
	reset  bool   // both sides end
	cut    bool   // the datagram is longer
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

// says returns the conversation of one message, of the client or the server by dir.
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
	Kind      string            `json:"kind"` // how it ended
	Fields    map[string]string `json:"fields"`
}

// outcome is what became of a conversation.
type outcome struct {
	messages    []heard
	events      []event
	fields      map[string]string // attributes of the flow
	reported    map[string]string // those of them that the dissector measured
	application uint16
	rejected    []string // dissectors that gave up, in order
	wavered     int      // datagrams of which a tentative dissector wanted another, and remembered them
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
	pending []*Dissector // those the ports speak for first
	decided *Dissector   // the one that accepted a message
	handed  bool         // it was named by another
	memory  map[*Dissector][]byte
	sides   [2]side
	rejects int
	waiting []*exchange
	began   bool // the first transaction is known
	m       Message
	cut     bool
	keep    bool // note the calls
}

// side is one direction.
type side struct {
	buf    []byte // of a stream, from the message in hand on
	begun  uint64
	last   uint64
	skip   uint64
	lost   bool
	closed bool
	tries  int
	owner  *exchange // what is said belongs to
	finish bool      // the response of owner is complete when nothing is left to skip
}

// attempts is how many messages in a row may make no sense, datagrams or after a loss.
const attempts = 8

// drive runs dissectors over a conversation: those that may be found on its transport.
func drive(c *conversation, dissectors ...*Dissector) *outcome {
	r := &driver{c: c}
	return r.run(dissectors)
}

// callsOf returns how a dissector is called in a conversation.
func callsOf(c *conversation, d *Dissector) []call {
	r := &driver{c: c, keep: true}
	return r.run([]*Dissector{d}).calls
}

func (r *driver) run(dissectors []*Dissector) *outcome {
	schema()
	r.fields, r.memory = map[string]string{}, map[*Dissector][]byte{}
	r.pending = r.interested(dissectors)
	for _, t := range r.c.turns {
		if len(r.pending) > 0 {
			r.take(t)
		}
	}
	if r.c.stream() {
		r.hangUp(unanswered)
	} else {
		r.abandon(unanswered)
	}
	r.reported = r.report()
	said := r.fields
	r.fields = maps.Clone(r.reported)
	merge(r.fields, said)
	return &r.outcome
}

// report returns what the dissector that was decided on has measured.
func (r *driver) report() map[string]string {
	if r.decided == nil || r.decided.Report == nil {
		return map[string]string{}
	}
	var a flow.Attrs
	r.decided.Report(r.memory[r.decided], &a, false)
	r.declared(r.decided, a.All())
	r.dropped += a.Dropped
	return attributes(a.All())
}

// interested returns the dissectors of the transport, first those the ports speak for.
func (r *driver) interested(all []*Dissector) (some []*Dissector) {
	var others []*Dissector
	for _, d := range all {
		ports := map[uint8][]uint16{6: d.TCP, 17: d.UDP, 132: d.SCTP}[r.c.proto]
		switch {
		case slices.Contains(ports, r.c.srcPort) || slices.Contains(ports, r.c.dstPort):
			some = append(some, d)
		case len(ports) > 0 || len(d.TCP)+len(d.UDP)+len(d.SCTP) == 0:
			others = append(others, d)
		}
	}
	return append(some, others...)
}

// take is shown the next turn.
func (r *driver) take(t turn) {
	s := &r.sides[t.dir]
	r.cut = t.cut
	switch {
	case t.reset:
		r.hangUp(reset)
	case !r.c.stream():
		s.begun, s.last = t.time, t.time
		r.datagram(t.dir, t.octets)
	case !s.closed:
		r.segment(s, t)
		if t.closed {
			r.close(t.dir, unanswered)
		}
	}
}

// datagram shows a datagram. Once it is known what the flow is, a few that are not are let pass.
func (r *driver) datagram(dir flow.Dir, octets []byte) {
	v := r.ask(dir, octets)
	for n := 1; n < 16 && v >= Accept && r.m.Said.Again && r.m.Len() > 0; n++ {
		octets = octets[r.m.Pos():]
		if v = r.ask(dir, octets); v < Accept {
			return
		}
	}
	if v != Reject {
		return
	}
	if r.rejects++; len(r.pending) == 0 || r.decided != nil && r.rejects >= attempts {
		r.retire()
	}
}

// ask shows a message to everyone interested until one accepts it, or, in a stream, needs more.
func (r *driver) ask(dir flow.Dir, octets []byte) Verdict {
	verdict := Reject
	m := &r.m
	for _, d := range r.inTurn() {
		v := Reject
		if r.mayBegin(d, octets) {
			v = r.show(d, dir, octets)
		}
		if v == More && (m.Full || m.Closed) {
			v = Reject
		}
		switch v {
		case Reject:
			r.rejected = append(r.rejected, d.Name)
			if r.decided == nil && !r.sides[dir].lost && !r.cut {
				r.pending = slices.DeleteFunc(r.pending, func(x *Dissector) bool { return x == d })
			}
		case More:
			if verdict = v; m.Stream {
				return v
			}
		default:
			r.accept(d)
			if v == Done && m.Said.Switch == nil {
				r.retire()
			}
			if m.Said.Switch != nil && m.Pos() == 0 && !m.Stream {
				return r.ask(dir, octets) // it is the first one of the other protocol
			}
			return v
		}
	}
	return verdict
}

// inTurn returns the pending dissectors, for datagrams the tentative one last.
func (r *driver) inTurn() []*Dissector {
	all := slices.Clone(r.pending)
	if !r.c.stream() {
		slices.SortStableFunc(all, func(a, b *Dissector) int {
			return int(boolean(a.Tentative)) - int(boolean(b.Tentative))
		})
	}
	return all
}

// mayBegin reports whether d may be shown octets: its flows may begin with them, or it has shown
// already what the flow is.
func (r *driver) mayBegin(d *Dissector, octets []byte) bool {
	return r.decided != nil || r.handed || len(octets) <= d.At || d.begins(octets[d.At])
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
	m.Lost, m.Full, m.Closed = s.lost, m.Stream && len(octets) == MaxMessage, s.closed && m.Stream
	m.Cut = r.cut && !m.Stream
	before := bytes.Clone(m.State)
	if r.keep {
		k := call{d: d, octets: bytes.Clone(octets), dir: dir, state: before}
		k.m.Begun, k.m.Time, k.m.SrcPort, k.m.DstPort = m.Begun, m.Time, m.SrcPort, m.DstPort
		k.m.Stream, k.m.Lost, k.m.Full, k.m.Closed, k.m.Cut = m.Stream, m.Lost, m.Full, m.Closed, m.Cut
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
		if !d.wavers(v, m) {
			fault("State written without accepting the message")
		}
		r.wavered++
	}
	if v == Accept && m.Stream && m.Pos() == 0 && m.Said.Skip == 0 {
		fault("a message of a stream accepted that consumes nothing")
		m.Said.Skip = ToEnd
	}
	r.dropped = m.Attrs.Dropped
	if v >= Accept && m.Said.Switch == d {
		fault("became what it is")
	}
	r.declared(d, m.Attrs.All())
}

// declared notes attributes that are not among the fields of d.
func (r *driver) declared(d *Dissector, attrs []byte) {
	for label, f := range attributes(attrs) {
		if !slices.ContainsFunc(d.Fields, func(x *flow.Field) bool { return x.Key() == label }) {
			r.faults = append(r.faults, fmt.Sprintf("%s: %s is not among its fields: %q", d.Name, label, f))
		}
	}
}

// begins reports whether flows of d may begin with an octet, at their first position or that of d.
func (d *Dissector) begins(c byte) bool { return d.First == "" || strings.IndexByte(d.First, c) >= 0 }

// wavers reports whether d may have written State with its verdict, which does not accept.
func (d *Dissector) wavers(v Verdict, m *Message) bool { return d.Tentative && v == More && !m.Stream }

// accept notes what d said of a message that is its own.
func (r *driver) accept(d *Dissector) {
	m := &r.m
	if r.decided == nil {
		r.decided, r.pending = d, []*Dissector{d}
		if d.Number != 0 {
			r.application = d.Number
		}
	}
	r.rejects = 0
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
		r.abandon(abandoned)
		merge(r.fields, r.report())
		r.decided, r.pending, r.handed = nil, []*Dissector{to}, true
		delete(r.memory, to)
	}
}

var roles = [...]string{
	Part: "part", Request: "request", Response: "response", Interim: "interim", Notice: "notice",
}

// schema is compiled of the fields of flows and of all dissectors.
var schema = sync.OnceValue(func() *flow.Schema {
	s, err := flow.Compile(append(flow.All(), Fields())...)
	if err != nil {
		panic(err)
	}
	return s
})

var allFields = sync.OnceValue(Fields)

// attributes returns the text of attributes by label. The first of two alike counts, as in
// flow.View.
func attributes(b []byte) map[string]string {
	all, v := map[string]string{}, flow.View{Record: &flow.Record{}, Attrs: b}
	for _, f := range allFields() {
		if x, ok := v.Value(f); ok {
			all[f.Key()] = string(f.Text(nil, x))
		}
	}
	return all
}
