package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"sync"

	"github.com/weir-probe/weir/ctrlplane/condition"
	"github.com/weir-probe/weir/ctrlplane/config"
	"github.com/weir-probe/weir/ctrlplane/egress"
	"github.com/weir-probe/weir/ctrlplane/subscriber"
	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/export"
	"github.com/weir-probe/weir/export/formats"
	"github.com/weir-probe/weir/export/sink"
	"github.com/weir-probe/weir/export/spool"
)

// setting is what all exporters of a run have in common.
type setting struct {
	boot     uint64 // nanoseconds since the Unix epoch
	sampling uint32
	ledger   *egress.Ledger
	measured flow.Block // what the workers of a dataplane maintain; 0 is what these exporters need
}

// exporters are those that run.
type exporters struct {
	shape
	setting
	commands *sink.Commands
	forms    []*form
	leaving  sync.WaitGroup // forms that still send what they have
}

// form is an exporter as a table of the configuration wants it.
type form struct {
	table  config.Exporter
	output *egress.Output
}

// open starts an exporter for every place of a table. If one cannot be started, none is.
func (c *exporters) open(x *config.Exporter) (*form, error) {
	set, err := records(x)
	if err != nil {
		return nil, err
	}
	t, err := c.template(x)
	if err != nil {
		return nil, err
	}
	var filter *egress.Filter
	if x.Filter != "" {
		k, err := condition.Compile(x.Filter, c.schema)
		if err != nil {
			return nil, fmt.Errorf("exporter %s: filter: %w", x.Name, err)
		}
		filter = egress.NewFilter(k.Holds)
	}
	f := &form{*x, egress.NewOutput(x.Name, set, filter)}
	f.output.Spread = egress.Spread(max(slices.Index(egress.Spreads[:], x.Spread), 0))
	f.output.Failover = x.Failover
	if x.Pseudonyms != "" {
		if f.output.Disguise, err = egress.NewDisguise(x.Pseudonyms, subscriber.Identities()); err != nil {
			return nil, fmt.Errorf("exporter %s: %w", x.Name, err)
		}
	}
	for i, target := range x.To {
		p := placement{table: x, template: t, target: target, filter: filter, name: x.Name}
		if len(x.To) > 1 {
			p.name, p.number = fmt.Sprintf("%s/%d", x.Name, i+1), i+1
		}
		e, err := c.start(&p)
		if err != nil {
			ctx, cancel := context.WithCancel(context.Background())
			cancel() // it has nothing to send
			c.close(ctx, f)
			return nil, fmt.Errorf("exporter %s: %w", p.name, err)
		}
		f.output.Add(e, target)
	}
	return f, nil
}

// placement is one place of a table.
type placement struct {
	table    *config.Exporter
	template *flow.Template // nil if the format has its own
	name     string
	number   int // from 1; 0 if it is the only one
	target   string
	filter   *egress.Filter
}

// start starts the exporter of a place.
func (c *exporters) start(p *placement) (_ *export.Exporter, err error) {
	x := p.table
	counters, err := c.ledger.Counters(p.name)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			c.ledger.Release(counters)
		}
	}()
	f, size, err := c.format(p, counters)
	if err != nil {
		return nil, err
	}
	o := export.Options{
		Size: size, Age: max(x.BatchAge, 1), Queue: queue(x, size), Block: x.OnFull == "block", Timeout: x.Timeout,
		Patience: x.Patience, Retry: x.Retry, Records: batch(x.RotateLines), Counters: counters,
		MessageRate: float64(x.RateLimit), OctetRate: float64(x.OctetLimit), Paused: x.Paused,
	}
	if p.filter != nil {
		o.Wants = p.filter.Wants
	}
	k, err := c.sink(p)
	if err != nil {
		return nil, err
	}
	if dir := spoolDir(x, max(p.number, 1)-1); dir != "" {
		so := x.Spool
		so.Dir, so.Format = dir, x.Format
		if o.Spool, err = spool.Open(so); err != nil {
			return nil, errors.Join(err, k.Close())
		}
	}
	return export.New(p.name, f, k, o), nil
}

// format returns the format of a place, and how many octets its messages may have.
func (c *exporters) format(p *placement, counters *export.Counters) (export.Format, int, error) {
	x := p.table
	o := export.FormatOptions{
		Template: p.template, Size: size(x, p.target), Boot: c.boot, Sampling: c.sampling, Counters: counters,
		Domain: x.Domain, Refresh: x.TemplateRefresh, RefreshMessages: x.TemplateRefreshMessages,
		OptionsInterval: x.OptionsInterval, EngineType: x.EngineType, EngineID: x.EngineID,
	}
	if x.Biflow == "nprobe" {
		o.Biflow = export.NProbe
	}
	f, err := formats.New(x.Format, o)
	return f, o.Size, err
}

// batch returns how many records a message for files of so many lines may have: few enough for
// files to be nearly full.
func batch(lines uint64) uint32 {
	if lines == 0 {
		return 0
	}
	return uint32(max(lines/16, 1))
}

// stream is the largest message on a stream: what the length of an IPFIX message can say.
const stream = 1<<16 - 1

// size returns the largest message: what a datagram of the path carries, what a stream does, or of
// lines that are delivered in batches more.
func size(x *config.Exporter, target string) int {
	const headers = 48 // IPv6 and UDP
	s, _, err := sink.Find(target)
	f := formats.Named(x.Format)
	switch {
	case err == nil && s.Datagrams:
		return x.MTU - headers
	case err == nil && s.Batches && f != nil && f.Lines:
		return 1 << 20
	}
	return stream
}

// queue returns how many messages wait: as many as the table says, or fewer that are larger.
func queue(x *config.Exporter, size int) int { return max(x.Queue*stream/max(size, stream), 2) }

func (c *exporters) sink(p *placement) (_ export.Sink, err error) {
	x := p.table
	o := x.Sink
	o.RotateSize, o.RotateInterval = int64(x.RotateSize), x.RotateInterval
	o.RotateLines, o.Nested, o.Format = x.RotateLines, x.Nested, x.Format
	if p.template != nil {
		o.Fields = p.template.Fields
	}
	if len(x.Command) > 0 {
		if o.Done, err = c.commands.Hook(x.Command); err != nil {
			return nil, err
		}
	}
	if x.Source != "" {
		if o.Source, err = config.ParseSource(x.Source); err != nil {
			return nil, fmt.Errorf("source address: %w", err)
		}
	}
	return sink.Open(p.target, o)
}

// holds returns what only one form may have at a time: files that are written and directories of
// spools.
func holds(x *config.Exporter) (all []string) {
	for i, target := range x.To {
		if s, path, err := sink.Find(target); err == nil && s.Name == "file" {
			all = append(all, filepath.Clean(path))
		}
		if dir := spoolDir(x, i); dir != "" {
			all = append(all, dir)
		}
	}
	return all
}

// spoolDir returns the directory of the spool of a place of a table, empty if it has none.
func spoolDir(x *config.Exporter, place int) string {
	if x.Spool.Dir == "" || len(x.To) == 1 {
		return x.Spool.Dir
	}
	return filepath.Join(x.Spool.Dir, strconv.Itoa(place+1))
}

// close has forms send what they have before ctx ends, and ends them. It returns the first error.
func (c *exporters) close(ctx context.Context, forms ...*form) (first error) {
	errs, n := make(chan error), 0
	for _, f := range forms {
		for _, e := range f.output.Exporters() {
			n++
			go func() {
				err := e.Close(ctx)
				c.ledger.Release(e.Counters())
				errs <- err
			}()
		}
	}
	for range n {
		if err := <-errs; err != nil && first == nil {
			first = err
		}
	}
	return first
}

// outputs returns what the egress gives records to.
func (c *exporters) outputs() (all []*egress.Output) {
	for _, f := range c.forms {
		all = append(all, f.output)
	}
	return all
}
