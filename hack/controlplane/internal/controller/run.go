package controller

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"

	config "github.com/cert-manager/cert-manager/internal/apis/config/controller"
	"github.com/cert-manager/cert-manager/internal/pem"
	"github.com/cert-manager/cert-manager/pkg/controller"
	"github.com/cert-manager/cert-manager/pkg/controller/clusterissuers"
	"github.com/cert-manager/cert-manager/pkg/healthz"
	logf "github.com/cert-manager/cert-manager/pkg/logs"

	"github.com/cert-manager/cert-manager/tlsplatform/internal/component"
)

// errElectionLost ends the process, so that it starts anew without stale caches.
var errElectionLost = errors.New("leader election lost")

// Run runs the controllers that c asks for until ctx ends, which is no error.
func Run(ctx context.Context, c *config.ControllerConfiguration) error {
	ctx = logf.NewContext(ctx, logf.Log, "controller")
	limits := c.PEMSizeLimitsConfig
	pem.SetGlobalSizeLimits(pem.NewSizeLimitsFromConfig(
		limits.MaxCertificateSize, limits.MaxPrivateKeySize, limits.MaxChainLength, limits.MaxBundleSize))

	options, err := contextOptions(c)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	factory, err := controller.NewContextFactory(ctx, options)
	if err != nil {
		return fmt.Errorf("building the clients of the controllers: %w", err)
	}
	shared, err := factory.Build()
	if err != nil {
		return fmt.Errorf("building the controllers' context: %w", err)
	}
	enabled := Enabled(c)
	registerCollectors(shared, enabled)
	if err := serveMetrics(ctx, group, c, shared); err != nil {
		return err
	}
	alive := healthz.NewServer(c.LeaderElectionConfig.HealthzTimeout)
	if err := serveHealth(ctx, group, c, alive); err != nil {
		return err
	}
	group.Go(func() error {
		work := func(ctx context.Context) error { return runControllers(ctx, c, factory, shared, enabled) }
		if !c.LeaderElectionConfig.Enabled {
			return work(ctx)
		}
		return lead(ctx, c, shared, alive.LeaderHealthzAdaptor, work)
	})
	if err := group.Wait(); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// registerCollectors registers the gauges of single objects, which read the
// listers. It must come before the metrics server, which collects what is
// registered by then, and before the informers start, which knows what is listed.
func registerCollectors(c *controller.Context, enabled sets.Set[string]) {
	certmanager := c.SharedInformerFactory.Certmanager().V1()
	c.Metrics.SetupACMECollector(c.SharedInformerFactory.Acme().V1().Challenges().Lister())
	c.Metrics.SetupCertificateCollector(certmanager.Certificates().Lister())
	c.Metrics.SetupIssuerCollector(certmanager.Issuers().Lister())
	// scoped to a namespace the program may not list cluster-scoped objects
	if enabled.Has(clusterissuers.ControllerName) {
		c.Metrics.SetupClusterIssuerCollector(certmanager.ClusterIssuers().Lister())
	}
}

// runControllers builds the controllers, starts what they watch and runs them
// until ctx ends.
func runControllers(
	ctx context.Context, c *config.ControllerConfiguration,
	factory *controller.ContextFactory, shared *controller.Context, enabled sets.Set[string],
) error {
	log := logf.FromContext(ctx)
	group, ctx := errgroup.WithContext(ctx)
	known := controller.Known()
	for _, name := range sets.List(enabled) {
		construct, ok := known[name]
		if !ok {
			return fmt.Errorf("controller %s is enabled and not part of this binary", name)
		}
		run, err := construct(factory)
		if err != nil {
			return fmt.Errorf("building controller %s: %w", name, err)
		}
		group.Go(func() error {
			log.V(logf.InfoLevel).Info("starting controller", "controller", name)
			if err := run.Run(c.NumberOfConcurrentWorkers, ctx); err != nil {
				return fmt.Errorf("running controller %s: %w", name, err)
			}
			return nil
		})
	}
	// only now do the factories know every informer that is wanted
	shared.SharedInformerFactory.Start(ctx.Done())
	shared.KubeSharedInformerFactory.Start(ctx.Done())
	shared.HTTP01ResourceMetadataInformersFactory.Start(ctx.Done())
	if shared.GatewaySolverEnabled {
		shared.GWShared.Start(ctx.Done())
	}
	return group.Wait()
}

// lead calls work while this process holds the Lease. When ctx ends it waits for
// the work to end and only then gives the Lease back, so that no two processes
// work at once. Losing the Lease is an error.
func lead(
	ctx context.Context, c *config.ControllerConfiguration, shared *controller.Context,
	alive *leaderelection.HealthzAdaptor, work func(context.Context) error,
) error {
	host, err := component.Hostname()
	if err != nil {
		return fmt.Errorf("finding the host name, which identifies a leader: %w", err)
	}
	election := c.LeaderElectionConfig
	lock, err := resourcelock.New(resourcelock.LeasesResourceLock, election.Namespace, Name,
		shared.Client.CoreV1(), shared.Client.CoordinationV1(), resourcelock.ResourceLockConfig{
			Identity:      host + "-external-" + Name,
			EventRecorder: shared.Recorder,
		})
	if err != nil {
		return fmt.Errorf("making the lock on Lease %s/%s: %w", election.Namespace, Name, err)
	}
	electionCtx, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var leading atomic.Bool
	defer context.AfterFunc(ctx, func() {
		if !leading.Load() {
			stop()
		}
	})()
	worked := make(chan error, 1)
	elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Lock:            lock,
		LeaseDuration:   election.LeaseDuration,
		RenewDeadline:   election.RenewDeadline,
		RetryPeriod:     election.RetryPeriod,
		ReleaseOnCancel: true,
		WatchDog:        alive,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(held context.Context) {
				leading.Store(true)
				working, cancel := context.WithCancel(held)
				defer cancel()
				defer context.AfterFunc(ctx, cancel)()
				worked <- work(working)
				stop()
			},
			OnStoppedLeading: func() {},
		},
	})
	if err != nil {
		return fmt.Errorf("preparing the election over Lease %s/%s: %w", election.Namespace, Name, err)
	}
	elector.Run(electionCtx)
	return outcome(ctx, worked)
}

// outcome says why an election ended: the process was told to, the work failed,
// or the Lease went to another.
func outcome(ctx context.Context, worked <-chan error) error {
	if ctx.Err() != nil {
		return nil
	}
	select {
	case err := <-worked:
		if err != nil {
			return err
		}
	default:
	}
	return errElectionLost
}
