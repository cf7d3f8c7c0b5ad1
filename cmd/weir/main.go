// Command weir turns packets into flows and sends them where people look.
package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/app"
)

// version is set by the linker.
var version = "unknown"

// Exit codes. A run that was interrupted and could hand over its flows has succeeded.
const (
	exitFailed = 1 // something did not work: an input, a damaged capture, a dead collector
	exitUsage  = 2 // the command line or the configuration is wrong; nothing was done
)

// usageError is a mistake of the person who gave the command.
type usageError struct{ error }

func usagef(format string, a ...any) error { return usageError{fmt.Errorf(format, a...)} }

func main() {
	schema, err := flow.Compile(append(flow.All(), app.Fields())...)
	if err != nil {
		fmt.Fprintln(os.Stderr, "weir:", err)
		os.Exit(exitFailed)
	}
	os.Exit(execute(commands(schema)))
}

func execute(root *cobra.Command) int {
	err := root.Execute()
	if err == nil {
		return 0
	}
	fmt.Fprintln(os.Stderr, "weir:", err)
	if errors.As(err, new(usageError)) {
		return exitUsage
	}
	return exitFailed
}

func commands(schema *flow.Schema) *cobra.Command {
	root := &cobra.Command{
		Use:   "weir",
		Short: "A network probe: packets in, flows out",
		Long: "Weir turns packets into flows and sends them where people look.\n\n" +
			"Exit status: 0 done, 1 something failed, 2 the command line or configuration is wrong.",
		Example: `  weir replay capture.pcap                      the flows of a capture, as a table
  weir replay --json capture.pcapng.gz | jq .   the same as JSON, an object a line
  weir replay --ipfix udp://10.0.0.1:4739 *.pcap
  weir run -c /etc/weir/weir.toml               meter live
  weir run --store /var/lib/weir                the same, operated by weir ctl
  weir ctl status                               how it does
  weir top                                      the same, as it goes on
  weir check -c /etc/weir/weir.toml             every mistake, with its line
  weir nprobe -i eth0 -n 10.0.0.1:2055          nProbe's options`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return usagef("%q is no command; %s", args[0], suggestions(c, args[0]))
		},
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usagef("%w; see %s --help", err, c.CommandPath())
	})
	root.AddCommand(
		replayCommand(schema),
		runCommand(schema),
		dataplaneCommand(schema),
		ctlCommand(),
		topView(),
		checkCommand(schema),
		fieldsCommand(schema),
		sinksCommand(),
		schemaCommand(schema),
		policyCommand(schema),
		nprobeCommand(schema),
		applianceCommand(schema),
		versionCommand(),
	)
	return root
}

// suggestions names the commands that may have been meant.
func suggestions(c *cobra.Command, word string) string {
	c.SuggestionsMinimumDistance = 2
	if near := c.SuggestionsFor(word); len(near) > 0 {
		return "did you mean " + strings.Join(near, " or ") + "?"
	}
	return "weir help lists them"
}

// arguments turns what cobra says of the number of arguments into a usage error.
func arguments(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if err := check(c, args); err != nil {
			return usagef("%w; see %s --help", err, c.CommandPath())
		}
		return nil
	}
}
