package served

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/rest"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/tail"
	"github.com/tlsplatform/tls-platform-operator/internal/prober"
)

// session is the probing of a cluster under one set of rules.
type session struct {
	*Prober
	board  *board
	cover  *cover
	prober *prober.Prober
	// since is when this process began to probe; zero before.
	since time.Time

	ctx   context.Context //nolint:containedctx // the session's life, which its tails and probes share
	stop  context.CancelFunc
	group sync.WaitGroup
}

// defaultInterval is that of the API.
const defaultInterval = time.Hour

// newSession starts to read and to probe, until it is ended or ctx ends.
func (p *Prober) newSession(ctx context.Context, probing *v1alpha1.Probing, policy prober.Policy) (*session, error) {
	shaker, err := prober.New(prober.Options{
		Policy: policy, Resolver: p.Resolver, Chains: p.parser, Timeouts: prober.DefaultTimeouts(), Now: p.clock.Now,
	})
	if err != nil {
		return nil, err
	}
	interval := defaultInterval
	if probing.Interval != nil {
		interval = probing.Interval.Duration
	}
	ctx, stop := context.WithCancel(ctx)
	s := &session{
		Prober: p, board: newBoard(p.inv, interval, p.clock.Now, p.wake), cover: newCover(p.wake), prober: shaker,
		ctx: ctx, stop: stop,
	}
	for i := range probing.Endpoints {
		t := Declared(&probing.Endpoints[i])
		s.board.set(t.Source, fixed([]Target{t}))
	}
	s.read()
	return s, nil
}

// end stops reading and probing and waits until both have ended.
func (s *session) end() {
	s.stop()
	s.group.Wait()
}

// read follows everything that names an address, and the agent's pages.
func (s *session) read() {
	broken := func(err error) { s.Log.V(1).Info("An object is passed over", "reason", err.Error()) }
	for _, o := range []tail.Options{
		{
			Resource: schema.GroupVersionResource{Group: "networking.k8s.io", Version: "v1", Resource: "ingresses"},
			Protobuf: true, Sink: s.board.ingresses(s.rules, broken),
		},
		{
			Resource: schema.GroupVersionResource{Version: "v1", Resource: "services"},
			Protobuf: true, Sink: s.board.services(broken),
		},
		{
			Resource: schema.GroupVersionResource{Group: "gateway.networking.k8s.io", Version: "v1", Resource: "gateways"},
			Sink:     s.board.gateways(broken),
		},
		{
			Resource: schema.GroupVersionResource{Group: "gateway.networking.k8s.io", Version: "v1", Resource: "listenersets"},
			Sink:     s.board.listenerSets(broken),
		},
		{
			Resource: schema.GroupVersionResource{Group: "route.openshift.io", Version: "v1", Resource: "routes"},
			Sink:     s.board.routes(s.rules, broken),
		},
		{
			Resource: schema.GroupVersionResource{Group: "networking.gke.io", Version: "v1", Resource: "managedcertificates"},
			Sink:     s.board.managedCertificates(broken),
		},
		{
			// A page is large: a few at a time.
			Resource: v1alpha1.GroupVersion.WithResource("certificateslices"), Namespace: s.Namespace, PageSize: 4,
			Sink: s.board.pages(broken),
		},
	} {
		s.start(o)
	}
}

// start follows a kind as long as the session lasts.
func (s *session) start(o tail.Options) {
	o.Client, o.Clock = s.client, s.clock
	if o.PageSize == 0 {
		o.PageSize = 250
	}
	name := o.Resource.GroupResource().String()
	o.Report = func(state tail.State) { s.cover.report(name, state) }
	// It counts as not read from the start, not from when it gets to run.
	o.Report(tail.State{Condition: tail.Waiting})
	s.group.Go(func() { tail.New(o).Run(s.ctx) })
}

// probe shakes hands with an endpoint, beside everything else.
func (s *session) probe(endpoint prober.Endpoint) {
	s.group.Go(func() {
		finding := &Finding{Result: s.prober.Probe(s.ctx, endpoint)}
		if finding.Reason == prober.Served {
			finding.CanonicalName = s.canonicalName(endpoint)
		}
		select {
		case s.results <- outcome{finding, s}:
		case <-s.ctx.Done():
		}
	})
}

// lookupTimeout bounds the lookup of a canonical name.
const lookupTimeout = 5 * time.Second

// canonicalName is where the CNAME records of the server's name lead. It tells
// whether a CDN is before the address; that it is not known is no failure.
func (s *session) canonicalName(endpoint prober.Endpoint) string {
	name := endpoint.ServerName
	if name == "" {
		name = endpoint.Host
	}
	if len(parseAddresses([]string{name})) > 0 {
		return ""
	}
	ctx, stop := context.WithTimeout(s.ctx, lookupTimeout)
	defer stop()
	canonical, err := s.Resolver.LookupCNAME(ctx, name+".")
	if err != nil {
		return ""
	}
	return canonical
}

// patience is how long a session may take until what it knows is published,
// although not everything was probed yet.
const patience = 5 * time.Minute

// settled says that everything was read and probed once.
func (s *session) settled(now time.Time) bool {
	return s.cover.complete() && (s.board.settled() || now.Sub(s.since) > patience)
}

// cover is how far each kind is read. It is safe for concurrent use.
type cover struct {
	changed func()

	mu     sync.Mutex
	states map[string]tail.State
}

func newCover(changed func()) *cover {
	return &cover{changed: changed, states: map[string]tail.State{}}
}

func (c *cover) report(resource string, state tail.State) {
	c.mu.Lock()
	same := c.states[resource] == state
	c.states[resource] = state
	c.mu.Unlock()
	if !same {
		c.changed()
	}
}

// complete says that everything that exists was tried once.
func (c *cover) complete() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.states {
		if s.Condition == tail.Waiting {
			return false
		}
	}
	return true
}

// list is in the order of resources.
func (c *cover) list() []v1alpha1.Coverage {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := make([]v1alpha1.Coverage, 0, len(c.states))
	for resource, state := range c.states {
		list = append(list, v1alpha1.Coverage{Resource: resource, State: string(state.Condition)})
	}
	slices.SortFunc(list, func(a, b v1alpha1.Coverage) int { return cmp.Compare(a.Resource, b.Resource) })
	return list
}

// connect builds a client that only decodes errors; sinks decode objects.
func connect(config *rest.Config) (rest.Interface, error) {
	base := rest.CopyConfig(config)
	// What is read is bounded by the number of kinds. The API server's own
	// priority and fairness limits the rate.
	base.QPS, base.Burst = -1, 0
	base.DisableCompression = true
	scheme := runtime.NewScheme()
	metav1.AddToGroupVersion(scheme, metav1.SchemeGroupVersion)
	base.NegotiatedSerializer = serializer.NewCodecFactory(scheme).WithoutConversion()
	base.GroupVersion = &metav1.SchemeGroupVersion
	client, err := rest.UnversionedRESTClientFor(base)
	if err != nil {
		return nil, fmt.Errorf("building a client for the cluster: %w", err)
	}
	return client, nil
}
