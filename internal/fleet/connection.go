package fleet

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"

	"github.com/tlsplatform/tls-platform-operator/internal/names"
)

const (
	// requestTimeout bounds every request but watches.
	requestTimeout = 30 * time.Second
	// tokenLifetime of the installer, the shortest that API servers grant.
	tokenLifetime = 10 * time.Minute
	// tokenReserve is how long before its end a token is no longer used.
	tokenReserve = 2 * time.Minute
	// Rates of requests to one cluster. The API server's own priority and
	// fairness is the real limit; these stop a runaway.
	requestQPS   = 100
	requestBurst = 200
)

// Connection is how the operator reaches one cluster.
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

	// watching is a client like Hub whose requests have no timeout.
	watching client.WithWatch
	config   *rest.Config
	scheme   *runtime.Scheme
	now      func() time.Time

	mu        sync.Mutex
	installer client.Client
	expires   time.Time
}

// NewConnection returns a connection under the identity of config. It makes no
// request. now is the clock that tokens end by.
func NewConnection(name, namespace string, config *rest.Config, scheme *runtime.Scheme, now func() time.Time) (*Connection, error) {
	base := rest.CopyConfig(config)
	base.QPS, base.Burst = requestQPS, requestBurst
	short := rest.CopyConfig(base)
	short.Timeout = requestTimeout
	hub, err := newClient(short, scheme)
	if err != nil {
		return nil, fmt.Errorf("connecting to cluster %s: %w", name, err)
	}
	watching, err := watchingClient(base, scheme, hub)
	if err != nil {
		return nil, fmt.Errorf("connecting to cluster %s: %w", name, err)
	}
	meta, err := metadata.NewForConfig(base) // no timeout: it watches
	if err != nil {
		return nil, fmt.Errorf("connecting to cluster %s: %w", name, err)
	}
	disco, err := discovery.NewDiscoveryClientForConfig(short)
	if err != nil {
		return nil, fmt.Errorf("connecting to cluster %s: %w", name, err)
	}
	return &Connection{
		Name: name, Namespace: namespace, Hub: hub, Metadata: meta, Discovery: disco,
		watching: watching, config: short, scheme: scheme, now: now,
	}, nil
}

func newClient(config *rest.Config, scheme *runtime.Scheme) (client.Client, error) {
	httpClient, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, fmt.Errorf("building an HTTP client: %w", err)
	}
	return clientOver(config, httpClient, scheme, nil)
}

// watchingClient is one for typed watches. What the cluster serves is asked for
// through hub.
func watchingClient(config *rest.Config, scheme *runtime.Scheme, hub client.Client) (client.WithWatch, error) {
	c, err := client.NewWithWatch(config, client.Options{Scheme: scheme, Mapper: hub.RESTMapper()})
	if err != nil {
		return nil, fmt.Errorf("building a client that watches: %w", err)
	}
	return c, nil
}

func clientOver(config *rest.Config, h *http.Client, scheme *runtime.Scheme, from client.Client) (client.Client, error) {
	opts := client.Options{HTTPClient: h, Scheme: scheme}
	if from != nil {
		opts.Mapper = from.RESTMapper() // what the cluster serves does not depend on who asks
	} else {
		mapper, err := apiutil.NewDynamicRESTMapper(config, h)
		if err != nil {
			return nil, fmt.Errorf("building a REST mapper: %w", err)
		}
		opts.Mapper = mapper
	}
	c, err := client.New(config, opts)
	if err != nil {
		return nil, fmt.Errorf("building a client: %w", err)
	}
	return c, nil
}

// Installer returns a client under the installer's identity. It requests a
// token of ten minutes when the last one is about to end.
func (c *Connection) Installer(ctx context.Context) (client.Client, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.installer != nil && c.expires.Sub(c.now()) > tokenReserve {
		return c.installer, nil
	}
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: c.Namespace, Name: names.ServiceAccountInstaller}}
	token := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{
		ExpirationSeconds: ptr.To(int64(tokenLifetime.Seconds())),
	}}
	if err := c.Hub.SubResource("token").Create(ctx, account, token); err != nil {
		return nil, fmt.Errorf("requesting a token for ServiceAccount %s/%s in cluster %s: %w", c.Namespace, account.Name, c.Name, err)
	}
	config := rest.AnonymousClientConfig(c.config)
	config.BearerToken = token.Status.Token
	config.QPS, config.Burst, config.Timeout = requestQPS, requestBurst, requestTimeout
	config.UserAgent = "tls-platform-installer"
	h, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, fmt.Errorf("building an HTTP client for cluster %s: %w", c.Name, err)
	}
	installer, err := clientOver(config, h, c.scheme, c.Hub)
	if err != nil {
		return nil, fmt.Errorf("becoming the installer in cluster %s: %w", c.Name, err)
	}
	c.installer, c.expires = installer, token.Status.ExpirationTimestamp.Time
	return installer, nil
}
