package controller

import (
	"context"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/observed"
)

func reconcileOf(t *testing.T, b *bench, p *v1alpha1.TLSPlatform) ctrl.Result {
	t.Helper()
	result, err := b.platforms.Reconcile(t.Context(), ctrl.Request{NamespacedName: client.ObjectKeyFromObject(p)})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.client.Get(t.Context(), client.ObjectKeyFromObject(p), p); err != nil {
		t.Fatal(err)
	}
	return result
}

func TestStatusWaitsForClustersThatWereJustTold(t *testing.T) {
	t.Parallel()
	p := platformNamed("p", "u")
	b := newBench(t, interceptor.Funcs{}, p, memberNamed("m"))
	if got := reconcileOf(t, b, p); got.RequeueAfter != patience || len(p.Status.Conditions) > 0 {
		t.Fatalf("result %v, conditions %v", got, p.Status.Conditions)
	}
	b.now = noon.Add(patience / 2)
	if got := reconcileOf(t, b, p); got.RequeueAfter != patience/2 || len(p.Status.Conditions) > 0 {
		t.Fatalf("result %v, conditions %v", got, p.Status.Conditions)
	}
	b.now = noon.Add(patience)
	reconcileOf(t, b, p)
	c := meta.FindStatusCondition(p.Status.Conditions, v1alpha1.ConditionClustersInSync)
	if c == nil || c.Reason != v1alpha1.ReasonProgressing || c.ObservedGeneration != p.Generation {
		t.Errorf("condition %+v", c)
	}
	if len(b.platforms.pending) != 1 {
		t.Error("patience starts again")
	}
}

func TestAPlatformThatWasSuspendedGivesItsChangeInTurns(t *testing.T) {
	t.Parallel()
	p := platformNamed("p", "u")
	p.Spec.Suspend, p.Spec.Delivery.Rollout = true, &v1alpha1.Rollout{}
	b := newBench(t, interceptor.Funcs{}, p, memberNamed("a"), memberNamed("b"))
	reconcileOf(t, b, p)
	for _, name := range []string{"a", "b"} {
		m := b.fleet.get(name)
		b.fleet.store(m, &observed.Outcome{Err: &observed.Failure{Reason: v1alpha1.ReasonSuspended}}, b.fleet.assignment(m), "")
		if a := b.fleet.Known(name, "u").Mine; a == nil || !a.Suspended {
			t.Fatalf("cluster %s is not suspended: %+v", name, a)
		}
	}
	p.Spec.Suspend = false
	if err := b.client.Update(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	reconcileOf(t, b, p)
	given := 0
	for _, name := range []string{"a", "b"} {
		var m v1alpha1.MemberCluster
		if err := b.client.Get(t.Context(), client.ObjectKey{Name: name}, &m); err != nil {
			t.Fatal(err)
		}
		if m.Status.Revision != nil {
			given++
		}
	}
	if given != 1 {
		t.Errorf("%d clusters were given the change at once, want 1", given)
	}
}

func TestAClusterOfAnotherPlatformIsLeftToThat(t *testing.T) {
	t.Parallel()
	p, m := platformNamed("p", "u"), memberNamed("m")
	m.Status.Revision = &v1alpha1.RevisionStatus{Name: "theirs", Since: metav1.NewTime(noon), Ready: true}
	b := newBench(t, interceptor.Funcs{}, p, m)
	b.fleet.Assign("m", claim(platformNamed("other", "o"), "theirs"))
	b.fleet.store(b.fleet.get("m"), &observed.Outcome{}, nil, "o")
	reconcileOf(t, b, p)
	if err := b.client.Get(t.Context(), client.ObjectKeyFromObject(m), m); err != nil {
		t.Fatal(err)
	}
	if m.Status.Revision.Name != "theirs" || !m.Status.Revision.Ready {
		t.Errorf("what the other platform wrote was overwritten: %+v", m.Status.Revision)
	}
	if c := meta.FindStatusCondition(p.Status.Conditions, v1alpha1.ConditionClustersInSync); c == nil || c.Reason != v1alpha1.ReasonOwnedByOther {
		t.Errorf("condition %+v", c)
	}

	b.fleet.Unassign("o", nil)
	reconcileOf(t, b, p)
	if err := b.client.Get(t.Context(), client.ObjectKeyFromObject(m), m); err != nil {
		t.Fatal(err)
	}
	if m.Status.Revision.Name == "theirs" || b.fleet.Known("m", "u").Mine == nil {
		t.Errorf("it was let go of, and is not taken: %+v", m.Status.Revision)
	}
}

func TestOverridesThatMakeNoValidSpecStallThePlatform(t *testing.T) {
	t.Parallel()
	refuse := interceptor.Funcs{Update: func(context.Context, client.WithWatch, client.Object, ...client.UpdateOption) error {
		return apierrors.NewBadRequest("no such thing")
	}}
	cases := map[string]struct {
		patch string
		funcs interceptor.Funcs
		stall bool
	}{
		"valid":                        {`{"observability":{}}`, interceptor.Funcs{}, false},
		"refused by the API server":    {`{"observability":{}}`, refuse, true},
		"a patch that can't be merged": {`{"observability":7}`, interceptor.Funcs{}, true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := platformNamed("p", "u")
			p.Spec.Overrides = []v1alpha1.Override{{Name: "o", Patch: apiextensionsv1.JSON{Raw: []byte(c.patch)}}}
			b := newBench(t, c.funcs, p, memberNamed("m"))
			b.fleet.Assign("m", claim(p, "before"))
			reconcileOf(t, b, p)
			stalled := meta.FindStatusCondition(p.Status.Conditions, v1alpha1.ConditionStalled)
			if got := stalled != nil && stalled.Reason == v1alpha1.ReasonInvalidSpec; got != c.stall {
				t.Errorf("stalled %v, want %v: %+v", got, c.stall, stalled)
			}
			if got := b.fleet.Known("m", "u").Mine.Revision == "before"; got != c.stall {
				t.Errorf("the cluster keeps what it has: %v, want %v", got, c.stall)
			}
		})
	}
}
