package manage

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Limits of how often somebody may try.
const (
	freeFailures = 5                // that cost nothing
	firstLock    = 30 * time.Second // doubles with each further failure
	longestLock  = time.Hour        // of an address
	userLock     = time.Minute      // of a user: others shall not lock them out for long
	strangers    = 10_000           // addresses and users that are remembered
	memory       = 24 * time.Hour
	requestRate  = 50 // requests a second and address
	requestBurst = 100
)

// guard remembers who failed to prove who they are, and how often somebody asks.
type guard struct {
	now func() time.Time
	mu  sync.Mutex
	who map[string]*trouble
}

type trouble struct {
	failures int
	until    time.Time // locked
	last     time.Time
	limit    *rate.Limiter
}

func newGuard() *guard { return &guard{now: time.Now, who: map[string]*trouble{}} }

// origin is what an address is remembered by: of IPv6 the network of a customer, as each has many.
func origin(a netip.Addr) string {
	if a = a.Unmap(); a.Is6() {
		p, _ := a.Prefix(64)
		return p.String()
	}
	return a.String()
}

func (g *guard) of(who string) *trouble {
	t := g.who[who]
	if t == nil {
		if len(g.who) >= strangers {
			g.clean()
		}
		t = &trouble{limit: rate.NewLimiter(requestRate, requestBurst)}
		g.who[who] = t
	}
	t.last = g.now()
	return t
}

// clean forgets who is not locked, and those too that are if it has to.
func (g *guard) clean() {
	for who, t := range g.who {
		if g.now().After(t.until) && (t.failures == 0 || g.now().Sub(t.last) > memory) {
			delete(g.who, who)
		}
	}
	for who := range g.who {
		if len(g.who) < strangers {
			return
		}
		delete(g.who, who)
	}
}

// allows reports whether one more request is not one too many.
func (g *guard) allows(who string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.of(who).limit.AllowN(g.now(), 1)
}

// locked returns for how long somebody may not try again.
func (g *guard) locked(who ...string) (left time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, w := range who {
		if t := g.who[w]; t != nil {
			left = max(left, t.until.Sub(g.now()))
		}
	}
	return left
}

// failed counts a failure and locks for it, for so long at most.
func (g *guard) failed(who string, most time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	t := g.of(who)
	t.failures++
	if over := t.failures - freeFailures; over >= 0 {
		t.until = g.now().Add(min(firstLock<<min(over, 12), most))
	}
}

// succeeded forgets failures.
func (g *guard) succeeded(who string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if t := g.who[who]; t != nil {
		t.failures = 0
	}
}
