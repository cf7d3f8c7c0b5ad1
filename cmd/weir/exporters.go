package main

import (
	"context"
	"fmt"
	"net/netip"
	"strings"

	"github.com/weir-probe/weir/ctrlplane/config"
	"github.com/weir-probe/weir/ctrlplane/egress"
	"github.com/weir-probe/weir/export"
	"github.com/weir-probe/weir/export/formats"
	"github.com/weir-probe/weir/export/sink"
)

// setting is what all exporters of a run have in common.
type setting struct {
	boot     uint64 // nanoseconds since the Unix epoch
	sampling uint32
	counters func(name string) (*export.Counters, error)
}

// openExporters starts an exporter for every target of every table. If one cannot be
// started, those that were have to be closed all the same.
func (c *control) openExporters(s *setting) error {
	for i := range c.cfg.Exporters {
		x := &c.cfg.Exporters[i]
		for n, target := range x.To {
			name := x.Name
			if len(x.To) > 1 {
				name = fmt.Sprintf("%s/%d", x.Name, n+1)
			}
			o, err := c.open(name, x, target, s)
			if err != nil {
				return fmt.Errorf("exporter %s: %w", name, err)
			}
			c.outputs = append(c.outputs, o)
		}
	}
	return nil
}

// open starts an exporter for a target of a table.
func (c *control) open(
	name string, x *config.Exporter, target string, s *setting,
) (o egress.Output, err error) {
	if o.Records, err = records(x); err != nil {
		return o, err
	}
	t, err := c.template(x)
	if err != nil {
		return o, err
	}
	counters := new(export.Counters)
	if s.counters != nil {
		if counters, err = s.counters(name); err != nil {
			return o, err
		}
	}
	options := export.FormatOptions{
		Template: t, Size: size(x, target), Boot: s.boot, Sampling: s.sampling, Counters: counters,
		Domain: x.Domain, Refresh: x.TemplateRefresh, RefreshMessages: x.TemplateRefreshMessages,
		OptionsInterval: x.OptionsInterval, EngineType: x.EngineType, EngineID: x.EngineID,
	}
	if x.Biflow == "nprobe" {
		options.Biflow = export.NProbe
	}
	f, err := formats.New(x.Format, options)
	if err != nil {
		return o, err
	}
	k, err := c.openSink(x, target)
	if err != nil {
		return o, err
	}
	o.Exporter = export.New(name, f, k, export.Options{
		Size: options.Size, Age: max(x.BatchAge, 1), Queue: x.Queue, Block: x.OnFull == "block", Retry: x.Retry,
		Records: batch(x.RotateLines), Counters: counters,
	})
	return o, nil
}

// batch returns how many records a message for files of so many lines may have: few enough for
// files to be nearly full.
func batch(lines uint64) uint32 {
	if lines == 0 {
		return 0
	}
	return uint32(max(lines/16, 1))
}

// size returns the largest message: what a datagram of the path carries, or on a stream
// what the length of an IPFIX message can say.
func size(x *config.Exporter, target string) int {
	const headers = 48 // IPv6 and UDP
	if strings.HasPrefix(target, "udp:") {
		return x.MTU - headers
	}
	return 1<<16 - 1
}

func (c *control) openSink(x *config.Exporter, target string) (_ export.Sink, err error) {
	o := sink.Options{
		RotateSize: int64(x.RotateSize), RotateInterval: x.RotateInterval,
		RotateLines: x.RotateLines, Nested: x.Nested,
	}
	if len(x.Command) > 0 {
		if o.Done, err = c.commands.Hook(x.Command); err != nil {
			return nil, err
		}
	}
	if x.Source != "" {
		from, err := netip.ParseAddrPort(x.Source)
		if err != nil {
			addr, err := netip.ParseAddr(x.Source)
			if err != nil {
				return nil, fmt.Errorf("source address: %w", err)
			}
			from = netip.AddrPortFrom(addr, 0)
		}
		o.Source = from
	}
	return sink.Open(target, o)
}

// closeExporters has all exporters send what they have before ctx ends. It returns the first
// error.
func closeExporters(ctx context.Context, all []egress.Output) (first error) {
	errs := make(chan error, len(all))
	for _, e := range all {
		go func() { errs <- e.Close(ctx) }()
	}
	for range all {
		if err := <-errs; err != nil && first == nil {
			first = err
		}
	}
	return first
}
