package main

import (
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/weir-probe/weir/export/sink"
)

func sinksCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "sinks",
		Short:   "List the places that records can go to",
		Example: "  weir sinks      what may stand in to of [[exporter]], and the keys and tables that concern it",
		Args:    arguments(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			w := tabwriter.NewWriter(c.OutOrStdout(), 0, 0, 2, ' ', 0)
			for _, s := range sink.Schemes {
				fmt.Fprintf(w, "%s://\t%s\t%s\n", s.Name, s.Doc, s.Uses)
			}
			return w.Flush()
		},
	}
}
