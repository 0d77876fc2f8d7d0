package served

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/inventory"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/publish"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/task"
	"github.com/tlsplatform/tls-platform-operator/internal/certificate"
	"github.com/tlsplatform/tls-platform-operator/internal/prober"
)

// Resolver looks names up; *net.Resolver is one.
type Resolver interface {
	prober.Resolver
	// LookupCNAME returns the name at the end of the CNAME records of host.
	LookupCNAME(ctx context.Context, host string) (string, error)
}

// Options of a Prober. All are required but HTTPSPort.
type Options struct {
	// Config of the cluster's API server, under the prober's identity.
	Config *rest.Config
	// Namespace of the agent's pages, and of the prober's.
	Namespace string
	// Publisher writes the prober's pages.
	Publisher *publish.Publisher
	// Resolver of names.
	Resolver Resolver
	// HTTPSPort is where Ingresses and Routes are served; 0 for 443.
	HTTPSPort uint16
	// Chance returns a number between 0 and 1, to spread probes over time.
	Chance func() float64
	// Clock of everything.
	Clock clock.WithTicker
	// Log of what is no state.
	Log logr.Logger
}

// Prober probes what one cluster serves.
type Prober struct {
	Options
	clock  clock.WithTicker
	client rest.Interface
	inv    *inventory.Inventory
	parser *certificate.Parser
	rules  Rules

	metrics *metrics
	// object is what was asked for last, and session does it; nil when nothing
	// is to be probed.
	object  atomic.Pointer[v1alpha1.TLSAgent]
	session atomic.Pointer[session]
	leading atomic.Bool
	signal  chan struct{}
	asked   chan *v1alpha1.TLSAgent
	results chan outcome
	pages   pages
}

// outcome is a finding with the session that it is of.
type outcome struct {
	finding *Finding
	session *session
}

// New returns a Prober. It makes no request.
func New(o Options) (*Prober, error) {
	p := &Prober{
		Options: o, clock: o.Clock, parser: certificate.NewParser(),
		inv:    inventory.New(o.Clock.Now, func() time.Duration { return 0 }),
		signal: make(chan struct{}, 1), asked: make(chan *v1alpha1.TLSAgent, 1), results: make(chan outcome),
	}
	p.rules = DefaultRules(p.parser)
	if o.HTTPSPort != 0 {
		p.rules.HTTPSPort = o.HTTPSPort
	}
	p.metrics = newMetrics(p)
	var err error
	if p.client, err = connect(o.Config); err != nil {
		return nil, err
	}
	return p, nil
}

// Lead says whether this process may probe and write.
func (p *Prober) Lead(yes bool) {
	p.leading.Store(yes)
	p.wake()
}

func (p *Prober) wake() {
	select {
	case p.signal <- struct{}{}:
	default:
	}
}

// Cluster is the name that the hub gave to the cluster, empty before it did.
func (p *Prober) Cluster() string {
	if o := p.object.Load(); o != nil {
		return o.Spec.Cluster
	}
	return ""
}

// Export are the rules for series of single certificates.
func (p *Prober) Export() v1alpha1.Export {
	if o := p.object.Load(); o != nil {
		return o.Spec.Inventory.Export
	}
	return v1alpha1.Export{}
}

// Coverage is what is read and what is not.
func (p *Prober) Coverage() []v1alpha1.Coverage {
	if s := p.session.Load(); s != nil {
		return s.cover.list()
	}
	return nil
}

const (
	// idle is how long nothing is looked at when nothing happens.
	idle = 30 * time.Second
	// retry is the pause after a request that failed.
	retry = 2 * time.Second
)

// Run probes until ctx ends.
func (p *Prober) Run(ctx context.Context) error {
	if !p.restore(ctx) {
		return nil
	}
	follower := task.Follow(ctx, task.Options{Client: p.client, Clock: p.clock, Log: p.Log, Asked: p.asked})
	for ctx.Err() == nil {
		timer := p.clock.NewTimer(p.step(ctx))
		select {
		case <-ctx.Done():
		case object := <-p.asked:
			p.take(ctx, object)
		case o := <-p.results:
			p.metrics.took(o.finding.Took)
			o.session.board.done(o.finding, p.Chance())
		case <-p.inv.Dirty():
		case <-p.signal:
		case <-timer.C():
		}
		timer.Stop()
	}
	if s := p.session.Load(); s != nil {
		s.end()
	}
	<-follower
	return nil
}

// step does what is due and says after how long the next step is.
func (p *Prober) step(ctx context.Context) time.Duration {
	wait := idle
	if s := p.session.Load(); s != nil {
		if p.leading.Load() {
			if s.since.IsZero() {
				s.since = p.clock.Now()
			}
			for _, endpoint := range s.board.start() {
				s.probe(endpoint) //nolint:contextcheck // the session has its own
			}
			wait = s.board.wait(idle)
		}
		if !p.pages.synced && !s.since.IsZero() && s.settled(p.clock.Now()) {
			p.inv.Sweep(origin, s.board.pass)
			p.pages.sync()
		}
	}
	return max(min(wait, p.publish(ctx)), time.Millisecond)
}

// take does what a TLSAgent asks for: in the session that runs, or in another.
func (p *Prober) take(ctx context.Context, object *v1alpha1.TLSAgent) {
	before := p.object.Swap(object)
	p.Publisher.SetOwner(v1alpha1.GroupVersion.WithKind("TLSAgent"), object.Name, object.UID)
	if before != nil && equality.Semantic.DeepEqual(before.Spec.Inventory.Probing, object.Spec.Inventory.Probing) {
		return
	}
	if s := p.session.Swap(nil); s != nil {
		s.end()
	}
	probing := object.Spec.Inventory.Probing
	if probing == nil {
		p.clear()
		return
	}
	policy, err := prober.ParsePolicy(probing.AllowedNetworks, probing.DeniedNetworks)
	if err != nil {
		// The API server lets none pass that can't be read.
		p.Log.Error(err, "Nothing is probed")
		p.clear()
		return
	}
	s, err := p.newSession(ctx, probing, policy)
	if err != nil {
		p.Log.Error(err, "Nothing is probed")
		p.clear()
		return
	}
	p.pages.synced = false
	p.session.Store(s)
}

// clear forgets what was found: nothing is to be probed.
func (p *Prober) clear() {
	p.inv.Retain(func(inventory.Origin) bool { return false })
	p.pages.sync()
}

// restore reads which pages an earlier process wrote; ok is false when ctx ended
// before.
func (p *Prober) restore(ctx context.Context) (ok bool) {
	for {
		_, err := p.Publisher.Restore(ctx)
		if err == nil {
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		p.Log.Error(err, "Reading the pages of an earlier prober failed, trying again")
		timer := p.clock.NewTimer(retry)
		select {
		case <-ctx.Done():
		case <-timer.C():
		}
		timer.Stop()
	}
}
