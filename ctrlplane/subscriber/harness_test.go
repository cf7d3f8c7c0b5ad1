package subscriber

import (
	"net/netip"
	"strconv"
	"testing"
	"time"

	"github.com/weir-probe/weir/ctrlplane/egress"
	"github.com/weir-probe/weir/ctrlplane/session"
	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/app"
)

const start = 1_700_000_000 * uint64(time.Second)

// at is so many milliseconds after the start.
func at(ms uint64) uint64 { return start + ms*uint64(time.Millisecond) }

// desk shows signalling and flows to a Correlator.
type desk struct {
	t      testing.TB
	c      *Correlator
	schema *flow.Schema
	kinds  map[string]egress.Kind
	made   []map[string]string
}

func newDesk(t testing.TB, change func(o *Options)) *desk {
	t.Helper()
	s, err := flow.Compile(append(flow.All(), app.Fields())...)
	if err != nil {
		t.Fatal(err)
	}
	o := DefaultOptions()
	o.Sessions, o.Idle, o.Active = 4096, 15*time.Second, 30*time.Second
	if change != nil {
		change(&o)
	}
	if o.Store == nil {
		if o.Store, err = session.New(session.Limits{Entries: 1 << 16, Octets: 64 << 20}); err != nil {
			t.Fatal(err)
		}
	}
	d := &desk{t: t, c: New(o), schema: s, kinds: map[string]egress.Kind{}}
	for i, x := range app.All {
		d.kinds[x.Name] = egress.EventsOf(i)
	}
	d.c.Tick(start, d.emit)
	return d
}

// event shows a transaction between two nodes: asked and answered at the same time. What it says is pairs of a
// label and a value.
// It returns what is said of its user.
func (d *desk) event(dissector string, ms uint64, nodes [2]string, says ...string) map[string]string {
	d.t.Helper()
	var a flow.Attrs
	a.Uint(app.TransactionRequestBegin, at(ms))
	a.Uint(app.TransactionResponseBegin, at(ms))
	for i := 0; i < len(says); i += 2 {
		f := d.schema.Named(says[i])
		if f == nil {
			d.t.Fatalf("%s is no field", says[i])
		}
		switch f.Type {
		case flow.String:
			a.Text(f, says[i+1])
		case flow.IPv4Address, flow.IPv6Address:
			a.Bytes(f, netip.MustParseAddr(says[i+1]).AsSlice())
		default:
			n, err := strconv.ParseUint(says[i+1], 0, 64)
			if err != nil {
				d.t.Fatal(err)
			}
			a.Uint(f, n)
		}
	}
	r := flow.Record{}
	r.Src, r.Dst = addr(nodes[0]), addr(nodes[1])
	r.First, r.Last, r.Version = at(ms), at(ms), 4
	v := flow.View{Record: &r, Attrs: a.All()}
	d.c.Take(d.kinds[dissector], &v, &a)
	v.Attrs = a.All()
	return d.read(&v)
}

func addr(s string) [16]byte { return netip.MustParseAddr(s).As16() }

var (
	nodes = [2]string{"192.0.2.1", "192.0.2.2"}
	peers = [2]string{"192.0.2.2", "192.0.2.1"}
)

// flow shows a flow from one time to another, and returns what is said of its user.
func (d *desk) flow(from, to uint64, src, dst string, change ...func(r *flow.Record)) map[string]string {
	r := flow.Record{}
	r.Src, r.Dst, r.First, r.Last, r.Version, r.Proto = addr(src), addr(dst), at(from), at(to), 4, 6
	r.Octets, r.Packets = [2]uint64{100, 2000}, [2]uint64{1, 2}
	for _, f := range change {
		f(&r)
	}
	var a flow.Attrs
	v := flow.View{Record: &r}
	d.c.Take(egress.Flows, &v, &a)
	v.Attrs = a.All()
	return d.read(&v)
}

// read returns what a record says of a user.
func (d *desk) read(v *flow.View) map[string]string {
	all := map[string]string{}
	for _, f := range append(flow.OfUsage(), app.FlowUser) {
		if x, ok := v.Value(f); ok {
			all[f.Label] = string(f.Text(nil, x))
		}
	}
	return all
}

// tunnelled puts a flow into a tunnel: the TEIDs of both ways, and both ends.
func tunnelled(up, down uint32, src, dst string) func(r *flow.Record) {
	return func(r *flow.Record) {
		o := &r.Outer
		o.Type, o.Depth, o.Version, o.ID = flow.GTPU, 1, 4, [2]uint32{up, down}
		o.Src, o.Dst = addr(src), addr(dst)
	}
}

func (d *desk) emit(kind egress.Kind, v *flow.View) {
	x := d.read(v)
	x["up"], x["down"] = strconv.FormatUint(v.Octets[0], 10), strconv.FormatUint(v.Octets[1], 10)
	d.made = append(d.made, x)
}

func (d *desk) user(want string, from, to uint64, src, dst string, change ...func(r *flow.Record)) {
	d.t.Helper()
	if got := d.flow(from, to, src, dst, change...)["FLOW_USER_NAME"]; got != want {
		d.t.Errorf("%s > %s from %d to %d: user %q, want %q", src, dst, from, to, got, want)
	}
}

func (d *desk) count(name string) uint64 {
	for _, t := range d.c.Tally() {
		if t.Name == name {
			return t.N
		}
	}
	d.t.Errorf("%s is not counted", name)
	return 0
}
