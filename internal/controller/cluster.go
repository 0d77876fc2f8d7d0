package controller

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/apply"
	"github.com/tlsplatform/tls-platform-operator/internal/chart"
	"github.com/tlsplatform/tls-platform-operator/internal/desired"
	"github.com/tlsplatform/tls-platform-operator/internal/fleet"
	"github.com/tlsplatform/tls-platform-operator/internal/names"
	"github.com/tlsplatform/tls-platform-operator/internal/observed"
	"github.com/tlsplatform/tls-platform-operator/internal/plan"
	"github.com/tlsplatform/tls-platform-operator/internal/plan/component"
)

// Cluster is one cluster that plans are applied to: a connection, what was
// learned over it, and the engine. Runs on one cluster don't overlap.
type Cluster struct {
	conn       *fleet.Connection
	live       *apply.Live
	engine     *apply.Engine
	charts     *chart.Client
	agentImage string
	now        func() time.Time

	mu      sync.Mutex
	facts   observed.Cluster
	stale   atomic.Bool // all facts have to be read again
	moved   atomic.Bool // workloads have to be read again
	watched bool
	agent   *fleet.AgentWatch // nil while the cluster does not serve TLSAgent
	changed func()
}

// ClusterOptions are what a Cluster is made from.
type ClusterOptions struct {
	// Connection to the cluster.
	Connection *fleet.Connection
	// Charts pulls and renders the charts of the components.
	Charts *chart.Client
	// AgentImage is the image of the agent; empty when nobody said.
	AgentImage string
	// Now is the clock.
	Now func() time.Time
	// Changed is called when something happened in the cluster that a reconcile
	// should look at.
	Changed func()
}

// NewCluster returns a cluster over a connection.
func NewCluster(o ClusterOptions) *Cluster {
	c := &Cluster{conn: o.Connection, charts: o.Charts, agentImage: o.AgentImage, now: o.Now, changed: o.Changed}
	c.live = apply.NewLive(c.conn.Metadata, c.conn.Hub.RESTMapper(), c.changed)
	c.engine = apply.NewEngine(apply.Options{
		Hub: c.conn.Hub, Installer: c.conn.Installer, Live: c.live, Namespace: c.conn.Namespace, Now: c.now,
	})
	c.stale.Store(true)
	return c
}

// Close ends the watches on the cluster.
func (c *Cluster) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.live.Close()
	c.dropAgent()
}

// Name of the MemberCluster.
func (c *Cluster) Name() string { return c.conn.Name }

// Facts of the cluster; they are read again when they may have changed.
func (c *Cluster) Facts(ctx context.Context) (observed.Cluster, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.observe(ctx)
}

func (c *Cluster) observe(ctx context.Context) (observed.Cluster, error) {
	if !c.watched {
		// The watch outlives this reconcile: it ends with the process.
		err := c.conn.Watch(context.WithoutCancel(ctx), func(change fleet.Change) {
			switch change {
			case fleet.KindsChanged:
				c.stale.Store(true)
			case fleet.WorkloadsChanged:
				c.moved.Store(true)
			}
			c.changed()
		})
		if err != nil {
			return observed.Cluster{}, fmt.Errorf("watching cluster %s: %w", c.Name(), err)
		}
		c.watched = true
	}
	moved := c.moved.Swap(false)
	switch {
	case c.stale.Swap(false):
		facts, err := c.conn.Observe(ctx)
		if err != nil {
			c.stale.Store(true)
			return observed.Cluster{}, fmt.Errorf("observing: %w", err)
		}
		c.facts = facts
		c.live.Drop(func(gk groupKind) bool { return facts.APIs.Serves(gk.Group, gk.Kind) })
	case moved:
		facts, err := c.conn.ObserveWorkloads(ctx, c.facts)
		if err != nil {
			c.moved.Store(true)
			return observed.Cluster{}, fmt.Errorf("observing workloads: %w", err)
		}
		c.facts = facts
	}
	return c.facts, nil
}

// Run brings the cluster as close to the platform as it can now. What went wrong
// is part of the outcome. next is when time alone will change the plan.
func (c *Cluster) Run(ctx context.Context, platform *v1alpha1.TLSPlatform) (outcome observed.Outcome, next *time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	outcome, next, err := c.run(ctx, platform)
	if err != nil {
		failure := apply.Classify(err, desired.IdentityHub)
		outcome.Err = &failure
		outcome.Recheck = recheckAfterError
	}
	outcome.Cluster, outcome.Facts = c.Name(), c.facts
	c.report(&outcome)
	return outcome, next
}

// recheckAfterError is when a cluster that failed as a whole is looked at again.
const recheckAfterError = 10 * time.Second

func (c *Cluster) run(ctx context.Context, platform *v1alpha1.TLSPlatform) (observed.Outcome, *time.Time, error) {
	facts, err := c.observe(ctx)
	if err != nil {
		return observed.Outcome{}, nil, err
	}
	owner, owned, err := c.engine.Ledger(ctx)
	if err != nil {
		return observed.Outcome{}, nil, err
	}
	if owned && owner.UID != platform.UID && owner.Name != platform.Name {
		return observed.Outcome{Err: ownedByOther(c.Name(), owner.Name)}, nil, nil
	}
	if err := c.settleVersions(ctx, platform, &facts); err != nil {
		return observed.Outcome{}, nil, err
	}
	in := plan.Input{
		Platform: platform, Facts: &facts, Hub: names.HubUser(c.conn.Namespace), Now: c.now(), Charts: map[desired.PartName]plan.Chart{},
		// The one cluster that there is, is the hub's own.
		HubUID: facts.UID, Namespace: c.conn.Namespace, AgentImage: c.agentImage,
	}
	for _, name := range []desired.PartName{desired.CertManager, desired.TrustManager} {
		if spec := plan.SpecOf(&platform.Spec, name); plan.Managed(spec) {
			in.Charts[name] = c.chart(ctx, platform, name, spec, &facts)
		}
	}
	wanted, next := plan.Build(in)
	// Followed before the TLSAgent is written, so that no report is missed.
	followErr := c.followAgent(ctx, &facts)
	outcome, err := c.engine.Run(ctx, apply.Owner{Name: platform.Name, UID: platform.UID}, wanted)
	if followErr != nil && err == nil && outcome.Err == nil {
		failure := apply.Classify(followErr, desired.IdentityHub)
		outcome.Err, outcome.Recheck = &failure, sooner(outcome.Recheck, recheckAfterError)
	}
	return outcome, next, err
}

func ownedByOther(cluster, other string) *observed.Failure {
	return &observed.Failure{
		Reason: v1alpha1.ReasonOwnedByOther, Terminal: true,
		Message: fmt.Sprintf("cluster %s belongs to TLSPlatform %s, and two would fight: let one of them select other clusters, or delete it", cluster, other),
	}
}

// settleVersions replaces the version that a component of ours seems to run by
// the last one that was healthy: going back from an upgrade that failed is no
// downgrade.
func (c *Cluster) settleVersions(ctx context.Context, platform *v1alpha1.TLSPlatform, facts *observed.Cluster) error {
	installs := make(map[string]observed.Install, len(facts.Installs))
	for name, install := range facts.Installs {
		if install.Owner == observed.OwnerPlatform {
			healthy, err := c.engine.HealthyVersion(ctx, desired.PartName(name))
			if err != nil {
				return err
			}
			spec := plan.SpecOf(&platform.Spec, desired.PartName(name))
			switch {
			case healthy != "":
				install.Version = healthy
			case spec != nil:
				install.Version = spec.Version
			}
		}
		installs[name] = install
	}
	facts.Installs = installs
	return nil
}

// chart returns the rendered chart of a component: the one that the cluster
// keeps, or else from the registry.
func (c *Cluster) chart(ctx context.Context, platform *v1alpha1.TLSPlatform, name desired.PartName, spec *v1alpha1.Component, facts *observed.Cluster) plan.Chart {
	registry := platform.Spec.Components.Registry
	opts := component.Options{CertManagerNamespace: plan.CertManagerNamespace(&platform.Spec, facts)}
	request, hold := component.Request(name, spec, registry, facts, opts)
	if hold != nil {
		return plan.Chart{Hold: hold}
	}
	stored, found, err := c.engine.StoredChart(ctx, name, request.Key())
	if err != nil {
		return plan.Chart{Hold: &desired.Hold{Reason: v1alpha1.ReasonChartUnavailable, Message: err.Error()}}
	}
	if found {
		return plan.Chart{Rendered: stored}
	}
	credentials, hold := c.credentials(ctx, registry)
	if hold != nil {
		return plan.Chart{Hold: hold}
	}
	rendered, err := c.charts.Render(ctx, request, credentials)
	if err != nil {
		return plan.Chart{Hold: chartHold(err)}
	}
	return plan.Chart{Rendered: rendered}
}

// credentials reads the pull Secret from the operator's own namespace.
func (c *Cluster) credentials(ctx context.Context, registry *v1alpha1.Registry) (chart.Credentials, *desired.Hold) {
	if registry == nil || registry.PullSecretRef == nil {
		return chart.Credentials{}, nil
	}
	key := types.NamespacedName{Namespace: c.conn.Namespace, Name: registry.PullSecretRef.Name}
	var secret corev1.Secret
	err := c.conn.Hub.Get(ctx, key, &secret)
	switch {
	case apierrors.IsNotFound(err):
		return chart.Credentials{}, &desired.Hold{Reason: v1alpha1.ReasonPullSecretMissing, Message: fmt.Sprintf(
			"the pull Secret %s does not exist; create it with kubectl -n %s create secret docker-registry %s …, it is looked for again every few seconds",
			key, key.Namespace, key.Name)}
	case err != nil:
		failure := apply.Classify(fmt.Errorf("reading the pull Secret %s: %w", key, err), desired.IdentityHub)
		return chart.Credentials{}, &desired.Hold{Reason: failure.Reason, Message: failure.Message}
	}
	credentials, err := chart.ParseDockerConfig(secret.Data[corev1.DockerConfigJsonKey])
	if err != nil {
		return chart.Credentials{}, &desired.Hold{Reason: v1alpha1.ReasonPullSecretMissing, Message: fmt.Sprintf(
			"the pull Secret %s has no usable %s: %v; create it with kubectl create secret docker-registry", key, corev1.DockerConfigJsonKey, err)}
	}
	return credentials, nil
}
