package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/weir-probe/weir/ctrlplane/collect"
	"github.com/weir-probe/weir/ctrlplane/config"
	"github.com/weir-probe/weir/ctrlplane/egress"
	"github.com/weir-probe/weir/dataplane/flow"
)

// collectors are those of a run.
type collectors struct{ all []*collect.Collector }

// openCollectors starts a collector for every table. If one cannot be started, none is.
func openCollectors(cfg *config.Config, schema *flow.Schema, log *slog.Logger) (c collectors, err error) {
	for i := range cfg.Collectors {
		one, err := collect.New(cfg.Collectors[i], schema, log.Warn)
		if err == nil {
			if err := one.Recall(); err != nil {
				log.Warn("templates are not recalled", "collector", cfg.Collectors[i].Name, "error", err)
			}
			err = one.Start()
		}
		if err != nil {
			return collectors{}, errors.Join(err, c.close())
		}
		c.all = append(c.all, one)
		log.Info("collecting", "collector", cfg.Collectors[i].Name, "at", cfg.Collectors[i].Listen)
	}
	return c, nil
}

// sources returns the rings of all of them.
func (c *collectors) sources(facts []byte) (all []egress.Source) {
	for _, one := range c.all {
		all = append(all, one.Sources(facts)...)
	}
	return all
}

func (c *collectors) tellers() (all []egress.Teller) {
	for _, one := range c.all {
		all = append(all, one)
	}
	return all
}

// collected returns what came from exporters. Any goroutine may ask.
func (r *run) collected() (all []collect.Account) {
	if c := r.active.Load(); c != nil {
		for _, one := range c.collectors.all {
			all = append(all, one.Accounts()...)
		}
	}
	return all
}

// close has all of them hand over what they have and end.
func (c *collectors) close() (err error) {
	for _, one := range c.all {
		err = errors.Join(err, one.Close())
	}
	return err
}

// past is how long before an export its flows may have begun: exporters of NetFlow tell times as since
// a boot, which has to be before them.
const past = 24 * time.Hour

// collected replays files of export traffic.
func (r *replay) collected(log io.Writer) error {
	if r.workers != 1 || r.dpdk || r.filter != "" || r.sampling != 1 {
		return usagef("--collect reads records, not packets: leave --workers, --dpdk, --filter and --sampling out")
	}
	o := collect.DefaultOptions()
	o.Name, o.Files = "replay", r.files
	say := func(message string, args ...any) { fmt.Fprintln(log, append([]any{"weir:", message}, args...)...) }
	one, err := collect.New(o, r.schema, say)
	if err != nil {
		return err
	}
	c, err := openControl(r.cfg, r.schema, func(err error) { fmt.Fprintln(log, "weir:", err) }, true)
	if err != nil {
		return err
	}
	c.collectors.all = []*collect.Collector{one}
	e, err := r.take(one, c)
	err = errors.Join(err, c.close(time.Minute))
	if e == nil {
		return err
	}
	return r.account(e, log, err)
}

// take has the exporters take what a collector reads of files. The egress is nil if it could not begin.
func (r *replay) take(one *collect.Collector, c *control) (*egress.Egress, error) {
	boot, err := collect.Began(r.files)
	if err != nil {
		return nil, err
	}
	if err := c.openExporters(setting{boot: boot - min(boot, uint64(past)), sampling: 1}); err != nil {
		return nil, err
	}
	e := c.egress(one.Sources(nil))
	e.Offline = true
	defer onSignal(one.Stop)()
	read := make(chan error, 1)
	go func() { read <- one.ReadFiles(func() { time.Sleep(egress.Idle) }) }()
	e.Run()
	return e, <-read
}

// extend adds to the schema what dictionaries of the configuration define.
func extend(path string, schema *flow.Schema) error {
	cfg, _ := config.Load(path, config.Checks{}) // what is wrong with it is said later
	for i := range cfg.Collectors {
		if path := cfg.Collectors[i].Learn; path != "" {
			fields, err := collect.Learnt(path, schema)
			if err == nil {
				err = schema.Extend(fields)
			}
			if err != nil {
				return fmt.Errorf("collector %s: %w", cfg.Collectors[i].Name, err)
			}
		}
		for _, file := range cfg.Collectors[i].Dictionary {
			fields, err := collect.Dictionary(file)
			if err == nil {
				err = schema.Extend(fields)
			}
			if err != nil {
				return fmt.Errorf("collector %s: %w", cfg.Collectors[i].Name, err)
			}
		}
	}
	return nil
}
