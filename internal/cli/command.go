package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tlsplatform/tls-platform-operator/internal/names"
)

// Options are what the commands take from the process that runs them.
type Options struct {
	// Args of the command line, without the program's name.
	Args []string
	// Out takes what was asked for, Err errors, warnings and counts.
	Out, Err io.Writer
	// Terminal says that Out is a terminal.
	Terminal bool
	// Now is the clock.
	Now func() time.Time
	// Version of the program.
	Version string
}

// Run runs the command line and returns the exit code of the process: 0, 1 after
// an error, which it has written, or 2 for differences and 3 for drift that were
// asked for.
func Run(ctx context.Context, o Options) int {
	cmd, _ := newCommand(&o) //nolint:contextcheck // cobra hands the context to the commands
	if err := cmd.ExecuteContext(ctx); err != nil {
		if errors.Is(err, differenceError{}) {
			return exitDifferences
		}
		if errors.Is(err, driftError{}) {
			return exitDrift
		}
		// Errors quote arguments and the API server.
		_, _ = fmt.Fprintln(o.Err, "error: "+clean(err.Error()))
		return 1
	}
	return 0
}

// session is what all commands share.
type session struct {
	*Options
	agentNamespace string
	// open connects to the cluster; the second result is the namespace of the
	// current context.
	open func() (client.Reader, string, error)
	// connection finds the hub and its members, for commands that make plans.
	connection *connection
}

func newCommand(o *Options) (*cobra.Command, *session) {
	root := &cobra.Command{
		Use:   "kubectl-tls",
		Short: "Show the certificates of a cluster",
		Long: "Show the certificates of a cluster, as the agent of the TLS platform has found\n" +
			"them: where they are, when they end, what uses them and what is wrong with them.",
		Annotations:       map[string]string{cobra.CommandDisplayNameAnnotation: "kubectl tls"},
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
		SilenceUsage:      true,
		SilenceErrors:     true,
	}
	root.SetArgs(o.Args)
	root.SetOut(o.Out)
	root.SetErr(o.Err)
	c := newConnection(root, "kubectl-tls/"+o.Version)
	s := &session{Options: o, open: c.open, connection: c}
	root.PersistentFlags().StringVar(&s.agentNamespace, "agent-namespace", names.SystemNamespace, "namespace of the agent and of its list")
	root.AddCommand(newInventoryCommand(s), newWhyCommand(s), newVersionCommand(s), newDiffCommand(s), newRenderCommand(s))
	root.AddCommand(newClustersCommand(s), newMatrixCommand(s), newDriftCommand(s))
	return root, s
}

// read loads the list, and writes what may make it old or incomplete.
func (s *session) read(ctx context.Context, reader client.Reader) (*snapshot, error) {
	list, err := load(ctx, reader, s.agentNamespace)
	if err != nil {
		return nil, err
	}
	for _, warning := range warnings(list, s.Now()) {
		if err := s.note("warning: " + warning); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// note writes a line beside the output.
func (s *session) note(text string) error {
	if _, err := fmt.Fprintln(s.Err, text); err != nil {
		return fmt.Errorf("writing to standard error: %w", err)
	}
	return nil
}
