package apicheck

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	logsapi "k8s.io/component-base/logs/api/v1"

	logf "github.com/cert-manager/cert-manager/pkg/logs"
	"github.com/cert-manager/cert-manager/pkg/util/cmapichecker"
)

// Name is the name of the program.
const Name = "cert-manager-startupapicheck"

const defaultInterval = 5 * time.Second

// Main runs the program with args, which exclude its name: "check api" and flags.
// Its result and help go to out. An error that wraps context.DeadlineExceeded says
// that the API was not ready in the time that --wait gives.
func Main(ctx context.Context, args []string, out io.Writer) error {
	logging := logsapi.NewLoggingConfiguration()
	root := &cobra.Command{
		Use:           Name,
		Short:         "Check that cert-manager started successfully",
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRunE: func(*cobra.Command, []string) error {
			if err := logsapi.ValidateAndApply(logging, nil); err != nil {
				return fmt.Errorf("applying the logging options of %s: %w", Name, err)
			}
			return nil
		},
	}
	logf.AddFlagsNonDeprecated(logging, root.PersistentFlags())
	// the chart passes a bare -v
	root.PersistentFlags().Lookup("v").NoOptDefVal = "2"
	root.CompletionOptions.DisableDefaultCmd = true
	check := &cobra.Command{Use: "check", Short: "Check cert-manager components"}
	check.AddCommand(checkAPI())
	root.AddCommand(check)
	root.SetArgs(args)
	root.SetOut(out)
	return root.ExecuteContext(ctx)
}

func checkAPI() *cobra.Command {
	var timeout, interval time.Duration
	flags := genericclioptions.NewConfigFlags(true)
	cmd := &cobra.Command{
		Use:   "api",
		Short: "Check if the cert-manager API is ready",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			checker, err := newChecker(flags)
			if err != nil {
				return err
			}
			if err := await(cmd.Context(), checker, timeout, interval); err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), "The cert-manager API is ready")
			return err
		},
	}
	cmd.Flags().DurationVar(&timeout, "wait", 0, "how long to wait for the API; 0 checks once")
	cmd.Flags().DurationVar(&interval, "interval", defaultInterval, "time between checks")
	flags.AddFlags(cmd.Flags())
	return cmd
}

func newChecker(flags *genericclioptions.ConfigFlags) (cmapichecker.Interface, error) {
	cfg, err := flags.ToRESTConfig()
	if err != nil {
		return nil, fmt.Errorf("building the client of %s: %w", Name, err)
	}
	namespace, err := namespace(flags)
	if err != nil {
		return nil, err
	}
	checker, err := cmapichecker.New(cfg, namespace)
	if err != nil {
		return nil, fmt.Errorf("building the checker for namespace %s: %w", namespace, err)
	}
	return checker, nil
}

// namespace returns the one to try requests in: the flag's, else the current
// context's, else the pod's own. Credentials of a service account reach no other.
func namespace(flags *genericclioptions.ConfigFlags) (string, error) {
	loader := flags.ToRawKubeConfigLoader()
	raw, err := loader.RawConfig()
	if err != nil {
		return "", fmt.Errorf("reading the kubeconfig: %w", err)
	}
	named := *flags.Namespace != ""
	current := raw.CurrentContext
	if *flags.Context != "" {
		current = *flags.Context
	}
	if kubeContext := raw.Contexts[current]; kubeContext != nil && kubeContext.Namespace != "" {
		named = true
	}
	if pod := os.Getenv("POD_NAMESPACE"); pod != "" && !named {
		return pod, nil
	}
	namespace, _, err := loader.Namespace()
	if err != nil {
		return "", fmt.Errorf("reading the namespace of the kubeconfig: %w", err)
	}
	return namespace, nil
}

// await checks until the API is ready or timeout has passed; the error then holds
// both the last finding and context.DeadlineExceeded.
func await(ctx context.Context, checker cmapichecker.Interface, timeout, interval time.Duration) error {
	log := logf.FromContext(ctx, "checkAPI")
	start := time.Now()
	var finding error
	err := wait.PollUntilContextCancel(ctx, interval, true, func(ctx context.Context) (bool, error) {
		err := checker.Check(ctx)
		if err == nil {
			return true, nil
		}
		finding = err
		if simple := cmapichecker.TranslateToSimpleError(err); simple != nil {
			finding = simple
		}
		log.V(logf.InfoLevel).Info("Not ready", "err", finding, "underlyingError", err)
		if time.Since(start) > timeout {
			return false, context.DeadlineExceeded
		}
		return false, nil
	})
	switch {
	case err == nil:
		return nil
	case finding == nil:
		return fmt.Errorf("checking the cert-manager API: %w", err)
	case errors.Is(err, context.DeadlineExceeded) && timeout > 0:
		return fmt.Errorf("waiting %s for the cert-manager API: %w (%w)", timeout, finding, err)
	default:
		return fmt.Errorf("checking the cert-manager API: %w", finding)
	}
}
