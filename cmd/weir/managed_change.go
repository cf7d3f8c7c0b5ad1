package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/weir-probe/weir/ctrlplane/config"
)

// apply takes over a configuration: by the exporters alone if nothing else differs, or else by another
// session beside the same dataplane. What needs a restart of the dataplane waits, unless it is to be
// restarted.
func (r *run) apply(next *config.Config, restart bool) (waits []string, err error) {
	if err := apart(next); err != nil {
		return nil, err
	}
	setLevel(&r.level, next)
	if err := r.server.Listen(next.Management); err != nil {
		return nil, err
	}
	if err := r.expose(next.Metrics.Listen); err != nil {
		return nil, err
	}
	r.mu.Lock()
	r.want = next
	target := r.fitting(next)
	r.mu.Unlock()
	c := r.active.Load()
	if c == nil {
		return nil, r.reopen(partNone)
	}
	for _, d := range config.Diff(target, next) {
		if d.Needs != "" {
			waits = append(waits, d.Key)
		}
	}
	if restart && len(waits)+len(c.wants(next)) > 0 {
		return nil, r.reopen(partDataplane)
	}
	if err := r.adjust(target); err != nil {
		return nil, err
	}
	if c.differs(target) {
		return append(waits, c.wants(target)...), r.reopen(partEgress)
	}
	more, err := r.takeOver(c, target)
	for _, what := range more {
		if !strings.HasPrefix(what, "[") { // tables are in the list already, by their keys
			waits = append(waits, what)
		}
	}
	return waits, err
}

// adjust has the dataplane take over what it can while it meters: timeouts, dissectors, filters.
func (r *run) adjust(target *config.Config) error {
	r.mu.Lock()
	plane := r.plane
	r.mu.Unlock()
	a := r.rings.Load()
	if a == nil || plane == nil || !metersOtherwise(plane, target) {
		return nil
	}
	if err := a.Reload(); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.plane = target
	return nil
}

// metersOtherwise reports whether a dataplane has something to do about what differs.
func metersOtherwise(old, next *config.Config) bool {
	return slices.ContainsFunc(config.Diff(old, next), func(d config.Difference) bool {
		table := tableOf(d.Key)
		return table == "input" || table == "flow" || table == "applications"
	})
}

// tableOf returns the table of the first level that a key is in.
func tableOf(key string) string {
	if i := strings.IndexAny(key, ".["); i >= 0 {
		return key[:i]
	}
	return key
}

// ofDataplane are keys that are taken over by the dataplane alone.
var ofDataplane = []string{"flow.linger", "flow.lateness", "applications.transaction_timeout", "applications.early_events"}

// differs reports whether a configuration wants something else than Reload can do.
func (c *control) differs(next *config.Config) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, d := range config.Diff(c.cfg, next) {
		table := tableOf(d.Key)
		alone := slices.Contains(ofDataplane, d.Key) || table == "input" && strings.HasSuffix(d.Key, "].filter")
		if !alone && !slices.Contains([]string{"exporter", "policy", "stats", "log", "metrics", "management"}, table) {
			return true
		}
	}
	return false
}

// wants returns which exporters and aggregates want what is not measured, and whether the policy does.
func (c *control) wants(next *config.Config) (what []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := shapeOf(c.schema, next)
	for i := range next.Exporters {
		x := &next.Exporters[i]
		if b, err := s.needs(x); err == nil && b&^c.measured != 0 {
			what = append(what, fmt.Sprintf("exporter[%s]: its fields or its filter need what is not measured yet", x.Name))
		}
	}
	if b, err := s.blocks(nil); err == nil && b&^c.measured != 0 {
		what = append(what, "aggregate: its fields or its filter need what is not measured yet")
	}
	if b, err := s.judged(next); err == nil && b&^c.measured != 0 {
		what = append(what, "policy: its fields need what is not measured yet")
	}
	return what
}
