package collect

import (
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/weir-probe/weir/ctrlplane/egress"
	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dataplane/ring"
	"github.com/weir-probe/weir/dissect/netflow"
)

// Collector is a [[collector]] table at work.
type Collector struct {
	o        Options
	registry *registry
	workers  []*Worker
	allowed  []netip.Prefix
	rates    []rate
	layouts  map[uint32]*flow.Inlet // of versions without templates
	known    known
	seen     *seen // nil if duplicates are kept
	relay    *relay
	learnt   learnt
	say      func(message string, args ...any) // to the log

	closers []func() error
	group   sync.WaitGroup
	done    chan struct{}
	stop    sync.Once
}

// New returns a collector with its rings, which listens to nothing yet. say is told what its people
// may want to know, as slog.Logger.Warn is; it may be called by any goroutine.
func New(o Options, schema *flow.Schema, say func(message string, args ...any)) (*Collector, error) {
	c := &Collector{o: o, registry: newRegistry(schema, &o), known: know(schema), say: say, done: make(chan struct{})}
	var err, err2 error
	c.allowed, err = parsePrefixes(o.Allow)
	c.rates, err2 = parseRates(o.Rates)
	if err = errors.Join(err, err2); err != nil {
		return nil, fmt.Errorf("collector %s: %w", o.Name, err)
	}
	if o.Distinct > 0 {
		c.seen = newSeen(uint64(o.Distinct / time.Second))
	}
	c.layouts = layouts(schema)
	c.learnt.fields, c.learnt.names = map[[2]uint32]*flow.Field{}, map[string]bool{}
	for range o.Workers {
		r, err := ring.Format(make([]byte, ring.Size(int(o.RingSize))))
		if err != nil {
			return nil, fmt.Errorf("collector %s: %w", o.Name, err)
		}
		c.workers = append(c.workers, newWorker(c, r))
	}
	return c, nil
}

// layouts returns what reads records of the versions without templates.
func layouts(s *flow.Schema) map[uint32]*flow.Inlet {
	all := map[uint32]*flow.Inlet{}
	for _, v := range []uint16{1, 5, 7} {
		all[uint32(v)<<8] = s.Inlet(netflow.Fixed(v, 0), flow.Leaving)
	}
	for scheme := range uint8(255) {
		if specs := netflow.Fixed(8, scheme); specs != nil {
			all[8<<8|uint32(scheme)] = s.Inlet(specs, flow.Leaving)
		}
	}
	return all
}

func (c *Collector) layout(version uint16, scheme uint8) *flow.Inlet {
	return c.layouts[uint32(version)<<8|uint32(scheme)]
}

// Sources returns the rings of the workers, with what tells their records apart.
func (c *Collector) Sources(facts []byte) (all []egress.Source) {
	seed := uint64(time.Now().UnixNano())
	for i, w := range c.workers {
		all = append(all, egress.Source{
			Name: fmt.Sprintf("%s/%d", c.o.Name, i), Ring: w.out, Facts: facts, Seed: seed + uint64(i), Collects: true,
		})
	}
	return all
}

// allows reports whether an exporter may send.
func (c *Collector) allows(addr netip.Addr) bool {
	if len(c.allowed) == 0 {
		return true
	}
	for _, p := range c.allowed {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// exporter returns what the configuration says of an exporter.
func (c *Collector) exporter(addr netip.Addr) *exporter {
	x := &exporter{rate: c.o.Sampling}
	for _, r := range c.rates {
		if r.of.Contains(addr) {
			x.rate = r.n
			break
		}
	}
	if c.o.Convention == "nprobe" {
		x.convention.Store(uint32(flow.Opposite))
	}
	return x
}

// finish ends the rings: nothing will follow.
func (c *Collector) finish() {
	for _, w := range c.workers {
		w.mu.Lock()
		w.expire(^uint64(0))
		w.out.Close()
		w.mu.Unlock()
	}
}
