// Package route knows the routes that BGP speakers tell, and says of flows through which autonomous systems
// they come and go.
package route

import (
	"net/netip"
	"sync"
)

// Route is how a prefix is reached.
type Route struct {
	Path    []uint32   // autonomous systems, the nearest first; sets by their members
	NextHop netip.Addr // the zero value if not known
}

// Table holds the best route of each prefix, up to a limit. Any goroutine may use it.
type Table struct {
	mu     sync.RWMutex
	most   int
	routes map[netip.Prefix]*Route
	sizes  [2][129]int // routes of each length, IPv4 and IPv6
	counts [Counters]uint64
}

// Counter is something a Table counts.
type Counter uint8

// What is counted.
const (
	Announced Counter = iota
	Withdrawn
	Refused
	Counters int = iota
)

// CounterDocs names and explains the counters, in their order.
var CounterDocs = [Counters]struct{ Name, Doc string }{
	Announced: {"announced", "Best routes that BGP speakers told, or told anew."},
	Withdrawn: {"withdrawn", "Routes that are not there any more."},
	Refused:   {"refused", "Routes that there was no room for."},
}

// NewTable returns an empty table for so many routes.
func NewTable(most int) *Table { return &Table{most: most, routes: map[netip.Prefix]*Route{}} }

// Put remembers the best route of a prefix.
func (t *Table) Put(p netip.Prefix, r *Route) {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, known := t.routes[p]
	if !known && len(t.routes) >= t.most {
		t.counts[Refused]++
		return
	}
	if !known {
		t.sizes[family(p.Addr())][p.Bits()]++
	}
	t.routes[p] = r
	t.counts[Announced]++
}

// Delete forgets the route of a prefix.
func (t *Table) Delete(p netip.Prefix) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, known := t.routes[p]; !known {
		return
	}
	delete(t.routes, p)
	t.sizes[family(p.Addr())][p.Bits()]--
	t.counts[Withdrawn]++
}

// Find returns the route of the longest prefix that an address is in, and its length; nil if there is none.
func (t *Table) Find(addr netip.Addr) (*Route, int) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	sizes := &t.sizes[family(addr)]
	for bits := addr.BitLen(); bits >= 0; bits-- {
		if sizes[bits] == 0 {
			continue
		}
		if p, err := addr.Prefix(bits); err == nil {
			if r := t.routes[p]; r != nil {
				return r, bits
			}
		}
	}
	return nil, 0
}

// Len returns how many routes there are.
func (t *Table) Len() int {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return len(t.routes)
}

func family(a netip.Addr) int {
	if a.Is4() {
		return 0
	}
	return 1
}
