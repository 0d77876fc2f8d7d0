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
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/apply"
	"github.com/tlsplatform/tls-platform-operator/internal/names"
	"github.com/tlsplatform/tls-platform-operator/internal/observed"
	"github.com/tlsplatform/tls-platform-operator/internal/status"
)

// PlatformReconciler makes the estates of TLSPlatforms true.
type PlatformReconciler struct {
	// Client reads TLSPlatforms and MemberClusters from the manager's cache and
	// writes their status.
	Client client.Client
	// Clusters that can be reached, by the name of their MemberCluster.
	Clusters map[string]*Cluster
	// Events records what happened, after status was written.
	Events events.EventRecorder
	// Now is the clock.
	Now func() time.Time

	// written is what was written last to each platform by name. Platforms are
	// reconciled one at a time.
	written map[string]write
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
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if r.behind(platform) {
		return ctrl.Result{RequeueAfter: cacheRetry}, nil
	}
	switch {
	case !platform.DeletionTimestamp.IsZero():
		return r.delete(ctx, platform)
	case platform.Spec.Suspend:
		return ctrl.Result{}, r.writeStatus(ctx, platform, status.Suspended(platform, r.clock()))
	}
	if err := r.patch(ctx, platform, controllerutil.AddFinalizer); err != nil {
		return ctrl.Result{}, fmt.Errorf("adding the finalizer to TLSPlatform %s: %w", platform.Name, err)
	}
	selected, err := r.selected(ctx, platform)
	if err != nil {
		return ctrl.Result{}, err
	}
	outcomes, recheck := r.run(ctx, platform, selected)
	if err := r.writeStatus(ctx, platform, status.Compute(platform, outcomes, r.clock())); err != nil {
		return ctrl.Result{}, err
	}
	r.announce(platform, outcomes)
	return ctrl.Result{RequeueAfter: recheck}, nil
}

func (r *PlatformReconciler) clock() metav1.Time { return metav1.NewTime(r.Now()) }

// selected are the clusters of the platform, by name.
func (r *PlatformReconciler) selected(ctx context.Context, platform *v1alpha1.TLSPlatform) ([]*Cluster, error) {
	selector := labels.Everything()
	if s := platform.Spec.Clusters.Selector; s != nil {
		parsed, err := metav1.LabelSelectorAsSelector(s)
		if err != nil {
			return nil, fmt.Errorf("reading spec.clusters.selector of TLSPlatform %s: %w", platform.Name, err)
		}
		selector = parsed
	}
	var members v1alpha1.MemberClusterList
	if err := r.Client.List(ctx, &members, client.MatchingLabelsSelector{Selector: selector}); err != nil {
		return nil, fmt.Errorf("listing MemberClusters for TLSPlatform %s: %w", platform.Name, err)
	}
	var clusters []*Cluster
	for i := range members.Items {
		if c, ok := r.Clusters[members.Items[i].Name]; ok {
			clusters = append(clusters, c)
		}
	}
	slices.SortFunc(clusters, func(a, b *Cluster) int { return compare(a.Name(), b.Name()) })
	return clusters, nil
}

// run brings each cluster forward and says when to look again.
func (r *PlatformReconciler) run(ctx context.Context, platform *v1alpha1.TLSPlatform, clusters []*Cluster) (outcomes []observed.Outcome, recheck time.Duration) {
	for _, c := range clusters {
		outcome, next := c.Run(ctx, platform)
		outcomes = append(outcomes, outcome)
		recheck = sooner(recheck, outcome.Recheck)
		if next != nil {
			recheck = sooner(recheck, max(next.Sub(r.Now()), time.Second))
		}
	}
	return outcomes, recheck
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
	if r.written == nil {
		r.written = map[string]write{}
	}
	r.written[platform.Name] = write{changed.ResourceVersion, r.Now()}
	return nil
}

// delete forgets or removes the estate, then lets the object go.
func (r *PlatformReconciler) delete(ctx context.Context, platform *v1alpha1.TLSPlatform) (ctrl.Result, error) {
	if !controllerutil.ContainsFinalizer(platform, names.Finalizer) {
		return ctrl.Result{}, nil
	}
	for _, c := range r.Clusters {
		done, message, err := c.Release(ctx, platform)
		if err != nil {
			message = fmt.Sprintf("cluster %s: %v", c.Name(), err)
		}
		if err != nil || !done {
			if werr := r.writeStatus(ctx, platform, status.Deleting(platform, message, r.clock())); werr != nil {
				return ctrl.Result{}, werr
			}
			return ctrl.Result{RequeueAfter: deleteRecheck}, nil
		}
		if message != "" {
			r.Events.Eventf(platform, nil, eventNormal, v1alpha1.ReasonRetained, actionDelete, "cluster %s: %s", c.Name(), message)
		}
	}
	if err := r.patch(ctx, platform, controllerutil.RemoveFinalizer); client.IgnoreNotFound(err) != nil {
		return ctrl.Result{}, fmt.Errorf("removing the finalizer of TLSPlatform %s: %w", platform.Name, err)
	}
	return ctrl.Result{}, nil
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

// Release ends a platform's hold on the cluster, as its deletion policy says.
// done is false while something is still being removed.
func (c *Cluster) Release(ctx context.Context, platform *v1alpha1.TLSPlatform) (done bool, message string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	owner, owned, err := c.engine.Ledger(ctx)
	if err != nil || !owned || owner.UID != platform.UID {
		return err == nil, "", err
	}
	if platform.Spec.DeletionPolicy != v1alpha1.DeletionPolicyRemove {
		return true, "everything stays in place, as deletionPolicy Retain asks", c.engine.Forget(ctx)
	}
	done, retained, err := c.engine.Remove(ctx, apply.Owner{Name: platform.Name, UID: platform.UID})
	message = summary(retained)
	if err != nil || !done {
		return false, "removing; " + message, err
	}
	return true, message, c.engine.Forget(ctx)
}
