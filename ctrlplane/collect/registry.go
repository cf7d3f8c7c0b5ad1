package collect

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/weir-probe/weir/dataplane/flow"
)

// registry is what all workers know of exporters together. Any goroutine may use it.
type registry struct {
	schema *flow.Schema
	limit  int // exporters and domains
	of     int // templates of each

	mu        sync.RWMutex
	exporters map[exporterKey]*exporter
	inlets    map[string]*flow.Inlet // of templates that say the same, which many exporters have
	silentNow atomic.Uint64
	changed   atomic.Uint64 // counts changes of templates, for whoever saves them
}

// exporterKey is whose templates are the same: RFC 7011 would have it the transport session, but
// exporters send from many ports, and change them.
type exporterKey struct {
	addr   netip.Addr
	domain uint32
	family family
}

// family are the versions that share templates and samplers.
type family uint8

const (
	fixed family = iota
	netflow9
	ipfix
	sflowAgent
)

// exporter is an observation domain of an exporter.
type exporter struct {
	key        exporterKey
	convention atomic.Uint32 // flow.Convention
	rate       uint32        // by configuration; 0 is none
	mark       uint16        // tells exporters apart, nearly
	last       atomic.Int64  // when something was received, nanoseconds since the Unix epoch
	silent     atomic.Bool
	told       bool // silent, when that was told last; who reports uses it

	mu        sync.RWMutex
	templates map[uint16]*template
	samplers  map[uint64]sampler
	alone     sampler // the one that was announced without saying which
	known     bool    // boot was said
	boot      uint64  // when uptime was 0, nanoseconds since the Unix epoch; 0 is unknown
	stats     stats
}

// stats are counted for the account of an exporter.
type stats struct {
	messages, octets, records, lost atomic.Uint64
}

// template is a template as it was announced. It does not change.
type template struct {
	id      uint16
	scopes  int
	specs   []flow.Specifier
	inlet   *flow.Inlet
	seen    atomic.Int64 // when it was last announced, nanoseconds since the Unix epoch
	options bool
}

func newRegistry(schema *flow.Schema, o *Options) *registry {
	return &registry{
		schema: schema, limit: o.Exporters, of: o.Templates,
		exporters: map[exporterKey]*exporter{}, inlets: map[string]*flow.Inlet{},
	}
}

func (r *registry) size() int {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return len(r.exporters)
}

// exporter returns what is known of an exporter, nil if there is no room for another.
func (r *registry) exporter(key exporterKey, make func() *exporter) *exporter {
	r.mu.RLock()
	x := r.exporters[key]
	r.mu.RUnlock()
	if x != nil {
		return x
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if x = r.exporters[key]; x != nil {
		return x
	}
	if len(r.exporters) >= r.limit {
		r.forget()
	}
	if len(r.exporters) >= r.limit {
		return nil
	}
	x = make()
	x.key, x.templates, x.mark = key, map[uint16]*template{}, uint16(len(r.exporters))
	r.exporters[key] = x
	return x
}

// forget makes room for an exporter in the place of one that is silent.
func (r *registry) forget() {
	for key, x := range r.exporters {
		if x.silent.Load() {
			delete(r.exporters, key)
			r.silentNow.Add(^uint64(0))
			return
		}
	}
}

// all returns every exporter.
func (r *registry) all() (all []*exporter) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, x := range r.exporters {
		all = append(all, x)
	}
	return all
}

// inlet returns what reads the records of a template.
func (r *registry) inlet(specs []flow.Specifier, c flow.Convention) *flow.Inlet {
	const most = 1 << 16
	key := make([]byte, 0, 8*len(specs)+1)
	key = append(key, byte(c))
	for _, s := range specs {
		key = binary.BigEndian.AppendUint32(key, s.PEN)
		key = binary.BigEndian.AppendUint16(key, s.ID)
		key = binary.BigEndian.AppendUint16(key, s.Length)
	}
	r.mu.RLock()
	in := r.inlets[string(key)]
	r.mu.RUnlock()
	if in != nil {
		return in
	}
	in = r.schema.Inlet(specs, c)
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.inlets) >= most {
		clear(r.inlets) // those in use stay with their templates
	}
	r.inlets[string(key)] = in
	return in
}

// template returns a template of the exporter, nil if it is not known.
func (x *exporter) template(id uint16) *template {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.templates[id]
}

// repeated reports whether a template is known as it is, and notes that it was announced again.
func (x *exporter) repeated(id uint16, scopes int, options bool, specs []flow.Specifier, now int64) bool {
	t := x.template(id)
	if t == nil || t.scopes != scopes || t.options != options || !slices.Equal(t.specs, specs) {
		return false
	}
	t.seen.Store(now)
	return true
}

// verdict is what became of a template that is not known as it is.
type verdict uint8

const (
	fresh verdict = iota
	changed
	full
)

// learn takes a template over. The specifiers are not kept.
func (x *exporter) learn(r *registry, t *template, now int64) verdict {
	x.mu.RLock()
	old := x.templates[t.id]
	n := len(x.templates)
	x.mu.RUnlock()
	if old == nil && n >= r.of {
		return full
	}
	t.specs = slices.Clone(t.specs)
	t.inlet = r.inlet(t.specs, flow.Convention(x.convention.Load()))
	t.seen.Store(now)
	x.mu.Lock()
	x.templates[t.id] = t
	x.mu.Unlock()
	r.changed.Add(1)
	if old != nil {
		return changed
	}
	return fresh
}

// adopt gives templates another convention, when it turns out who the exporter is.
func (x *exporter) adopt(r *registry, c flow.Convention) {
	if flow.Convention(x.convention.Swap(uint32(c))) == c {
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	for id, t := range x.templates {
		again := &template{id: t.id, scopes: t.scopes, specs: t.specs, options: t.options, inlet: r.inlet(t.specs, c)}
		again.seen.Store(t.seen.Load())
		x.templates[id] = again
	}
}

// withdraw forgets a template, or all of a kind if id is 0. It returns how many.
func (x *exporter) withdraw(id uint16, options bool) (n int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for i, t := range x.templates {
		if t.options == options && (id == 0 || id == i) || i == id {
			delete(x.templates, i)
			n++
		}
	}
	return n
}

// expire forgets templates that were not announced since.
func (x *exporter) expire(since int64) (n int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for id, t := range x.templates {
		if t.seen.Load() < since {
			delete(x.templates, id)
			n++
		}
	}
	return n
}
