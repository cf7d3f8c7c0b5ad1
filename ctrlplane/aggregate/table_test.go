package aggregate

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// stream is what many keys have, a few of them much, and the truth about it.
type stream struct {
	random *rand.Rand
	zipf   *rand.Zipf
	truth  map[string]*Sums
	total  Sums
}

func newStream(seed uint64, keys uint64) *stream {
	r := rand.New(rand.NewPCG(seed, 1))
	return &stream{random: r, zipf: rand.NewZipf(r, 1.1, 1, keys), truth: map[string]*Sums{}}
}

func (s *stream) next() ([]byte, *Sums) {
	key := binary.BigEndian.AppendUint64(nil, s.zipf.Uint64()*0x9e3779b97f4a7c15)
	n := s.random.Uint64N(1500) + 40
	x := &Sums{Octets: [2]uint64{n, n / 3}, Packets: [2]uint64{n / 500, 1}, Records: 1, Most: s.random.Uint64()}
	x.More[1] = n % 7
	t := s.truth[string(key)]
	if t == nil {
		t = &Sums{}
		s.truth[string(key)] = t
	}
	t.Add(x)
	s.total.Add(x)
	return key, x
}

// judge compares a table with the truth: whoever must have a row has one, no row says too much, none misses
// more than it says, and rows and others are everything.
func (s *stream) judge(t *testing.T, table *Table, good int) {
	t.Helper()
	rows, sum := table.Top(1 << 30)
	got := map[string]*Row{}
	for i := range rows {
		r := &rows[i]
		got[r.Key] = r
		sum.Add(&r.Sums)
		have, want := table.order.Of(&r.Sums), table.order.Of(s.truth[r.Key])
		if have > want || table.order != Most && have+r.Missing < want || table.order == Most && max(have, r.Missing) < want {
			t.Fatalf("%x has %d, at most %d more; really %d", r.Key, have, r.Missing, want)
		}
	}
	if sum != s.total || table.Total() != s.total {
		t.Errorf("rows and others are\n%+v, all is\n%+v", sum, s.total)
	}
	all := table.order.Of(&s.total)
	if table.order != Most && table.Bound() > all/uint64(good) {
		t.Errorf("%d may be missing, more than 1/%d of %d", table.Bound(), good, all)
	}
	if len(rows) > 2*good {
		t.Errorf("there are %d rows", len(rows))
	}
	for key, x := range s.truth {
		if n := table.order.Of(x); n > table.Bound() && got[key] == nil {
			t.Errorf("%x with %d has no row; who has none has %d at most", key, n, table.Bound())
		}
	}
}

// TestTable compares the rows of every order with exact counts, of more keys than there is room for.
func TestTable(t *testing.T) {
	const good = 200
	for _, order := range []Order{Octets, Packets, Records, Most, OfMore + 1} {
		t.Run(fmt.Sprint(order), func(t *testing.T) {
			s, table := newStream(uint64(order), 20_000), NewTable(order, good)
			for range 100_000 {
				table.Add(s.next())
			}
			if table.Bound() == 0 {
				t.Fatal("there was room for all")
			}
			s.judge(t, table, good)
			if order == Most {
				exactlyMost(t, s, table, good)
			}
		})
	}
}

// exactlyMost wants the greatest numbers as they are.
func exactlyMost(t *testing.T, s *stream, table *Table, good int) {
	t.Helper()
	var all []uint64
	for _, x := range s.truth {
		all = append(all, x.Most)
	}
	slices.Sort(all)
	slices.Reverse(all)
	rows, _ := table.Top(good)
	for i := range rows {
		if rows[i].Most != all[i] {
			t.Fatalf("number %d is %d, want %d", i, rows[i].Most, all[i])
		}
	}
}

// TestTableMost keeps as many rows as are good also if they are all the same.
func TestTableMost(t *testing.T) {
	table := NewTable(Most, 10)
	for i := range 1000 {
		table.Add(fmt.Append(nil, i), &Sums{Most: 7})
	}
	if rows, _ := table.Top(100); len(rows) < 10 || rows[9].Most != 7 {
		t.Errorf("got %+v", rows)
	}
}

// TestTableExact has room for all keys: nothing is missing, and there are no others.
func TestTableExact(t *testing.T) {
	s, table := newStream(3, 300), NewTable(Octets, 200)
	for range 50_000 {
		table.Add(s.next())
	}
	rows, others := table.Top(1000)
	if (others != Sums{}) || len(rows) != len(s.truth) {
		t.Errorf("%d of %d keys have rows, others have %+v", len(rows), len(s.truth), others)
	}
	for i := range rows {
		if rows[i].Sums != *s.truth[rows[i].Key] || rows[i].Missing != 0 {
			t.Errorf("got %+v, want %+v", rows[i], s.truth[rows[i].Key])
		}
	}
	if _, others := table.Top(3); others.Records == 0 {
		t.Error("those behind the top are not among the others")
	}
}

// TestMerge merges tables of parts of a stream, which is as good as one of the whole.
func TestMerge(t *testing.T) {
	const good = 200
	for _, order := range []Order{Octets, Most} {
		s, whole := newStream(4, 20_000), NewTable(order, good)
		for range 30 {
			part := NewTable(order, good)
			for range 4_000 {
				part.Add(s.next())
			}
			whole.Merge(part)
			part.Reset()
			if !part.Empty() {
				t.Fatal("it is not empty")
			}
		}
		s.judge(t, whole, good)
	}
}

// TestTableAllocations adds to rows that there are without allocating.
func TestTableAllocations(t *testing.T) {
	table, key, s := NewTable(Octets, 8), []byte("key"), &Sums{Records: 1}
	table.Add(key, s)
	if n := testing.AllocsPerRun(100, func() { table.Add(key, s) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkTable(b *testing.B) {
	s := newStream(5, 100_000)
	keys, sums := make([][]byte, 1<<16), make([]*Sums, 1<<16)
	for i := range keys {
		keys[i], sums[i] = s.next()
	}
	table := NewTable(Octets, 1024)
	b.ReportAllocs()
	for i := range b.N {
		table.Add(keys[i%len(keys)], sums[i%len(keys)])
	}
}
