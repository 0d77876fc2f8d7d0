package controller

import (
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/observed"
)

func TestHowAClusterLetsGoOfAPlatform(t *testing.T) {
	t.Parallel()
	failure := func(reason string, terminal bool) *observed.Failure {
		return &observed.Failure{Reason: reason, Message: "because of " + reason, Terminal: terminal}
	}
	cases := map[string]struct {
		policy   v1alpha1.DeletionPolicy
		outcome  *observed.Outcome // of the visit for the release
		before   *observed.Outcome // of an earlier visit
		owner    string
		platform string // in the status of the MemberCluster
		left     bool   // the MemberCluster is gone but for others' finalizers
		want     string // part of the message; empty for done
		told     string
	}{
		"not visited yet":       {want: "is being released"},
		"visited before that":   {before: &observed.Outcome{}, want: "is being released"},
		"something still stays": {outcome: &observed.Outcome{Err: failure(v1alpha1.ReasonDeleting, false)}, want: "because of Deleting"},
		"the API server refuses, and why is said": {
			outcome: &observed.Outcome{Err: failure(v1alpha1.ReasonForbidden, false)}, want: "because of Forbidden",
		},
		"refused for what it is": {
			outcome: &observed.Outcome{Err: failure(v1alpha1.ReasonDuplicateCluster, true)}, told: "nothing was done there",
		},
		"refused for what it was, and not visited since": {
			before: &observed.Outcome{Err: failure(v1alpha1.ReasonDuplicateCluster, true)}, want: "is being released",
		},
		"another platform's": {owner: "other", before: &observed.Outcome{}},
		"away, and everything stays": {
			platform: "p", before: &observed.Outcome{Unreachable: true, Err: failure("Timeout", false)}, told: "everything stays there",
		},
		"away, and something is to be removed": {
			policy: v1alpha1.DeletionPolicyRemove, platform: "p", before: &observed.Outcome{Unreachable: true, Err: failure("Timeout", false)},
			want: "waits for it",
		},
		"away, and never had anything": {
			policy: v1alpha1.DeletionPolicyRemove, before: &observed.Outcome{Unreachable: true, Err: failure("Timeout", false)},
		},
		"its own deletion has let go of it": {left: true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, interceptor.Funcs{})
			p, object := platformNamed("p", "u"), memberNamed("m")
			p.Spec.DeletionPolicy, object.Status.Platform = c.policy, c.platform
			if c.left {
				at := metav1.NewTime(noon)
				object.DeletionTimestamp, object.Finalizers = &at, []string{"others"}
			}
			m := b.fleet.get("m")
			if c.owner != "" {
				b.fleet.Assign("m", claim(platformNamed(c.owner, "o"), "r"))
				b.fleet.store(m, c.before, nil, "o")
			} else if c.before != nil {
				b.fleet.store(m, c.before, nil, "u")
			}
			got := b.platforms.let(p, object)
			if c.outcome != nil {
				b.fleet.store(m, c.outcome, b.fleet.assignment(m), "u")
				got = b.platforms.let(p, object)
			}
			if c.want == "" && got != "" || !strings.Contains(got, c.want) {
				t.Errorf("message %q, want one with %q", got, c.want)
			}
			if told := strings.Join(b.told(), "\n"); c.told == "" && told != "" || !strings.Contains(told, c.told) {
				t.Errorf("told %q, want %q", told, c.told)
			}
			if mine := b.fleet.Known("m", "u").Mine; c.want == "" && mine != nil {
				t.Errorf("the claim stays: %+v", mine)
			}
		})
	}
}

func TestAPlatformIsDeletedWhenItsClustersLetGo(t *testing.T) {
	t.Parallel()
	p := platformNamed("p", "u")
	at := metav1.NewTime(noon)
	p.DeletionTimestamp = &at
	b := newBench(t, interceptor.Funcs{}, p, memberNamed("m"))
	request := ctrl.Request{NamespacedName: client.ObjectKeyFromObject(p)}
	got, err := b.platforms.Reconcile(t.Context(), request)
	if err != nil || got.RequeueAfter != deleteRecheck {
		t.Fatalf("result %v, error %v", got, err)
	}
	b.fleet.released(b.fleet.get("m"), "u")
	if got, err = b.platforms.Reconcile(t.Context(), request); err != nil || got.RequeueAfter != 0 {
		t.Fatalf("result %v, error %v", got, err)
	}
	if err := b.client.Get(t.Context(), request.NamespacedName, p); !apierrors.IsNotFound(err) {
		t.Errorf("the platform is still there: %v", err)
	}
	if b.fleet.Released("m", "u") || len(b.platforms.uids)+len(b.platforms.written) > 0 {
		t.Error("something is kept of it")
	}
}

func TestAPlatformWhoseFinalizerWasTakenAwayFreesItsClusters(t *testing.T) {
	t.Parallel()
	cases := map[string]struct{ again bool }{
		"it is gone":                    {false},
		"it was made anew by that name": {true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := platformNamed("p", "u")
			b := newBench(t, interceptor.Funcs{}, p, memberNamed("m"))
			request := ctrl.Request{NamespacedName: client.ObjectKeyFromObject(p)}
			if _, err := b.platforms.Reconcile(t.Context(), request); err != nil {
				t.Fatal(err)
			}
			if b.fleet.Known("m", "u").Mine == nil {
				t.Fatal("the cluster has nothing")
			}
			b.fleet.store(b.fleet.get("m"), &observed.Outcome{}, nil, "u")

			if err := b.client.Get(t.Context(), request.NamespacedName, p); err != nil {
				t.Fatal(err)
			}
			p.Finalizers = nil
			if err := b.client.Update(t.Context(), p); err != nil {
				t.Fatal(err)
			}
			if err := b.client.Delete(t.Context(), p); err != nil {
				t.Fatal(err)
			}
			if c.again {
				if err := b.client.Create(t.Context(), platformNamed("p", "new")); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := b.platforms.Reconcile(t.Context(), request); err != nil {
				t.Fatal(err)
			}
			if b.fleet.Known("m", "u").Mine != nil {
				t.Error("the claim of a platform that is gone stays")
			}
			if k := b.fleet.Known("m", "new"); c.again && (k.Mine == nil || k.Other != nil) {
				t.Errorf("the new one does not get the cluster: %+v", k)
			}
		})
	}
}
