package controller

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/apply"
	"github.com/tlsplatform/tls-platform-operator/internal/desired"
	"github.com/tlsplatform/tls-platform-operator/internal/fleet"
	"github.com/tlsplatform/tls-platform-operator/internal/names"
	"github.com/tlsplatform/tls-platform-operator/internal/observed"
	"github.com/tlsplatform/tls-platform-operator/internal/plan"
	"github.com/tlsplatform/tls-platform-operator/internal/resolve"
)

// Cluster is one cluster that plans are applied to: a connection, what was
// learned over it, and the engine. It is used by one goroutine at a time.
type Cluster struct {
	ClusterOptions
	conn     *fleet.Connection
	view     apply.View
	reported *apply.Reported // the view of a member; nil for the hub's own cluster
	engine   *apply.Engine

	facts   observed.Cluster
	readAt  time.Time   // when facts were read
	stale   atomic.Bool // all facts have to be read again
	moved   atomic.Bool // workloads have to be read again
	watched bool
	agent   *fleet.AgentWatch      // nil while the cluster does not serve TLSAgent
	estate  *v1alpha1.EstateReport // that the last run knew of
}

// ClusterOptions are what a Cluster is made from.
type ClusterOptions struct {
	// Connection to the cluster.
	Connection *fleet.Connection
	// Home is the hub's own cluster.
	Home *Home
	// Charts of the components.
	Charts *Charts
	// AgentImage is the image of the agent; empty when nobody said.
	AgentImage string
	// Now is the clock.
	Now func() time.Time
	// Changed is called when something happened in the cluster that should be
	// looked at.
	Changed func()
}

// NewCluster returns a cluster over a connection. The hub's own cluster is
// followed by watches; of a member, its agent tells.
func NewCluster(o ClusterOptions) *Cluster {
	c := &Cluster{ClusterOptions: o, conn: o.Connection}
	if c.Local() {
		c.view = apply.NewLive(c.conn.Metadata, c.conn.Hub.RESTMapper(), c.Changed)
	} else {
		c.reported = &apply.Reported{}
		c.view = c.reported
	}
	c.engine = apply.NewEngine(apply.Options{
		Hub: c.conn.Hub, Installer: c.conn.Installer, View: c.view, Namespace: c.conn.Namespace, Now: c.Now,
	})
	c.stale.Store(true)
	c.conn.OnLost(c.Changed)
	return c
}

// Local says whether it is the hub's own cluster.
func (c *Cluster) Local() bool { return c.conn.Name == v1alpha1.LocalClusterName }

// Close ends everything that was started for the cluster.
func (c *Cluster) Close() {
	c.view.Close()
	c.dropAgent()
	c.conn.Close()
}

// Name of the MemberCluster.
func (c *Cluster) Name() string { return c.conn.Name }

// Doubt has everything be looked at again: the cluster was away.
func (c *Cluster) Doubt() { c.stale.Store(true) }

// Facts of the cluster; they are read again when they may have changed.
func (c *Cluster) Facts(ctx context.Context) (observed.Cluster, error) {
	if err := c.followKinds(ctx); err != nil {
		return observed.Cluster{}, err
	}
	moved := c.moved.Swap(false)
	switch {
	case c.stale.Swap(false):
		facts, err := c.conn.Observe(ctx)
		if err != nil {
			c.stale.Store(true)
			return observed.Cluster{}, fmt.Errorf("observing: %w", err)
		}
		c.facts, c.readAt = facts, c.Now()
		c.view.Drop(func(gk schema.GroupKind) bool { return facts.APIs.Serves(gk.Group, gk.Kind) })
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

// factsAge is how old facts of a member may be whose agent does not report.
const factsAge = 30 * time.Second

// followKinds learns when facts change: in the hub's own cluster by a watch, in a
// member from the digests that its agent reports.
func (c *Cluster) followKinds(ctx context.Context) error {
	if !c.Local() {
		report := c.report()
		switch {
		case report == nil || c.estate == nil:
			if c.Now().Sub(c.readAt) > factsAge {
				c.stale.Store(true)
			}
		case report.Kinds != c.estate.Kinds:
			c.stale.Store(true)
		case report.Workloads != c.estate.Workloads:
			c.moved.Store(true)
		}
		return nil
	}
	if c.watched {
		return nil
	}
	// The watch outlives this reconcile: it ends with the process.
	err := c.conn.Watch(context.WithoutCancel(ctx), func(change fleet.Change) {
		switch change {
		case fleet.KindsChanged:
			c.stale.Store(true)
		case fleet.WorkloadsChanged:
			c.moved.Store(true)
		}
		c.Changed()
	})
	if err != nil {
		return fmt.Errorf("watching cluster %s: %w", c.Name(), err)
	}
	c.watched = true
	return nil
}

// Run brings the cluster as close to the assignment as it can now. What went
// wrong is part of the outcome. next is when time alone will change the plan.
func (c *Cluster) Run(ctx context.Context, a *Assignment) (outcome observed.Outcome, next *time.Time) {
	outcome, next, err := c.run(ctx, a)
	if err != nil {
		failure := apply.Classify(err, desired.IdentityHub)
		outcome.Err = &failure
		outcome.Recheck = recheckAfterError
	}
	outcome.Cluster, outcome.Facts, outcome.Revision = c.Name(), c.facts, a.Revision
	c.Report(&outcome)
	return outcome, next
}

// recheckAfterError is when a cluster that failed as a whole is looked at again.
const recheckAfterError = 10 * time.Second

func (c *Cluster) run(ctx context.Context, a *Assignment) (observed.Outcome, *time.Time, error) {
	facts, err := c.Facts(ctx)
	if err != nil {
		return observed.Outcome{}, nil, err
	}
	hub, err := c.Home.UID(ctx)
	if err != nil {
		return observed.Outcome{}, nil, err
	}
	if err := c.settleVersions(ctx, a.Platform, &facts); err != nil {
		return observed.Outcome{}, nil, err
	}
	wanted, next := plan.Build(plan.Input{
		Platform: a.Platform, Facts: &facts, Local: c.Local(), Hub: names.HubUser(c.conn.Namespace), Now: c.Now(),
		HubUID: hub, TakenFrom: a.TakeOverFrom, Namespace: c.conn.Namespace, AgentImage: c.AgentImage,
		Charts: c.charts(ctx, a.Platform, &facts),
	})
	// Followed before the TLSAgent is written, so that no report is missed.
	followErr := c.followAgent(ctx, &facts)
	c.estate = c.report()
	if c.reported != nil {
		c.reported.Set(c.estate)
	}
	outcome, err := c.engine.Run(ctx, apply.Owner{
		Name: a.Platform.Name, UID: a.Platform.UID, Hub: hub, ReportOnly: a.ReportOnly,
	}, wanted)
	if followErr != nil && err == nil && outcome.Err == nil {
		failure := apply.Classify(followErr, desired.IdentityHub)
		outcome.Err, outcome.Recheck = &failure, sooner(outcome.Recheck, recheckAfterError)
	}
	outcome.Behind = behind(&a.Platform.Spec, &outcome)
	c.afterRun(&outcome, a)
	return outcome, next, err
}

// afterRun decides when a member whose agent does not tell is looked at again:
// soon at first, and ever more seldom.
func (c *Cluster) afterRun(outcome *observed.Outcome, a *Assignment) {
	if c.reported == nil {
		return
	}
	changed, settled := false, true
	for i := range outcome.Parts {
		p := &outcome.Parts[i]
		changed = changed || p.Changed > 0
		if p.Changed > 0 && defines[desired.PartName(p.Name)] {
			c.stale.Store(true) // kinds or workloads may have come
		}
		switch p.State {
		case observed.PartProgressing, observed.PartWaiting, observed.PartUnhealthy:
			settled = false
		case observed.PartReady, observed.PartHeld, observed.PartFailed, observed.PartEmpty:
		}
	}
	if !changed && settled {
		c.engine.Rest()
	}
	if changed || !settled || !c.engine.Proved() {
		wait := min(max(c.Now().Sub(a.Since)/4, firstLook), lastLook)
		outcome.Recheck = sooner(outcome.Recheck, wait)
	}
}

// defines are the parts that bring kinds and workloads.
var defines = map[desired.PartName]bool{desired.Access: true, desired.CertManager: true, desired.TrustManager: true}

// firstLook and lastLook bound how often a member at work is looked at.
const (
	firstLook = time.Second
	lastLook  = 15 * time.Second
)

// News says whether the agent reported something that a run should look at.
func (c *Cluster) News() bool {
	return c.reported != nil && !equality.Semantic.DeepEqual(c.report(), c.estate)
}

// settleVersions has components of ours count as the last version of theirs that
// was healthy.
func (c *Cluster) settleVersions(ctx context.Context, platform *v1alpha1.TLSPlatform, facts *observed.Cluster) error {
	healthy := map[desired.PartName]string{}
	for name, install := range facts.Installs {
		if install.Owner != observed.OwnerPlatform {
			continue
		}
		version, err := c.engine.HealthyVersion(ctx, desired.PartName(name))
		if err != nil {
			return err
		}
		healthy[desired.PartName(name)] = version
	}
	facts.Installs = resolve.Settle(&platform.Spec, facts.Installs, healthy)
	return nil
}

// behind lists components that run another version than is declared.
func behind(spec *v1alpha1.TLSPlatformSpec, outcome *observed.Outcome) []string {
	var list []string
	for _, name := range []desired.PartName{desired.CertManager, desired.TrustManager} {
		c, p := plan.SpecOf(spec, name), outcome.Part(string(name))
		if c != nil && p != nil && c.State != v1alpha1.ComponentAbsent && c.Version != "" && p.Version != "" && p.Version != c.Version {
			list = append(list, fmt.Sprintf("%s %s, declared %s", name, p.Version, c.Version))
		}
	}
	return list
}
