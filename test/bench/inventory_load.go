package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

const (
	// loadNamespaces is the number of namespaces that the objects are in.
	loadNamespaces = 100
	// benchPrefix is how their names begin.
	benchPrefix = "bench-"
	// loadInFlight is how many requests are under way at a time.
	loadInFlight = 32
	// usedShare of the Secrets are named by an Ingress: 9 of 10.
	usedShare = 10
	// foreignShare is how many TLS Secrets come to one of another type: 500 to
	// 20,000.
	foreignShare = 40
	// foreignSize of those, in bytes.
	foreignSize = 32 << 10
)

// loader fills a cluster: kubernetes.io/tls Secrets, Ingresses that name nine of
// ten of them, and Secrets that are none of the agent's business. What it writes
// follows from the number of the object.
type loader struct {
	client      kubernetes.Interface
	authorities []authority
	now         time.Time
	loaded      int
	// needles are those of the keys by number, and of the keys of renewals.
	needles []needles
	renewed []needles
}

// protobufClient is a client of the fast encoding.
func protobufClient(config *rest.Config) (kubernetes.Interface, error) {
	config = rest.CopyConfig(config)
	config.QPS = -1
	config.ContentType = runtime.ContentTypeProtobuf
	config.AcceptContentTypes = runtime.ContentTypeProtobuf + "," + runtime.ContentTypeJSON
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("making a client: %w", err)
	}
	return client, nil
}

func newLoader(config *rest.Config, now time.Time) (*loader, error) {
	client, err := protobufClient(config)
	if err != nil {
		return nil, err
	}
	authorities, err := newAuthorities(now)
	if err != nil {
		return nil, err
	}
	return &loader{client: client, authorities: authorities, now: now}, nil
}

func benchNamespace(i int) string { return fmt.Sprintf("%s%03d", benchPrefix, i%loadNamespaces) }
func benchName(i int) string      { return fmt.Sprintf("web-%06d-tls", i) }

// prepare makes the namespaces.
func (l *loader) prepare(ctx context.Context) error {
	return parallel(ctx, 0, loadNamespaces, func(ctx context.Context, i int) error {
		namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: benchNamespace(i)}}
		_, err := l.client.CoreV1().Namespaces().Create(ctx, namespace, metav1.CreateOptions{})
		return err
	})
}

// grow loads until there are count TLS Secrets, and what belongs to them.
func (l *loader) grow(ctx context.Context, count int, say func(string)) error {
	from := l.loaded
	l.needles = append(l.needles, make([]needles, count-from)...)
	var done atomic.Int64
	tick := int64(max(count/4, 1))
	started := time.Now()
	err := parallel(ctx, from, count, func(ctx context.Context, i int) error {
		if err := l.load(ctx, i); err != nil {
			return err
		}
		if n := int64(from) + done.Add(1); n%tick == 0 {
			say(fmt.Sprintf("loaded %d of %d Secrets with their Ingresses", n, count))
		}
		return nil
	})
	if err != nil {
		return err
	}
	l.loaded = count
	say(fmt.Sprintf("loading %d Secrets took %.1f s", count-from, time.Since(started).Seconds()))
	return pause(ctx, restAfterLoad)
}

// restAfterLoad lets the API server and etcd come to rest: what is measured is
// reading, not what is left of writing.
const restAfterLoad = 20 * time.Second

// load writes the objects of one number.
func (l *loader) load(ctx context.Context, i int) error {
	namespace := benchNamespace(i)
	secret, err := l.secret(i, 0, l.end(i))
	if err != nil {
		return err
	}
	if _, err := l.client.CoreV1().Secrets(namespace).Create(ctx, secret, metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("creating Secret %s/%s: %w", namespace, secret.Name, err)
	}
	if i%usedShare != 0 {
		ingress := ingressOf(i)
		if _, err := l.client.NetworkingV1().Ingresses(namespace).Create(ctx, ingress, metav1.CreateOptions{}); err != nil {
			return fmt.Errorf("creating Ingress %s/%s: %w", namespace, ingress.Name, err)
		}
	}
	if i%foreignShare != 0 {
		return nil
	}
	foreign := foreignSecret(i)
	if _, err := l.client.CoreV1().Secrets(namespace).Create(ctx, foreign, metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("creating Secret %s/%s: %w", namespace, foreign.Name, err)
	}
	return nil
}

// end of the first certificate of a number: from a month to a year ahead.
func (l *loader) end(i int) time.Time {
	return l.now.Add(time.Duration(30*24+i%(335*24)) * time.Hour)
}

// secret makes the Secret of a number, and remembers what its key is found by.
// Versions after 0 are renewals, which are made one after the other.
func (l *loader) secret(i, version int, notAfter time.Time) (*corev1.Secret, error) {
	name := benchName(i)
	by := &l.authorities[i%authorityCount]
	host := fmt.Sprintf("web-%06d.%s.example.com", i, benchNamespace(i))
	made, err := by.newLeaf(host, int64(1000+i), version, l.now.Add(-time.Hour), notAfter)
	if err != nil {
		return nil, err
	}
	if version == 0 {
		l.needles[i] = made.needles
	} else {
		l.renewed = append(l.renewed, made.needles)
	}
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: benchNamespace(i), Name: name},
		Type:       corev1.SecretTypeTLS,
		Data: map[string][]byte{
			corev1.TLSCertKey: made.cert, corev1.TLSPrivateKeyKey: made.key, corev1.ServiceAccountRootCAKey: by.pem,
		},
	}, nil
}

func ingressOf(i int) *networkingv1.Ingress {
	host := fmt.Sprintf("web-%06d.%s.example.com", i, benchNamespace(i))
	path := networkingv1.PathTypePrefix
	backend := networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{
		Name: "web", Port: networkingv1.ServiceBackendPort{Number: 80},
	}}
	return &networkingv1.Ingress{
		ObjectMeta: metav1.ObjectMeta{Namespace: benchNamespace(i), Name: fmt.Sprintf("web-%06d", i)},
		Spec: networkingv1.IngressSpec{
			TLS: []networkingv1.IngressTLS{{Hosts: []string{host}, SecretName: benchName(i)}},
			Rules: []networkingv1.IngressRule{{Host: host, IngressRuleValue: networkingv1.IngressRuleValue{
				HTTP: &networkingv1.HTTPIngressRuleValue{Paths: []networkingv1.HTTPIngressPath{{
					Path: "/", PathType: &path, Backend: backend,
				}}},
			}}},
		},
	}
}

// foreignSecret holds random bytes, and no certificate.
func foreignSecret(i int) *corev1.Secret {
	var seed [32]byte
	copy(seed[:], benchName(i))
	data := make([]byte, foreignSize)
	_, _ = rand.NewChaCha8(seed).Read(data) // never fails
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: benchNamespace(i), Name: fmt.Sprintf("foreign-%06d", i)},
		Type:       corev1.SecretTypeOpaque,
		Data:       map[string][]byte{"blob": data},
	}
}

// parallel calls do for the numbers from one to before another, loadInFlight at
// a time, until one fails. What exists already is fine.
func parallel(ctx context.Context, from, to int, do func(context.Context, int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	next.Store(int64(from))
	var wg sync.WaitGroup
	for range loadInFlight {
		wg.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= to {
					return
				}
				if err := do(ctx, i); err != nil && !apierrors.IsAlreadyExists(err) {
					cancel(err)
				}
			}
		})
	}
	wg.Wait()
	if err := context.Cause(ctx); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return ctx.Err()
}
