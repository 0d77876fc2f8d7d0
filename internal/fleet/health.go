package fleet

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/version"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/names"
)

const (
	// probeLimit is how long a probe may take in all.
	probeLimit = 5 * time.Second
	// heartbeatLimit is how long reading the agent's Lease may take in all.
	heartbeatLimit = 10 * time.Second
)

// Probe asks the cluster for its version, which costs an API server nothing,
// and lets requests pass again when it answers. It sets the health.
func (c *Connection) Probe(ctx context.Context) error {
	c.dropInstaller()
	ctx = withDemand(ctx, demand{limit: probeLimit, probe: true})
	var code int
	result := c.Discovery.RESTClient().Get().AbsPath("/version").MaxRetries(0).Do(ctx)
	raw, err := result.StatusCode(&code).Raw()
	switch {
	case code == 0 && err != nil:
		return fmt.Errorf("asking cluster %s for its version: %w", c.Name, err)
	case code == http.StatusUnauthorized:
		return c.breaker.trip(v1alpha1.ReasonUnauthorized, refusedCredential(c.breaker.host), true)
	case code == http.StatusForbidden && isAPIStatus(raw):
		c.breaker.answered(v1alpha1.ReasonForbidden, bounded(fmt.Sprintf(
			"the API server does not tell its version: %v; bind the ClusterRole system:public-info-viewer to %s", err, names.HubUser(c.Namespace))), true)
		return nil
	case code == http.StatusTooManyRequests:
		c.breaker.answered(v1alpha1.ReasonAvailable, "", true)
		return nil
	case code >= http.StatusInternalServerError:
		return c.breaker.trip(v1alpha1.ReasonUnreachable, fmt.Sprintf(
			"%s answers %d to a request for its version; its API server, or what is in between, is down", c.breaker.host, code), true)
	case err != nil || !isVersion(raw):
		return c.breaker.trip(v1alpha1.ReasonNotKubernetes, fmt.Sprintf(
			"what answers at %s is not an API server of Kubernetes (GET /version: %d, no version in it); check the address in the kubeconfig", c.breaker.host, code), true)
	}
	c.breaker.answered(v1alpha1.ReasonAvailable, "", true)
	return nil
}

func isVersion(raw []byte) bool {
	var v version.Info
	return json.Unmarshal(raw, &v) == nil && v.GitVersion != "" && v.Major != ""
}

// isAPIStatus tells the refusal of an API server from that of a proxy.
func isAPIStatus(raw []byte) bool {
	var s metav1.Status
	return json.Unmarshal(raw, &s) == nil && s.Kind == "Status"
}

// Heartbeat returns when the agent of the cluster last renewed its Lease, and
// which pod holds it; the zero time when there is no Lease.
func (c *Connection) Heartbeat(ctx context.Context) (renewed time.Time, holder string, err error) {
	c.dropInstaller()
	ctx = withDemand(ctx, demand{limit: heartbeatLimit})
	// Past the typed client, which would keep a client for the sake of one kind.
	raw, err := c.Discovery.RESTClient().Get().
		AbsPath("/apis/coordination.k8s.io/v1/namespaces", c.Namespace, "leases", names.AgentLease).DoRaw(ctx)
	if apierrors.IsNotFound(err) {
		return time.Time{}, "", nil
	}
	if err != nil {
		return time.Time{}, "", fmt.Errorf("reading the Lease of the agent of cluster %s: %w", c.Name, err)
	}
	var lease coordinationv1.Lease
	if err := json.Unmarshal(raw, &lease); err != nil {
		return time.Time{}, "", fmt.Errorf("reading the Lease of the agent of cluster %s: %w", c.Name, err)
	}
	if lease.Spec.RenewTime != nil {
		renewed = lease.Spec.RenewTime.Time
	}
	if lease.Spec.HolderIdentity != nil {
		holder = *lease.Spec.HolderIdentity
	}
	return renewed, holder, nil
}
