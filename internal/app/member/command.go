package member

import (
	"github.com/spf13/cobra"
)

// Version of the binary; set by the linker.
var Version = "dev"

// NewCommand returns the command line of the program: one command for each role.
func NewCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "tls-platform-agent",
		Short:         "What the TLS platform operator runs in every cluster",
		Version:       Version,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(newAgentCommand(), newProberCommand())
	return root
}
