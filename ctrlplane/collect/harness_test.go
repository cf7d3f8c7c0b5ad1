package collect

import (
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dataplane/ring"
	"github.com/weir-probe/weir/dissect/app"
)

// compiled is the schema of the program. Compiling it for each test would take most of the time.
var compiled = sync.OnceValue(func() *flow.Schema {
	s, err := flow.Compile(append(flow.All(), app.Fields())...)
	if err != nil {
		panic(err)
	}
	return s
})

// said is a record as it is exported: what it has, by key.
type said map[string]string

// of returns what a record says, but for what all have.
func of(s *flow.Schema, v *flow.View) said {
	all := said{}
	for _, f := range s.Fields {
		if x, ok := v.Value(f); ok {
			all[f.Key()] = string(f.Text(nil, x))
		}
	}
	return all
}

// bench is a collector with one worker whose records are read by the test.
type bench struct {
	t       testing.TB
	schema  *flow.Schema
	c       *Collector
	records []said
}

func newBench(t testing.TB, change func(o *Options)) *bench {
	t.Helper()
	o := DefaultOptions()
	o.Name, o.RingSize = "test", 1<<20
	if change != nil {
		change(&o)
	}
	b := &bench{t: t, schema: compiled()}
	c, err := New(o, b.schema, func(string, ...any) {})
	if err != nil {
		t.Fatal(err)
	}
	b.c = c
	return b
}

var sender = netip.MustParseAddrPort("192.0.2.1:2055")

// take gives a datagram to the worker and reads its records.
func (b *bench) take(msg []byte, now uint64) {
	b.t.Helper()
	b.c.workers[0].Take(msg, sender, now)
	b.drain()
}

// drain reads the records that wait in the ring.
func (b *bench) drain() { b.t.Helper(); b.drainOf(0) }

// drainOf reads those in the ring of a worker.
func (b *bench) drainOf(worker int) {
	b.t.Helper()
	r := b.c.workers[worker].out
	for {
		kind, msg := r.Next()
		if kind == ring.None {
			return
		}
		var v flow.View
		if !v.Load(msg) {
			b.t.Fatal("a message of the ring is no record")
		}
		b.records = append(b.records, of(b.schema, &v))
		r.Release()
	}
}

// count returns a counter.
func (b *bench) count(n Counter) uint64 { return b.c.workers[0].counts[n].Load() }

// counts checks counters; those not named have to be 0, but for a few that tell of success.
func (b *bench) counts(want map[Counter]uint64) {
	b.t.Helper()
	for n := range Counters {
		c := Counter(n)
		if _, ok := want[c]; !ok && (c == Datagrams || c == Octets || c == Records || c == OptionRecords || c == Templates) {
			continue
		}
		if b.count(c) != want[c] {
			b.t.Errorf("%s is %d, want %d", CounterDocs[c].Name, b.count(c), want[c])
		}
	}
}

// read collects a file of the capture collection, or skips the test.
func (b *bench) read(path string) {
	b.t.Helper()
	if _, err := os.Stat(path); err != nil {
		b.t.Skip("the capture collection is not here: ", err)
	}
	b.c.o.Files = []string{path}
	if err := b.c.ReadFiles(b.drain); err != nil {
		b.t.Fatal(err)
	}
	b.drain()
}

// collection is where the captures are.
func collection(name string) string { return filepath.Join("../../../shared/captures", name) }
