package member

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	coordinationv1 "k8s.io/client-go/kubernetes/typed/coordination/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/agent"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/exposition"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/publish"
	"github.com/tlsplatform/tls-platform-operator/internal/names"
)

// AgentOptions are what the agent is run with.
type AgentOptions struct {
	// Config of the API server, under the agent's identity.
	Config *rest.Config
	// Namespace of the agent's own objects.
	Namespace string
	// Identity tells this process from an other that waits for the same Lease.
	Identity string
	// MetricsAddress and ProbeAddress to listen on; 0 for none.
	MetricsAddress, ProbeAddress string
	// MetricsSecure serves metrics over HTTPS to those who may get /metrics.
	MetricsSecure bool
	// Log of the agent.
	Log logr.Logger
	// Synced is called when everything was read once; it may be nil.
	Synced func()
}

func newAgentCommand() *cobra.Command {
	o := &AgentOptions{}
	return roleCommand(o, role{
		use: "agent", short: "Run the agent of a cluster: find every certificate, and what uses it",
		userAgent: names.Agent, lease: names.AgentLease,
		run: func(ctx context.Context) error { return RunAgent(ctx, *o) },
	})
}

// gcPercent lets the heap grow by a third between collections. The agent's heap
// is facts that stay, so a collection finds little and costs little; memory
// matters more. GOGC says otherwise. The first reading leaves much garbage and is
// done with Go's own setting; what it took is given back after it.
const gcPercent = 33

func frugal() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
}

// afterReading is frugal from the end of the first reading on, and tells the
// caller of RunAgent.
func afterReading(then func()) func() {
	return func() {
		frugal()
		if then != nil {
			then()
		}
	}
}

// Timings of the Lease, which is also the agent's heartbeat.
const (
	leaseDuration = 30 * time.Second
	renewDeadline = 20 * time.Second
	retryPeriod   = 5 * time.Second
)

// RunAgent runs the agent until ctx ends.
func RunAgent(ctx context.Context, o AgentOptions) error {
	if o.Identity == "" {
		return errors.New("the agent has no identity: set POD_NAME or --identity")
	}
	publisher, err := newPublisher(o, publish.Options{Agent: v1alpha1.AgentName})
	if err != nil {
		return err
	}
	clk := clock.RealClock{}
	a, err := agent.New(agent.Options{
		Config: o.Config, Publisher: publisher, Namespace: o.Namespace, Version: Version, Clock: clk, Log: o.Log, Synced: afterReading(o.Synced),
	})
	if err != nil {
		return fmt.Errorf("building the agent: %w", err)
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	metrics := exposition.New(exposition.Options{
		Views: a.Inventory(), Export: a.Export, Cluster: a.Cluster, Coverage: a.Coverage, Version: Version, Now: clk.Now,
		Extra: registry, Report: func(err error) { o.Log.Error(err, "Serving metrics failed in part") },
	})
	elector, err := newElector(o, names.AgentLease, a.Lead)
	if err != nil {
		return err
	}
	return together(
		ctx, a.Run, held(elector),
		func(ctx context.Context) error { return serveProbes(ctx, o.ProbeAddress) },
		func(ctx context.Context) error { return serveMetrics(ctx, o, metrics) },
	)
}

// held holds the Lease of an election until ctx ends.
func held(elector *leaderelection.LeaderElector) func(context.Context) error {
	return func(ctx context.Context) error {
		for ctx.Err() == nil {
			elector.Run(ctx) // ends when the Lease is lost
		}
		return nil
	}
}

// together runs tasks until ctx ends or one of them fails, which ends the others.
func together(ctx context.Context, tasks ...func(context.Context) error) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	ended := make(chan error, len(tasks))
	for _, run := range tasks {
		go func() {
			err := run(ctx)
			if err != nil {
				stop(err)
			}
			ended <- err
		}()
	}
	var errs []error
	for range tasks {
		errs = append(errs, <-ended)
	}
	return errors.Join(errs...)
}

// newPublisher makes a publisher of pages in the namespace of the process.
func newPublisher(o AgentOptions, of publish.Options) (*publish.Publisher, error) {
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		return nil, fmt.Errorf("building the scheme: %w", err)
	}
	config := rest.CopyConfig(o.Config)
	config.Timeout = publishTimeout
	c, err := client.New(config, client.Options{Scheme: scheme})
	if err != nil {
		return nil, fmt.Errorf("building a client for the agent's pages: %w", err)
	}
	of.Client, of.Namespace = c, o.Namespace
	return publish.New(of), nil
}

// publishTimeout bounds one write.
const publishTimeout = 30 * time.Second

// newElector tells lead when the process holds a Lease, and when it does no more.
func newElector(o AgentOptions, lease string, lead func(bool)) (*leaderelection.LeaderElector, error) {
	config := rest.CopyConfig(o.Config)
	config.Timeout = renewDeadline / 2
	leases, err := coordinationv1.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("building a client for the Lease %s: %w", lease, err)
	}
	elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Lock: &resourcelock.LeaseLock{
			LeaseMeta:  metav1.ObjectMeta{Namespace: o.Namespace, Name: lease},
			Client:     leases,
			LockConfig: resourcelock.ResourceLockConfig{Identity: o.Identity},
		},
		LeaseDuration: leaseDuration, RenewDeadline: renewDeadline, RetryPeriod: retryPeriod,
		ReleaseOnCancel: true,
		Name:            lease,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(context.Context) { lead(true) },
			OnStoppedLeading: func() { lead(false) },
		},
	})
	if err != nil {
		return nil, fmt.Errorf("preparing the election by the Lease %s: %w", lease, err)
	}
	return elector, nil
}
