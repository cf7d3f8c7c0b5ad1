package main

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/weir-probe/weir/ctrlplane/config"
	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/export"
	"github.com/weir-probe/weir/export/formats"
	"github.com/weir-probe/weir/export/sink"
	"github.com/weir-probe/weir/export/table"
)

// templates are what a format exports if it is not told which fields.
var templates = map[string]string{
	"ipfix":    flow.DefaultIPFIX,
	"netflow9": flow.DefaultV9,
	"netflow5": flow.DefaultV5,
	"json":     flow.DefaultJSON,
	"text":     flow.DefaultJSON,
}

// setting is what all exporters of a run have in common.
type setting struct {
	schema   *flow.Schema
	boot     uint64 // nanoseconds since the Unix epoch
	sampling uint32
	counters func(name string) (*export.Counters, error)
}

// template returns the fields that x exports; nil are those a table shows by itself.
func template(schema *flow.Schema, x *config.Exporter) (*flow.Template, error) {
	text := x.Template
	if text == "" {
		text = templates[x.Format]
	}
	if text == "" {
		return nil, nil
	}
	t, err := schema.Template(text)
	if err != nil {
		return nil, fmt.Errorf("exporter %s: %w", x.Name, err)
	}
	return t, nil
}

// blocks returns what workers have to measure for all exporters together.
func blocks(schema *flow.Schema, tables []config.Exporter) (b flow.Block, err error) {
	for i := range tables {
		t, err := template(schema, &tables[i])
		switch {
		case err != nil:
			return 0, err
		case t == nil:
			b |= table.Blocks
		default:
			b |= t.Blocks()
		}
	}
	return b, nil
}

// openExporters starts an exporter for every target of every table. If one cannot be
// started, those that were are closed.
func (s *setting) openExporters(tables []config.Exporter) (all []*export.Exporter, err error) {
	for i := range tables {
		x := &tables[i]
		for n, target := range x.To {
			name := x.Name
			if len(x.To) > 1 {
				name = fmt.Sprintf("%s/%d", x.Name, n+1)
			}
			e, err := s.open(name, x, target)
			if err != nil {
				closeExporters(all, time.Second)
				return nil, fmt.Errorf("exporter %s: %w", name, err)
			}
			all = append(all, e)
		}
	}
	return all, nil
}

func (s *setting) open(name string, x *config.Exporter, target string) (*export.Exporter, error) {
	t, err := template(s.schema, x)
	if err != nil {
		return nil, err
	}
	counters := new(export.Counters)
	if s.counters != nil {
		if counters, err = s.counters(name); err != nil {
			return nil, err
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
		return nil, err
	}
	k, err := openSink(x, target)
	if err != nil {
		return nil, err
	}
	return export.New(name, f, k, export.Options{
		Size: options.Size, Age: max(x.BatchAge, 1), Queue: x.Queue, Block: x.OnFull == "block", Retry: x.Retry, Counters: counters,
	}), nil
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

func openSink(x *config.Exporter, target string) (export.Sink, error) {
	o := sink.Options{RotateSize: int64(x.RotateSize), RotateInterval: x.RotateInterval}
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

// closeExporters gives all exporters together so long to send what they have. It returns
// the first error.
func closeExporters(all []*export.Exporter, patience time.Duration) (first error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
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
