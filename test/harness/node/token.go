package node

import (
	"context"
	"fmt"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// tokens holds the ServiceAccount tokens of one pod. They are bound to the pod,
// so that they end with it.
type tokens struct {
	client kubernetes.Interface
	issued map[tokenKey]token
}

type tokenKey struct {
	audience string
	seconds  int64
}

type token struct {
	value string
	renew time.Time
}

func newTokens(client kubernetes.Interface) *tokens {
	return &tokens{client: client, issued: map[tokenKey]token{}}
}

// get returns a token for the projection, the one of before until most of its
// life is over.
func (t *tokens) get(ctx context.Context, pod *corev1.Pod, p *corev1.ServiceAccountTokenProjection, now time.Time) (string, error) {
	key := tokenKey{audience: p.Audience}
	if p.ExpirationSeconds != nil {
		key.seconds = *p.ExpirationSeconds
	}
	if known, ok := t.issued[key]; ok && now.Before(known.renew) {
		return known.value, nil
	}
	fresh, err := t.request(ctx, pod, key, now)
	if err != nil {
		return "", err
	}
	t.issued[key] = fresh
	return fresh.value, nil
}

func (t *tokens) request(ctx context.Context, pod *corev1.Pod, key tokenKey, now time.Time) (token, error) {
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{
		BoundObjectRef: &authenticationv1.BoundObjectReference{APIVersion: "v1", Kind: "Pod", Name: pod.Name, UID: pod.UID},
	}}
	if key.audience != "" {
		request.Spec.Audiences = []string{key.audience}
	}
	if key.seconds > 0 {
		request.Spec.ExpirationSeconds = &key.seconds
	}
	account := pod.Spec.ServiceAccountName
	answer, err := t.client.CoreV1().ServiceAccounts(pod.Namespace).CreateToken(ctx, account, request, metav1.CreateOptions{})
	if err != nil {
		return token{}, fmt.Errorf("requesting a token of service account %s/%s: %w", pod.Namespace, account, err)
	}
	return token{value: answer.Status.Token, renew: renewAt(now, answer.Status.ExpirationTimestamp.Time)}, nil
}

// renewAt is when 80 % of a token's life is over.
func renewAt(issued, expires time.Time) time.Time {
	return issued.Add(expires.Sub(issued) * 4 / 5)
}

// next returns the earliest time at which a token has to be renewed; false when
// there is none.
func (t *tokens) next() (time.Time, bool) {
	var first time.Time
	for _, known := range t.issued {
		if first.IsZero() || known.renew.Before(first) {
			first = known.renew
		}
	}
	return first, !first.IsZero()
}
