package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/weir-probe/weir/ctrlplane/nprobe"
	"github.com/weir-probe/weir/dataplane/flow"
)

func nprobeCommand(schema *flow.Schema) *cobra.Command {
	return &cobra.Command{
		Use:   "nprobe [nProbe's options]",
		Short: "Run with nProbe's options, or translate them",
		Long: "Translate nProbe's command line, or its file with an option per line, into weir's configuration and run\n" +
			"with it. What has no counterpart is named, with what to do instead.\n\n" +
			"With --print-config the configuration is printed and nothing is run.",
		Example: `  weir nprobe -i eth0 -n 10.0.0.1:2055
  weir nprobe -i eth0 -n 10.0.0.1:2055 -T "%IPV4_SRC_ADDR %IPV4_DST_ADDR %IN_BYTES" --print-config
  weir nprobe /etc/nprobe/nprobe-eth0.conf --print-config > weir.toml`,
		DisableFlagParsing: true, // they are nProbe's
		RunE: func(c *cobra.Command, args []string) error {
			return translate(c, schema, args)
		},
	}
}

func translate(c *cobra.Command, schema *flow.Schema, args []string) error {
	printing := false
	var theirs []string
	for _, a := range args {
		switch a {
		case "--print-config":
			printing = true
		case "-h", "--help":
			return c.Help()
		default:
			theirs = append(theirs, a)
		}
	}
	cfg, notes, err := nprobe.Parse(theirs)
	for _, n := range notes {
		fmt.Fprintln(c.ErrOrStderr(), n)
	}
	if err != nil {
		return usageError{err}
	}
	if problems := cfg.Validate(checks(schema)); len(problems) > 0 {
		return usageError{problems.Err()}
	}
	if printing {
		_, err := c.OutOrStdout().Write(cfg.TOML())
		return err
	}
	return runTranslated(cfg.TOML(), schema)
}

// runTranslated runs with a configuration that the dataplane's process has to read too.
func runTranslated(toml []byte, schema *flow.Schema) error {
	f, err := os.CreateTemp("", "weir-nprobe-*.toml")
	if err != nil {
		return fmt.Errorf("translated configuration: %w", err)
	}
	defer os.Remove(f.Name())
	if _, err := f.Write(toml); err != nil {
		return fmt.Errorf("translated configuration: %w", err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("translated configuration: %w", err)
	}
	cfg, err := load(f.Name(), schema)
	if err != nil {
		return err
	}
	r := &run{path: f.Name(), cfg: cfg, schema: schema, log: newLogger(cfg), out: os.Stderr}
	return r.run()
}
