package main

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/weir-probe/weir/ctrlplane/config"
	"github.com/weir-probe/weir/ctrlplane/egress"
	"github.com/weir-probe/weir/ctrlplane/policy"
	"github.com/weir-probe/weir/export/sink"
)

// handover is how long an exporter has to close a file or a spool that another waits for. The
// egress waits with it, and records wait in the rings.
const handover = 2 * time.Second

// change is what became of exporters when the configuration was read again, by their names, and of the policy.
type change struct {
	Added, Changed, Paused, Resumed, Removed []string

	Policy string // what became of the policy; empty is nothing
}

// Reload has the exporters of another configuration take the place of those that run. One that is
// the same goes on undisturbed. One that changed sends what it has in its old form while the new
// one takes what comes; no record is given to both, and none to neither. If one cannot be started
// nothing changes. What Reload cannot change is in restart, with what has to be restarted for it.
// Any goroutine but that of the egress may call it.
func (c *control) Reload(next *config.Config) (done change, restart []string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.running == nil {
		return done, nil, errors.New("configuration is not taken over: weir is about to end, or has not begun")
	}
	p := plan{c: c, restart: c.restarts(next)}
	if err = p.judge(next); err != nil {
		return done, nil, err
	}
	if err = p.make(next.Exporters); err != nil {
		c.discard(p.fresh)
		return change{}, nil, err
	}
	replaced := c.running.Replace(func(old []*egress.Output) []*egress.Output {
		if err = p.exchange(); err != nil {
			return old
		}
		c.running.Every = next.Stats.Interval
		if p.done.Policy != "" {
			c.policy = p.policy
			c.policing.take(c.running)
		}
		return c.outputs()
	})
	switch {
	case err != nil:
		c.discard(p.fresh)
		return change{}, nil, err
	case !replaced:
		c.discard(p.fresh)
		return change{}, nil, errors.New("configuration is not taken over: weir is about to end")
	}
	for _, f := range p.turned {
		f.pause(!f.table.Paused)
	}
	c.leave(p.old)
	running := *c.cfg
	running.Exporters, running.Stats = nil, next.Stats
	if !p.stays {
		running.Policy = next.Policy
	}
	for _, f := range c.forms {
		running.Exporters = append(running.Exporters, f.table)
	}
	c.cfg = &running
	return p.done, p.restart, nil
}

// restarts returns the tables that differ in something that is not for Reload to change, nor for a
// dataplane that meters.
func (c *control) restarts(next *config.Config) (tables []string) {
	for _, d := range config.Diff(c.cfg, next) {
		table := tableOf(d.Key)
		what := "weir run"
		switch {
		case d.Needs != "":
			what = "the dataplane"
		case table == "exporter" || table == "stats" || table == "policy" || c.adjusted(d.Key):
			continue
		}
		if line := fmt.Sprintf("[%s]: restart %s", table, what); !slices.Contains(tables, line) {
			tables = append(tables, line)
		}
	}
	return tables
}

// adjusted reports whether the dataplane takes a key over while it meters.
func (c *control) adjusted(key string) bool {
	adjustable := []string{"flow.idle_timeout", "flow.active_timeout", "applications.off"}
	return slices.Contains(ofDataplane, key) || slices.Contains(adjustable, key) ||
		tableOf(key) == "input" && strings.HasSuffix(key, "].filter")
}

// plan is how to get from the exporters that run to others.
type plan struct {
	c       *control
	kept    []*form // in the order of the new configuration; nil where one is to be opened
	turned  []*form // kept, but paused or resumed
	fresh   []*form // opened
	late    []late  // to be opened when others have let go of what they need
	old     []*form // to be closed
	done    change
	restart []string
	policy  *policy.Policy // if done says so; nil is none
	stays   bool           // the policy has to wait for a restart
}

// late is a table whose exporter cannot be opened yet, and where it belongs.
type late struct {
	table *config.Exporter
	at    int
}

// judge reads the policy, also if only its file has changed. It takes the place of the one that runs if it can
// be read and does not fail when it is tried; state, counters and programs that run outlast it.
func (p *plan) judge(next *config.Config) (err error) {
	old := p.c.policy
	if p.policy, err = p.c.policing.read(next, p.c.schema); err != nil {
		return err
	}
	switch {
	case p.policy == nil && old == nil:
	case p.policy == nil:
		p.done.Policy = "removed"
	case old == nil:
		p.done.Policy = "added"
	case !old.Same(p.policy):
		p.done.Policy = "changed"
	}
	if p.policy == nil || p.done.Policy == "" {
		return nil
	}
	b, err := p.c.judged(next)
	if b&^p.c.measured != 0 {
		p.done.Policy, p.stays = "", true
		p.restart = append(p.restart, "policy: its fields need what is not measured yet; restart the dataplane")
	}
	return err
}

// make finds out what has to be done and opens what can be opened beside what runs.
func (p *plan) make(tables []config.Exporter) error {
	var named []string
	for i := range tables {
		x := &tables[i]
		named = append(named, x.Name)
		old := p.c.find(x.Name)
		if old != nil && (reflect.DeepEqual(old.table, *x) || !old.paused(x) && p.refuses(old, x)) {
			p.kept = append(p.kept, old)
			continue
		}
		if old == nil && p.unmeasured(x) {
			continue
		}
		if old != nil && old.paused(x) {
			p.turn(old)
			continue
		}
		if old == nil {
			p.done.Added = append(p.done.Added, x.Name)
		} else {
			p.done.Changed = append(p.done.Changed, x.Name)
		}
		p.late = append(p.late, late{x, len(p.kept)})
		p.kept = append(p.kept, nil)
	}
	for _, f := range p.c.forms {
		if !slices.Contains(p.kept, f) {
			p.old = append(p.old, f)
		}
		if !slices.Contains(named, f.table.Name) {
			p.done.Removed = append(p.done.Removed, f.table.Name)
		}
	}
	waiting := p.late
	p.late = nil
	for _, l := range waiting {
		if len(holders(l.table, p.c.left)) > 0 {
			return fmt.Errorf("exporter %s: what it writes to is still held by one that was changed before; "+
				"try again in a moment", l.table.Name)
		}
		if len(holders(l.table, p.old)) > 0 {
			p.late = append(p.late, l)
			continue
		}
		if err := p.open(l); err != nil {
			return err
		}
	}
	return nil
}

// find returns the exporter of that name, nil if none runs.
func (c *control) find(name string) *form {
	for _, f := range c.forms {
		if f.table.Name == name {
			return f
		}
	}
	return nil
}

// turn has an exporter pause or resume and otherwise go on as it is.
func (p *plan) turn(f *form) {
	p.kept, p.turned = append(p.kept, f), append(p.turned, f)
	if f.table.Paused {
		p.done.Resumed = append(p.done.Resumed, f.table.Name)
		return
	}
	p.done.Paused = append(p.done.Paused, f.table.Name)
}

// paused reports whether a table differs in nothing but that it is paused, or not any more.
func (f *form) paused(x *config.Exporter) bool {
	y := *x
	y.Paused = !y.Paused
	return reflect.DeepEqual(f.table, y)
}

// pause has all places of an exporter pause, or resume.
func (f *form) pause(pause bool) {
	f.table.Paused = pause
	for _, e := range f.output.Exporters() {
		if pause {
			e.Pause()
		} else {
			e.Resume()
		}
	}
}

// refuses reports whether an exporter has to stay as it is until something is restarted.
func (p *plan) refuses(old *form, x *config.Exporter) bool {
	if p.unmeasured(x) {
		return true
	}
	for _, target := range x.To {
		s, path, err := sink.Find(target)
		if err != nil || s.Name != "file" || x.RotateSize > 0 || x.RotateInterval > 0 || x.RotateLines > 0 || x.Nested {
			continue
		}
		if slices.Contains(old.table.To, target) {
			p.restart = append(p.restart, fmt.Sprintf("exporter %s: %s would be begun anew; name another file, "+
				"have it rotated, or restart weir run", x.Name, path))
			return true
		}
	}
	return false
}

// unmeasured reports whether an exporter wants what the workers do not measure.
func (p *plan) unmeasured(x *config.Exporter) bool {
	b, err := p.c.needs(x)
	if err != nil || b&^p.c.measured == 0 {
		return false // opening it will say what is wrong
	}
	p.restart = append(p.restart, fmt.Sprintf("exporter %s: its fields or its filter need what is not measured yet; "+
		"restart the dataplane", x.Name))
	return true
}

// holders returns those of some exporters that have a file or spool which a table needs.
func holders(x *config.Exporter, forms []*form) (all []*form) {
	needed := holds(x)
	for _, f := range forms {
		if slices.ContainsFunc(holds(&f.table), func(path string) bool { return slices.Contains(needed, path) }) {
			all = append(all, f)
		}
	}
	return all
}

func (p *plan) open(l late) error {
	f, err := p.c.open(l.table)
	if err == nil {
		p.fresh = append(p.fresh, f)
		p.kept[l.at] = f
	}
	return err
}

// exchange opens what had to wait, as soon as it can be, and makes the new exporters those that run.
// If one cannot be opened, what was closed for it is opened again. The egress calls it.
func (p *plan) exchange() error {
	var closed []*form
	for _, l := range p.late {
		for _, f := range holders(l.table, p.old) {
			if !slices.Contains(closed, f) {
				closed = append(closed, f)
			}
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), handover)
	defer cancel()
	_ = p.c.exporters.close(ctx, closed...) // what it could not send is counted
	for _, l := range p.late {
		if err := p.open(l); err != nil {
			return errors.Join(err, p.reopen(closed))
		}
	}
	p.c.forms = p.kept
	p.old = slices.DeleteFunc(p.old, func(f *form) bool { return slices.Contains(closed, f) })
	return nil
}

// reopen opens exporters again that were closed for others.
func (p *plan) reopen(closed []*form) (err error) {
	p.c.discard(p.fresh)
	p.fresh = nil
	for _, f := range closed {
		*f.output = *egress.NewOutput(f.table.Name, egress.Records{}, nil) // which gets nothing
		again, e := p.c.open(&f.table)
		if e != nil {
			err = errors.Join(err, fmt.Errorf("it does not run any more: %w", e))
			continue
		}
		*f.output = *again.output
	}
	return err
}

// discard closes exporters that were given nothing.
func (c *control) discard(forms []*form) {
	ctx, cancel := context.WithTimeout(context.Background(), handover)
	defer cancel()
	_ = c.exporters.close(ctx, forms...)
}

// leave has exporters that nobody gives records to any more send what they have.
func (c *control) leave(forms []*form) {
	for _, f := range forms {
		c.left = append(c.left, f)
		c.leaving.Add(1)
		go func() {
			defer c.leaving.Done()
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			defer cancel()
			if err := c.exporters.close(ctx, f); err != nil {
				c.failed(err)
			}
			c.mu.Lock()
			defer c.mu.Unlock()
			c.left = slices.DeleteFunc(c.left, func(o *form) bool { return o == f })
		}()
	}
}
