package main

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// columns are the figures that the table shows, and their headings.
var columns = []struct{ figure, heading, format string }{
	{"ns", "ns/packet", "%.1f"}, {"mpps", "Mpps", "%.2f"}, {"gbps", "Gbit/s", "%.1f"},
	{"octets_per_flow", "octets/flow", "%.0f"}, {"mallocs", "allocations", "%.0f"}, {"gcs", "GC", "%.0f"},
	{"gap_us", "worst gap µs", "%.0f"}, {"records", "records", "%.0f"}, {"wrong", "wrong", "%.0f"},
}

// table prints the results.
func table(w io.Writer, r *Results) {
	fmt.Fprintf(w, "%s, %s, %s\n\n", r.Machine, r.Date, r.Command)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(t, "what\t")
	for _, c := range columns {
		fmt.Fprint(t, c.heading, "\t")
	}
	fmt.Fprintln(t)
	for _, x := range r.Results {
		fmt.Fprint(t, x.Name, "\t")
		for _, c := range columns {
			if v, ok := x.Figures[c.figure]; ok {
				fmt.Fprintf(t, c.format, v)
			}
			fmt.Fprint(t, "\t")
		}
		fmt.Fprintln(t)
	}
	t.Flush()
	for name, why := range r.Skipped {
		fmt.Fprintf(w, "not measured: %s: %s\n", name, why)
	}
}
