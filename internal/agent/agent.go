package agent

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"

	"github.com/go-logr/logr"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/estate"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/inventory"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/profile"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/publish"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/task"
	"github.com/tlsplatform/tls-platform-operator/internal/certificate"
)

// Options of an Agent.
type Options struct {
	// Config of the cluster's API server, under the agent's identity.
	Config *rest.Config
	// Publisher writes pages and the report.
	Publisher *publish.Publisher
	// Namespace of the agent, where the ledger of the cluster is.
	Namespace string
	// Version of the agent.
	Version string
	// Clock of everything.
	Clock clock.WithTicker
	// Log of what is no state.
	Log logr.Logger
	// Synced is called when everything was read once; it may be nil.
	Synced func()
}

// Agent observes one cluster.
type Agent struct {
	Options
	clock        clock.WithTicker
	inv          *inventory.Inventory
	estate       *estate.Estate
	profile      *profile.Store
	parser       *certificate.Parser
	client       rest.Interface // for everything but Secrets
	private      rest.Interface // for Secrets alone
	closePrivate func()
	discovery    discovery.DiscoveryInterface

	// current is what the hub asked for, and the session that does it.
	current atomic.Pointer[assignment]
	// followed are the kinds of the table that left references in the inventory,
	// in this session or an earlier one.
	followed map[schema.GroupKind]bool
	// spaces are the origins of namespaces that were read by themselves, in this
	// session or an earlier one.
	spaces map[string]inventory.Origin
	// leading says that this process may write.
	leading atomic.Bool
	signal  chan struct{}
	asked   chan *v1alpha1.TLSAgent
}

// assignment is a TLSAgent in force.
type assignment struct {
	object  *v1alpha1.TLSAgent
	session *session
	since   time.Time // of the session
}

// New returns an Agent. It makes no request.
func New(o Options) (*Agent, error) {
	a := &Agent{
		Options: o, clock: o.Clock, parser: certificate.NewParser(),
		followed: map[schema.GroupKind]bool{}, spaces: map[string]inventory.Origin{},
		signal: make(chan struct{}, 1), asked: make(chan *v1alpha1.TLSAgent, 1),
	}
	a.inv = inventory.New(o.Clock.Now, a.grace)
	a.profile = profile.NewStore(a.wake)
	a.estate = a.newEstate()
	if err := a.connect(o.Config); err != nil {
		return nil, err
	}
	return a, nil
}

// defaultGrace is that of the API.
const defaultGrace = 7 * 24 * time.Hour

func (a *Agent) grace() time.Duration {
	if t := a.current.Load(); t != nil && t.object.Spec.Inventory.OrphanGracePeriod != nil {
		return t.object.Spec.Inventory.OrphanGracePeriod.Duration
	}
	return defaultGrace
}

// Inventory is what the agent knows.
func (a *Agent) Inventory() *inventory.Inventory { return a.inv }

// Cluster is the name that the hub gave to the cluster, empty before it did.
func (a *Agent) Cluster() string {
	if t := a.current.Load(); t != nil {
		return t.object.Spec.Cluster
	}
	return ""
}

// Export are the rules for series of single certificates.
func (a *Agent) Export() v1alpha1.Export {
	if t := a.current.Load(); t != nil {
		return t.object.Spec.Inventory.Export
	}
	return v1alpha1.Export{}
}

// Coverage is what is read and what is not.
func (a *Agent) Coverage() []v1alpha1.Coverage {
	if t := a.current.Load(); t != nil {
		return t.session.cover.list()
	}
	return nil
}

// Lead says whether this process may write.
func (a *Agent) Lead(yes bool) {
	a.leading.Store(yes)
	a.wake()
}

func (a *Agent) wake() {
	select {
	case a.signal <- struct{}{}:
	default:
	}
}

// Run observes the cluster until ctx ends.
func (a *Agent) Run(ctx context.Context) error {
	var watch sync.WaitGroup
	defer watch.Wait()
	watch.Go(func() { a.estate.Run(ctx) })
	since, ok := a.restore(ctx)
	if !ok {
		return nil
	}
	a.inv.Restore(since)
	follower := task.Follow(ctx, task.Options{Client: a.client, Clock: a.clock, Log: a.Log, Asked: a.asked})
	p := &publication{Agent: a}
	for ctx.Err() == nil {
		wait := p.step(ctx)
		timer := a.clock.NewTimer(wait)
		select {
		case <-ctx.Done():
		case object := <-a.asked:
			a.take(ctx, p, object)
		case <-a.inv.Dirty():
		case <-a.signal:
		case <-timer.C():
		}
		timer.Stop()
	}
	if t := a.current.Load(); t != nil {
		t.session.end()
	}
	<-follower
	return nil
}

// take does what a TLSAgent asks for: in the session that runs, or in another.
func (a *Agent) take(ctx context.Context, p *publication, object *v1alpha1.TLSAgent) {
	a.Publisher.SetOwner(v1alpha1.GroupVersion.WithKind("TLSAgent"), object.Name, object.UID)
	a.estate.Recall(object.Status.Estate)
	a.estate.Limit(len(object.Spec.Inventory.Namespaces.Include) > 0) //nolint:contextcheck // tails live as long as the watch on the estate, not as this call
	t := a.current.Load()
	if t != nil && (t.object.UID != object.UID || t.object.Spec.Inventory.Probing != nil && object.Spec.Inventory.Probing == nil) {
		p.recheck = true // the new one has no report yet, or the prober leaves pages
		p.news.doubt()
	}
	if t != nil && sameRules(t.object, object) {
		a.current.Store(&assignment{object, t.session, t.since})
		p.all() // the grace period may be another
		return
	}
	if t != nil {
		t.session.end()
		p.synced = false
	}
	a.current.Store(&assignment{object, a.newSession(ctx, &object.Spec), a.clock.Now()})
}

// restoreWait is the pause between attempts to read the pages of an earlier
// agent.
const restoreWait = 5 * time.Second

// restore reads since when places are unreferenced from the pages of an earlier
// agent. Without it the grace period would start again with every restart, so it
// is tried until it works; ok is false when ctx ended before.
func (a *Agent) restore(ctx context.Context) (since map[inventory.Place]int64, ok bool) {
	for {
		since, err := a.Publisher.Restore(ctx)
		if err == nil {
			return since, true
		}
		if ctx.Err() != nil {
			return nil, false
		}
		a.Log.Error(err, "Reading the pages of an earlier agent failed, trying again")
		timer := a.clock.NewTimer(restoreWait)
		select {
		case <-ctx.Done():
		case <-timer.C():
		}
		timer.Stop()
	}
}
