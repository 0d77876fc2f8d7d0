package controller

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/names"
)

// staleBench is a reconciler that reads through a cache which can be held back.
type staleBench struct {
	reconciler *PlatformReconciler
	cached     *v1alpha1.TLSPlatform // what the cache has while it is behind
	patches    int
	now        time.Time
	key        client.ObjectKey
}

func newStaleBench(t *testing.T) *staleBench {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{v1alpha1.AddToScheme, appsv1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	platform := &v1alpha1.TLSPlatform{
		ObjectMeta: metav1.ObjectMeta{Name: "platform", UID: "u", Finalizers: []string{names.Finalizer}},
		Spec:       v1alpha1.TLSPlatformSpec{Suspend: true},
	}
	b := &staleBench{now: time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC), key: client.ObjectKeyFromObject(platform)}
	c := fake.NewClientBuilder().WithScheme(scheme).WithObjects(platform).WithStatusSubresource(platform).WithInterceptorFuncs(interceptor.Funcs{
		Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, o client.Object, opts ...client.GetOption) error {
			if p, ok := o.(*v1alpha1.TLSPlatform); ok && b.cached != nil {
				b.cached.DeepCopyInto(p)
				return nil
			}
			return c.Get(ctx, key, o, opts...)
		},
		SubResourcePatch: func(ctx context.Context, c client.Client, sub string, o client.Object, patch client.Patch, opts ...client.SubResourcePatchOption) error {
			b.patches++
			return c.SubResource(sub).Patch(ctx, o, patch, opts...)
		},
	}).Build()
	home := &Home{Client: c, Namespace: names.SystemNamespace}
	b.reconciler = NewPlatformReconciler(c, home, NewFleet(func() time.Time { return b.now }, func() {}), nil)
	return b
}

func (b *staleBench) reconcile(t *testing.T) ctrl.Result {
	t.Helper()
	result, err := b.reconciler.Reconcile(t.Context(), ctrl.Request{NamespacedName: b.key})
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func TestACacheThatIsBehindOurWriteIsWaitedFor(t *testing.T) {
	t.Parallel()
	b := newStaleBench(t)
	before := &v1alpha1.TLSPlatform{}
	if err := b.reconciler.Client.Get(t.Context(), b.key, before); err != nil {
		t.Fatal(err)
	}
	b.reconcile(t)
	if b.patches != 1 {
		t.Fatalf("%d writes of status, want 1", b.patches)
	}

	b.cached = before
	if diff := cmp.Diff(ctrl.Result{RequeueAfter: cacheRetry}, b.reconcile(t)); diff != "" {
		t.Errorf("result while the cache is behind (-want +got):\n%s", diff)
	}
	if b.patches != 1 {
		t.Errorf("a status was written over one that was not seen")
	}

	b.cached = nil
	if diff := cmp.Diff(ctrl.Result{}, b.reconcile(t)); diff != "" {
		t.Errorf("result once the cache has caught up (-want +got):\n%s", diff)
	}
}

func TestACacheThatStaysBehindIsBelieved(t *testing.T) {
	t.Parallel()
	b := newStaleBench(t)
	before := &v1alpha1.TLSPlatform{}
	if err := b.reconciler.Client.Get(t.Context(), b.key, before); err != nil {
		t.Fatal(err)
	}
	b.reconcile(t)
	b.cached, b.now = before, b.now.Add(cacheLag+time.Second)
	if diff := cmp.Diff(ctrl.Result{}, b.reconcile(t)); diff != "" {
		t.Errorf("result (-want +got):\n%s", diff)
	}
}
