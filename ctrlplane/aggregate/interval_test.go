package aggregate

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/weir-probe/weir/ctrlplane/egress"
	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/app"
)

func compiled(t testing.TB) *flow.Schema {
	t.Helper()
	s, err := flow.Compile(append(flow.All(), app.Fields())...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// start is when tests begin, nanoseconds since the Unix epoch.
const start = 1_700_000_000 * uint64(time.Second)

// some makes a flow.
func some(host, port int, octets, last uint64) *flow.View {
	r := &flow.Record{}
	r.Version, r.Proto, r.DstPort = 4, 17, uint16(port)
	r.Src = [16]byte{10: 255, 11: 255, 12: 10, 14: byte(host >> 8), 15: byte(host)}
	r.Dst = [16]byte{10: 255, 11: 255, 12: 192, 14: 2, 15: 1}
	r.Octets, r.Packets, r.First, r.Last = [2]uint64{octets, octets / 2}, [2]uint64{3, 1}, last, last
	return &flow.View{Record: r}
}

// told is a record of an aggregate as a format sees it.
type told struct {
	name, row, host       string
	rank, records, begin  uint64
	end, in, out, missing uint64
	sum                   uint64
}

// reader reads records of aggregates.
func reader(schema *flow.Schema, all *[]told) func(egress.Kind, *flow.View) {
	number := func(v *flow.View, f *flow.Field) uint64 { x, _ := v.Value(f); return x.U }
	text := func(v *flow.View, f *flow.Field) string { x, _ := v.Value(f); return string(f.Text(nil, x)) }
	return func(kind egress.Kind, v *flow.View) {
		x := told{
			name: text(v, flow.AggregateName), row: text(v, flow.AggregateRow), rank: number(v, flow.AggregateRank),
			records: number(v, flow.AggregateRecords), missing: number(v, flow.AggregateMissing),
			begin: number(v, schema.Named("FLOW_START_MILLISECONDS")), end: number(v, schema.Named("FLOW_END_MILLISECONDS")),
			in: number(v, schema.Named("IN_BYTES")), out: number(v, schema.Named("OUT_BYTES")),
			sum: number(v, flow.AggregateSums[0]),
		}
		if f := schema.Named("IPV4_SRC_ADDR"); kind == egress.Aggregates {
			if a, ok := v.Value(f); ok {
				x.host = string(f.Text(nil, a))
			}
		}
		if _, ok := v.Value(schema.Named("L4_DST_PORT")); ok {
			x.host += "?" // it is no key
		}
		*all = append(*all, x)
	}
}

// TestIntervals sums up flows of two intervals: who has most has a row, all others have one together.
func TestIntervals(t *testing.T) {
	schema := compiled(t)
	o := DefaultOptions()
	o.Name, o.By, o.Top, o.Interval, o.Sums = "hosts", []string{"IPV4_SRC_ADDR"}, 2, 10*time.Second, []string{"L4_DST_PORT"}
	o.Filter = "L4_DST_PORT != 53"
	c, err := NewCorrelator([]Options{o}, schema, 5e9)
	if err != nil {
		t.Fatal(err)
	}
	var got []told
	emit := reader(schema, &got)
	show := c.Watcher().Show
	show(egress.Flows, some(1, 53, 1e6, start)) // is filtered
	for host := 1; host <= 4; host++ {
		show(egress.Flows, some(host, 80, uint64(host*100), start+1e9))
	}
	show(egress.Calls, some(4, 80, 1e6, start+1e9)) // is not wanted
	show(egress.Flows, some(1, 80, 50, start+11e9))
	c.Tick(start+14e9, emit)
	if len(got) != 0 {
		t.Fatalf("before the end of an interval: %+v", got)
	}
	c.Tick(start+15e9, emit)
	show(egress.Flows, some(1, 80, 30, start+2e9)) // is late
	c.Tick(start+25e9, emit)
	c.Flush(emit)
	first, second := start, start+10e9
	want := []told{
		{"hosts", "top", "10.0.0.4", 1, 1, first, second, 400, 200, 0, 80},
		{"hosts", "top", "10.0.0.3", 2, 1, first, second, 300, 150, 0, 80},
		{"hosts", "others", "", 0, 2, first, second, 300, 150, 0, 160},
		{"hosts", "top", "10.0.0.1", 1, 2, second, second + 10e9, 80, 40, 0, 160},
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got\n%+v\nwant\n%+v", got, want)
	}
	tally := map[string]uint64{}
	for _, x := range c.Tally() {
		tally[x.Name] = x.N
	}
	if tally["records"] != 6 || tally["late"] != 1 || tally["early"] != 0 {
		t.Errorf("got %v", tally)
	}
}

// TestIntervalSums shows records of many hosts, in any order, late and absurd times among them, to an aggregate with
// little room: the rows of all intervals are the sum of all records.
func TestIntervalSums(t *testing.T) {
	schema := compiled(t)
	o := DefaultOptions()
	o.By, o.Top, o.Entries, o.Interval = []string{"IPV4_SRC_ADDR"}, 10, 20, time.Second
	c, err := NewCorrelator([]Options{o}, schema, 3e9)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	var got []told
	var octets, records, sum, rows uint64
	emit, w := reader(schema, &got), c.Watcher()
	now := start
	for i := range 100_000 {
		at := now - r.Uint64N(6e9)
		switch i % 5000 {
		case 0: // the first one of all, too
			at = 1<<63 + r.Uint64N(1<<62)
		case 8:
			at = 0
		}
		n := r.Uint64N(1500)
		w.Show(egress.Flows, some(int(r.Uint64N(5000)), 80, n, at))
		octets += n + n/2
		if now += 1e6; i%10 == 0 {
			c.Tick(now, emit)
		}
	}
	c.Flush(emit)
	for _, x := range got {
		sum, rows, records = sum+x.in+x.out, rows+1, records+x.records
		if x.rank > 10 {
			t.Fatalf("got %+v", x)
		}
	}
	if sum != octets || records != 100_000 {
		t.Errorf("rows have %d octets of %d records, all have %d", sum, records, octets)
	}
	tally := c.Tally()
	if tally[1].N == 0 || tally[2].N == 0 || len(c.all[0].open) > 0 {
		t.Errorf("got %+v", tally)
	}
	if n := len(c.all[0].free); n > ahead+10 {
		t.Errorf("there were %d tables", n)
	}
}

// TestKeys reads keys as they were written, of both versions of IP, and of values that are absent or long.
func TestKeys(t *testing.T) {
	schema := compiled(t)
	o := DefaultOptions()
	o.By = []string{"IPV4_SRC_ADDR", "L4_DST_PORT", "IN_SRC_MAC", "FLOW_USER_NAME", "PROTOCOL_MAP"}
	s, err := o.Spec(schema)
	if err != nil {
		t.Fatal(err)
	}
	v4 := some(7, 443, 1, start)
	v6 := some(8, 443, 1, start)
	v6.Version, v6.HasMAC, v6.SrcMAC = 6, 1, [6]byte{2, 0, 0, 0, 0, 9}
	v6.Src = [16]byte{0x20, 1, 0xd, 0xb8, 15: 1}
	var a flow.Attrs
	user := schema.Named("FLOW_USER_NAME")
	a.Text(user, "ann")
	v6.Attrs = a.All()
	for _, test := range []struct {
		v    *flow.View
		want string
	}{
		{v4, "IPV4_SRC_ADDR=10.0.0.7 L4_DST_PORT=443 PROTOCOL_MAP=udp "},
		{v6, "IPV6_SRC_ADDR=2001:db8::1 L4_DST_PORT=443 IN_SRC_MAC=02:00:00:00:00:09 FLOW_USER_NAME=ann PROTOCOL_MAP=udp "},
	} {
		var arrival flow.Arrival
		arrival.Begin(flow.Clock{})
		got, again := "", ""
		key := string(s.Key(nil, test.v))
		s.Values(key, func(f *flow.Field, v flow.Value) {
			got += f.Key() + "=" + string(f.Text(nil, v)) + " "
			arrival.Say(f, v)
		})
		if got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
		msg := make([]byte, arrival.Size())
		arrival.Put(msg)
		var view flow.View
		if !view.Load(msg) {
			t.Fatal("the record cannot be read")
		}
		again = string(s.Key(nil, &view))
		if again != key {
			t.Errorf("a record that was made of a key has the key\n%x, not\n%x", again, key)
		}
		for n := range key {
			s.Values(key[:n], func(*flow.Field, flow.Value) {}) // does not fall over
		}
	}
}
