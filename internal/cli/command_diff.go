package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/observed"
	"github.com/tlsplatform/tls-platform-operator/internal/preview"
)

const diffExamples = `  # What the hub would change in its own cluster
  kubectl tls diff

  # What taking over the cert-manager of a member would change
  kubectl tls diff --cluster prod-eu-2 --manage certManager --adopt

  # What a platform that is not applied yet would do, in a script
  kubectl tls diff -f platform.yaml -o summary --exit-code

  # A member that is reached by another context or kubeconfig
  kubectl tls diff --cluster prod-eu-2 --member-context eu-2-admin`

// diffFlags are the flags of diff as given.
type diffFlags struct {
	estateFlags
	cluster  string
	manage   []string
	adopt    bool
	full     bool
	exitCode bool
	output   string
}

// differenceError ends a command that was asked to say by its exit code that
// there are differences.
type differenceError struct{}

// Error says what the exit code says.
func (differenceError) Error() string { return "there are differences" }

// exitDifferences is another code than that of errors.
const exitDifferences = 2

func newDiffCommand(s *session) *cobra.Command {
	f := &diffFlags{}
	cmd := &cobra.Command{
		Use:   "diff [PLATFORM]",
		Short: "Show what the hub would change in a cluster",
		Long: "Show what the hub would write to a cluster, and remove from it, without doing it.\n" +
			"The plan is made as the hub makes it, and the cluster's API server says by dry\n" +
			"runs what each object would become. The platform is that of the hub, which is the\n" +
			"current context, or of a file. The cluster is reached with your own rights.",
		Example: diffExamples,
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			as, err := parseFormat(f.output, diffFormats)
			if err != nil {
				return err
			}
			if f.adopt && len(f.manage) == 0 {
				return fmt.Errorf("--adopt says how to --manage a component: give both")
			}
			return runDiff(cmd.Context(), s, f, first(args), cmd.InOrStdin(), as)
		},
	}
	flags := cmd.Flags()
	// kubectl's flag of this name, a cluster of the kubeconfig, gives way here.
	flags.StringVar(&f.cluster, "cluster", v1alpha1.LocalClusterName, "MemberCluster to compare")
	flags.StringSliceVar(&f.manage, "manage", nil, "as if the spec said Managed for this component: certManager, trustManager (repeatable)")
	flags.BoolVar(&f.adopt, "adopt", false, "with --manage: take over what is installed, where it is")
	flags.BoolVar(&f.full, "full", false, "show the schemas of custom resource definitions line by line")
	flags.BoolVar(&f.exitCode, "exit-code", false, "end with exit code 2 when something would change")
	flags.StringVarP(&f.output, "output", "o", string(formatDiff), "format: diff, summary, json")
	f.bind(flags)
	return cmd
}

// bind the flags of commands that make plans.
func (f *estateFlags) bind(flags *pflag.FlagSet) {
	flags.StringVarP(&f.file, "filename", "f", "", "file with the TLSPlatform, - for standard input (default from the hub)")
	flags.StringSliceVar(&f.member.contexts, "member-context", nil, "context that reaches the cluster, as CONTEXT or CLUSTER=CONTEXT (default the one with the cluster's name)")
	flags.StringVar(&f.member.kubeconfig, "member-kubeconfig", "", "kubeconfig file that reaches the cluster")
	flags.StringVar(&f.agentImage, "agent-image", "", "image of the agent (default from the hub's Deployment)")
}

func runDiff(ctx context.Context, s *session, f *diffFlags, platform string, stdin io.Reader, as format) error {
	all, err := openEstates(ctx, s, &f.estateFlags, platform, stdin)
	if err != nil {
		return err
	}
	found, err := all.of(ctx, f.cluster, func(spec *v1alpha1.TLSPlatformSpec, installs map[string]observed.Install) ([]string, error) {
		return preview.Manage(spec, f.manage, f.adopt, installs)
	})
	if err != nil {
		return err
	}
	defer found.close()
	changes, err := preview.Compare(ctx, found.client, found.plan, found.ledger, preview.Options{Full: f.full, ReportOnly: found.reportOnly})
	if err != nil {
		return fmt.Errorf("comparing cluster %s: %w", f.cluster, err)
	}
	d := newEstateDiff(all.platform.Name, found, append(all.notes, found.notes...), changes)
	if err := printDiff(s.Out, d, as); err != nil {
		return err
	}
	if f.exitCode && d.differs() {
		return differenceError{}
	}
	return nil
}

// first argument, empty when there is none.
func first(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return args[0]
}
