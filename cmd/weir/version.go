package main

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/weir-probe/weir/dataplane/nic/dpdk"
)

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Say which build this is",
		Args:  arguments(cobra.NoArgs),
		Run: func(c *cobra.Command, _ []string) {
			fmt.Fprintf(c.OutOrStdout(), "weir %s (%s %s/%s, %s)\n",
				version, runtime.Version(), runtime.GOOS, runtime.GOARCH, dpdk.Version())
		},
	}
}
