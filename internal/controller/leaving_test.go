package controller

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/apply"
	"github.com/tlsplatform/tls-platform-operator/internal/fleet"
)

func TestWhoHoldsACluster(t *testing.T) {
	t.Parallel()
	selects := func(value string) *v1alpha1.TLSPlatform {
		p := platformNamed("other", "o")
		p.Spec.Clusters.Selector = &metav1.LabelSelector{MatchLabels: map[string]string{"env": value}}
		return p
	}
	cases := map[string]struct {
		owner    apply.Owner
		owned    bool
		change   func(*Assignment)
		platform *v1alpha1.TLSPlatform // besides the one that asks
		want     string                // reason
	}{
		"nobody": {},
		"the one that asks": {
			owner: apply.Owner{Name: "p", UID: "u", Hub: "hub"}, owned: true,
		},
		"the one that asks, before it was made anew": {
			owner: apply.Owner{Name: "p", UID: "before", Hub: "hub"}, owned: true,
		},
		"one that selects it": {
			owner: apply.Owner{Name: "other", UID: "o", Hub: "hub"}, owned: true, platform: selects("prod"), want: v1alpha1.ReasonOwnedByOther,
		},
		"one that no longer selects it": {
			owner: apply.Owner{Name: "other", UID: "o", Hub: "hub"}, owned: true, platform: selects("dev"),
		},
		"one that is gone": {
			owner: apply.Owner{Name: "other", UID: "o", Hub: "hub"}, owned: true,
		},
		"one of a hub from before hubs were noted, which is gone": {
			owner: apply.Owner{Name: "other", UID: "o"}, owned: true,
		},
		"one of another hub": {
			owner: apply.Owner{Name: "other", UID: "o", Hub: "elsewhere"}, owned: true, want: v1alpha1.ReasonOwnedByOther,
		},
		"one of another hub with the same name": {
			owner: apply.Owner{Name: "p", UID: "o", Hub: "elsewhere"}, owned: true, want: v1alpha1.ReasonOwnedByOther,
		},
		"one of another hub, which gives it up": {
			owner: apply.Owner{Name: "other", UID: "o", Hub: "elsewhere"}, owned: true, change: func(a *Assignment) { a.TakeOverFrom = "elsewhere" },
		},
		"another, of no matter when it is released": {
			owner: apply.Owner{Name: "other", UID: "o", Hub: "hub"}, owned: true, platform: selects("prod"), change: func(a *Assignment) { a.Release = true },
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			objects := []client.Object{platformNamed("p", "u")}
			if c.platform != nil {
				objects = append(objects, c.platform)
			}
			b := newBench(t, interceptor.Funcs{}, objects...)
			object := memberNamed("m")
			object.Labels = map[string]string{"env": "prod"}
			v := b.visitOf(object)
			v.assignment = claim(platformNamed("p", "u"), "r")
			if c.change != nil {
				c.change(v.assignment)
			}
			held, err := v.held(t.Context(), c.owner, c.owned)
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			if held != nil {
				got = held.Reason
			}
			if got != c.want {
				t.Errorf("held for %q, want %q", got, c.want)
			}
		})
	}
}

func leavingMember() *v1alpha1.MemberCluster {
	object := memberNamed("m")
	at := metav1.NewTime(noon)
	object.DeletionTimestamp = &at
	return object
}

func TestAMemberThatWasNeverConnectedLeavesAtOnce(t *testing.T) {
	t.Parallel()
	object := leavingMember()
	b := newBench(t, interceptor.Funcs{}, object)
	b.members.Lane = laneSuspect
	key := client.ObjectKeyFromObject(object)
	if _, err := b.members.Reconcile(t.Context(), ctrl.Request{NamespacedName: key}); err != nil {
		t.Fatal(err)
	}
	if err := b.client.Get(t.Context(), key, object); !apierrors.IsNotFound(err) {
		t.Errorf("it is still there: %v", err)
	}
	if told := strings.Join(b.told(), "\n"); !strings.Contains(told, "is not connected") {
		t.Errorf("told: %s", told)
	}
}

func TestAMemberThatWasConnectedBeforeARestartIsTriedOnce(t *testing.T) {
	t.Parallel()
	object := leavingMember()
	object.Status.Identity = &v1alpha1.IdentityStatus{User: "us"}
	b := newBench(t, interceptor.Funcs{}, object)
	b.members.Lane = laneSuspect
	key := client.ObjectKeyFromObject(object)
	if _, err := b.members.Reconcile(t.Context(), ctrl.Request{NamespacedName: key}); err != nil {
		t.Fatal(err)
	}
	// The kubeconfig is gone, which only a try tells.
	if told := strings.Join(b.told(), "\n"); !strings.Contains(told, "names no kubeconfig") {
		t.Errorf("told: %s", told)
	}
	if err := b.client.Get(t.Context(), key, object); !apierrors.IsNotFound(err) {
		t.Errorf("it is still there: %v", err)
	}
}

func TestALeavingMemberThatChangedMeanwhileIsLookedAtAgain(t *testing.T) {
	t.Parallel()
	object := leavingMember()
	b := newBench(t, interceptor.Funcs{
		Patch: func(context.Context, client.WithWatch, client.Object, client.Patch, ...client.PatchOption) error {
			return apierrors.NewConflict(schema.GroupResource{Resource: "memberclusters"}, "m", nil)
		},
	}, object)
	b.members.Lane = laneSuspect
	got, err := b.members.Reconcile(t.Context(), ctrl.Request{NamespacedName: client.ObjectKeyFromObject(object)})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"m"}, b.lanes[laneSuspect].added); diff != "" && got.RequeueAfter == 0 {
		t.Errorf("nothing visits it again (-want +got):\n%s", diff)
	}
}

func TestAMemberThatFailsToBeCleanedUpIsGivenAWhile(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/version" {
			http.Error(w, "not now", http.StatusInternalServerError)
			return
		}
		if _, err := w.Write([]byte(`{"major":"1","minor":"37","gitVersion":"v1.37.0"}`)); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(server.Close)
	object := leavingMember()
	b := newBench(t, interceptor.Funcs{}, object)
	conn, err := fleet.NewConnection(fleet.Options{
		Name: "m", Namespace: "ns", Config: &rest.Config{Host: server.URL}, Scheme: b.client.Scheme(), Now: b.fleet.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	options := b.members.Options
	options.Connection, options.Changed = conn, func() {}
	m := b.fleet.get("m")
	m.cluster = NewCluster(options)
	b.fleet.setSuspect(m, false)
	key := client.ObjectKeyFromObject(object)
	if _, err := b.members.Reconcile(t.Context(), ctrl.Request{NamespacedName: key}); err != nil {
		t.Fatal(err)
	}
	if err := b.client.Get(t.Context(), key, object); err != nil {
		t.Fatalf("it was let go at once: %v", err)
	}
	if diff := cmp.Diff([]time.Duration{deleteRecheck}, b.lanes[laneHealthy].after); diff != "" {
		t.Errorf("visited again (-want +got):\n%s", diff)
	}

	b.now = noon.Add(leavePatience)
	if _, err := b.members.Reconcile(t.Context(), ctrl.Request{NamespacedName: key}); err != nil {
		t.Fatal(err)
	}
	if err := b.client.Get(t.Context(), key, object); !apierrors.IsNotFound(err) {
		t.Errorf("it is waited for ever: %v", err)
	}
	if told := strings.Join(b.told(), "\n"); !strings.Contains(told, "could not be cleaned up") {
		t.Errorf("told: %s", told)
	}
}
