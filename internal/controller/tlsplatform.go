package controller

import (
	"context"
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/names"
	"github.com/tlsplatform/tls-platform-operator/internal/status"
)

// PlatformReconciler decides what each cluster of a TLSPlatform shall have now,
// and says how far they are. It never speaks to a member itself.
type PlatformReconciler struct {
	// Client reads TLSPlatforms and MemberClusters from the manager's cache and
	// writes their status.
	Client client.Client
	// Home is the hub's own cluster.
	Home *Home
	// Fleet of all clusters.
	Fleet *Fleet
	// Events records what happened, after status was written.
	Events events.EventRecorder
	// Metrics of the fleet.
	Metrics *Metrics
	// Now is the clock.
	Now func() time.Time

	// What follows is by name or UID of a platform. Platforms are reconciled one
	// at a time.
	revisions  *revisions
	uids       map[string]types.UID
	written    map[string]write
	valid      map[types.UID]map[string]bool // overrides that are known to be valid, in that generation
	generation map[types.UID]int64
	pending    map[types.UID]time.Time // since when clusters have not been visited with their assignment
	compared   map[types.UID]comparison
}

// NewPlatformReconciler returns a reconciler of platforms.
func NewPlatformReconciler(c client.Client, home *Home, f *Fleet, recorder events.EventRecorder) *PlatformReconciler {
	return &PlatformReconciler{
		Client: c, Home: home, Fleet: f, Events: recorder, Metrics: NewMetrics(f), Now: f.Now,
		revisions: newRevisions(home), uids: map[string]types.UID{}, written: map[string]write{}, valid: map[types.UID]map[string]bool{}, generation: map[types.UID]int64{},
		pending: map[types.UID]time.Time{}, compared: map[types.UID]comparison{},
	}
}

// write is the resource version that a write of status led to.
type write struct {
	version string
	at      time.Time
}

const (
	// cacheLag is how long the cache may be behind a write. After that it is
	// believed: a restored etcd counts resource versions from earlier on.
	cacheLag = 10 * time.Second
	// cacheRetry is when a cache that is behind is looked at again. No event says
	// that it has caught up, since changes of status alone start nothing.
	cacheRetry = 100 * time.Millisecond
	// patience is how long clusters may be on their way before status says so:
	// most changes are done by then.
	patience = 2 * time.Second
	// pendingRecheck is how often those are looked at that are on their way.
	pendingRecheck = 5 * time.Second
)

// behind says that a platform as read does not have our last write yet. A status
// that is compared with it would be taken for written when it is not, or be
// written in part.
func (r *PlatformReconciler) behind(platform *v1alpha1.TLSPlatform) bool {
	last, ok := r.written[platform.Name]
	if !ok || r.Now().Sub(last.at) > cacheLag {
		return false
	}
	order, err := resourceversion.CompareResourceVersion(platform.ResourceVersion, last.version)
	return err == nil && order < 0
}

// Reconcile runs the phases for one TLSPlatform.
func (r *PlatformReconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	platform := &v1alpha1.TLSPlatform{}
	if err := r.Client.Get(ctx, req.NamespacedName, platform); err != nil {
		if apierrors.IsNotFound(err) {
			r.forget(req.Name)
		}
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if uid := r.uids[platform.Name]; uid != platform.UID {
		r.forget(platform.Name) // it was deleted without us, and made anew
		r.uids[platform.Name] = platform.UID
	}
	if r.behind(platform) {
		return ctrl.Result{RequeueAfter: cacheRetry}, nil
	}
	if !platform.DeletionTimestamp.IsZero() {
		return r.delete(ctx, platform)
	}
	if err := r.patch(ctx, platform, controllerutil.AddFinalizer); err != nil {
		return ctrl.Result{}, fmt.Errorf("adding the finalizer to TLSPlatform %s: %w", platform.Name, err)
	}
	members, err := r.selected(ctx, platform)
	if err != nil {
		return ctrl.Result{}, err
	}
	r.Fleet.Unassign(platform.UID, namesOf(members))
	if problem, err := r.invalid(ctx, platform, members); err != nil || problem != "" {
		if err != nil {
			return ctrl.Result{}, err
		}
		r.Fleet.Decided(platform.UID)
		return ctrl.Result{}, r.writeStatus(ctx, platform, status.Invalid(platform, problem, r.clock()))
	}
	if platform.Spec.Suspend {
		if err := r.suspend(ctx, platform, members); err != nil {
			return ctrl.Result{}, err
		}
		r.Fleet.Decided(platform.UID)
		return ctrl.Result{}, r.writeStatus(ctx, platform, status.Suspended(platform, r.clock()))
	}
	decision, err := r.roll(ctx, platform, members)
	if err != nil {
		return ctrl.Result{}, err
	}
	r.Fleet.Decided(platform.UID)
	return r.report(ctx, platform, members, decision)
}

// report writes the status, unless clusters have only just been told something.
func (r *PlatformReconciler) report(ctx context.Context, platform *v1alpha1.TLSPlatform, members []v1alpha1.MemberCluster, d *rolled) (ctrl.Result, error) {
	outcomes, waiting := r.outcomes(platform, members)
	result := ctrl.Result{}
	if d.Next != nil {
		result.RequeueAfter = max(d.Next.Sub(r.Now()), time.Second)
	}
	if waiting == 0 {
		delete(r.pending, platform.UID)
	} else {
		since, known := r.pending[platform.UID]
		if !known {
			since = r.Now()
			r.pending[platform.UID] = since
		}
		if rest := patience - r.Now().Sub(since); rest > 0 {
			return ctrl.Result{RequeueAfter: rest}, nil
		}
		result.RequeueAfter = sooner(result.RequeueAfter, pendingRecheck)
	}
	computed := status.Compute(status.Input{
		Platform: platform, Outcomes: outcomes, Pending: waiting, Rollout: d.status, Consistency: r.consistency(platform, members),
		Now: r.clock(),
	})
	return result, r.writeStatus(ctx, platform, computed)
}

func (r *PlatformReconciler) clock() metav1.Time { return metav1.NewTime(r.Now()) }

// selected are the clusters of the platform, by name.
func (r *PlatformReconciler) selected(ctx context.Context, platform *v1alpha1.TLSPlatform) ([]v1alpha1.MemberCluster, error) {
	selector, err := selectorOf(platform)
	if err != nil {
		return nil, err
	}
	var members v1alpha1.MemberClusterList
	if err := r.Client.List(ctx, &members, client.MatchingLabelsSelector{Selector: selector}); err != nil {
		return nil, fmt.Errorf("listing MemberClusters for TLSPlatform %s: %w", platform.Name, err)
	}
	list := slices.DeleteFunc(members.Items, func(m v1alpha1.MemberCluster) bool { return !m.DeletionTimestamp.IsZero() })
	slices.SortFunc(list, func(a, b v1alpha1.MemberCluster) int { return compare(a.Name, b.Name) })
	return list, nil
}

func selectorOf(platform *v1alpha1.TLSPlatform) (labels.Selector, error) {
	if platform.Spec.Clusters.Selector == nil {
		return labels.Everything(), nil
	}
	selector, err := metav1.LabelSelectorAsSelector(platform.Spec.Clusters.Selector)
	if err != nil {
		return nil, fmt.Errorf("reading spec.clusters.selector of TLSPlatform %s: %w", platform.Name, err)
	}
	return selector, nil
}

func namesOf(members []v1alpha1.MemberCluster) map[string]bool {
	set := make(map[string]bool, len(members))
	for i := range members {
		set[members[i].Name] = true
	}
	return set
}

// sooner of two waits, where zero is never.
func sooner(a, b time.Duration) time.Duration {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// writeStatus sends the status when it differs from what is stored.
func (r *PlatformReconciler) writeStatus(ctx context.Context, platform *v1alpha1.TLSPlatform, computed v1alpha1.TLSPlatformStatus) error {
	r.Metrics.set(platform.Name, computed)
	if equality.Semantic.DeepEqual(platform.Status, computed) {
		return nil
	}
	changed := platform.DeepCopy()
	changed.Status = computed
	if err := r.Client.Status().Patch(ctx, changed, client.MergeFrom(platform)); err != nil {
		if apierrors.IsNotFound(err) {
			return nil // it was deleted meanwhile
		}
		return fmt.Errorf("writing the status of TLSPlatform %s: %w", platform.Name, err)
	}
	r.written[platform.Name] = write{changed.ResourceVersion, r.Now()}
	return nil
}

// patch changes the finalizers and nothing else: an update would write the
// user's spec back in our spelling.
func (r *PlatformReconciler) patch(ctx context.Context, platform *v1alpha1.TLSPlatform, change func(client.Object, string) bool) error {
	before := platform.DeepCopy()
	if !change(platform, names.Finalizer) {
		return nil
	}
	return r.Client.Patch(ctx, platform, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}))
}

// deleteRecheck is how often a deletion that is under way is looked at.
const deleteRecheck = 2 * time.Second

// delete has every cluster forget or remove the estate, then lets the object go.
func (r *PlatformReconciler) delete(ctx context.Context, platform *v1alpha1.TLSPlatform) (ctrl.Result, error) {
	if !controllerutil.ContainsFinalizer(platform, names.Finalizer) {
		r.forget(platform.Name)
		return ctrl.Result{}, nil
	}
	var members v1alpha1.MemberClusterList
	if err := r.Client.List(ctx, &members); err != nil {
		return ctrl.Result{}, fmt.Errorf("listing MemberClusters for TLSPlatform %s: %w", platform.Name, err)
	}
	message := ""
	for i := range members.Items {
		if text := r.let(platform, &members.Items[i]); text != "" && message == "" {
			message = text
		}
	}
	if message != "" {
		return ctrl.Result{RequeueAfter: deleteRecheck}, r.writeStatus(ctx, platform, status.Deleting(platform, message, r.clock()))
	}
	if err := r.patch(ctx, platform, controllerutil.RemoveFinalizer); client.IgnoreNotFound(err) != nil {
		return ctrl.Result{}, fmt.Errorf("removing the finalizer of TLSPlatform %s: %w", platform.Name, err)
	}
	r.forget(platform.Name)
	return ctrl.Result{}, nil
}

// let has one cluster let go of the platform, and says what it is about; empty
// when that is done. A cluster that can't be reached is waited for only where
// something is to be removed.
func (r *PlatformReconciler) let(platform *v1alpha1.TLSPlatform, m *v1alpha1.MemberCluster) string {
	name := m.Name
	left := !m.DeletionTimestamp.IsZero() && !controllerutil.ContainsFinalizer(m, names.Finalizer)
	if left || r.Fleet.Released(name, platform.UID) {
		return "" // its own deletion has let go of it, or it was asked to
	}
	release := &Assignment{Platform: platform.DeepCopy(), Key: "release", Release: true, Since: r.Now()}
	r.Fleet.Assign(name, release)
	known := r.Fleet.Known(name, platform.UID)
	if known.Other != nil { // it never was this platform's
		r.Fleet.Drop(name, platform.UID)
		return ""
	}
	if known.Outcome == nil {
		return fmt.Sprintf("cluster %s is being released", name)
	}
	return r.letKnown(platform, m, known)
}

// letKnown is let for a cluster that was visited.
func (r *PlatformReconciler) letKnown(platform *v1alpha1.TLSPlatform, m *v1alpha1.MemberCluster, known Known) string {
	name := m.Name
	switch o := known.Outcome; {
	case o.Unreachable && (platform.Spec.DeletionPolicy != v1alpha1.DeletionPolicyRemove || m.Status.Platform != platform.Name):
		r.Fleet.Drop(name, platform.UID)
		if m.Status.Platform == platform.Name {
			r.Events.Eventf(platform, nil, eventNormal, v1alpha1.ReasonRetained, actionDelete,
				"cluster %s: it can't be reached (%s): everything stays there, with its ledger", name, o.Err.Message)
		}
		return ""
	case o.Unreachable:
		return fmt.Sprintf("cluster %s can't be reached, and deletionPolicy Remove waits for it: %s; delete MemberCluster %s to leave everything there as it is",
			name, o.Err.Message, name)
	case known.Current && o.Err != nil && o.Err.Terminal: // nothing may be done there
		r.Fleet.Drop(name, platform.UID)
		r.Events.Eventf(platform, nil, eventNormal, v1alpha1.ReasonRetained, actionDelete,
			"cluster %s: nothing was done there: %s", name, o.Err.Message)
		return ""
	case known.Current && o.Err != nil:
		return fmt.Sprintf("cluster %s: %s", name, o.Err.Message)
	}
	return fmt.Sprintf("cluster %s is being released", name)
}

// forget a platform that is gone, also one whose finalizer somebody else removed:
// its clusters are free for others.
func (r *PlatformReconciler) forget(name string) {
	uid, known := r.uids[name]
	if !known {
		return
	}
	r.Fleet.Unassign(uid, nil)
	r.Fleet.Forget(uid)
	r.revisions.forget(uid)
	delete(r.uids, name)
	delete(r.written, name)
	delete(r.valid, uid)
	delete(r.generation, uid)
	delete(r.pending, uid)
	delete(r.compared, uid)
	r.Metrics.forget(name)
}
