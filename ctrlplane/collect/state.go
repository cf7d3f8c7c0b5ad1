package collect

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"time"

	"github.com/weir-probe/weir/dataplane/flow"
)

// remembered is a template in the file in which they outlive a restart.
type remembered struct {
	Exporter netip.Addr  `json:"exporter"`
	Domain   uint32      `json:"domain"`
	Family   family      `json:"family"`
	ID       uint16      `json:"id"`
	Scopes   int         `json:"scopes,omitempty"`
	Options  bool        `json:"options,omitempty"`
	Seen     time.Time   `json:"seen"`
	Specs    [][3]uint32 `json:"elements"` // enterprise, element, octets
}

// remembering is the file.
type remembering struct {
	Version   int          `json:"version"`
	Templates []remembered `json:"templates"`
	Samplers  []announced  `json:"samplers"`
}

// announced is a sampler in it.
type announced struct {
	Exporter netip.Addr `json:"exporter"`
	Domain   uint32     `json:"domain"`
	Family   family     `json:"family"`
	ID       *uint64    `json:"id"` // null is the only one
	Rate     uint64     `json:"rate"`
}

const rememberedVersion = 1

// save writes templates and samplers to their file, all or nothing.
func (c *Collector) save() error {
	if c.o.File == "" {
		return nil
	}
	all := remembering{Version: rememberedVersion}
	for _, x := range c.registry.all() {
		x.remember(&all)
	}
	b, err := json.Marshal(&all)
	if err != nil {
		return err
	}
	if err := replace(c.o.File, b); err != nil {
		return fmt.Errorf("templates: %w", err)
	}
	return nil
}

// remember adds what is known of an exporter.
func (x *exporter) remember(all *remembering) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	k := x.key
	for _, t := range x.templates {
		r := remembered{Exporter: k.addr, Domain: k.domain, Family: k.family, ID: t.id, Scopes: t.scopes,
			Options: t.options, Seen: time.Unix(0, t.seen.Load()).UTC()}
		for _, s := range t.specs {
			r.Specs = append(r.Specs, [3]uint32{s.PEN, uint32(s.ID), uint32(s.Length)})
		}
		all.Templates = append(all.Templates, r)
	}
	if x.alone.rate > 0 {
		all.Samplers = append(all.Samplers, announced{k.addr, k.domain, k.family, nil, x.alone.rate})
	}
	for id, s := range x.samplers {
		all.Samplers = append(all.Samplers, announced{k.addr, k.domain, k.family, &id, s.rate})
	}
}

// Recall reads what an earlier run has saved. That there is nothing is no error.
func (c *Collector) Recall() error {
	if c.o.File == "" {
		return nil
	}
	b, err := os.ReadFile(c.o.File)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var all remembering
	if err == nil {
		err = json.Unmarshal(b, &all)
	}
	if err == nil && all.Version != rememberedVersion {
		err = fmt.Errorf("version %d is not known", all.Version)
	}
	if err != nil {
		return fmt.Errorf("templates in %s: %w; they will be learnt anew", c.o.File, err)
	}
	for i := range all.Templates {
		c.recall(&all.Templates[i])
	}
	for _, s := range all.Samplers {
		if x := c.recalled(s.Exporter, s.Domain, s.Family); x != nil {
			x.recall(s)
		}
	}
	return nil
}

func (c *Collector) recalled(addr netip.Addr, domain uint32, f family) *exporter {
	return c.registry.exporter(exporterKey{addr, domain, f}, func() *exporter {
		x := c.exporter(addr)
		x.last.Store(time.Now().UnixNano())
		return x
	})
}

// recall takes a template over, unless it is none.
func (c *Collector) recall(r *remembered) {
	t := &template{id: r.ID, scopes: r.Scopes, options: r.Options}
	for _, s := range r.Specs {
		t.specs = append(t.specs, flow.Specifier{PEN: s[0], ID: uint16(s[1]), Length: uint16(s[2])})
	}
	x := c.recalled(r.Exporter, r.Domain, r.Family)
	if x == nil || len(t.specs) > maxSpecs || !reads(t.specs) {
		return
	}
	if c.o.Convention == "auto" && speaks(t.specs) {
		x.adopt(c.registry, flow.Opposite)
	}
	x.learn(c.registry, t, r.Seen.UnixNano())
}

func (x *exporter) recall(s announced) {
	x.mu.Lock()
	defer x.mu.Unlock()
	switch {
	case s.ID == nil:
		x.alone = sampler{s.Rate}
	case len(x.samplers) < maxSamplers:
		if x.samplers == nil {
			x.samplers = map[uint64]sampler{}
		}
		x.samplers[*s.ID] = sampler{s.Rate}
	}
}
