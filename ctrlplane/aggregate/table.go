// Package aggregate sums records up by some of their fields: who has most of something, in windows of
// time, with memory that is bounded whatever passes. What there is no room for is summed up, too, as
// others, so that the rows and they are always everything.
package aggregate

import (
	"cmp"
	"slices"
	"strings"
)

// More is how many numbers can be summed up besides octets, packets and records.
const More = 4

// Sums are of records.
type Sums struct {
	Octets, Packets [2]uint64 // by flow.Dir
	Records         uint64
	More            [More]uint64
	Most            uint64 // the greatest of a number, not a sum
}

// Add adds those of others.
func (s *Sums) Add(o *Sums) {
	for d := range 2 {
		s.Octets[d] += o.Octets[d]
		s.Packets[d] += o.Packets[d]
	}
	s.Records += o.Records
	for i := range o.More {
		s.More[i] += o.More[i]
	}
	s.Most = max(s.Most, o.Most)
}

// Order is by what rows are compared.
type Order uint8

// Orders. OfMore is that of the first number of More.
const (
	Octets Order = iota
	Packets
	Records
	Most
	OfMore
)

// Of returns the number that the order is by.
func (o Order) Of(s *Sums) uint64 {
	switch o {
	case Octets:
		return s.Octets[0] + s.Octets[1]
	case Packets:
		return s.Packets[0] + s.Packets[1]
	case Records:
		return s.Records
	case Most:
		return s.Most
	}
	return s.More[o-OfMore]
}

// Row is a key and what was summed up of its records.
type Row struct {
	Key  string
	Note string // whatever who adds wants to keep
	Sums
	// Missing is how much of the order's number the key may have had besides, which others have now.
	Missing uint64
	weight  uint64 // what is left of the order's number after what was taken off
}

// Table has rows for the keys that have most, in twice as many places as are good. When all are taken,
// the middle one of their weights is taken off all, and those with nothing left make room (Anderson et al.,
// "A High-Performance Algorithm for Identifying Frequent Items in Data Streams", 2017, after Misra and
// Gries, 1982). A row keeps its sums as they are: only where a key came, went and came again is something
// missing. So every key with more than 1/good of the whole has a row, no row misses more than that, and
// as long as no more than 2·good keys have come every row is exact. By Most, the keys with the good
// greatest numbers have rows. One goroutine uses a table.
type Table struct {
	order  Order
	good   int
	of     map[string]int32
	rows   []Row
	taken  uint64 // off each
	others Sums   // of those that made room
	total  Sums
	buf    []uint64
}

// NewTable returns an empty table.
func NewTable(order Order, good int) *Table {
	return &Table{order: order, good: max(good, 1), of: map[string]int32{}}
}

// Reset empties the table and keeps its memory.
func (t *Table) Reset() {
	clear(t.of)
	clear(t.rows)
	t.rows, t.taken, t.others, t.total = t.rows[:0], 0, Sums{}, Sums{}
}

// Add adds sums of a key, which it does not keep, and returns the row until the next one is added. fresh
// says that it had none.
func (t *Table) Add(key []byte, s *Sums) (r *Row, fresh bool) {
	t.total.Add(s)
	i, known := t.of[string(key)]
	if !known {
		i = t.place(string(key))
		t.rows[i].Missing = t.taken
	}
	r = &t.rows[i]
	r.Sums.Add(s)
	t.weigh(r, t.order.Of(s))
	return r, !known
}

// weigh adds to the weight of a row.
func (t *Table) weigh(r *Row, n uint64) {
	if t.order == Most {
		r.weight = max(r.weight, n)
		return
	}
	r.weight += n
}

// place makes a row.
func (t *Table) place(key string) int32 {
	if len(t.rows) >= 2*t.good {
		t.shrink()
	}
	i := int32(len(t.rows))
	t.rows = append(t.rows, Row{Key: key})
	t.of[key] = i
	return i
}

// shrink makes room for half of the rows or more.
func (t *Table) shrink() {
	t.buf = t.buf[:0]
	for i := range t.rows {
		t.buf = append(t.buf, t.rows[i].weight)
	}
	slices.Sort(t.buf)
	middle := t.buf[t.good-1]
	level := 0 // how many may stay that have as much as the middle: by Most nothing is taken off
	if t.order == Most {
		t.taken = max(t.taken, middle)
		at, _ := slices.BinarySearch(t.buf, middle+1)
		level = t.good - (len(t.buf) - at)
	} else {
		t.taken += middle
	}
	left := t.rows[:0]
	for _, r := range t.rows {
		if r.weight < middle || r.weight == middle && level <= 0 {
			t.others.Add(&r.Sums)
			delete(t.of, r.Key)
			continue
		}
		if r.weight == middle {
			level--
		}
		if t.order != Most {
			r.weight -= middle
		}
		t.of[r.Key] = int32(len(left))
		left = append(left, r)
	}
	clear(t.rows[len(left):])
	t.rows = left
}

// Merge adds what another table of the same order has (Agarwal et al., "Mergeable Summaries", 2012).
func (t *Table) Merge(o *Table) {
	for i := range o.rows {
		x := &o.rows[i]
		j, known := t.of[x.Key]
		if !known {
			j = t.place(x.Key)
			t.rows[j].Note, t.rows[j].Missing = x.Note, t.taken
		}
		r := &t.rows[j]
		r.Sums.Add(&x.Sums)
		r.Missing = t.both(r.Missing, x.Missing)
		t.weigh(r, x.weight)
	}
	t.total.Add(&o.total)
	t.others.Add(&o.others)
	if o.taken == 0 {
		return
	}
	for i := range t.rows {
		if r := &t.rows[i]; !o.has(r.Key) {
			r.Missing = t.both(r.Missing, o.taken)
		}
	}
	t.taken = t.both(t.taken, o.taken)
}

func (t *Table) has(key string) bool { _, ok := t.of[key]; return ok }

// both returns what may be missing of two.
func (t *Table) both(a, b uint64) uint64 {
	if t.order == Most {
		return max(a, b)
	}
	return a + b
}

// Total returns the sums of everything that was added.
func (t *Table) Total() Sums { return t.total }

// Empty reports whether nothing was added.
func (t *Table) Empty() bool { return t.total == Sums{} }

// Bound returns how much of the order's number a key may have had at most that has no row.
func (t *Table) Bound() uint64 { return t.taken }

// Top returns up to so many rows with most, and the sums of all others.
func (t *Table) Top(most int) (rows []Row, others Sums) {
	rows = slices.Clone(t.rows)
	slices.SortFunc(rows, func(a, b Row) int {
		return cmp.Or(cmp.Compare(t.order.Of(&b.Sums), t.order.Of(&a.Sums)), strings.Compare(a.Key, b.Key))
	})
	others = t.others
	if most < len(rows) {
		for i := range rows[most:] {
			others.Add(&rows[most+i].Sums)
		}
		rows = rows[:most]
	}
	return rows, others
}
