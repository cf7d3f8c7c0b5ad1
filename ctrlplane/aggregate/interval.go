package aggregate

import (
	"cmp"
	"slices"

	"github.com/weir-probe/weir/ctrlplane/egress"
	"github.com/weir-probe/weir/dataplane/flow"
)

// Correlator makes records of aggregates, of everything that its Watcher is shown. A record counts at the time of its
// last packet. An interval is over when its lateness is; a record that comes later counts in the oldest one that is
// not over yet, so that the sums of all intervals are those of all records.
type Correlator struct {
	all    []*interval
	record flow.Arrival
	view   flow.View
	msg    []byte
	times  []*flow.Field // first and last of a record
	counts []*flow.Field // octets and packets
}

// NewCorrelator returns one for tables of the configuration. longest is how much later than its last packet a
// record may come by the timeouts of flows.
func NewCorrelator(tables []Options, schema *flow.Schema, longest uint64) (*Correlator, error) {
	c := &Correlator{}
	for _, name := range []string{"FLOW_START_MILLISECONDS", "FLOW_END_MILLISECONDS"} {
		c.times = append(c.times, schema.Named(name))
	}
	for _, name := range []string{"IN_BYTES", "OUT_BYTES", "IN_PKTS", "OUT_PKTS"} {
		c.counts = append(c.counts, schema.Named(name))
	}
	for i := range tables {
		o := &tables[i]
		s, err := o.Spec(schema)
		if err != nil {
			return nil, err
		}
		c.all = append(c.all, &interval{
			spec: s, step: uint64(o.Interval), top: o.Top, good: o.Entries,
			late: cmp.Or(uint64(o.Lateness), longest), open: map[uint64]*Table{},
		})
	}
	return c, nil
}

// Watcher returns what has to be shown the records that are delivered.
func (c *Correlator) Watcher() egress.Watcher { return (*shown)(c) }

// shown is a Correlator as an egress.Watcher.
type shown Correlator

// Show implements egress.Watcher.
func (c *shown) Show(kind egress.Kind, v *flow.View) {
	for _, i := range c.all {
		if i.spec.Wants(kind, v) {
			i.add(kind, v)
		}
	}
}

// Take implements egress.Correlator. Records are looked at when they are delivered.
func (c *Correlator) Take(egress.Kind, *flow.View, *flow.Attrs) {}

// Tick implements egress.Watcher.
func (*shown) Tick() {}

// Tick implements egress.Correlator.
func (c *Correlator) Tick(now uint64, emit func(kind egress.Kind, v *flow.View)) {
	for _, i := range c.all {
		i.close(now)
		c.make(i, together, emit)
	}
}

// Flush implements egress.Correlator.
func (c *Correlator) Flush(emit func(kind egress.Kind, v *flow.View)) {
	for _, i := range c.all {
		i.closeAll()
		c.make(i, len(i.ready), emit)
	}
}

// together is how many records are made at a time.
const together = 256

// Tally implements egress.Teller.
func (c *Correlator) Tally() (all []egress.Tally) {
	var late, early, records, open uint64
	for _, i := range c.all {
		late, early, records = late+i.lates, early+i.earlies, records+i.records
		for _, table := range i.open {
			open += uint64(len(table.rows))
		}
	}
	return []egress.Tally{
		{Part: "aggregates", Name: "records", Doc: "Records that were summed up, by each aggregate that wants them.",
			N: records},
		{Part: "aggregates", Name: "late", Doc: "Records that came after their interval was over.", N: late},
		{Part: "aggregates", Name: "early", Doc: "Records of intervals too far ahead to be true.", N: early},
		{Part: "aggregates", Name: "rows", Doc: "Rows of intervals that are not over.", N: open, Gauge: true},
	}
}

// interval is an aggregate and its intervals that are not over.
type interval struct {
	spec      *Spec
	step      uint64 // nanoseconds
	late      uint64
	top, good int
	open      map[uint64]*Table // by number since the Unix epoch
	oldest    uint64            // number of the first that is not over, if begun
	begun     bool
	key       []byte
	ready     []ready
	free      []*Table

	records, lates, earlies uint64
}

// ready is a row whose record is to be made.
type ready struct {
	Row
	rank  int    // 0 is all others
	start uint64 // nanoseconds
}

// ahead is how many intervals may be open besides those that records may be late for.
const ahead = 16

func (i *interval) add(kind egress.Kind, v *flow.View) {
	n := v.Last / i.step
	if !i.begun {
		i.begun, i.oldest = true, n-min(n, i.late/i.step)
	}
	switch newest := i.oldest + i.late/i.step + ahead; {
	case n < i.oldest:
		n = i.oldest
		i.lates++
	case n > newest:
		n = newest
		i.earlies++
	}
	t := i.open[n]
	if t == nil {
		t = i.table()
		i.open[n] = t
	}
	x := i.spec.Sum(kind, v)
	i.key = i.spec.Key(i.key[:0], v)
	t.Add(i.key, &x)
	i.records++
}

func (i *interval) table() *Table {
	n := len(i.free)
	if n == 0 {
		return NewTable(i.spec.Order, i.good)
	}
	t := i.free[n-1]
	i.free = i.free[:n-1]
	return t
}

// close ends the intervals that are over.
func (i *interval) close(now uint64) {
	if !i.begun || now < i.late {
		return
	}
	over := (now - i.late) / i.step // the first that is not
	i.anchor(over)
	if over <= i.oldest {
		return
	}
	for _, n := range i.numbers() {
		if n < over {
			i.end(n)
		}
	}
	i.oldest = over
}

// anchor brings back what the first record of all has led astray if its time was too far ahead to be true.
func (i *interval) anchor(over uint64) {
	newest := over + i.late/i.step + ahead
	if i.oldest <= newest {
		return
	}
	i.oldest = over
	sum := i.table()
	for n, t := range i.open {
		sum.Merge(t)
		i.earlies += t.Total().Records
		delete(i.open, n)
	}
	i.open[over] = sum
}

func (i *interval) closeAll() {
	for _, n := range i.numbers() {
		i.end(n)
		i.oldest = n + 1
	}
}

// numbers returns which intervals are open, the oldest first.
func (i *interval) numbers() (all []uint64) {
	for n := range i.open {
		all = append(all, n)
	}
	slices.Sort(all)
	return all
}

// end has the records of an interval made.
func (i *interval) end(n uint64) {
	t := i.open[n]
	delete(i.open, n)
	rows, others := t.Top(i.top)
	for rank, r := range rows {
		i.ready = append(i.ready, ready{Row: r, rank: rank + 1, start: n * i.step})
	}
	if others != (Sums{}) {
		i.ready = append(i.ready, ready{Row: Row{Sums: others}, start: n * i.step})
	}
	t.Reset()
	i.free = append(i.free, t)
}

// make makes so many records.
func (c *Correlator) make(i *interval, most int, emit func(kind egress.Kind, v *flow.View)) {
	n := min(most, len(i.ready))
	for k := range i.ready[:n] {
		c.emit(i, &i.ready[k], emit)
	}
	if i.ready = i.ready[n:]; len(i.ready) == 0 {
		i.ready = nil
	}
}

// emit makes a record of a row.
func (c *Correlator) emit(i *interval, r *ready, emit func(kind egress.Kind, v *flow.View)) {
	a := &c.record
	a.Begin(flow.Clock{})
	a.Ignored = flow.KeyVLAN | flow.KeyProto | flow.KeyAddresses | flow.KeyPorts | flow.KeyTunnel
	a.First, a.Last = r.start, r.start+i.step
	a.Said.Add(c.times...)
	if i.spec.Kinds.Has(egress.Flows) {
		a.Octets, a.Packets = r.Octets, r.Packets
		a.Said.Add(c.counts...)
	}
	a.Text(flow.AggregateName, i.spec.Name)
	a.Uint(flow.AggregateRecords, r.Records)
	if r.rank == 0 {
		a.Text(flow.AggregateRow, "others")
	} else {
		a.Text(flow.AggregateRow, "top")
		a.Uint(flow.AggregateRank, uint64(r.rank))
		a.Uint(flow.AggregateMissing, Scaled(i.spec.ordered(), r.Missing))
		i.spec.Values(r.Key, a.Say)
	}
	for k, f := range i.spec.Sums {
		a.Uint(flow.AggregateSums[k], Scaled(f, r.More[k]))
	}
	if i.spec.Most != nil {
		a.Uint(flow.AggregateMost, Scaled(i.spec.Most, r.Most))
	}
	n := a.Size()
	c.msg = slices.Grow(c.msg[:0], n)[:n]
	a.Put(c.msg)
	if c.view.Load(c.msg) {
		emit(egress.Aggregates, &c.view)
	}
}

// ordered returns the field whose number rows are compared by, nil if it is none.
func (s *Spec) ordered() *flow.Field {
	switch {
	case s.Order == Most:
		return s.Most
	case s.Order >= OfMore:
		return s.Sums[s.Order-OfMore]
	}
	return nil
}
