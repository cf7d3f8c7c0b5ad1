package egress

import (
	"fmt"
	"strings"

	"github.com/weir-probe/weir/dataplane/worker"
	"github.com/weir-probe/weir/dissect"
	"github.com/weir-probe/weir/export"
)

// portDocs names and explains the members of nic.Stats.
var portDocs = [...][2]string{
	{"received", "Frames the port or the kernel handed over."},
	{"missed", "Frames the port or the kernel dropped because its queue was full (imissed)."},
	{"no_buffer", "Frames lost for want of a buffer (rx_nombuf)."},
	{"errors", "Frames the port refused: damaged or too long (ierrors)."},
}

// Metrics returns the page that explains every counter of a summary.
func Metrics() string {
	var b strings.Builder
	b.WriteString("# Counters\n\nMade from the code; do not edit. They are what `weir run` and `weir replay` account for in the end,\n" +
		"and what `--summary` writes.\n")
	table := func(title string, row func(add func(name, doc string))) {
		fmt.Fprintf(&b, "\n## %s\n\n| Counter | Meaning |\n|---|---|\n", title)
		row(func(name, doc string) { fmt.Fprintf(&b, "| `%s` | %s |\n", name, doc) })
	}
	table("Ports: `nic`", func(add func(name, doc string)) {
		for _, d := range portDocs {
			add(d[0], d[1])
		}
	})
	table("Workers: `packets`", func(add func(name, doc string)) {
		for _, d := range worker.CounterDocs {
			add(d.Name, d.Doc)
		}
	})
	table("How dissection ended: `stops`", func(add func(name, doc string)) {
		for i, d := range dissect.StopDocs {
			doc := d.Doc
			if dissect.Stop(i).Refused() {
				doc = "Refused. " + doc
			}
			add(d.Name, doc)
		}
	})
	table("Why an exporter dropped records: `dropped`", func(add func(name, doc string)) {
		for r := range export.Reasons {
			add(r.String(), r.Doc())
		}
	})
	return b.String()
}
