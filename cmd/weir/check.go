package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/weir-probe/weir/ctrlplane/config"
	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dataplane/nic"
	"github.com/weir-probe/weir/dataplane/nic/filter"
	"github.com/weir-probe/weir/export"
	"github.com/weir-probe/weir/export/formats"
)

const defaultConfig = "/etc/weir/weir.toml"

func checkCommand(schema *flow.Schema) *cobra.Command {
	var path string
	var whole bool
	c := &cobra.Command{
		Use:   "check",
		Short: "Report every mistake of a configuration",
		Example: `  weir check                       /etc/weir/weir.toml
  weir check -c weir.toml && weir run -c weir.toml
  weir check --print               what differs from the defaults, with everything that is included`,
		Args: arguments(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := load(path, schema)
			if err != nil {
				return err
			}
			if whole {
				_, err = c.OutOrStdout().Write(cfg.TOML())
				return err
			}
			fmt.Fprintf(c.OutOrStdout(), "%s: no mistakes\n", path)
			return nil
		},
	}
	c.Flags().StringVarP(&path, "config", "c", defaultConfig, "configuration file")
	c.Flags().BoolVar(&whole, "print", false, "write it in one piece, as this release of weir writes it")
	return c
}

// load reads a configuration; its mistakes, all of them, are one usage error.
func load(path string, schema *flow.Schema) (*config.Config, error) {
	if err := extend(path, schema); err != nil {
		return nil, usageError{err}
	}
	cfg, problems := config.Load(path, checks(schema))
	if len(problems) > 0 {
		return nil, usagef("%d %s:\n%s", len(problems), plural(len(problems), "mistake"), problems)
	}
	return cfg, nil
}

// storeChecks are those of configurations in a store: one may wait to be set up.
func storeChecks(schema *flow.Schema) config.Checks {
	c := checks(schema)
	c.Idle = true
	return c
}

// checks is what this build can judge in a configuration.
func checks(schema *flow.Schema) config.Checks {
	return config.Checks{
		Schema: schema,
		Filter: func(expr string) error {
			_, err := filter.Compile(nic.Ethernet, 1<<18, expr)
			return err
		},
		Format: func(name string, t *flow.Template) error {
			_, err := formats.New(name, export.FormatOptions{Template: t})
			return err
		},
	}
}

func plural(n int, word string) string {
	if n == 1 {
		return word
	}
	return word + "s"
}
