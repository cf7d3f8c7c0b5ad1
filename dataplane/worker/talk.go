package worker

import (
	"math/bits"
	"slices"
	"strings"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dataplane/slab"
	"github.com/weir-probe/weir/dissect/app"
)

// talk is what a flow says, while dissectors look into it, and what they have found. A flow
// whose payload nobody knows has none; Hot.Attrs is its number.
type talk struct {
	// What all datagrams need is first, in the first cache line of the talk and the one where the second side
	// begins.
	pending  uint64 // bit j: dissector j still wants to see something
	state    block  // of the dissector that was decided on; before, of the tentative one
	attrs    block  // of the flow
	size     uint16 // octets of attrs
	decided  uint8  // 1 + position of the dissector that accepted a message, 0 for none
	rejects  uint8  // datagrams in a row that it rejected
	waits    uint8  // datagrams about which a dissector asked for more
	began    bool   // the first transaction is known
	switched bool   // another protocol has handed the flow over
	sides    [2]side
	waiting  [4]list // transactions without a response by who asks; those with one; see ringing
	// deadline is when the first of those without a response times out, at the soonest;
	// valid if Hot.State has asked.
	deadline uint64
	open     uint32 // transactions in the lists
	tally
}

// tally is what is counted of transactions until the record is cut.
type tally struct {
	count         uint64 // transactions
	timed         uint64 // those with a latency
	sum, min, max uint64 // of their application latencies, nanoseconds
}

// list is a queue of transactions.
type list struct{ head, tail uint32 }

// side is one direction of a talk. Positions in a stream are sequence numbers that do not
// wrap; those of a flow of datagrams count their octets.
type side struct {
	top   uint64 // behind the highest octet seen
	base  uint64 // where the message in hand begins
	first uint64 // number of the packet it was in
	count uint64 // packets with payload
	owner uint32 // transaction that what is said belongs to, 0 none
	n     uint8  // segments held

	holds block  // segments that came too early, by position, a *[holds]held
	acked uint64 // what the peer acknowledged
	fin   uint64 // where the stream ends, 0 unknown
	begun uint64 // time of the first octet of the message in hand

	prefix block  // the first octets of the message, if some wait for others
	have   uint32 // how many
	cost   uint32 // octets that were parsed again and again for the message in hand
	ask    uint32 // octets to wait for before asking again

	started bool // top and base are valid
	lost    bool // octets before the message in hand were not seen
	finish  bool // the response of owner is complete when base is reached
	endless bool // nothing more is to be looked at
	closed  bool // nothing follows what is there
	shut    bool // the side has said everything, or no more is looked at
	tries   uint8
	_       [8]byte // the second side of a talk begins with a cache line
}

// held is a segment that came too early.
type held struct {
	at   uint64
	time uint64
	data block
	size uint32 // octets of data
	span uint32 // octets of the stream, more if the frame was cut
}

const (
	holds      = 6       // segments held per direction
	attempts   = 8       // segments that may make no sense after a loss; datagrams that may be rejected
	parsing    = 1 << 18 // octets that may be parsed again for a message before asking gets rare
	inSegment  = 512     // messages taken from what came at once
	inDatagram = 16      // messages taken from a datagram
	inFlow     = 1 << 10 // transactions that a flow may have open
	undecided  = 16      // datagrams that dissectors may ask more of before one decides
	startRange = 1 << 15 // octets by which the first segment seen may be early
	asked      = 64      // bit of Hot.State: transactions wait for their responses
)

// inspection is everything that dissectors need.
type inspection struct {
	dissectors []*app.Dissector
	place      [MaxDissectors]uint16 // of each in app.All
	every      [transports]uint64    // those that may be found on a transport
	any        [transports]uint64    // those of them that are used
	ports      [transports][]uint64  // those to be expected at a port
	first      []beginning           // those whose flows may begin so
	tentative  uint64                // the one that is
	index      [MaxDissectors]Dissected

	talks  []talk
	unused []uint32
	arena  arena
	exchanges

	msg     app.Message
	merged  flow.Attrs
	scratch [app.MaxState]byte // zeroes
	hand    hand
}

// hand is the flow, and the side of it, that is being looked at.
type hand struct {
	n uint32 // record
	r *flow.Hot
	t *talk // nil if it has none
	d flow.Dir
	// pending is the talk's. Without a talk it is all that may be found on the transport, or none:
	// a datagram that no dissector wants ends the interest, and streams always have one.
	pending uint64
	now     uint64 // time of the packet
	begun   uint64 // time of the first part of a message in parts, else 0
	earlier uint64 // parts before the last
	packet  int    // its place in the burst, -1 for none
}

const transports = 3

// transport numbers the protocols that carry applications; -1 is none.
func transport(proto uint8) int {
	switch proto {
	case protoTCP:
		return 0
	case protoUDP:
		return 1
	case protoSCTP:
		return 2
	}
	return -1
}

// open takes the memory that c asks for.
func (x *inspection) open(c *Config, s seed) (err error) {
	if c.Streams == 0 {
		return nil
	}
	if x.dissectors = c.Dissectors; x.dissectors == nil {
		x.dissectors = app.All
	}
	for i := range x.ports {
		if x.ports[i], err = slab.Map[uint64](1 << 16); err != nil {
			return err
		}
	}
	for i, d := range x.dissectors {
		x.place[i] = uint16(slices.Index(app.All, d))
		everywhere := len(d.TCP)+len(d.UDP)+len(d.SCTP) == 0
		for k, ports := range [transports][]uint16{d.TCP, d.UDP, d.SCTP} {
			if everywhere || len(ports) > 0 {
				x.every[k] |= 1 << i
			}
			for _, port := range ports {
				x.ports[k][port] |= 1 << i
			}
		}
		if d.Tentative {
			x.tentative |= 1 << i
		}
		x.begin(i, d)
	}
	for k := range x.any {
		x.any[k] = x.every[k] &^ c.Off
	}
	if x.talks, err = slab.Map[talk](c.Streams + 1); err != nil {
		return err
	}
	if x.unused, err = slab.Map[uint32](c.Streams); err != nil {
		return err
	}
	for i := range x.unused {
		x.unused[i] = uint32(c.Streams - i)
	}
	if err := x.arena.open(c.StreamMemory); err != nil {
		return err
	}
	return x.exchanges.open(c.Transactions, s)
}

// beginning are the dissectors whose flows may have an octet at a position.
type beginning struct {
	at   int
	with [256]uint64
}

// begin notes the octets that flows of dissector i may begin with.
func (x *inspection) begin(i int, d *app.Dissector) {
	k := slices.IndexFunc(x.first, func(b beginning) bool { return b.at == d.At })
	if k < 0 {
		k = len(x.first)
		x.first = append(x.first, beginning{at: d.At})
		for c := range x.first[k].with {
			x.first[k].with[c] = ^uint64(0)
		}
	}
	for c := range x.first[k].with {
		if d.First != "" && strings.IndexByte(d.First, byte(c)) < 0 {
			x.first[k].with[c] &^= 1 << i
		}
	}
}

// maybe returns those of some dissectors whose flows may begin with octets.
func (x *inspection) maybe(some uint64, octets []byte) uint64 {
	for i := range x.first {
		if b := &x.first[i]; b.at < len(octets) {
			some &= b.with[octets[b.at]]
		}
	}
	return some
}

func (x *inspection) unmap() error {
	if x.talks == nil {
		return nil
	}
	errs := [...]error{
		slab.Unmap(x.talks), slab.Unmap(x.unused), x.arena.unmap(), x.exchanges.unmap(),
		slab.Unmap(x.ports[0]), slab.Unmap(x.ports[1]), slab.Unmap(x.ports[2]),
	}
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// checkInspection returns what is wrong with the part of c that is about dissectors.
func (c *Config) checkInspection(wrong func(is bool, format string, a ...any)) {
	wrong(c.Streams < 0 || c.Streams > MaxStreams, "%d flows looked into: give 0 to %d", c.Streams, MaxStreams)
	wrong(len(c.Dissectors) > MaxDissectors, "%d dissectors: at most %d", len(c.Dissectors), MaxDissectors)
	if c.Streams == 0 {
		return
	}
	wrong(c.StreamMemory < largest || c.StreamMemory > MaxStreamMemory,
		"stream memory of %d octets: give %d to %d", c.StreamMemory, largest, MaxStreamMemory)
	wrong(c.Transactions < 1 || c.Transactions > MaxTransactions,
		"room for %d transactions: give 1 to %d", c.Transactions, MaxTransactions)
	wrong(c.TransactionTimeout <= 0, "transaction timeout %v: give more than 0", c.TransactionTimeout)
	wrong(c.Malformed < 0, "%d malformed packets a second: give 0 or more", c.Malformed)
	tentative := 0
	for _, d := range c.Dissectors {
		if d.Tentative {
			tentative++
		}
		wrong(d.State > app.MaxState, "dissector %s: state of %d octets: at most %d", d.Name, d.State, app.MaxState)
	}
	wrong(tentative > 1, "%d tentative dissectors: at most 1", tentative)
}

// interested reports whether the flow r of a protocol may concern a dissector.
func (w *Worker) interested(r *flow.Hot, proto uint8) bool {
	k := transport(proto)
	return k >= 0 && w.talks != nil && r.Ignored&aggregate == 0 && w.any[k] != 0
}

// hinted returns those of some dissectors that the ports of r speak for.
func (w *Worker) hinted(r *flow.Hot, some uint64) uint64 {
	k := transport(r.Proto)
	if k < 0 || bits.OnesCount64(some) < 2 {
		return some
	}
	return some & (w.ports[k][r.DstPort] | w.ports[k][r.SrcPort])
}

// narrow says which dissectors still want to see something of the flow in hand.
func (h *hand) narrow(pending uint64) {
	h.pending, h.r.Pending = pending, uint8(min(pending, 1))
	if h.t != nil {
		h.t.pending = pending
	}
}

// enter gives the flow in hand a talk, and reports whether it has one.
func (w *Worker) enter() bool {
	h := &w.hand
	if h.t != nil {
		return true
	}
	if len(w.unused) == 0 {
		w.counts[TalksNoRoom]++
		return false
	}
	k := w.unused[len(w.unused)-1]
	w.unused = w.unused[:len(w.unused)-1]
	h.r.Attrs, h.t = k, &w.talks[k]
	*h.t = talk{deadline: never, pending: h.pending}
	return true
}

// grasp takes flow n into the hand.
func (w *Worker) grasp(n uint32, now uint64) *hand {
	h := &w.hand
	h.n, h.r, h.t, h.now, h.packet = n, &w.table.hot[n], nil, now, -1
	switch {
	case h.r.Attrs != 0:
		h.t = &w.talks[h.r.Attrs]
		h.pending = h.t.pending
	case h.r.Pending != 0:
		h.pending = w.any[transport(h.r.Proto)]
	default:
		h.pending = 0
	}
	return h
}

// retire ends looking into the flow in hand. What was found is kept, and so is what was measured
// until the record is made.
func (w *Worker) retire() {
	h := &w.hand
	h.narrow(0)
	if h.t == nil {
		return
	}
	w.abandon(Abandoned)
	if w.measures(h.t) == nil {
		w.arena.give(h.t.state)
		h.t.state = 0
	}
	for d := range h.t.sides {
		s := &h.t.sides[d]
		w.discard(s)
		s.shut = true
	}
	if h.t.size == 0 && h.t.count == 0 && h.t.state == 0 {
		w.leaveTalk()
	}
}

// leaveTalk gives the talk of the flow in hand back.
func (w *Worker) leaveTalk() {
	h := &w.hand
	w.arena.give(h.t.attrs)
	w.arena.give(h.t.state)
	w.unused = append(w.unused, h.r.Attrs)
	h.r.Attrs, h.t = 0, nil
}

// forget gives back everything that flow n has, when its record goes.
func (w *Worker) forget(n uint32) {
	if h := w.grasp(n, w.now); h.t != nil {
		w.retire()
		if h.t != nil {
			w.leaveTalk()
		}
	}
}

// discard frees what a side has said and was not yet looked at.
func (w *Worker) discard(s *side) {
	w.arena.give(s.prefix)
	s.prefix, s.have, s.cost, s.ask = 0, 0, 0, 0
	if s.n > 0 {
		early := w.held(s)
		for i := range early {
			w.arena.give(early[i].data)
		}
		w.arena.give(s.holds)
		s.n, s.holds = 0, 0
	}
}
