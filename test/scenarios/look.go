package scenarios

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	watchtools "k8s.io/client-go/tools/watch"
)

// issued reads the leaf certificate of a TLS Secret.
func (w *World) issued(ctx context.Context, namespace, name string) (*x509.Certificate, error) {
	var secret corev1.Secret
	if err := w.Client.Get(ctx, types.NamespacedName{Namespace: namespace, Name: name}, &secret); err != nil {
		return nil, fmt.Errorf("reading Secret %s/%s: %w", namespace, name, err)
	}
	block, _ := pem.Decode(secret.Data[corev1.TLSCertKey])
	if block == nil {
		return nil, fmt.Errorf("the Secret %s/%s has no certificate", namespace, name)
	}
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("parsing the certificate of Secret %s/%s: %w", namespace, name, err)
	}
	return leaf, nil
}

// trusts checks that the certificate in a Secret verifies against a bundle.
func (w *World) trusts(ctx context.Context, bundleNamespace, bundle, namespace, secret string) error {
	var cm corev1.ConfigMap
	if err := w.Client.Get(ctx, types.NamespacedName{Namespace: bundleNamespace, Name: bundle}, &cm); err != nil {
		return fmt.Errorf("reading ConfigMap %s/%s: %w", bundleNamespace, bundle, err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM([]byte(cm.Data["ca-bundle.crt"])) {
		return fmt.Errorf("the ConfigMap %s/%s has no certificates in ca-bundle.crt", bundleNamespace, bundle)
	}
	leaf, err := w.issued(ctx, namespace, secret)
	if err != nil {
		return err
	}
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: roots}); err != nil {
		return fmt.Errorf("verifying Secret %s/%s against bundle %s: %w", namespace, secret, bundle, err)
	}
	return nil
}

// event waits for an event about the platform with that reason whose note
// contains part, and returns the note.
func (w *World) event(ctx context.Context, reason, part string) (string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("no event %s about %s within %s", reason, part, patience))
	defer cancel()
	clients, err := kubernetes.NewForConfig(w.Cluster.Config)
	if err != nil {
		return "", fmt.Errorf("building a client for events: %w", err)
	}
	events := clients.EventsV1().Events(metav1.NamespaceDefault)
	lw := &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			return events.List(ctx, o)
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			return events.Watch(ctx, o)
		},
	}
	var note string
	_, err = watchtools.UntilWithSync(ctx, lw, &eventsv1.Event{}, nil, func(e watch.Event) (bool, error) {
		event, ok := e.Object.(*eventsv1.Event)
		if !ok || e.Type == watch.Deleted || event.Reason != reason || !strings.Contains(event.Note, part) {
			return false, nil
		}
		note = event.Note
		return true, nil
	})
	if err != nil {
		return "", errors.Join(err, context.Cause(ctx))
	}
	return note, nil
}

// remade is a wait's condition that an object is deleted and has been made anew
// with another UID.
func remade(old types.UID) func(*unstructured.Unstructured) (bool, error) {
	return func(o *unstructured.Unstructured) (bool, error) {
		return o != nil && o.GetUID() != old && o.GetDeletionTimestamp() == nil, nil
	}
}

// rulesPatch is a merge patch that sets the rules of a role.
func rulesPatch(rules []rbacv1.PolicyRule) []byte {
	raw, err := json.Marshal(map[string]any{"rules": rules})
	if err != nil {
		panic(fmt.Sprintf("scenarios: rules that are not JSON: %v", err))
	}
	return raw
}

// eventually tries an act that the API server refuses until a changed admission
// policy has reached it, for which there is no event to watch.
func (w *World) eventually(ctx context.Context, act func() error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		err := act()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(err, context.Cause(ctx))
		case <-tick.C:
		}
	}
}

// replaceOnce replaces text that occurs once; a manifest that does not fit is
// returned as it is, and fails where it is applied.
func replaceOnce(text, from, to string) string {
	if strings.Count(text, from) != 1 {
		return text
	}
	return strings.Replace(text, from, to, 1)
}
