package controller

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

// Signal wakes the platforms when an outcome changed. It never blocks, and many
// calls may wake them once.
type Signal struct{ ch chan event.GenericEvent }

// NewSignal returns a Signal.
func NewSignal() *Signal { return &Signal{ch: make(chan event.GenericEvent, 1)} }

// Notify wakes the platforms.
func (s *Signal) Notify() {
	select {
	case s.ch <- event.GenericEvent{Object: &v1alpha1.TLSPlatform{}}:
	default: // one is waiting already
	}
}

// DefaultConcurrency is how many members are visited at the same time in each
// lane. Visits mostly wait for a network; what they cost is memory for plans.
const DefaultConcurrency = 16

// Setup adds the controllers to a manager. members is the one of the healthy
// lane; that of the suspects is made from it.
func Setup(mgr manager.Manager, signal *Signal, platforms *PlatformReconciler, members *MemberReconciler, concurrency int) error {
	all := &enqueueAll{client: mgr.GetClient()}
	err := ctrl.NewControllerManagedBy(mgr).
		Named("tlsplatform").
		For(&v1alpha1.TLSPlatform{}, builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		Watches(&v1alpha1.MemberCluster{}, all, builder.WithPredicates(predicate.Or(
			predicate.LabelChangedPredicate{}, predicate.GenerationChangedPredicate{}))).
		WatchesRawSource(source.Channel(signal.ch, all)).
		Complete(all.timed(platforms))
	if err != nil {
		return fmt.Errorf("adding the TLSPlatform controller: %w", err)
	}
	if err := metrics.Registry.Register(platforms.Metrics); err != nil {
		return fmt.Errorf("registering the metrics of the fleet: %w", err)
	}
	suspects := *members
	members.Lane, suspects.Lane = laneHealthy, laneSuspect
	lane := controller.Options{MaxConcurrentReconciles: concurrency}
	err = ctrl.NewControllerManagedBy(mgr).
		Named("membercluster").
		For(&v1alpha1.MemberCluster{}, builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		WatchesRawSource(source.Func(members.Fleet.wake.lane(laneHealthy))).
		WithOptions(lane).
		Complete(members)
	if err != nil {
		return fmt.Errorf("adding the MemberCluster controller: %w", err)
	}
	err = ctrl.NewControllerManagedBy(mgr).
		Named("membercluster-suspect").
		WatchesRawSource(source.Func(members.Fleet.wake.lane(laneSuspect))).
		WithOptions(lane).
		Complete(&suspects)
	if err != nil {
		return fmt.Errorf("adding the controller of MemberClusters that do not answer: %w", err)
	}
	return mgr.Add(manager.RunnableFunc(func(ctx context.Context) error {
		return EnsureLocal(ctx, mgr.GetClient())
	}))
}

// enqueueAll answers every event by a reconcile of every TLSPlatform, a moment
// later, so that a burst costs one. The moment is longer when a reconcile takes
// long, so that no more than a tenth of the time goes into them however large the
// fleet is.
type enqueueAll struct {
	client client.Client
	last   durations
}

type queue = workqueue.TypedRateLimitingInterface[reconcile.Request]

// longestSettle bounds the moment.
const longestSettle = 2 * time.Second

func (h *enqueueAll) all(ctx context.Context, q queue) {
	var list v1alpha1.TLSPlatformList
	if err := h.client.List(ctx, &list); err != nil {
		log.FromContext(ctx).Error(err, "listing TLSPlatforms to answer an event")
		return
	}
	moment := min(max(10*h.last.get(), settle), longestSettle)
	for i := range list.Items {
		q.AddAfter(reconcile.Request{NamespacedName: types.NamespacedName{Name: list.Items[i].Name}}, moment)
	}
}

// timed notes how long reconciles take.
func (h *enqueueAll) timed(r *PlatformReconciler) reconcile.Reconciler {
	return reconcile.Func(func(ctx context.Context, req reconcile.Request) (reconcile.Result, error) {
		started := r.Now()
		result, err := r.Reconcile(ctx, req)
		h.last.set(r.Now().Sub(started))
		return result, err
	})
}

var _ handler.EventHandler = &enqueueAll{}

// Create implements handler.EventHandler.
func (h *enqueueAll) Create(ctx context.Context, _ event.CreateEvent, q queue) { h.all(ctx, q) }

// Update implements handler.EventHandler.
func (h *enqueueAll) Update(ctx context.Context, _ event.UpdateEvent, q queue) { h.all(ctx, q) }

// Delete implements handler.EventHandler.
func (h *enqueueAll) Delete(ctx context.Context, _ event.DeleteEvent, q queue) { h.all(ctx, q) }

// Generic implements handler.EventHandler.
func (h *enqueueAll) Generic(ctx context.Context, _ event.GenericEvent, q queue) { h.all(ctx, q) }
