package subscriber

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/weir-probe/weir/ctrlplane/session"
	"github.com/weir-probe/weir/dataplane/flow"
)

// network is a generator of users who come and go, and of their traffic. It knows who has which address when.
type network struct {
	r       *rand.Rand
	late    uint64 // signalling comes so much later at most, milliseconds
	lost    int    // of so many ends of sessions one is never said
	holders int    // addresses
	agenda  agenda
	n       int // sessions so far
}

// action is something that happens at a time.
type action struct {
	at uint64
	do func()
}

type agenda []action

func (a agenda) Len() int           { return len(a) }
func (a agenda) Less(i, j int) bool { return a[i].at < a[j].at }
func (a agenda) Swap(i, j int)      { a[i], a[j] = a[j], a[i] }
func (a *agenda) Push(x any)        { *a = append(*a, x.(action)) }
func (a *agenda) Pop() any {
	x := (*a)[len(*a)-1]
	*a = (*a)[:len(*a)-1]
	return x
}

func (n *network) plan(at uint64, do func()) { heap.Push(&n.agenda, action{at, do}) }

func (n *network) address(i int) string {
	return netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}).String()
}

// TestChurn has users share few addresses, and signalling come late, in another order, and not at all when
// they leave. Records of flows wait as long as signalling may be late. No flow has a wrong user.
func TestChurn(t *testing.T) {
	for _, gap := range []uint64{0, 1, 300} {
		t.Run(fmt.Sprintf("%d ms", gap), func(t *testing.T) {
			churn(t, &network{r: rand.New(rand.NewPCG(gap, 1)), late: 2000, lost: 5, holders: 40}, gap)
		})
	}
}

func churn(t *testing.T, n *network, gap uint64) {
	d := newDesk(t, nil)
	const end = 600_000
	var k verdict
	for i := range n.holders {
		var come func(at uint64)
		come = func(at uint64) {
			if at > end {
				return
			}
			n.n++
			user, id, ip := fmt.Sprintf("user%d", n.n), fmt.Sprint(n.n), n.address(i)
			leave := at + 1 + uint64(n.r.IntN(8000))
			n.plan(at+uint64(n.r.IntN(int(n.late))), func() { d.acct(at, acctStart, user, id, ip) })
			if n.r.IntN(n.lost) > 0 {
				n.plan(leave+uint64(n.r.IntN(int(n.late))), func() { d.acct(leave, acctStop, user, id, ip) })
			}
			for range 4 {
				from := at + uint64(n.r.Int64N(int64(leave-at)))
				to := from + uint64(n.r.Int64N(int64(leave-from)+2000))
				n.plan(to+n.late+uint64(n.r.IntN(500)), func() {
					got := d.flow(from, to, ip, web)["FLOW_USER_NAME"]
					if !k.judge(got, user, to < leave) {
						t.Errorf("%s from %d to %d is %s, not %s, who left at %d", ip, from, to, got, user, leave)
					}
				})
			}
			n.plan(leave+gap, func() { come(leave + gap) })
		}
		come(uint64(i * 10))
	}
	for last := uint64(0); n.agenda.Len() > 0; {
		x := heap.Pop(&n.agenda).(action)
		if x.at > last+1000 {
			last = x.at
			d.c.Tick(at(last), d.emit)
		}
		x.do()
	}
	t.Logf("%d sessions; %d flows right, %d with nobody, %d of them could have one; %d outlasted what was said",
		n.n, k.right, k.untagged+k.owed, k.owed, k.outlasted)
	if k.right == 0 || k.owed > k.right/4 {
		t.Errorf("%d right, %d without a user that could have one", k.right, k.owed)
	}
}

// verdict counts what was said of flows.
type verdict struct{ right, owed, untagged, outlasted int }

// judge reports whether what is said of a flow is not wrong. One that went on when its user had left may be
// his only if nobody said that he had, and nobody has come since.
func (k *verdict) judge(got, user string, inside bool) bool {
	switch {
	case got == "" && inside:
		k.owed++
	case got == "":
		k.untagged++
	case got == user && inside:
		k.right++
	case got == user:
		k.outlasted++
	}
	return got == "" || got == user
}

// TestShared has one probe see signalling and another one traffic, with Redis between, which is killed and
// comes back.
func TestShared(t *testing.T) {
	path := socketOfRedis(t)
	kill := startRedis(t, path)
	var desks [2]*desk
	for i := range desks {
		store, err := session.New(session.Limits{Entries: 1 << 12, Octets: 4 << 20})
		if err != nil {
			t.Fatal(err)
		}
		o := session.DefaultOptions().Redis
		o.Address = path
		shared, err := store.Share(o, func(error) {})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { shared.Close() })
		desks[i] = newDesk(t, func(o *Options) { o.Store, o.Shared = store, true })
	}
	signalling, traffic := desks[0], desks[1]
	signalling.acct(1000, acctStart, "ann", "1", "198.51.100.5")
	finds(t, "ann", traffic, "198.51.100.5")
	kill()
	began := time.Now()
	signalling.acct(2000, acctStart, "bob", "2", "198.51.100.6")
	traffic.user("ann", 1000, 2000, "198.51.100.5", web)
	traffic.user("", 2000, 2100, "198.51.100.6", web)
	if took := time.Since(began); took > time.Second {
		t.Errorf("a record waited %v for Redis", took)
	}
	startRedis(t, path)
	finds(t, "bob", traffic, "198.51.100.6")
	signalling.acct(3000, acctStop, "ann", "1", "198.51.100.5")
	for range 100 {
		if traffic.flow(4000, 4100, "198.51.100.5", web)["FLOW_USER_NAME"] == "" {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	traffic.user("", 4000, 4100, "198.51.100.5", web)
	traffic.user("ann", 1000, 2000, "198.51.100.5", web)
}

func finds(t *testing.T, user string, d *desk, ip string) {
	t.Helper()
	for range 400 {
		if d.flow(2500, 2600, ip, web)["FLOW_USER_NAME"] == user {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Errorf("%s is not found", user)
}

// BenchmarkMillion has a million sessions live, of RADIUS, with an address each. The memory is all that the
// process has for them, in the session store and beside it.
func BenchmarkMillion(b *testing.B) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	store, err := session.New(session.Limits{Entries: million * 5 / 4, Octets: 1 << 30})
	if err != nil {
		b.Fatal(err)
	}
	d := newDesk(b, func(o *Options) { o.Sessions, o.Store = million+100_000, store })
	n := network{}
	begin := func(i int, ms uint64) {
		d.acct(ms, acctStart, fmt.Sprintf("user%d@example.net", i), fmt.Sprint(i), n.address(i%million))
	}
	for i := range million {
		begin(i, 1000)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	tags(b, d, float64(after.HeapAlloc-before.HeapAlloc)/million)
	b.Run("changes", func(b *testing.B) { // a second: 5000 sessions end and 5000 begin
		ms, at := uint64(10_000), million
		for b.Loop() {
			for range 5000 {
				i := at - million
				d.acct(ms, acctStop, fmt.Sprintf("user%d@example.net", i), fmt.Sprint(i), n.address(i%million))
				begin(at, ms+1)
				at++
			}
			ms += 1000
		}
		b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms/10000")
	})
	if strings.Contains(fmt.Sprint(store.Stats().Counts), "evicted") {
		b.Error("some had to make room")
	}
}

const million = 1_000_000

// tags measures how long it takes to find whose a flow is, and that it is nobody's.
func tags(b *testing.B, d *desk, octets float64) {
	r := rand.New(rand.NewPCG(1, 2))
	record, room := flow.Record{}, flow.Attrs{}
	record.Dst, record.First, record.Last, record.Version, record.Proto = addr(web), at(2000), at(3000), 4, 6
	b.Run("tag", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			i := r.IntN(million)
			record.Src = netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}).As16()
			room.Reset()
			d.c.Take(0, &flow.View{Record: &record}, &room)
			if len(room.All()) == 0 {
				b.Fatal("nobody")
			}
		}
		b.ReportMetric(octets, "octets/session")
	})
	b.Run("stranger", func(b *testing.B) {
		record.Src = addr("192.0.2.77")
		for b.Loop() {
			room.Reset()
			d.c.Take(0, &flow.View{Record: &record}, &room)
		}
	})
}
