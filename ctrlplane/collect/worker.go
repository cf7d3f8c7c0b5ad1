package collect

import (
	"net/netip"
	"sync"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dataplane/ring"
	"github.com/weir-probe/weir/dissect"
	"github.com/weir-probe/weir/dissect/netflow"
)

// Worker makes records of messages and puts them into a ring. One goroutine at a time uses it.
type Worker struct {
	c        *Collector
	registry *registry
	out      *ring.Ring
	wait     func() // for room in the ring; nil drops records instead

	mu       sync.Mutex
	counts   counts
	sessions map[sessionKey]*session
	held     held
	cache    *cache           // nil if every record is handed over at once
	specs    []flow.Specifier // room for a template
	a        flow.Arrival
	packet   dissect.Packet
	now      uint64 // nanoseconds since the Unix epoch
}

// sessionKey is a sender: sequence numbers count what one has sent.
type sessionKey struct {
	from   netip.AddrPort
	domain uint32
	family family
}

// session is what a worker knows of a sender.
type session struct {
	*exporter
	sequence sequence
	facts    []byte // attributes that all its records have
	used     uint64
}

// maxSpecs is how many elements a template may have. A message has no room for more of its data.
const maxSpecs = 1 << 12

func newWorker(c *Collector, out *ring.Ring) *Worker {
	return &Worker{
		c: c, registry: c.registry, out: out, sessions: map[sessionKey]*session{},
		specs: make([]flow.Specifier, maxSpecs), held: held{limit: int(c.o.HoldSize), wait: uint64(c.o.Hold)},
		cache: newCache(&c.o),
	}
}

// Take reads a datagram, or a message of a stream, that came from somewhere at a time in nanoseconds
// since the Unix epoch. It borrows the octets.
func (w *Worker) Take(b []byte, from netip.AddrPort, now uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = now
	w.due(now)
	from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
	w.counts.add(Datagrams, 1)
	w.counts.add(Octets, uint64(len(b)))
	if !w.c.allows(from.Addr()) {
		w.counts.add(Refused, 1)
		return
	}
	for len(b) > 0 {
		n := w.message(b, from)
		if n == 0 {
			return
		}
		b = b[n:]
	}
}

// message reads the message that b begins with and returns how many octets it has.
func (w *Worker) message(b []byte, from netip.AddrPort) int {
	if isSFlow(b) {
		w.sflow(b, from)
		return len(b)
	}
	m, fault := netflow.Read(b)
	if fault != netflow.Fine {
		w.counts.add(Unread, 1)
		return 0
	}
	if m.Cut {
		w.counts.add(Truncated, 1)
	}
	s := w.session(sessionKey{from, m.Domain, familyOf(m.Version)}, m.Version)
	if s == nil {
		w.counts.add(ExportersFull, 1)
		return m.Length
	}
	s.stats.messages.Add(1)
	s.stats.octets.Add(uint64(m.Length))
	w.read(&m, s)
	w.out.Commit()
	return m.Length
}

func familyOf(version uint16) family {
	switch version {
	case netflow.V9:
		return netflow9
	case netflow.IPFIX:
		return ipfix
	}
	return fixed
}

// maxSessions bounds the senders that a worker remembers.
const maxSessions = 1 << 16

// session returns what is known of a sender, nil if there is no room.
func (w *Worker) session(key sessionKey, version uint16) *session {
	s := w.sessions[key]
	if s == nil {
		x := w.registry.exporter(exporterKey{key.from.Addr(), key.domain, key.family}, func() *exporter {
			return w.c.exporter(key.from.Addr())
		})
		if x == nil {
			return nil
		}
		if len(w.sessions) >= maxSessions {
			w.forget()
		}
		s = &session{exporter: x, facts: facts(key, version)}
		w.sessions[key] = s
	}
	s.used = w.now
	s.last.Store(int64(w.now))
	if s.silent.Load() && s.silent.Swap(false) {
		w.registry.silentNow.Add(^uint64(0))
	}
	return s
}

// forget makes room for a sender: of a few that come first, that which has been silent for longest.
func (w *Worker) forget() {
	var oldest sessionKey
	least, n := ^uint64(0), 0
	for key, s := range w.sessions {
		if s.used < least {
			oldest, least = key, s.used
		}
		if n++; n == 16 {
			break
		}
	}
	delete(w.sessions, oldest)
}

// facts are the attributes of all records of a sender.
func facts(key sessionKey, version uint16) []byte {
	var a flow.Attrs
	addr := key.from.Addr()
	switch {
	case addr.IsUnspecified(): // of a file nobody knows it
	case addr.Is4():
		b := addr.As4()
		a.Bytes(flow.ExporterIPv4, b[:])
	default:
		b := addr.As16()
		a.Bytes(flow.ExporterIPv6, b[:])
	}
	source := uint64(1)
	if key.family == sflowAgent {
		source = 2
	}
	a.Uint(flow.FlowSource, source)
	a.Uint(flow.ExportVersion, uint64(version))
	a.Uint(flow.ObservationDomain, uint64(key.domain))
	return a.All()
}

// read reads the records of a message.
func (w *Worker) read(m *netflow.Message, s *session) {
	var n uint32
	countable := true
	switch m.Version {
	case netflow.V9, netflow.IPFIX:
		n, countable = w.sets(m, s)
		if m.Version == netflow.V9 {
			n, countable = 1, true
		}
	default:
		n = uint32(m.Count)
		w.records(m, s)
	}
	if m.Version == 1 {
		return // has no sequence numbers
	}
	w.follow(s, m.Sequence, n, countable)
}

// follow counts what the number of a message, with so many of what is counted, says of those before.
func (w *Worker) follow(s *session, number, n uint32, countable bool) {
	step := s.sequence.take(number, n, countable)
	if step.lost > 0 {
		w.counts.add(Lost, uint64(step.lost))
		s.stats.lost.Add(uint64(step.lost))
	}
	if step.late {
		w.counts.add(Late, 1)
	}
	if step.restarted {
		w.counts.add(Restarted, 1)
	}
}

// clock returns what the times of a message are relative to.
func (s *session) clock(m *netflow.Message) flow.Clock {
	c := flow.Clock{Export: m.Export, Uptime: m.Uptime, HasUptime: m.Version != netflow.IPFIX}
	if !c.HasUptime {
		s.mu.RLock()
		if s.known {
			c.Boot = s.boot
		}
		s.mu.RUnlock()
	}
	return c
}

// records reads the records of a version without templates.
func (w *Worker) records(m *netflow.Message, s *session) {
	in := w.c.layout(m.Version, m.Scheme)
	b, clock := m.Body, s.clock(m)
	for len(b) > 0 {
		w.a.Begin(clock)
		rest, ok := in.Read(b, &w.a)
		if !ok {
			w.counts.add(RecordsBad, 1)
			return
		}
		b = rest
		w.flow(m, s)
	}
}

// sets reads the sets of a message and returns how many data records they have, and whether all
// could be counted.
func (w *Worker) sets(m *netflow.Message, s *session) (n uint32, countable bool) {
	countable = true
	clock := s.clock(m)
	for b := m.Body; len(b) > 0; {
		set, rest, ok := netflow.NextSet(b)
		if !ok {
			if !netflow.Padding(b) {
				w.counts.add(SetsBad, 1)
			}
			return n, countable && netflow.Padding(b)
		}
		b = rest
		templates, options := netflow.Describes(m.Version, set.ID)
		switch {
		case templates:
			w.templates(m, s, set.Body, options)
		case set.ID < netflow.First: // reserved
			w.counts.add(SetsBad, 1)
		default:
			t := s.template(set.ID)
			if t == nil {
				w.hold(m, s, set)
				countable = false
				continue
			}
			n += w.data(data{m, s, t, clock}, set.Body)
		}
	}
	return n, countable && !m.Cut
}

// data is what has to be known of a set of data to read it.
type data struct {
	m     *netflow.Message
	s     *session
	t     *template
	clock flow.Clock
}

// data reads the records of a set and returns how many there are.
func (w *Worker) data(d data, b []byte) (n uint32) {
	shortest := d.t.inlet.Shortest()
	for len(b) >= shortest {
		w.a.Begin(d.clock)
		rest, ok := d.t.inlet.Read(b, &w.a)
		if !ok {
			if !netflow.Padding(b) {
				w.counts.add(RecordsBad, 1)
			}
			return n
		}
		b = rest
		n++
		if d.t.options {
			w.counts.add(OptionRecords, 1)
			w.option(d.s)
			continue
		}
		w.flow(d.m, d.s)
	}
	return n
}

// templates reads template records.
func (w *Worker) templates(m *netflow.Message, s *session, b []byte, options bool) {
	for len(b) >= 4 {
		t, rest, ok := netflow.NextTemplate(m.Version, options, b, w.specs)
		if !ok {
			if !allZero(b) {
				w.counts.add(TemplatesBad, 1)
			}
			return
		}
		b = rest
		if t.Withdrawn() {
			id := t.ID
			if t.All {
				id = 0
			}
			w.counts.add(TemplatesWithdrawn, uint64(s.withdraw(id, options)))
			continue
		}
		if !s.repeated(t.ID, t.Scopes, options, t.Specs, int64(w.now)) {
			w.learn(s, &template{id: t.ID, scopes: t.Scopes, specs: t.Specs, options: options})
		}
	}
}

func allZero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

// learn takes a template over and reads what has been waiting for it.
func (w *Worker) learn(s *session, t *template) {
	if !reads(t.specs) {
		w.counts.add(TemplatesBad, 1)
		return
	}
	if w.c.o.Convention == "auto" && speaks(t.specs) {
		s.adopt(w.registry, flow.Opposite)
	}
	switch s.learn(w.registry, t, int64(w.now)) {
	case full:
		w.counts.add(TemplatesFull, 1)
		return
	case changed:
		w.counts.add(TemplatesChanged, 1)
		fallthrough
	case fresh:
		w.counts.add(Templates, 1)
	}
	w.release(s, t.id)
}

// reads reports whether records of a template have any octets.
func reads(specs []flow.Specifier) bool {
	for _, s := range specs {
		if s.Length > 0 {
			return true
		}
	}
	return false
}

// speaks reports whether a template is nProbe's: it alone has ntop's elements, and counts the
// opposite direction in those that IANA has for packets as they leave.
func speaks(specs []flow.Specifier) bool {
	for _, s := range specs {
		if s.PEN == flow.Ntop {
			return true
		}
	}
	return false
}
