package app

import (
	"runtime/debug"

	"github.com/spf13/cobra"
)

// Version of the binary; set by the linker.
var Version = "dev"

// NewCommand returns the command line of the operator.
func NewCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "tls-platform",
		Short:         "The TLS platform operator",
		Version:       Version + " " + revision(),
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(newHubCommand())
	return root
}

// revision of the source, where the build recorded it.
func revision() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value
		}
	}
	return info.GoVersion
}
