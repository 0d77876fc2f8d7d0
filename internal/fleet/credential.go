package fleet

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/controller-runtime/pkg/client"

	corev1apply "k8s.io/client-go/applyconfigurations/core/v1"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/names"
)

// defaultKey is that of the API, for objects that were made without its
// defaults.
const defaultKey = "kubeconfig"

// givenCredential is what somebody put into a Secret.
type givenCredential struct {
	cluster *api.Cluster
	user    *api.AuthInfo
}

// ownCredential is a token of the hub's identity in a member.
type ownCredential struct {
	credential
	token string
}

// homeError says that the hub's own cluster failed, which says nothing about the
// member.
type homeError struct {
	doing string
	err   error
}

// Error says what was being done.
func (e *homeError) Error() string { return e.doing + ": " + e.err.Error() }

// Unwrap returns what the hub's own cluster said.
func (e *homeError) Unwrap() error { return e.err }

// given reads the kubeconfig that a MemberCluster names.
func (d *Dialer) given(ctx context.Context, member *v1alpha1.MemberCluster) (*givenCredential, error) {
	missing := func(format string, args ...any) error {
		return &CredentialError{Reason: v1alpha1.ReasonCredentialMissing, Message: fmt.Sprintf(format, args...)}
	}
	from := member.Spec.Connection.Kubeconfig
	if from == nil {
		return nil, missing("MemberCluster %s names no kubeconfig; set spec.connection.kubeconfig", member.Name)
	}
	key := types.NamespacedName{Namespace: d.Namespace, Name: from.SecretRef.Name}
	field := from.SecretRef.Key
	if field == "" {
		field = defaultKey
	}
	var secret corev1.Secret
	err := d.Home.Get(ctx, key, &secret)
	if apierrors.IsNotFound(err) {
		return nil, missing("Secret %s does not exist; create it with a kubeconfig of the cluster under the key %s", key, field)
	}
	if err != nil {
		return nil, &homeError{doing: fmt.Sprintf("reading Secret %s on the hub", key), err: err}
	}
	raw, found := secret.Data[field]
	if !found {
		return nil, missing("Secret %s has no key %s; put a kubeconfig of the cluster there, or set secretRef.key", key, field)
	}
	cluster, user, err := parseKubeconfig(raw)
	if err != nil {
		return nil, located(err, field, key)
	}
	return &givenCredential{cluster: cluster, user: user}, nil
}

// located says where a refused kubeconfig is.
func located(err error, field string, key types.NamespacedName) error {
	var refusal *CredentialError
	if !errors.As(err, &refusal) {
		return err
	}
	return &CredentialError{Reason: refusal.Reason, Message: fmt.Sprintf("key %s of Secret %s: %s", field, key, refusal.Message)}
}

// kept reads the operator's own credential for a member, nil when there is none
// that can be used.
func (d *Dialer) kept(ctx context.Context, member string) (*ownCredential, error) {
	key := types.NamespacedName{Namespace: d.Namespace, Name: names.MemberSecret(member)}
	var secret corev1.Secret
	err := d.Home.Get(ctx, key, &secret)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, &homeError{doing: fmt.Sprintf("reading Secret %s on the hub", key), err: err}
	}
	cluster, user, err := parseKubeconfig(secret.Data[names.MemberSecretKey])
	if err != nil {
		return nil, nil //nolint:nilerr // somebody broke it: it is written again
	}
	issued, errIssued := time.Parse(time.RFC3339, secret.Annotations[names.AnnotationIssued])
	expires, errExpires := time.Parse(time.RFC3339, secret.Annotations[names.AnnotationExpires])
	if errIssued != nil || errExpires != nil || user.Token == "" {
		return nil, nil //nolint:nilerr // as above
	}
	return &ownCredential{credential: credential{issued: issued, expires: expires, cluster: cluster}, token: user.Token}, nil
}

// keep writes the operator's own credential for a member.
func (d *Dialer) keep(ctx context.Context, member string, own *ownCredential) error {
	raw, err := kubeconfigOf(own.cluster, names.HubUser(d.Namespace), own.token)
	if err != nil {
		return err
	}
	secret := corev1apply.Secret(names.MemberSecret(member), d.Namespace).
		WithLabels(map[string]string{"app.kubernetes.io/name": "tls-platform", names.LabelMember: member}).
		WithAnnotations(map[string]string{
			names.AnnotationIssued:  own.issued.UTC().Format(time.RFC3339),
			names.AnnotationExpires: own.expires.UTC().Format(time.RFC3339),
		}).
		WithType(corev1.SecretTypeOpaque).
		WithData(map[string][]byte{names.MemberSecretKey: raw})
	if err := d.Home.Apply(ctx, secret, client.FieldOwner(names.CredentialManager), client.ForceOwnership); err != nil {
		return &homeError{doing: fmt.Sprintf("keeping the credential of cluster %s in Secret %s/%s on the hub", member, d.Namespace, names.MemberSecret(member)), err: err}
	}
	return nil
}

func (d *Dialer) secret(member string) *corev1.Secret {
	return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: d.Namespace, Name: names.MemberSecret(member)}}
}
