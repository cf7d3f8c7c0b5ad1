package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/weir-probe/weir/dataplane/flow"
)

func fieldsCommand(schema *flow.Schema) *cobra.Command {
	var csv, markdown bool
	c := &cobra.Command{
		Use:   "fields [WORD…]",
		Short: "List what can be said about a flow",
		Long: "List the fields that templates are made of. Each is known by IANA's name and by nProbe's label.\n" +
			"With words, only the fields that have all of them in their name, label or description.",
		Example: `  weir fields                   all of them
  weir fields latency           those about latency
  weir fields --csv > fields.csv`,
		RunE: func(c *cobra.Command, words []string) error {
			switch {
			case csv && markdown:
				return usagef("--csv and --markdown exclude each other")
			case (csv || markdown) && len(words) > 0:
				return usagef("--csv and --markdown list all fields; leave out %q", words)
			case csv:
				_, err := io.WriteString(c.OutOrStdout(), schema.CSV())
				return err
			case markdown:
				_, err := io.WriteString(c.OutOrStdout(), schema.Markdown())
				return err
			}
			return listFields(c.OutOrStdout(), schema, words)
		},
	}
	c.Flags().BoolVar(&csv, "csv", false, "as comma-separated values")
	c.Flags().BoolVar(&markdown, "markdown", false, "as a Markdown table")
	return c
}

func listFields(w io.Writer, schema *flow.Schema, words []string) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "LABEL\tNAME\tELEMENT\tTYPE\tMEANING")
	found := false
	for _, f := range schema.Fields {
		if !mentions(f, words) {
			continue
		}
		found = true
		fmt.Fprintf(tw, "%s\t%s\t%d/%d\t%s\t%s\n", f.Label, f.Name, f.PEN, f.ID, f.Type, f.Doc)
	}
	if !found {
		return usagef("no field mentions %q; weir fields lists all", strings.Join(words, " "))
	}
	return tw.Flush()
}

func mentions(f *flow.Field, words []string) bool {
	text := strings.ToLower(strings.Join(append([]string{f.Name, f.Label, f.Doc}, f.Aliases...), " "))
	for _, w := range words {
		if !strings.Contains(text, strings.ToLower(w)) {
			return false
		}
	}
	return true
}
