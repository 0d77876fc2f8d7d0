package fleet

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd/api"
	"k8s.io/client-go/util/flowcontrol"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tlsplatform/tls-platform-operator/internal/names"
)

// Rates of requests to one cluster, whoever asks. The API server's own priority
// and fairness is the real limit; these stop a runaway.
const (
	requestQPS   = 50
	requestBurst = 100
)

// Options of a connection.
type Options struct {
	// Name of the MemberCluster.
	Name string
	// Namespace of the operator in that cluster.
	Namespace string
	// Config has the address and the credential.
	Config *rest.Config
	// Scheme of the typed objects that are read.
	Scheme *runtime.Scheme
	// Now is the clock that tokens end by.
	Now func() time.Time
}

// Connection is how the operator reaches one cluster. Everything goes over one
// HTTP transport, under one budget of requests and through one breaker.
type Connection struct {
	// Name of the MemberCluster.
	Name string
	// Namespace of the operator in that cluster.
	Namespace string
	// Hub is a client under the identity of steady state; it reads without a
	// cache.
	Hub client.Client
	// Metadata lists and watches metadata alone.
	Metadata metadata.Interface
	// Discovery reads versions and served kinds.
	Discovery discovery.DiscoveryInterface

	// watching is Hub with its watches.
	watching client.WithWatch
	scheme   *runtime.Scheme
	mapper   *mapper
	now      func() time.Time
	breaker  *breaker
	// config has the address, the budget and no credential.
	config *rest.Config
	// transport is that of the hub's identity; anonymous is one that presents no
	// client certificate, which is mostly the same.
	transport, anonymous http.RoundTripper
	token                atomic.Pointer[string]

	// installing is held while a token of the installer is requested, which may
	// take as long as the cluster likes; nothing else waits for that.
	installing sync.Mutex
	installer  installer

	mu         sync.Mutex
	credential credential
	stops      map[int]func()
	lastStop   int
}

// credential is the operator's own, in a member.
type credential struct {
	issued, expires time.Time
	cluster         *api.Cluster
}

// NewConnection returns a connection under the identity of the options' config.
// It makes no request.
func NewConnection(o Options) (*Connection, error) {
	c := &Connection{Name: o.Name, Namespace: o.Namespace, scheme: o.Scheme, now: o.Now, stops: map[int]func(){}}
	if err := c.connect(o.Config); err != nil {
		return nil, fmt.Errorf("connecting to cluster %s: %w", o.Name, err)
	}
	return c, nil
}

func (c *Connection) connect(config *rest.Config) error {
	c.config = rest.AnonymousClientConfig(config)
	c.config.RateLimiter = flowcontrol.NewTokenBucketRateLimiter(requestQPS, requestBurst)
	if c.config.UserAgent == "" {
		c.config.UserAgent = "tls-platform-hub"
	}
	address, _, err := rest.DefaultServerUrlFor(c.config)
	if err != nil {
		return fmt.Errorf("reading the address: %w", err)
	}
	c.breaker = newBreaker(c.Name, address.String(), c.now)
	if c.transport, err = newTransport(config); err != nil {
		return err
	}
	if c.anonymous = c.transport; presentsCertificate(config) {
		if c.anonymous, err = newTransport(c.config); err != nil {
			return err
		}
	}
	own := rest.CopyConfig(config)
	own.UserAgent = c.config.UserAgent
	rt, err := authenticated(own, &c.token, c.transport)
	if err != nil {
		return err
	}
	return c.build(newHTTPClient(&guard{breaker: c.breaker, next: rt}))
}

// build makes the clients. They share one HTTP client, whose limits are the
// guard's, since what is right for a request is wrong for a watch.
func (c *Connection) build(h *http.Client) error {
	found, err := discovery.NewDiscoveryClientForConfigAndClient(c.config, h)
	if err != nil {
		return fmt.Errorf("building a discovery client: %w", err)
	}
	c.Discovery = found
	c.mapper = newMapper(found, c.scheme.IsGroupRegistered)
	if c.watching, err = client.NewWithWatch(c.config, client.Options{HTTPClient: h, Scheme: c.scheme, Mapper: c.mapper}); err != nil {
		return fmt.Errorf("building a client: %w", err)
	}
	c.Hub = c.watching
	if c.Metadata, err = metadata.NewForConfigAndClient(metadata.ConfigFor(c.config), h); err != nil {
		return fmt.Errorf("building a metadata client: %w", err)
	}
	return nil
}

// Close ends the watches of the connection and gives up its network
// connections. Requests fail from then on.
func (c *Connection) Close() {
	c.breaker.close()
	c.mu.Lock()
	stops := c.stops
	c.stops = map[int]func(){}
	c.mu.Unlock()
	for _, stop := range stops {
		stop()
	}
	for _, rt := range []http.RoundTripper{c.transport, c.anonymous} {
		if t, ok := rt.(*http.Transport); ok {
			t.CloseIdleConnections()
		}
	}
}

// untilClosed returns a context that ends with parent or with the connection,
// and what ends it before.
func (c *Connection) untilClosed(parent context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(parent)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lastStop++
	id := c.lastStop
	c.stops[id] = cancel
	return ctx, func() {
		cancel()
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.stops, id)
	}
}

// Identity returns the user that the cluster knows the operator as, and when its
// credential ends: never, the zero time, for the hub's own cluster.
func (c *Connection) Identity() (user string, expires time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return names.HubUser(c.Namespace), c.credential.expires
}

// OnLost has f called whenever the cluster stops to answer.
func (c *Connection) OnLost(f func()) { c.breaker.onLost(f) }

// Health of the cluster as last seen.
func (c *Connection) Health() Health { return c.breaker.current() }
