package controller

import (
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/fleet"
	"github.com/tlsplatform/tls-platform-operator/internal/names"
)

var noon = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

// bench is both reconcilers over a fake hub, with a clock that stands still.
type bench struct {
	now       time.Time
	client    client.WithWatch
	fleet     *Fleet
	platforms *PlatformReconciler
	members   *MemberReconciler
	events    *events.FakeRecorder
	lanes     [2]*recordingQueue
	news      int
}

// recordingQueue notes what is added to a lane.
type recordingQueue struct {
	queue
	added []string
	after []time.Duration
}

func (q *recordingQueue) AddAfter(r reconcile.Request, after time.Duration) {
	q.added, q.after = append(q.added, r.Name), append(q.after, after)
}

func newBench(t *testing.T, funcs interceptor.Funcs, objects ...client.Object) *bench {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{v1alpha1.AddToScheme, appsv1.AddToScheme, corev1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	b := &bench{now: noon, events: events.NewFakeRecorder(100), lanes: [2]*recordingQueue{{}, {}}}
	b.client = fake.NewClientBuilder().WithScheme(scheme).WithObjects(objects...).
		WithStatusSubresource(&v1alpha1.TLSPlatform{}, &v1alpha1.MemberCluster{}).WithInterceptorFuncs(funcs).Build()
	clock := func() time.Time { return b.now }
	b.fleet = NewFleet(clock, func() { b.news++ })
	for i, q := range b.lanes {
		if err := b.fleet.wake.lane(i)(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	home := &Home{Client: b.client, Namespace: names.SystemNamespace, uid: "hub"}
	b.platforms = NewPlatformReconciler(b.client, home, b.fleet, b.events)
	b.members = &MemberReconciler{
		Client: b.client, Fleet: b.fleet, Events: b.events, Options: ClusterOptions{Home: home, Now: clock},
		Dialer: &fleet.Dialer{Home: b.client, Namespace: names.SystemNamespace, Scheme: scheme, Now: clock},
	}
	return b
}

// told returns the notes of all events so far.
func (b *bench) told() []string {
	var list []string
	for {
		select {
		case e := <-b.events.Events:
			list = append(list, e)
		default:
			return list
		}
	}
}

// visitOf a member, as a worker of the healthy lane would make it.
func (b *bench) visitOf(object *v1alpha1.MemberCluster) *visit {
	return &visit{MemberReconciler: b.members, member: b.fleet.get(object.Name), object: object}
}

func platformNamed(name string, uid types.UID) *v1alpha1.TLSPlatform {
	return &v1alpha1.TLSPlatform{ObjectMeta: metav1.ObjectMeta{
		Name: name, UID: uid, Generation: 1, Finalizers: []string{names.Finalizer}, CreationTimestamp: metav1.NewTime(noon.Add(-time.Hour)),
	}}
}

func memberNamed(name string) *v1alpha1.MemberCluster {
	return &v1alpha1.MemberCluster{ObjectMeta: metav1.ObjectMeta{
		Name: name, UID: types.UID("uid-" + name), Generation: 1, Finalizers: []string{names.Finalizer},
		CreationTimestamp: metav1.NewTime(noon.Add(-time.Hour)),
	}}
}

func keyOf(b *bench, name string) client.ObjectKey {
	return client.ObjectKey{Namespace: b.platforms.Home.Namespace, Name: name}
}

// claim of a platform on a cluster.
func claim(p *v1alpha1.TLSPlatform, revision string) *Assignment {
	return &Assignment{Platform: p, Revision: revision, Key: revision}
}
