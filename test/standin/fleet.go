package standin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Options of a Fleet.
type Options struct {
	// Members is how many clusters there are.
	Members int
	// Version of Kubernetes that they say they are; empty for DefaultVersion.
	Version string
	// AgentVersion is what the simulated agents say they are.
	AgentVersion string
	// Certificates that each cluster's agent counts.
	Certificates int32
}

// DefaultVersion is that of the libraries that the operator is built with.
const DefaultVersion = "v1.37.2"

// Fleet is a set of clusters in one process.
type Fleet struct {
	options Options
	world   *world
	pki     *pki

	clusters []*Cluster
	cancel   context.CancelFunc
	agents   sync.WaitGroup
}

// world is what all clusters share.
type world struct {
	types     *typeConverters
	builtins  map[schema.GroupVersionResource]*resource
	custom    *definitionCache
	templates *cache[templateKey, template]
	statuses  *cache[statusKey, *object]
	hashes    *cache[text, string]
}

// Start serves the clusters, named member-000 and so on, until Stop.
func Start(ctx context.Context, o Options) (*Fleet, error) {
	if o.Version == "" {
		o.Version = DefaultVersion
	}
	p, err := newPKI()
	if err != nil {
		return nil, err
	}
	types := newTypeConverters()
	f := &Fleet{options: o, pki: p, world: &world{
		types: types, builtins: builtins(types), custom: newDefinitionCache(types),
		templates: newCache[templateKey, template](cacheSize), statuses: newCache[statusKey, *object](cacheSize),
		hashes: newCache[text, string](cacheSize),
	}}
	run, cancel := context.WithCancel(context.WithoutCancel(ctx))
	f.cancel = cancel
	for i := range o.Members {
		c, err := f.newCluster(ctx, fmt.Sprintf("member-%03d", i))
		if err != nil {
			return nil, errors.Join(err, f.Stop())
		}
		f.clusters = append(f.clusters, c)
	}
	f.agents.Go(func() { f.beat(run) })
	return f, nil
}

// Clusters of the fleet, in the order of their names.
func (f *Fleet) Clusters() []*Cluster { return f.clusters }

// Stop ends all clusters.
func (f *Fleet) Stop() error {
	f.cancel()
	f.agents.Wait()
	var errs []error
	for _, c := range f.clusters {
		errs = append(errs, c.stop())
	}
	return errors.Join(errs...)
}

// leasePeriod is how often an agent renews its Lease.
const leasePeriod = 10 * time.Second

// beat has the agents renew their Leases, spread over the period.
func (f *Fleet) beat(ctx context.Context) {
	const steps = 50
	ticker := time.NewTicker(leasePeriod / steps)
	defer ticker.Stop()
	for step := 0; ; step++ {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		for i, c := range f.clusters {
			if i%steps == step%steps {
				c.renewLease()
				if step%(6*steps) < steps { // once a minute
					c.forget()
				}
			}
		}
	}
}

// silent is where the HTTP servers log: handshakes that clients gave up are no
// news here.
func silent() *log.Logger { return log.New(io.Discard, "", 0) }
