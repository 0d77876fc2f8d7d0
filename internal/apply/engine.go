package apply

import (
	"context"
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/desired"
	"github.com/tlsplatform/tls-platform-operator/internal/health"
	"github.com/tlsplatform/tls-platform-operator/internal/ledger"
	"github.com/tlsplatform/tls-platform-operator/internal/observed"
)

// Options of an Engine.
type Options struct {
	// Hub is a client under the identity of steady state.
	Hub client.Client
	// Installer returns a client under the installer's identity. It is called
	// only when a component has to be written.
	Installer func(context.Context) (client.Client, error)
	// View is what is known of what carries our label.
	View View
	// Namespace of the operator in this cluster, for the ledger and releases.
	Namespace string
	// Now is the clock.
	Now func() time.Time
}

// Engine applies plans to one cluster. It is not safe for concurrent use.
type Engine struct {
	Options
	ledgers  *ledgerStore
	releases *releaseStore
	health   *healthChecker
	// fresh are the resource versions of our own last writes, for a watch that
	// lags behind them.
	fresh map[desired.Ref]string
}

// NewEngine returns an engine for one cluster.
func NewEngine(o Options) *Engine {
	return &Engine{
		Options:  o,
		ledgers:  &ledgerStore{client: o.Hub, namespace: o.Namespace},
		releases: &releaseStore{client: o.Hub, namespace: o.Namespace, cached: map[desired.PartName]map[string][]byte{}},
		health:   &healthChecker{client: o.Hub, seen: map[desired.Ref]judgement{}},
		fresh:    map[desired.Ref]string{},
	}
}

// Owner identifies the TLSPlatform that a run is for.
type Owner struct {
	// Name and UID of the TLSPlatform.
	Name string
	UID  types.UID
	// Hub is the UID of the hub's own cluster.
	Hub string
	// ReportOnly leaves objects that others changed as they are.
	ReportOnly bool
}

// Ledger returns the name and UID of the platform that the cluster belongs to;
// ok is false when it belongs to none.
func (e *Engine) Ledger(ctx context.Context) (owner Owner, ok bool, err error) {
	l, err := e.ledgers.load(ctx)
	if err != nil || l == nil {
		return Owner{}, false, err
	}
	return Owner{Name: l.Platform, UID: l.UID, Hub: l.Hub}, true, nil
}

// StoredChart returns a rendered chart that the cluster keeps since it is, or
// was, in force; found is false when there is none with that key.
func (e *Engine) StoredChart(ctx context.Context, part desired.PartName, key string) (chart desired.RenderedChart, found bool, err error) {
	l, err := e.ledgers.load(ctx)
	if err != nil || l == nil {
		return desired.RenderedChart{}, false, err
	}
	release := l.Releases[part].Current
	if healthy := l.Releases[part].Healthy; release.Key != key && healthy != nil {
		release = *healthy
	}
	if release.Key != key {
		return desired.RenderedChart{}, false, nil
	}
	objects, found, err := e.releases.get(ctx, part, key)
	if err != nil || !found {
		return desired.RenderedChart{}, false, err
	}
	return desired.RenderedChart{
		Name: string(part), Version: release.Version, AppVersion: release.AppVersion, Digest: release.Digest,
		KubeVersionRange: release.KubeVersionRange, Key: key, Objects: objects,
	}, true, nil
}

// Rest drops from memory what the next run can read again.
func (e *Engine) Rest() { clear(e.releases.cached) }

// Proved says whether the view tells the health of everything that the ledger
// lists now. A view that watches always does.
func (e *Engine) Proved() bool {
	reported, ok := e.View.(*Reported)
	return !ok || reported.covers(e.ledgers.version)
}

// Run makes the cluster have the plan, as far as it can now, and says how far
// that was. An error means that nothing could be done; what went wrong with a
// part is in its outcome.
func (e *Engine) Run(ctx context.Context, owner Owner, plan *desired.Plan) (observed.Outcome, error) {
	if err := e.ledgers.verify(ctx, e.View); err != nil {
		return observed.Outcome{}, err
	}
	l, err := e.ledgers.load(ctx)
	if err != nil {
		return observed.Outcome{}, err
	}
	if l == nil {
		l = ledger.New(owner.Name, owner.UID)
	}
	l.Platform, l.UID, l.Hub = owner.Name, owner.UID, owner.Hub
	watchErr := e.watch(ctx, plan, l)
	r := &run{Engine: e, owner: owner, ledger: l, outcome: &observed.Outcome{}, ready: map[desired.PartName]bool{}, wanted: map[desired.Ref]bool{}}
	for i := range plan.Parts {
		r.part(ctx, &plan.Parts[i])
	}
	r.prune(ctx, plan)
	if watchErr != nil {
		failure := Classify(watchErr, desired.IdentityHub)
		r.outcome.Err = &failure
	}
	r.outcome.Objects, r.outcome.Drifted = len(l.Entries), r.drifted
	if err := e.ledgers.save(ctx, l); err != nil {
		return *r.outcome, err
	}
	return *r.outcome, nil
}

// watch follows every kind that the plan or the ledger has and the cluster
// serves. A kind that is not served yet (its CRD is part of the plan) is tried
// again in the next run.
func (e *Engine) watch(ctx context.Context, plan *desired.Plan, l *ledger.Ledger) error {
	kinds := map[schema.GroupKind]string{ledgerRef("").GroupKind(): "v1"}
	for ref, entry := range l.Entries {
		kinds[ref.GroupKind()] = entry.Version
	}
	for i := range plan.Parts {
		for _, o := range plan.Parts[i].Objects {
			gvk := o.GroupVersionKind()
			kinds[gvk.GroupKind()] = gvk.Version
		}
	}
	return e.ensure(ctx, kinds)
}

func (e *Engine) ensure(ctx context.Context, kinds map[schema.GroupKind]string) error {
	list := make([]schema.GroupVersionKind, 0, len(kinds))
	for gk, version := range kinds {
		if _, err := e.Hub.RESTMapper().RESTMapping(gk, version); meta.IsNoMatchError(err) {
			continue
		}
		list = append(list, gk.WithVersion(version))
	}
	if err := e.View.Ensure(ctx, list); err != nil {
		return fmt.Errorf("watching managed objects: %w", err)
	}
	return nil
}

// run is the state of one Run.
type run struct {
	*Engine
	owner   Owner
	ledger  *ledger.Ledger
	outcome *observed.Outcome
	// ready says which parts others may build on.
	ready map[desired.PartName]bool
	// wanted are the objects that must not be pruned.
	wanted map[desired.Ref]bool
	// kept are parts whose objects must not be pruned at all.
	kept []desired.PartName
	// written is true once this run wrote something: reports from before know
	// nothing of it.
	written bool
	// drifted counts what others changed and is left so.
	drifted int
}

// part brings one part as far as it can get and records the outcome.
func (r *run) part(ctx context.Context, p *desired.Part) {
	out := observed.Part{Name: string(p.Name)}
	for _, n := range p.Notes {
		out.Notes = append(out.Notes, n.Message)
	}
	if p.External != nil {
		r.external(ctx, p, &out)
	} else if blocked := r.blockedBy(p); blocked != "" {
		r.keep(p)
		out.State, out.Reason = observed.PartWaiting, v1alpha1.ReasonWaitingForDependency
		out.Message = fmt.Sprintf("%s waits for %s to be ready", p.Name, blocked)
	} else if p.Release != nil || r.ledger.Releases[p.Name].Current.Key != "" {
		r.component(ctx, p, &out)
	} else {
		r.plain(ctx, p, &out)
	}
	r.outcome.Parts = append(r.outcome.Parts, out)
}

func (r *run) blockedBy(p *desired.Part) desired.PartName {
	for _, dep := range p.DependsOn {
		if !r.ready[dep] {
			return dep
		}
	}
	return ""
}

// keep protects everything of a part from pruning.
func (r *run) keep(p *desired.Part) { r.kept = append(r.kept, p.Name) }

// plain applies a part that does not come from a chart.
func (r *run) plain(ctx context.Context, p *desired.Part, out *observed.Part) {
	if p.Hold != nil {
		r.keep(p)
		out.State, out.Reason, out.Message, out.Terminal = observed.PartHeld, p.Hold.Reason, p.Hold.Message, p.Hold.Terminal
		return
	}
	for _, ref := range p.Keep {
		r.wanted[ref] = true
	}
	if len(p.Objects) == 0 && len(p.Problems) == 0 {
		out.State, out.Reason = observed.PartEmpty, v1alpha1.ReasonNotDeclared
		return
	}
	if err := r.write(ctx, p, p.Objects, out); err != nil {
		r.fail(p, out, err)
		return
	}
	bad, ok := r.judge(ctx, p, p.Objects, out)
	if !ok {
		return
	}
	r.ready[p.Name] = len(bad) == 0
	r.issuers(p.Objects)
	switch {
	case len(p.Problems) > 0:
		out.State, out.Reason, out.Terminal = observed.PartFailed, p.Problems[0].Reason, true
		for _, problem := range p.Problems {
			out.Message += problem.Message + "; "
		}
		out.Message = strings.TrimSuffix(out.Message+sentence(bad), "; ")
	case len(bad) > 0:
		out.State, out.Reason, out.Message = observed.PartProgressing, v1alpha1.ReasonProgressing, sentence(bad)
	default:
		out.State, out.Reason = observed.PartReady, v1alpha1.ReasonAvailable
	}
}

// fail records a refused write. What was written stays, so nothing of the part
// is pruned.
func (r *run) fail(p *desired.Part, out *observed.Part, err error) {
	r.keep(p)
	failure := Classify(err, p.Identity)
	out.State, out.Reason, out.Message, out.Terminal = observed.PartFailed, failure.Reason, failure.Message, failure.Terminal
	r.recheck(retryAfter)
}

// retryAfter is when a refused write is tried again; most refusals end by an
// event that is watched, but a changed role is not one of them.
const retryAfter = 10 * time.Second

func (r *run) recheck(after time.Duration) {
	if r.outcome.Recheck == 0 || after < r.outcome.Recheck {
		r.outcome.Recheck = max(after, time.Second)
	}
}

// judge reads the health of a part; ok is false when it could not be told.
func (r *run) judge(ctx context.Context, p *desired.Part, objects []*unstructured.Unstructured, out *observed.Part) (bad []observed.Finding, ok bool) {
	bad, err := r.health.check(ctx, objects, r.knownHealth, func(ref desired.Ref) (LiveObject, bool) {
		live, found, _ := r.View.Get(ref)
		return live, found && live.ResourceVersion != "" && !older(live.ResourceVersion, r.fresh[ref])
	})
	if err != nil {
		r.fail(p, out, err)
		return nil, false
	}
	out.Unhealthy = bad
	return bad, true
}

// knownHealth of an object, unless this run wrote something.
func (r *run) knownHealth(ref desired.Ref) (health.Verdict, bool) {
	if r.written {
		return health.Verdict{}, false
	}
	return r.View.Health(ref, r.ledgers.version)
}
