// Package route knows the routes that routers tell by BGP and BMP, and says of flows through which autonomous
// systems they come and go.
package route

import (
	"cmp"
	"net/netip"
	"sync"
)

// Route is how a prefix is reached.
type Route struct {
	Path    []uint32   // autonomous systems, the nearest first; sets by their members
	NextHop netip.Addr // the zero value if not known
}

// Source is somebody who tells routes: a neighbour as a router sees it.
type Source struct {
	Trust Trust
	Addr  netip.Addr // of the neighbour; of two routes that are as good, the lower one's counts
}

// Trust is how near what a source tells is to what routers do.
type Trust uint8

// From the least: what neighbours say, what policies left of it, and what a router chose itself (RFC 9069).
const (
	Heard Trust = iota
	Allowed
	Chosen
)

// rank is by what routers choose, the first that differs (RFC 4271, section 9.1).
type rank struct {
	preference  uint32 // higher is better
	length      int    // of the path; a set is one
	origin, med uint32
}

// told is a route as a source tells it. One may tell several of a prefix, by number (RFC 7911).
type told struct {
	Route
	rank
	by   *Source
	id   uint32
	next *told // a worse one
}

// Table holds the routes that sources tell of each prefix, up to a limit. Any goroutine may use it.
type Table struct {
	mu     sync.RWMutex
	most   int
	n      int
	routes map[netip.Prefix]*told // the best one first
	sizes  [2][129]int            // prefixes of each length, IPv4 and IPv6
	counts [Counters]uint64
}

// Counter is something a Table counts.
type Counter uint8

// What is counted.
const (
	Announced Counter = iota
	Withdrawn
	Refused
	Elsewhere
	Unreadable
	Strangers
	Counters int = iota
)

// CounterDocs names and explains the counters, in their order.
var CounterDocs = [Counters]struct{ Name, Doc string }{
	Announced:  {"announced", "Routes that routers told, or told anew."},
	Withdrawn:  {"withdrawn", "Routes that are not there any more."},
	Refused:    {"refused", "Routes and neighbours that there was no room for."},
	Elsewhere:  {"elsewhere", "Messages of BMP about virtual networks and about what a router tells others."},
	Unreadable: {"unreadable", "Messages of BMP that could not be read."},
	Strangers:  {"strangers", "Connections of who may not tell routes by BMP."},
}

// NewTable returns an empty table for so many routes.
func NewTable(most int) *Table { return &Table{most: most, routes: map[netip.Prefix]*told{}} }

// put remembers a route of a prefix, instead of what its source told of it before.
func (t *Table) put(p netip.Prefix, r *told) {
	t.mu.Lock()
	defer t.mu.Unlock()
	known := t.take(p, r.by, r.id)
	if !known && t.n >= t.most {
		t.counts[Refused]++
		return
	}
	t.counts[Announced]++
	t.n++
	first := t.routes[p]
	if first == nil {
		t.sizes[family(p.Addr())][p.Bits()]++
	}
	at := &first
	for *at != nil && r.worse(*at) {
		at = &(*at).next
	}
	r.next, *at = *at, r
	t.routes[p] = first
}

// delete forgets a route of a prefix.
func (t *Table) delete(p netip.Prefix, by *Source, id uint32) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.take(p, by, id) {
		t.counts[Withdrawn]++
	}
}

// forget forgets everything that a source told.
func (t *Table) forget(by *Source) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for p, first := range t.routes {
		for r := first; r != nil; r = r.next {
			if r.by == by && t.take(p, by, r.id) {
				t.counts[Withdrawn]++
			}
		}
	}
}

// take takes a route out, and reports whether there was one. The lock is held.
func (t *Table) take(p netip.Prefix, by *Source, id uint32) bool {
	first := t.routes[p]
	for at := &first; *at != nil; at = &(*at).next {
		if (*at).by != by || (*at).id != id {
			continue
		}
		*at = (*at).next
		t.n--
		if t.routes[p] = first; first == nil {
			delete(t.routes, p)
			t.sizes[family(p.Addr())][p.Bits()]--
		}
		return true
	}
	return false
}

// worse reports whether another route goes before r.
func (r *told) worse(o *told) bool {
	return cmp.Or(
		cmp.Compare(r.by.Trust, o.by.Trust), cmp.Compare(r.preference, o.preference),
		-cmp.Compare(r.length, o.length), -cmp.Compare(r.origin, o.origin), -cmp.Compare(r.med, o.med),
		-r.by.Addr.Compare(o.by.Addr), -cmp.Compare(r.id, o.id),
	) < 0
}

// count counts something.
func (t *Table) count(c Counter) {
	t.mu.Lock()
	t.counts[c]++
	t.mu.Unlock()
}

// Find returns the best route of the longest prefix that an address is in, and its length; nil if there is none.
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
				return &r.Route, bits
			}
		}
	}
	return nil, 0
}

// Len returns how many routes there are.
func (t *Table) Len() int {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.n
}

func family(a netip.Addr) int {
	if a.Is4() {
		return 0
	}
	return 1
}
