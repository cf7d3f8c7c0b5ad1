package subscriber

import (
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/weir-probe/weir/ctrlplane/session"
	"github.com/weir-probe/weir/dataplane/flow"
)

// load is how much a network has: sessions live, of which so many are replaced by others in each of some seconds,
// and flows in all of that time.
type load struct{ live, changes, seconds, flows int }

// crowd is a network whose users have an address each, every other one by GTP with a tunnel. It knows who has had
// which address when.
type crowd struct {
	*desk
	load
	r    *rand.Rand
	last int // user
	now  uint64
	who  []tenure
	old  []tenure
}

// tenure is who has an address from a time to another, which is 0 as long as he has it.
type tenure struct {
	user     int
	from, to uint64
}

// TestLoad has many sessions live that change all the time, and tags flows meanwhile: every one is of whom it was.
// It is a million of sessions, 5000 changes a second and a million flows if WEIR_SUBSCRIBERS is set.
func TestLoad(t *testing.T) {
	l := load{live: 20_000, changes: 1000, seconds: 10, flows: 20_000}
	if os.Getenv("WEIR_SUBSCRIBERS") != "" {
		l = load{live: million, changes: 5000, seconds: 60, flows: million}
	}
	c := newCrowd(t, l)
	began := time.Now()
	right, nobody := 0, 0
	var tagging time.Duration
	for s := range l.seconds {
		from := c.now
		for range l.changes {
			c.replace(c.r.IntN(l.live), from+uint64(c.r.IntN(1000)))
		}
		c.now += 1000
		c.c.Tick(at(c.now), c.emit)
		part := time.Now()
		for range l.flows / l.seconds {
			switch got, want := c.ask(); {
			case got == want && want != "":
				right++
			case got == want:
				nobody++
			default:
				t.Fatalf("second %d: a flow is of %q, not of %q", s, got, want)
			}
		}
		tagging += time.Since(part)
	}
	took := time.Since(began) - tagging
	t.Logf("%d sessions: %d flows are their users', %d are rightly nobody's; %v a flow; %d sessions begin and end in %v",
		l.live, right, nobody, tagging/time.Duration(right+nobody), l.changes, took/time.Duration(l.seconds))
	if right < l.flows*8/10 || c.count("active") != uint64(l.live) || c.count("evicted")+c.count("lost") > 0 {
		t.Errorf("%d right; %d sessions, %d evicted, %d lost", right, c.count("active"), c.count("evicted"), c.count("lost"))
	}
}

func newCrowd(t *testing.T, l load) *crowd {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	store, err := session.New(session.Limits{Entries: 4 * l.live, Octets: int64(l.live) * 1200})
	if err != nil {
		t.Fatal(err)
	}
	c := &crowd{
		desk: newDesk(t, func(o *Options) { o.Sessions, o.Store = l.live+l.changes, store }), load: l, now: 2000,
		r: rand.New(rand.NewPCG(7, 8)), who: make([]tenure, l.live), old: make([]tenure, l.live),
	}
	for i := range c.who {
		c.come(i, 1000)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	t.Logf("%d octets a session, those of the session store with it", int(after.HeapAlloc-before.HeapAlloc)/l.live)
	return c
}

func ipOf(i int) string { return fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255) }

// name is what a user is called: by his IMSI, if GTP tells of him.
func nameOf(i, user int) string {
	if i%2 == 1 {
		return fmt.Sprintf("00101%010d", user)
	}
	return fmt.Sprint("user", user)
}

// come gives an address to a new user. His tunnel ends at TEIDs that tell the address, and nobody else's.
func (c *crowd) come(i int, ms uint64) {
	c.last++
	c.who[i] = tenure{user: c.last, from: ms}
	if i%2 == 0 {
		c.acct(ms, acctStart, nameOf(i, c.last), fmt.Sprint(c.last), ipOf(i))
		return
	}
	c.event("gtp", ms, nodes, "GTPV1_REQ_MSG_TYPE", "16", "GTPV1_RSP_MSG_TYPE", "17", "GTPV1_RESPONSE_CAUSE", "128",
		"GTPV1_END_USER_IMSI", nameOf(i, c.last), "GTPV1_APN_NAME", "internet", "GTPV1_END_USER_IP", ipOf(i),
		"GTP_C2S_F_TEIDS", fmt.Sprintf("ctrl/%x/192.0.2.1;data/%x/192.0.2.1", c.last, i+1),
		"GTP_S2C_F_TEIDS", fmt.Sprintf("ctrl/%x/192.0.2.2;data/%x/192.0.2.2", c.last, i+1),
		"GTP_CELL", "cgi:001-01-1-1", "TRANSACTION_ASKER", "client")
}

// replace has who has an address leave, and another one come a little later.
func (c *crowd) replace(i int, ms uint64) {
	x := c.who[i]
	if ms < x.from+2 {
		return
	}
	x.to = ms
	c.old[i] = x
	if i%2 == 0 {
		c.acct(ms, acctStop, nameOf(i, x.user), fmt.Sprint(x.user), ipOf(i))
	} else {
		c.event("gtp", ms, nodes, "GTPV1_REQ_MSG_TYPE", "20", "GTPV1_RSP_MSG_TYPE", "21", "GTPV1_RESPONSE_CAUSE", "128",
			"GTPV1_C2S_TEID", fmt.Sprintf("0x%x", x.user), "TRANSACTION_ASKER", "client")
	}
	c.come(i, ms+1+uint64(c.r.IntN(3)))
}

// ask shows a flow of the last seconds, mostly of addresses that have changed hands, and returns whose it is said
// to be, and whose it was all the time.
func (c *crowd) ask() (got, want string) {
	i := c.r.IntN(c.live)
	x, old := c.who[i], c.old[i]
	first := c.now - uint64(c.r.IntN(2000))
	if old.user != 0 && c.r.IntN(2) == 0 {
		first = old.to - min(old.to, uint64(c.r.IntN(20))) // around the change
	}
	last := first + uint64(c.r.IntN(20))
	switch {
	case first >= x.from:
		want = nameOf(i, x.user)
	case old.user != 0 && first >= old.from && last <= old.to && c.now < old.to+4000:
		want = nameOf(i, old.user)
	case old.user != 0 && c.now >= old.to+4000: // it may be forgotten by now
		return "", ""
	}
	tunnel := func(*flow.Record) {}
	if i%2 == 1 {
		tunnel = tunnelled(uint32(i+1), uint32(i+1), "192.0.2.1", "192.0.2.2")
	}
	return c.flow(first, last, ipOf(i), web, tunnel)["FLOW_USER_NAME"], want
}
