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

// dissectorDocs, malformedDocs, judgedDocs and commandDocs name and explain the members of Dissected,
// kept.Account, Judged and sink.CommandStats.
var (
	dissectorDocs = [...][2]string{
		{"flows", "Flows that the dissector was decided on for."},
		{"messages", "Messages it accepted."},
		{"malformed", "Messages with a flaw, of those it accepted or that came after such."},
	}
	malformedDocs = [...][2]string{
		{"packets", "Malformed packets handed over: the sum of the others."},
		{"saved", "Packets written to a file, which may have been removed since to make room."},
		{"too_many", "Packets left out because there were more in a second than are to be kept."},
		{"overrun", "Packets left out because the disk was slower than they came."},
		{"failed", "Packets left out because the disk refused them."},
	}
	judgedDocs = [...][2]string{
		{"records", "Records of kinds that the policy has a function for: the sum of the others."},
		{"passed", "Records that it let pass."},
		{"dropped", "Records that it dropped, by the reason that it gave."},
	}
	commandDocs = [...][2]string{
		{"ran", "Programs started on files that were complete."},
		{"failed", "Programs among them that could not start, failed or took too long."},
		{"dropped", "Programs not started because too many files were waiting, or weir ended."},
	}
)

// Metrics returns the page that explains every counter of a summary.
func Metrics() string {
	var b strings.Builder
	b.WriteString("# Counters\n\nMade from the code; do not edit. They are what `weir run` and `weir replay` account for in the end,\n" +
		"and what `--summary` writes.\n")
	table := func(title string, row func(add func(name, doc string))) {
		fmt.Fprintf(&b, "\n## %s\n\n| Counter | Meaning |\n|---|---|\n", title)
		row(func(name, doc string) { fmt.Fprintf(&b, "| `%s` | %s |\n", name, doc) })
	}
	lines := func(docs [][2]string) func(add func(name, doc string)) {
		return func(add func(name, doc string)) {
			for _, d := range docs {
				add(d[0], d[1])
			}
		}
	}
	table("Ports: `nic`", lines(portDocs[:]))
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
	table("What each dissector did: `dissectors`", lines(dissectorDocs[:]))
	table("Malformed packets of each protocol: `malformed`", lines(malformedDocs[:]))
	table("What the policy decided: `policy`", lines(judgedDocs[:]))
	table("Programs run on files: `commands`", lines(commandDocs[:]))
	table("Why an exporter dropped records: `dropped`", func(add func(name, doc string)) {
		for r := range export.Reasons {
			add(r.String(), r.Doc())
		}
	})
	return b.String()
}
