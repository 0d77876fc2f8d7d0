package member

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"

	"github.com/tlsplatform/tls-platform-operator/internal/names"
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

// role is what the commands of the roles differ in.
type role struct {
	use, short string
	// userAgent of its requests, and the lease that it holds.
	userAgent, lease string
	run              func(context.Context) error
}

// roleCommand fills options from flags and the environment, and runs the role.
func roleCommand(o *AgentOptions, r role) *cobra.Command {
	development := false
	cmd := &cobra.Command{
		Use:   r.use,
		Short: r.short,
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.Log = zap.New(zap.UseDevMode(development))
			klog.SetLogger(o.Log)
			ctrl.SetLogger(o.Log)
			config, err := ctrl.GetConfig()
			if err != nil {
				return fmt.Errorf("finding the cluster of the %s: %w", r.use, err)
			}
			config.UserAgent = r.userAgent
			o.Config = config
			return r.run(cmd.Context())
		},
	}
	namespace := os.Getenv("POD_NAMESPACE")
	if namespace == "" {
		namespace = names.SystemNamespace
	}
	identity := os.Getenv("POD_NAME")
	if identity == "" {
		identity, _ = os.Hostname() // an empty one is refused by the role
	}
	f := cmd.Flags()
	f.StringVar(&o.MetricsAddress, "metrics-bind-address", ":8443", "address that metrics are served on; 0 for none")
	f.BoolVar(&o.MetricsSecure, "metrics-secure", true, "serve metrics over HTTPS, to those who may get /metrics")
	f.StringVar(&o.ProbeAddress, "health-probe-bind-address", ":8081", "address of /healthz and /readyz; 0 for none")
	f.StringVar(&o.Namespace, "namespace", namespace, "namespace of the operator (default from POD_NAMESPACE)")
	f.StringVar(&o.Identity, "identity", identity, "holder of the Lease "+r.lease+" (default from POD_NAME)")
	f.BoolVar(&development, "development", false, "write logs for people rather than machines")
	return cmd
}
