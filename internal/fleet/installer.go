package fleet

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tlsplatform/tls-platform-operator/internal/names"
)

const (
	// installerLifetime of a token of the installer, the shortest that API
	// servers grant.
	installerLifetime = 10 * time.Minute
	// tokenReserve is how long before its end a token is no longer used.
	tokenReserve = 2 * time.Minute
)

// installer is the identity for components, while it is needed.
type installer struct {
	client  client.Client
	expires time.Time
}

// Installer returns a client under the installer's identity. It requests a
// token of ten minutes when the last one is about to end.
func (c *Connection) Installer(ctx context.Context) (client.Client, error) {
	c.installing.Lock()
	defer c.installing.Unlock()
	if c.installer.client != nil && c.installer.expires.Sub(c.now()) > tokenReserve {
		return c.installer.client, nil
	}
	token, err := c.requestToken(ctx, names.ServiceAccountInstaller, installerLifetime)
	if err != nil {
		return nil, err
	}
	made, err := c.clientAs(token.Token, "tls-platform-installer")
	if err != nil {
		return nil, fmt.Errorf("becoming the installer in cluster %s: %w", c.Name, err)
	}
	c.installer = installer{client: made, expires: token.ExpirationTimestamp.Time}
	return made, nil
}

// dropInstaller lets go of a client whose token can't be used any more.
func (c *Connection) dropInstaller() {
	if !c.installing.TryLock() {
		return // a new one is on its way
	}
	defer c.installing.Unlock()
	if c.installer.expires.Sub(c.now()) <= tokenReserve {
		c.installer = installer{}
	}
}

// clientAs returns a client with a token of its own. What the cluster serves
// does not depend on who asks, and its health neither.
func (c *Connection) clientAs(token, userAgent string) (client.Client, error) {
	config := rest.CopyConfig(c.config)
	config.BearerToken, config.UserAgent = token, userAgent
	rt, err := authenticated(config, &atomic.Pointer[string]{}, c.anonymous)
	if err != nil {
		return nil, err
	}
	made, err := client.New(c.config, client.Options{
		HTTPClient: newHTTPClient(&guard{breaker: c.breaker, next: rt}), Scheme: c.scheme, Mapper: c.mapper,
	})
	if err != nil {
		return nil, fmt.Errorf("building a client: %w", err)
	}
	return made, nil
}

// requestToken asks for a token of a ServiceAccount in the operator's namespace.
// The server may grant a shorter life.
func (c *Connection) requestToken(ctx context.Context, account string, lifetime time.Duration) (authenticationv1.TokenRequestStatus, error) {
	object := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: c.Namespace, Name: account}}
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{
		ExpirationSeconds: ptr.To(int64(lifetime.Seconds())),
	}}
	if err := c.Hub.SubResource("token").Create(ctx, object, request); err != nil {
		return request.Status, fmt.Errorf("requesting a token for ServiceAccount %s/%s in cluster %s: %w", c.Namespace, account, c.Name, err)
	}
	return request.Status, nil
}
