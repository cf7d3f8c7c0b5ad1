package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/weir-probe/weir/ctrlplane/config"
	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/export/protobuf"
	"github.com/weir-probe/weir/export/sink"
)

// schemaRequest is what the schema command was asked for.
type schemaRequest struct {
	schema       *flow.Schema
	what, config string
	old, install bool
	exporters    []config.Exporter
	out          io.Writer
}

// destinations are what schemas are written for: a scheme, and the format and the place if no
// configuration says them.
var destinations = []destination{
	{"kafka", "json", "kafka://127.0.0.1:9092"},
	{"elasticsearch", "ecs", "elasticsearch://127.0.0.1:9200"},
	{"opensearch", "ecs", "opensearch://127.0.0.1:9200"},
	{"clickhouse", "json", "clickhouse://127.0.0.1:8123"},
}

type destination struct{ name, format, place string }

func schemaCommand(schema *flow.Schema) *cobra.Command {
	r := &schemaRequest{schema: schema}
	c := &cobra.Command{
		Use:   "schema kafka|elasticsearch|opensearch|clickhouse|protobuf",
		Short: "Print what a destination has to know of records",
		Long: "Print what a destination has to know of records: the description of the fields for Kafka, life cycle\n" +
			"and index template for Elasticsearch and OpenSearch, tables for ClickHouse, messages of Protocol Buffers.\n" +
			"Without a configuration they are for flows and events with the standard templates.",
		Example: `  weir schema clickhouse | clickhouse-client --multiquery
  weir schema elasticsearch -c weir.toml             of the exporters of a configuration
  weir schema elasticsearch -c weir.toml --install   put there
  weir schema protobuf > weir.proto`,
		Args: arguments(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			r.what, r.out = args[0], c.OutOrStdout()
			return r.run(c.Context())
		},
	}
	c.Flags().StringVarP(&r.config, "config", "c", "", "configuration whose exporters to take")
	c.Flags().BoolVar(&r.old, "old", false, "for ClickHouse before 22.2")
	c.Flags().BoolVar(&r.install, "install", false, "put it into Elasticsearch or OpenSearch")
	return c
}

func (r *schemaRequest) run(ctx context.Context) error {
	if r.what == "protobuf" {
		text, err := protobuf.Schema(r.schema)
		if err == nil {
			_, err = io.WriteString(r.out, text)
		}
		return err
	}
	cfg := config.Default()
	if r.config != "" {
		var err error
		if cfg, err = load(r.config, r.schema); err != nil {
			return err
		}
		r.exporters = cfg.Exporters
	} else if err := r.standard(); err != nil {
		return err
	}
	found := false
	for i := range r.exporters {
		x := &r.exporters[i]
		t, err := shapeOf(r.schema, cfg).template(x)
		if err != nil {
			return err
		}
		for _, target := range x.To {
			scheme, _, _ := strings.Cut(target, "://")
			if strings.TrimSuffix(scheme, "+tls") != r.what {
				continue
			}
			found = true
			o := x.Sink
			o.Format, o.Fields = x.Format, t.Fields
			if err := r.write(ctx, target, &o); err != nil {
				return fmt.Errorf("exporter %s: %w", x.Name, err)
			}
		}
	}
	if !found {
		return usagef("%s has no exporter to %s://", r.config, r.what)
	}
	return nil
}

// standard asks for an exporter of flows and events as the manual shows it.
func (r *schemaRequest) standard() error {
	i := slices.IndexFunc(destinations, func(d destination) bool { return d.name == r.what })
	if i < 0 {
		return usagef("%q has no schema; ask for kafka, elasticsearch, opensearch, clickhouse or protobuf", r.what)
	}
	if r.install {
		return usagef("--install needs a configuration that says where: add -c weir.toml")
	}
	x := config.DefaultExporter()
	x.Name, x.Format, x.To = "standard", destinations[i].format, []string{destinations[i].place}
	x.Records = []string{"flow", "event"}
	r.exporters = []config.Exporter{x}
	return nil
}

// write writes what the place of an exporter has to know, or puts it there.
func (r *schemaRequest) write(ctx context.Context, target string, o *sink.Options) error {
	switch r.what {
	case "kafka":
		return r.json(sink.Describe(o.Format, o.Fields))
	case "clickhouse":
		for _, kind := range []flow.Kind{flow.KindFlow, flow.KindEvent} {
			statements, err := sink.ClickHouse(target, kind, o, r.old)
			if err != nil {
				return err
			}
			for _, s := range statements {
				fmt.Fprintln(r.out, s+";")
			}
		}
		return nil
	}
	if r.install {
		ctx, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		if err := sink.InstallElastic(ctx, target, *o); err != nil {
			return err
		}
		fmt.Fprintf(r.out, "%s has the index template\n", target)
		return nil
	}
	s, err := sink.Elastic(target, o)
	if err != nil {
		return err
	}
	return r.json(s)
}

func (r *schemaRequest) json(v any) error {
	e := json.NewEncoder(r.out)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}
