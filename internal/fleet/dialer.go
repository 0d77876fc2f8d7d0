package fleet

import (
	"context"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/names"
)

// memberLifetime of a token of the hub in a member, as asked for. A hub that is
// away for less finds its way back by itself.
const memberLifetime = 7 * 24 * time.Hour

// Dialer connects to members, under the operator's own identity there. It keeps
// nothing itself: Secrets are read at every dial, so that a replaced one is used
// at the next.
type Dialer struct {
	// Home is an uncached client of the hub's own cluster.
	Home client.Client
	// Namespace of the operator, the same in every cluster.
	Namespace string
	// Scheme of the typed objects that are read.
	Scheme *runtime.Scheme
	// Now is the clock that tokens end by.
	Now func() time.Time
	// HubUID is the UID of the hub's own cluster.
	HubUID func(context.Context) (string, error)
	// Access returns the objects that give the operator its identities.
	Access func(namespace string) ([]*unstructured.Unstructured, error)
}

// Dial connects to a member. It uses the operator's own credential while that
// holds and the member accepts it. Else it uses the kubeconfig that the
// MemberCluster names, once: it makes the operator's identities in the member,
// takes a token of the hub's, keeps that, and connects with it.
//
// Errors are of type [CredentialError] when there is no usable credential, of
// type [RefusalError] when nothing may be done to the member, and what [Classify] tells apart otherwise.
func (d *Dialer) Dial(ctx context.Context, member *v1alpha1.MemberCluster) (*Connection, error) {
	given, why := d.given(ctx, member)
	var refusal *CredentialError
	if why != nil && !errors.As(why, &refusal) {
		return nil, why
	}
	kept, err := d.kept(ctx, member.Name)
	if err != nil {
		return nil, err
	}
	if kept != nil && given != nil {
		if sameServer(kept.cluster, given.cluster) {
			kept.cluster = given.cluster // the way there may have changed, such as a proxy
		} else {
			kept = nil
		}
	}
	if kept != nil && kept.expires.After(d.Now()) {
		conn, err := d.resume(ctx, member.Name, kept, given == nil)
		if conn != nil || err != nil {
			return conn, err
		}
	}
	if why != nil {
		return nil, lost(refusal, kept)
	}
	return d.enter(ctx, member, given)
}

// lost adds to a missing kubeconfig why it is needed.
func lost(why *CredentialError, kept *ownCredential) error {
	if kept == nil {
		return why
	}
	return &CredentialError{Reason: why.Reason, Message: fmt.Sprintf(
		"the operator's own credential ended at %s or is no longer accepted, and %s", kept.expires.UTC().Format(time.RFC3339), why.Message)}
}

// resume connects with the operator's own credential. It returns nothing when
// the member does not accept it, or no longer grants what every member grants,
// unless there is nothing else to try.
func (d *Dialer) resume(ctx context.Context, member string, kept *ownCredential, only bool) (*Connection, error) {
	conn, err := d.connect(member, kept.cluster, &api.AuthInfo{Token: kept.token})
	if err != nil {
		return nil, err
	}
	conn.credential = kept.credential
	if err = conn.Probe(ctx); err == nil {
		_, _, err = conn.Heartbeat(ctx)
	}
	reason, _, _ := Classify(err)
	if err == nil || (only && reason == v1alpha1.ReasonForbidden) {
		return conn, nil
	}
	conn.Close()
	if reason == v1alpha1.ReasonUnauthorized || reason == v1alpha1.ReasonForbidden {
		return nil, nil
	}
	return nil, err
}

// enter uses a kubeconfig once.
func (d *Dialer) enter(ctx context.Context, member *v1alpha1.MemberCluster, given *givenCredential) (*Connection, error) {
	first, err := d.connect(member.Name, given.cluster, given.user)
	if err != nil {
		return nil, err
	}
	defer first.Close()
	if err := first.Probe(ctx); err != nil {
		return nil, err
	}
	if err := d.check(ctx, first, member); err != nil {
		return nil, err
	}
	if err := d.introduce(ctx, first); err != nil {
		return nil, err
	}
	own, err := d.obtain(ctx, first, given.cluster)
	if err != nil {
		return nil, err
	}
	conn, err := d.connect(member.Name, given.cluster, &api.AuthInfo{Token: own.token})
	if err != nil {
		return nil, err
	}
	conn.credential = own.credential
	if err := conn.settle(ctx); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

func (d *Dialer) connect(member string, cluster *api.Cluster, user *api.AuthInfo) (*Connection, error) {
	config, err := configOf(cluster, user)
	if err != nil {
		return nil, err
	}
	return NewConnection(Options{Name: member, Namespace: d.Namespace, Config: config, Scheme: d.Scheme, Now: d.Now})
}

// Renew replaces the token of a member's connection when less than half of its
// life is left, and keeps the new one. What is under way goes on.
func (d *Dialer) Renew(ctx context.Context, c *Connection) (renewed bool, err error) {
	c.mu.Lock()
	held := c.credential
	c.mu.Unlock()
	if held.expires.IsZero() || held.expires.Sub(d.Now()) >= held.expires.Sub(held.issued)/2 {
		return false, nil
	}
	own, err := d.obtain(ctx, c, held.cluster)
	if err != nil {
		return false, err
	}
	c.token.Store(&own.token)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.credential = own.credential
	return true, nil
}

// obtain takes a token of the hub's identity in a member, through c, and keeps
// it.
func (d *Dialer) obtain(ctx context.Context, c *Connection, cluster *api.Cluster) (*ownCredential, error) {
	issued := d.Now()
	status, err := c.requestToken(ctx, names.ServiceAccountHub, memberLifetime)
	if err != nil {
		return nil, err
	}
	own := &ownCredential{
		credential: credential{issued: issued, expires: status.ExpirationTimestamp.Time, cluster: cluster}, token: status.Token,
	}
	if err := d.keep(ctx, c.Name, own); err != nil {
		return nil, err
	}
	return own, nil
}

// Forget deletes the operator's own credential for a member.
func (d *Dialer) Forget(ctx context.Context, memberName string) error {
	secret := d.secret(memberName)
	if err := d.Home.Delete(ctx, secret); err != nil && !apierrors.IsNotFound(err) {
		return &homeError{doing: fmt.Sprintf("deleting Secret %s/%s on the hub", secret.Namespace, secret.Name), err: err}
	}
	return nil
}
