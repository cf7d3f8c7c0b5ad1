package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/weir-probe/weir/ctrlplane/aggregate"
	"github.com/weir-probe/weir/ctrlplane/config"
	"github.com/weir-probe/weir/ctrlplane/egress"
	"github.com/weir-probe/weir/ctrlplane/enrich"
	"github.com/weir-probe/weir/ctrlplane/kept"
	"github.com/weir-probe/weir/ctrlplane/route"
	"github.com/weir-probe/weir/ctrlplane/subscriber"
	"github.com/weir-probe/weir/ctrlplane/track"
	"github.com/weir-probe/weir/dataplane"
	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/app"
	"github.com/weir-probe/weir/export/sink"
)

// control is what happens to records behind the rings.
type control struct {
	exporters
	memory
	policing
	routes *route.Listener // nil if nobody tells routes
	sums   *aggregate.Correlator
	cfg    *config.Config
	stages []egress.Stage
	keeper *kept.Keeper // nil if malformed packets are not kept
	collectors
	tracker *track.Tracker // nil if nobody can be tracked
	done    func()

	failed   func(error) // told what goes wrong in the background
	mu       sync.Mutex  // of cfg, the forms and left once the egress runs
	left     []*form     // that send what they have and are gone then
	running  *egress.Egress
	measured flow.Block // what the workers maintain
	watchers []egress.Watcher
}

// openControl opens all of it but the exporters. failed is told what goes wrong in the background,
// as programs that fail; wait is to lose no malformed packet.
func openControl(cfg *config.Config, schema *flow.Schema, failed func(error), wait bool) (*control, error) {
	c := &control{exporters: exporters{shape: shapeOf(schema, cfg)}, cfg: cfg, failed: failed}
	if err := c.openStages(); err != nil {
		return nil, err
	}
	if a := &cfg.Apps; a.Malformed != "" {
		var err error
		c.keeper, err = kept.Open(kept.Options{
			Dir: a.Malformed, Protocols: names(app.All), Name: cfg.InputName, FileSize: int64(a.MalformedFile),
			TotalSize: int64(a.MalformedTotal), Rate: a.MalformedRate, Wait: wait,
		})
		if err != nil {
			c.done()
			return nil, err
		}
	}
	var err error
	if c.memory, err = openMemory(cfg, failed); err != nil {
		return nil, errors.Join(err, c.close(0))
	}
	if c.policing, err = openPolicing(cfg, schema, failed, wait); err != nil {
		return nil, errors.Join(err, c.close(0))
	}
	if c.sums, err = aggregate.NewCorrelator(cfg.Aggregates, schema, cfg.AggregateLateness()); err != nil {
		return nil, errors.Join(err, c.close(0))
	}
	c.commands = sink.NewCommands(sink.CommandOptions{
		Allowed: cfg.Logs.Commands, Limit: cfg.Logs.Limit, Timeout: cfg.Logs.Timeout, Failed: failed,
	})
	return c, nil
}

// follow has a tracker know where subscribers are, and keep their packets.
func (c *control) follow(t *track.Tracker) {
	if t == nil || c.users == nil {
		return
	}
	c.tracker = t
	c.users.Follow(t)
	t.Configure(c.cfg.Users.Tracks, c.cfg.Users.Room, c.cfg.InputName)
}

// openStages puts together what records pass through.
func (c *control) openStages() error {
	var own []app.ServiceFile
	for _, path := range c.cfg.Apps.Services {
		b, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("services: %w", err)
		}
		own = append(own, app.ServiceFile{Path: path, Text: string(b)})
	}
	known, err := enrich.KnownServices(own...)
	if err != nil {
		return err
	}
	var more []egress.Stage
	if more, c.done, err = enrich.Stages(c.cfg.GeoIP.City, c.cfg.GeoIP.ASN); err != nil {
		return err
	}
	if c.cfg.BGP.Used() {
		if c.routes, err = route.Listen(c.cfg.BGP, c.failed); err != nil {
			c.done()
			return err
		}
		more = append([]egress.Stage{route.Stage{Table: c.routes.Table}}, more...)
		c.done = both(c.routes.Close, c.done)
	}
	c.stages = append([]egress.Stage{enrich.NewServices(c.schema, known)}, more...)
	c.stages = append(c.stages, enrich.Withhold(c.withheld()))
	return nil
}

func both(first, then func()) func() {
	return func() {
		first()
		then()
	}
}

func names(all []*app.Dissector) (names []string) {
	for _, d := range all {
		names = append(names, d.Name)
	}
	return names
}

// openExporters starts an exporter for every table. If one cannot be started, those that were have
// to be closed all the same. Counters are in a ledger that outlives the process, or else in memory
// of its own.
func (c *control) openExporters(s setting) (err error) {
	if s.ledger == nil {
		s.ledger = egress.OpenLedger(make([]byte, dataplane.LedgerSize))
	}
	c.setting = s
	if c.measured, err = c.measures(c.cfg); err != nil {
		return err
	}
	if s.measured != 0 {
		c.measured = s.measured
	}
	for i := range c.cfg.Exporters {
		f, err := c.open(&c.cfg.Exporters[i])
		if err != nil {
			return err
		}
		c.forms = append(c.forms, f)
	}
	s.ledger.Settle()
	return nil
}

// egress returns what reads the rings.
func (c *control) egress(sources []egress.Source) *egress.Egress {
	e := egress.New(sources, c.stages, c.outputs())
	if c.tracker != nil {
		e.Tracked = c.tracker.Take
	}
	e.Malformed, e.Commands, e.Dissectors = c.keeper, c.commands, c.apps.Placed()
	e.Ledger, e.Every = c.ledger, c.cfg.Stats.Interval
	e.Watchers = append([]egress.Watcher{c.sums.Watcher()}, c.watchers...)
	if u := c.cfg.Users; u.Sessions > 0 {
		e.Hold = egress.Hold{For: u.Hold, Room: int(u.HoldRoom), Prompt: subscriber.Signalling()}
	}
	e.Correlators, e.Tellers = append(c.correlators(), c.sums), append(c.tellers(), &c.memory, c.host)
	c.policing.take(e)
	if c.routes != nil {
		e.Tellers = append(e.Tellers, c.routes.Table)
	}
	c.mu.Lock()
	c.running = e
	c.mu.Unlock()
	return e
}

// close gives exporters, files and programs together so long to end.
func (c *control) close(patience time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c.mu.Lock()
	c.running = nil
	c.mu.Unlock()
	err := c.exporters.close(ctx, c.forms...)
	c.forms = nil
	c.leaving.Wait() // they have no more time than this had
	if c.keeper != nil {
		err = errors.Join(err, c.keeper.Close())
		c.keeper = nil
	}
	if c.commands != nil {
		err = errors.Join(err, c.commands.Close(ctx))
	}
	err = errors.Join(err, c.memory.close(), c.policing.close(ctx))
	c.done()
	return err
}
