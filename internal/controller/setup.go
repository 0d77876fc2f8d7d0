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
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

// settle gathers events of a cluster into one reconcile.
const settle = 100 * time.Millisecond

// Signal wakes the controllers when something in a cluster changed. It never
// blocks, and many calls may wake them once.
type Signal struct{ ch chan event.GenericEvent }

// NewSignal returns a Signal.
func NewSignal() *Signal { return &Signal{ch: make(chan event.GenericEvent, 1)} }

// Notify wakes the controllers.
func (s *Signal) Notify() {
	select {
	case s.ch <- event.GenericEvent{Object: &v1alpha1.TLSPlatform{}}:
	default: // one is waiting already
	}
}

// Setup adds both controllers to a manager.
func Setup(mgr manager.Manager, signal *Signal, platforms *PlatformReconciler, members *MemberReconciler) error {
	all := &enqueueAll{client: mgr.GetClient()}
	err := ctrl.NewControllerManagedBy(mgr).
		Named("tlsplatform").
		For(&v1alpha1.TLSPlatform{}, builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		Watches(&v1alpha1.MemberCluster{}, all, builder.WithPredicates(predicate.LabelChangedPredicate{})).
		WatchesRawSource(source.Channel(signal.ch, all)).
		Complete(platforms)
	if err != nil {
		return fmt.Errorf("adding the TLSPlatform controller: %w", err)
	}
	err = ctrl.NewControllerManagedBy(mgr).
		Named("membercluster").
		For(&v1alpha1.MemberCluster{}, builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		Complete(members)
	if err != nil {
		return fmt.Errorf("adding the MemberCluster controller: %w", err)
	}
	return mgr.Add(manager.RunnableFunc(func(ctx context.Context) error {
		return EnsureLocal(ctx, mgr.GetClient())
	}))
}

// enqueueAll answers every event by a reconcile of every TLSPlatform, a moment
// later, so that a burst costs one.
type enqueueAll struct{ client client.Client }

type queue = workqueue.TypedRateLimitingInterface[reconcile.Request]

func (h *enqueueAll) all(ctx context.Context, q queue) {
	var list v1alpha1.TLSPlatformList
	if err := h.client.List(ctx, &list); err != nil {
		log.FromContext(ctx).Error(err, "listing TLSPlatforms to answer an event")
		return
	}
	for i := range list.Items {
		q.AddAfter(reconcile.Request{NamespacedName: types.NamespacedName{Name: list.Items[i].Name}}, settle)
	}
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
