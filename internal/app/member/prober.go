package member

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/spf13/cobra"
	"k8s.io/utils/clock"

	"github.com/tlsplatform/tls-platform-operator/internal/agent/exposition"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/publish"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/served"
	"github.com/tlsplatform/tls-platform-operator/internal/names"
)

// ProberOptions are what the prober is run with.
type ProberOptions struct {
	// AgentOptions are the same as the agent's. Config is of the prober's own
	// identity, which may not read Secrets. Synced is not called.
	AgentOptions
	// Resolver of the names that are probed; nil for that of the system.
	Resolver served.Resolver
	// HTTPSPort is where Ingresses and Routes are served; 0 for 443.
	HTTPSPort uint16
}

func newProberCommand() *cobra.Command {
	o := &ProberOptions{}
	return roleCommand(&o.AgentOptions, role{
		use: "prober", short: "Run the prober of a cluster: find out which certificates are really served",
		userAgent: names.Prober, lease: names.ProberLease,
		run: func(ctx context.Context) error { return RunProber(ctx, *o) },
	})
}

// RunProber runs the prober until ctx ends.
func RunProber(ctx context.Context, o ProberOptions) error {
	if o.Identity == "" {
		return errors.New("the prober has no identity: set POD_NAME or --identity")
	}
	if o.Resolver == nil {
		o.Resolver = &net.Resolver{}
	}
	frugal()
	publisher, err := newPublisher(o.AgentOptions, publish.Options{Agent: names.ProberWriter, Page: names.ProberPage})
	if err != nil {
		return err
	}
	clk := clock.RealClock{}
	p, err := served.New(served.Options{
		Config: o.Config, Namespace: o.Namespace, Publisher: publisher, Resolver: o.Resolver, HTTPSPort: o.HTTPSPort,
		Chance: rand.Float64, Clock: clk, Log: o.Log,
	})
	if err != nil {
		return fmt.Errorf("building the prober: %w", err)
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(p.Collector(), collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	metrics := exposition.New(exposition.Options{
		Views: p.Views(), Export: p.Export, Cluster: p.Cluster, Coverage: p.Coverage, Version: Version, Now: clk.Now,
		Extra: registry, Report: func(err error) { o.Log.Error(err, "Serving metrics failed in part") },
	})
	elector, err := newElector(o.AgentOptions, names.ProberLease, p.Lead)
	if err != nil {
		return err
	}
	return together(
		ctx, p.Run, held(elector),
		func(ctx context.Context) error { return serveProbes(ctx, o.ProbeAddress) },
		func(ctx context.Context) error { return serveMetrics(ctx, o.AgentOptions, metrics) },
	)
}
