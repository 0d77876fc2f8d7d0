package standin

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/uuid"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// Cluster is one simulated cluster.
type Cluster struct {
	// Name of the cluster.
	Name string

	fleet    *Fleet
	secret   string // signs tokens
	counters counters

	mu           sync.Mutex
	address      string // kept over faults
	server       *http.Server
	serving      chan struct{} // closed when server has ended
	fault        Fault
	faultChanged chan struct{}
	withdrawn    bool
	version      uint64
	stores       map[schema.GroupVersionResource]*store
	custom       map[schema.GroupVersionResource]*resource
	agent        agent
}

// firstVersion is where resource versions begin.
const firstVersion = 1000

// startSpan bounds header reads; a client of ours sends them at once.
const startSpan = 30 * time.Second

func (f *Fleet) newCluster(ctx context.Context, name string) (*Cluster, error) {
	c := &Cluster{
		Name: name, fleet: f, secret: string(uuid.NewUUID()), version: firstVersion, address: "127.0.0.1:0",
		faultChanged: make(chan struct{}), stores: map[schema.GroupVersionResource]*store{},
		custom: map[schema.GroupVersionResource]*resource{},
	}
	if err := c.populate(); err != nil {
		return nil, err
	}
	return c, c.listen(ctx)
}

// populate creates what every cluster has.
func (c *Cluster) populate() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.fleet.world.builtins[namespacesResource]
	for _, name := range []string{"kube-system", "default"} {
		o, err := split(named(r, "", name))
		if err != nil {
			return fmt.Errorf("creating namespace %s: %w", name, err)
		}
		if o, err = admitNamespace(r, o); err != nil {
			return err
		}
		c.commit(change{resource: r, next: o})
	}
	return nil
}

// listen serves at the address, which is kept from the first time on.
func (c *Cluster) listen(ctx context.Context) error {
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", c.address)
	if err != nil {
		return fmt.Errorf("listening for cluster %s: %w", c.Name, err)
	}
	server := &http.Server{
		Handler: c, ReadHeaderTimeout: startSpan, ErrorLog: silent(),
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{c.fleet.pki.pair}, MinVersion: tls.VersionTLS12},
	}
	served := make(chan struct{})
	c.mu.Lock()
	c.address, c.server, c.serving = listener.Addr().String(), server, served
	c.mu.Unlock()
	go func() {
		defer close(served)
		_ = server.ServeTLS(listener, "", "") // it ends with close
	}()
	return nil
}

// close ends the server and all its connections.
func (c *Cluster) close() error {
	c.mu.Lock()
	server, serving := c.server, c.serving
	c.server = nil
	c.mu.Unlock()
	if server == nil {
		return nil
	}
	err := server.Close()
	<-serving
	if err != nil && !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("closing cluster %s: %w", c.Name, err)
	}
	return nil
}

func (c *Cluster) stop() error {
	err := c.close()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.agent.stop()
	return err
}

// URL of the cluster's API.
func (c *Cluster) URL() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return "https://" + c.address
}

// tokenLife of the first credential.
const tokenLife = 24 * time.Hour

// Config is an administrator's client configuration.
func (c *Cluster) Config() *rest.Config {
	now := time.Now()
	return &rest.Config{
		Host: c.URL(), BearerToken: c.token(adminUser, now, now.Add(tokenLife)), QPS: -1,
		TLSClientConfig: rest.TLSClientConfig{CAData: c.fleet.pki.ca},
	}
}

// Kubeconfig of an administrator, with a token: the first credential of a member.
func (c *Cluster) Kubeconfig() ([]byte, error) {
	config := c.Config()
	raw, err := clientcmd.Write(clientcmdapi.Config{
		Clusters:       map[string]*clientcmdapi.Cluster{c.Name: {Server: config.Host, CertificateAuthorityData: config.CAData}},
		AuthInfos:      map[string]*clientcmdapi.AuthInfo{adminUser: {Token: config.BearerToken}},
		Contexts:       map[string]*clientcmdapi.Context{c.Name: {Cluster: c.Name, AuthInfo: adminUser}},
		CurrentContext: c.Name,
	})
	if err != nil {
		return nil, fmt.Errorf("writing the kubeconfig of cluster %s: %w", c.Name, err)
	}
	return raw, nil
}

// resource finds what serves a resource; nil when nothing does.
func (c *Cluster) resource(gvr schema.GroupVersionResource) *resource {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.find(gvr)
}

// find is resource for those who hold the lock.
func (c *Cluster) find(gvr schema.GroupVersionResource) *resource {
	r := c.fleet.world.builtins[gvr]
	if r == nil {
		r = c.custom[gvr]
	}
	if r == nil || r.sinceMinor > minorOf(c.kubernetesVersion()) {
		return nil
	}
	return r
}

// kubernetesVersion that the cluster says it is; it is locked.
func (c *Cluster) kubernetesVersion() string {
	if c.fault.Kind == OldKubernetes {
		return c.fault.Version
	}
	return c.fleet.options.Version
}

// broken says whether an API group does not answer.
func (c *Cluster) broken(group string) bool {
	f, _ := c.currentFault()
	return f.Kind == GroupMissing && strings.EqualFold(f.Group, group)
}
