package egress

import (
	"encoding/binary"
	"hash/fnv"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/export"
)

// Spread is how an output shares records among its places.
type Spread uint8

const (
	// Replicate gives every record to every place.
	Replicate Spread = iota
	// RoundRobin gives each record to the next place.
	RoundRobin
	// Hash gives all records of a flow, both ways, to one place. When a place is added or taken
	// away, only its own share moves.
	Hash
)

// Spreads are the names of Spread, in order.
var Spreads = [...]string{"replicate", "round-robin", "hash"}

func (s Spread) String() string { return Spreads[s] }

// An Output is an exporter of the configuration: places, and the records that they get.
type Output struct {
	Name     string
	Records  Records
	Spread   Spread
	Disguise *Disguise // nil is as it is
	Failover bool      // what a place that is away would get goes to the others; else it waits for it

	filter *Filter
	places []place
	turn   int
}

// A place is one exporter of an output.
type place struct {
	*export.Exporter
	hash  uint64 // of where it delivers to
	away  bool
	probe bool   // the next record of its share is let through to see whether it is back
	tries uint64 // that failed, and messages that were delivered, when last looked at
	sent  uint64
}

// NewOutput returns an output without places. It gets the records in the set that pass a filter;
// nil lets all pass.
func NewOutput(name string, set Records, f *Filter) *Output {
	return &Output{Name: name, Records: set, filter: f}
}

// Add adds an exporter and where it delivers to.
func (o *Output) Add(x *export.Exporter, target string) *Output {
	h := fnv.New64a()
	h.Write([]byte(target))
	o.places = append(o.places, place{Exporter: x, hash: h.Sum64()})
	return o
}

// Exporters returns the exporters of the output in the order of its places.
func (o *Output) Exporters() (all []*export.Exporter) {
	for i := range o.places {
		all = append(all, o.places[i].Exporter)
	}
	return all
}

// A Filter asks a condition once for each record and has all exporters of an output know the
// answer. Wants is for their options.
type Filter struct {
	holds func(v *flow.View) bool
	said  bool
}

// NewFilter returns a filter that lets pass what holds says.
func NewFilter(holds func(v *flow.View) bool) *Filter { return &Filter{holds: holds} }

// Wants returns what was said of the record that is being exported.
func (f *Filter) Wants(*flow.View) bool { return f.said }

// append gives a record to those places that it is for. One that nobody wants is counted where
// it would have gone.
func (o *Output) append(v *flow.View) {
	wanted := true
	if o.filter != nil {
		wanted = o.filter.holds(v)
		o.filter.said = wanted
	}
	if o.Disguise != nil && wanted {
		v = o.Disguise.of(v)
	}
	if o.Spread == Replicate || len(o.places) == 1 {
		for i := range o.places {
			o.places[i].Append(v)
		}
		return
	}
	i := 0
	switch {
	case !wanted:
	case o.Spread == Hash:
		i = o.heaviest(v.Record)
	default:
		i = o.next()
	}
	o.places[i].Append(v)
}

// veto counts a record that the judge keeps from the output: where it would have gone, or at the first place.
func (o *Output) veto() {
	n := 1
	if o.Spread == Replicate {
		n = len(o.places)
	}
	for i := range o.places[:min(n, len(o.places))] {
		o.places[i].Counters().Vetoed.Add(1)
	}
}

// next returns whose turn it is.
func (o *Output) next() int {
	for range o.places {
		i := o.turn
		if o.turn++; o.turn == len(o.places) {
			o.turn = 0
		}
		if o.here(i) {
			return i
		}
	}
	return o.turn // all are away
}

// heaviest returns the place with the highest weight for a flow (rendezvous hashing).
func (o *Output) heaviest(r *flow.Record) int {
	key := symmetric(r)
	best, any := -1, 0
	var most, top uint64
	for i := range o.places {
		w := mix(key ^ o.places[i].hash)
		if i == 0 || w > top {
			top, any = w, i
		}
		if (best < 0 || w > most) && o.here(i) {
			most, best = w, i
		}
	}
	if best < 0 {
		return any
	}
	return best
}

// here reports whether a place takes its share.
func (o *Output) here(i int) bool {
	p := &o.places[i]
	if !o.Failover || !p.away {
		return true
	}
	probe := p.probe
	p.probe = false
	return probe
}

// look finds out which places are away: those that failed since the last time and delivered
// nothing. One record a second goes to them, once what they had is settled, to see when they are back.
func (o *Output) look() {
	if !o.Failover {
		return
	}
	for i := range o.places {
		p := &o.places[i]
		c := p.Counters()
		tries, sent := c.Failures.Load(), c.Messages.Load()
		switch {
		case sent > p.sent:
			p.away = false
		case tries > p.tries:
			p.away = true
		}
		p.tries, p.sent = tries, sent
		p.probe = p.away && p.Stats().Pending == 0
	}
}

// symmetric hashes a flow, both directions alike.
func symmetric(r *flow.Record) uint64 {
	a, b := endpoint(&r.Src, r.SrcPort), endpoint(&r.Dst, r.DstPort)
	return mix(a+b+uint64(r.Proto)) ^ mix(a^b)
}

func endpoint(addr *[16]byte, port uint16) uint64 {
	half := binary.NativeEndian.Uint64
	return mix(half(addr[:8]) ^ mix(half(addr[8:])) + uint64(port))
}

// mix is the finalizer of SplitMix64: every bit of x reaches every bit of the result.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
