package app

import (
	"context"
	"crypto/tls"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/metrics/filters"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/chart"
	"github.com/tlsplatform/tls-platform-operator/internal/controller"
	"github.com/tlsplatform/tls-platform-operator/internal/fleet"
	"github.com/tlsplatform/tls-platform-operator/internal/names"
	"github.com/tlsplatform/tls-platform-operator/internal/plan/access"
)

// homeTimeout bounds requests to the hub's own cluster.
const homeTimeout = 30 * time.Second

// hubOptions are the flags of the hub.
type hubOptions struct {
	metricsAddress string
	probeAddress   string
	metricsSecure  bool
	leaderElect    bool
	namespace      string
	agentImage     string
	concurrency    int
	development    bool
}

func newHubCommand() *cobra.Command {
	o := &hubOptions{}
	cmd := &cobra.Command{
		Use:   "hub",
		Short: "Run the hub: plan, deliver, judge and report",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runHub(cmd.Context(), o)
		},
	}
	namespace := os.Getenv("POD_NAMESPACE")
	if namespace == "" {
		namespace = names.SystemNamespace
	}
	f := cmd.Flags()
	f.StringVar(&o.metricsAddress, "metrics-bind-address", ":8443", "address that metrics are served on; 0 for none")
	f.BoolVar(&o.metricsSecure, "metrics-secure", true, "serve metrics over HTTPS, to those who may get /metrics")
	f.StringVar(&o.probeAddress, "health-probe-bind-address", ":8081", "address of /healthz and /readyz")
	f.BoolVar(&o.leaderElect, "leader-elect", true, "act only while holding the Lease "+names.LeaderLease)
	f.StringVar(&o.namespace, "namespace", namespace, "namespace of the operator (default from POD_NAMESPACE)")
	f.StringVar(&o.agentImage, "agent-image", os.Getenv(names.AgentImageVariable),
		"image that the agent of a cluster runs, the same as the hub's (default from "+names.AgentImageVariable+")")
	f.IntVar(&o.concurrency, "concurrent-clusters", controller.DefaultConcurrency, "how many clusters are worked on at the same time")
	f.BoolVar(&o.development, "development", false, "write logs for people rather than machines")
	return cmd
}

func runHub(ctx context.Context, o *hubOptions) error {
	logger := zap.New(zap.UseDevMode(o.development))
	ctrl.SetLogger(logger)
	klog.SetLogger(logger)
	scheme, err := fleet.NewScheme()
	if err != nil {
		return err
	}
	config, err := ctrl.GetConfig()
	if err != nil {
		return fmt.Errorf("finding the hub's own cluster: %w", err)
	}
	config.UserAgent = "tls-platform-hub"
	mgr, err := newManager(config, scheme, o)
	if err != nil {
		return err
	}
	if err := addControllers(mgr, config, scheme, o); err != nil {
		return err
	}
	for name, add := range map[string]func(string, healthz.Checker) error{"healthz": mgr.AddHealthzCheck, "readyz": mgr.AddReadyzCheck} {
		if err := add(name, healthz.Ping); err != nil {
			return fmt.Errorf("adding /%s: %w", name, err)
		}
	}
	if err := mgr.Start(ctx); err != nil {
		return fmt.Errorf("running the hub: %w", err)
	}
	return nil
}

func newManager(config *rest.Config, scheme *runtime.Scheme, o *hubOptions) (manager.Manager, error) {
	metrics := metricsserver.Options{BindAddress: o.metricsAddress, SecureServing: o.metricsSecure}
	if o.metricsSecure {
		metrics.FilterProvider = filters.WithAuthenticationAndAuthorization
		// HTTP/2 is of no use for scrapes and has had floods of its own.
		metrics.TLSOpts = []func(*tls.Config){func(c *tls.Config) { c.NextProtos = []string{"http/1.1"} }}
	}
	mgr, err := ctrl.NewManager(config, ctrl.Options{
		Scheme:                        scheme,
		Metrics:                       metrics,
		HealthProbeBindAddress:        o.probeAddress,
		LeaderElection:                o.leaderElect,
		LeaderElectionID:              names.LeaderLease,
		LeaderElectionNamespace:       o.namespace,
		LeaderElectionReleaseOnCancel: true,
		// Unstructured objects are never read through the cache: it holds
		// TLSPlatforms and MemberClusters alone.
		Client: client.Options{Cache: &client.CacheOptions{Unstructured: false}},
	})
	if err != nil {
		return nil, fmt.Errorf("building the manager: %w", err)
	}
	return mgr, nil
}

func addControllers(mgr manager.Manager, config *rest.Config, scheme *runtime.Scheme, o *hubOptions) error {
	conn, err := fleet.NewConnection(fleet.Options{
		Name: v1alpha1.LocalClusterName, Namespace: o.namespace, Config: config, Scheme: scheme, Now: time.Now,
	})
	if err != nil {
		return fmt.Errorf("connecting the hub's own cluster: %w", err)
	}
	signal := controller.NewSignal()
	members := controller.NewFleet(time.Now, signal.Notify)
	// The hub's own needs must not hang on what the visits of its cluster find.
	short := rest.CopyConfig(config)
	short.Timeout = homeTimeout
	own, err := client.New(short, client.Options{Scheme: scheme})
	if err != nil {
		return fmt.Errorf("building a client of the hub's own cluster: %w", err)
	}
	home := &controller.Home{Client: own, Namespace: o.namespace}
	charts := &controller.Charts{Client: chart.NewClient(chart.Options{UserAgent: "tls-platform/" + Version}), Home: home}
	options := controller.ClusterOptions{Home: home, Charts: charts, AgentImage: o.agentImage, Now: time.Now}
	members.AddLocal(conn, options)
	recorder := mgr.GetEventRecorder("tls-platform")
	return controller.Setup(mgr, signal,
		controller.NewPlatformReconciler(mgr.GetClient(), home, members, recorder),
		&controller.MemberReconciler{
			Client: mgr.GetClient(), Fleet: members, Options: options, Events: recorder,
			Dialer: &fleet.Dialer{
				Home: own, Namespace: o.namespace, Scheme: scheme, Now: time.Now, HubUID: home.UID, Access: access.Objects,
			},
		},
		o.concurrency,
	)
}
