package controller

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/apply"
	"github.com/tlsplatform/tls-platform-operator/internal/fleet"
	"github.com/tlsplatform/tls-platform-operator/internal/names"
	"github.com/tlsplatform/tls-platform-operator/internal/observed"
)

// claimed says that another hub manages the cluster, nil when none does. It is
// asked for before anything is written.
func (v *visit) claimed(ctx context.Context) *observed.Failure {
	hub, err := v.Options.Home.UID(ctx)
	if err != nil {
		return &observed.Failure{Reason: v1alpha1.ReasonApplyFailed, Message: err.Error()}
	}
	other, err := v.cluster.Claim(ctx)
	if err != nil {
		failure := apply.Classify(err, "")
		return &failure
	}
	return refusal(fleet.CheckClaim(other, hub, v.object.Spec.TakeOverFrom))
}

// refusal as a failure that only a person ends, nil for none.
func refusal(e *fleet.RefusalError) *observed.Failure {
	if e == nil {
		return nil
	}
	return &observed.Failure{Reason: e.Reason, Message: e.Message, Terminal: true}
}

// held says that another platform has the cluster, nil when none does. One that
// no longer selects the cluster, or is gone, has let it go.
func (v *visit) held(ctx context.Context, owner apply.Owner, owned bool) (*observed.Failure, error) {
	a := v.assignment
	if !owned || a == nil || a.Release || owner.UID == a.Platform.UID {
		return nil, nil
	}
	if a.TakeOverFrom != "" && owner.Hub == a.TakeOverFrom {
		return nil, nil
	}
	hub, err := v.Options.Home.UID(ctx)
	if err != nil {
		return nil, err
	}
	if owner.Hub != "" && owner.Hub != hub { // platforms of two hubs may have the same name
		return ownedByOther(v.name, owner.Name), nil
	}
	if owner.Name == a.Platform.Name {
		return nil, nil // it was deleted and made anew
	}
	if selects, err := v.selectedBy(ctx, owner.UID); err != nil || !selects {
		return nil, err
	}
	return ownedByOther(v.name, owner.Name), nil
}

// selectedBy says whether a platform exists and selects the cluster.
func (v *visit) selectedBy(ctx context.Context, platform types.UID) (bool, error) {
	var platforms v1alpha1.TLSPlatformList
	if err := v.Client.List(ctx, &platforms); err != nil {
		return false, fmt.Errorf("listing TLSPlatforms: %w", err)
	}
	for i := range platforms.Items {
		p := &platforms.Items[i]
		if p.UID != platform {
			continue
		}
		selector, err := selectorOf(p)
		return err == nil && selector.Matches(labels.Set(v.object.Labels)), err
	}
	return false, nil
}

func ownedByOther(cluster, other string) *observed.Failure {
	return &observed.Failure{
		Reason: v1alpha1.ReasonOwnedByOther, Terminal: true,
		Message: fmt.Sprintf("cluster %s belongs to TLSPlatform %s, and two would fight: let one of them select other clusters, or delete it", cluster, other),
	}
}

// Claim is the UID of the hub that the cluster says it belongs to, empty for none.
func (c *Cluster) Claim(ctx context.Context) (string, error) {
	if c.agent != nil {
		if latest := c.agent.Latest(); latest != nil {
			return latest.Spec.Hub.UID, nil
		}
	}
	if !c.facts.APIs.Serves(v1alpha1.GroupVersion.Group, "TLSAgent") {
		return "", nil
	}
	agent := &v1alpha1.TLSAgent{}
	err := c.conn.Hub.Get(ctx, types.NamespacedName{Name: v1alpha1.AgentName}, agent)
	if client.IgnoreNotFound(err) != nil {
		return "", fmt.Errorf("reading TLSAgent %s of cluster %s: %w", v1alpha1.AgentName, c.Name(), err)
	}
	return agent.Spec.Hub.UID, nil
}

// release lets go of a cluster for a platform that is being deleted.
func (v *visit) release(ctx context.Context, a *Assignment, outcome *observed.Outcome) {
	done, message, err := v.cluster.Release(ctx, a.Platform)
	if err != nil {
		message = err.Error()
	}
	if !done {
		outcome.Err = &observed.Failure{Reason: v1alpha1.ReasonDeleting, Message: message}
		v.runAt = v.Fleet.Now().Add(deleteRecheck)
		return
	}
	if message != "" {
		v.Events.Eventf(a.Platform, nil, eventNormal, v1alpha1.ReasonRetained, actionDelete, "cluster %s: %s", v.name, message)
	}
	v.owner, v.done, v.assignment, v.released = "", nil, nil, true
	v.Fleet.released(v.member, a.Platform.UID)
}

// Release ends a platform's hold on the cluster, as its deletion policy says.
// done is false while something is still being removed.
func (c *Cluster) Release(ctx context.Context, platform *v1alpha1.TLSPlatform) (done bool, message string, err error) {
	owner, owned, err := c.engine.Ledger(ctx)
	if err != nil || !owned || owner.UID != platform.UID {
		return err == nil, "", err
	}
	return c.letGo(ctx, owner, platform.Spec.DeletionPolicy)
}

func (c *Cluster) letGo(ctx context.Context, owner apply.Owner, policy v1alpha1.DeletionPolicy) (done bool, message string, err error) {
	if policy != v1alpha1.DeletionPolicyRemove {
		return true, "everything stays in place, as deletionPolicy Retain asks", c.engine.Forget(ctx)
	}
	done, retained, err := c.engine.Remove(ctx, owner)
	message = summary(retained)
	if err != nil || !done {
		return false, "removing; " + message, err
	}
	return true, message, c.engine.Forget(ctx)
}

// leave lets go of a member whose MemberCluster is being deleted. A cluster that
// can't be reached is let go at once: what stays there is said in an event.
func (r *MemberReconciler) leave(ctx context.Context, m *member, object *v1alpha1.MemberCluster) error {
	if !controllerutil.ContainsFinalizer(object, names.Finalizer) {
		return nil
	}
	done, message, err := r.letGo(ctx, m, object)
	if err != nil && r.passing(m, object) {
		done, err = false, nil
	}
	if err != nil {
		message = fmt.Sprintf("the cluster could not be cleaned up (%v): what the platform applied there stays, with its ledger, and is nobody's", err)
		done = true
	}
	if !done {
		r.Fleet.wake.add(r.Lane, m.name, deleteRecheck)
		return nil
	}
	if message != "" {
		r.Events.Eventf(object, nil, eventNormal, v1alpha1.ReasonRetained, actionDelete, "%s", message)
	}
	if err := r.Dialer.Forget(ctx, object.Name); err != nil {
		return err
	}
	before := object.DeepCopy()
	controllerutil.RemoveFinalizer(object, names.Finalizer)
	err = r.Client.Patch(ctx, object, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}))
	if apierrors.IsConflict(err) { // the cache is behind, and no event tells when it has caught up
		r.Fleet.wake.add(r.Lane, m.name, settle)
		return nil
	}
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("removing the finalizer of MemberCluster %s: %w", object.Name, err)
	}
	return nil
}

// leavePatience is how long a cluster that answers, and refuses to be cleaned up,
// is tried again.
const leavePatience = time.Minute

// passing says whether what went wrong with a cluster that is being let go of
// may pass.
func (r *MemberReconciler) passing(m *member, object *v1alpha1.MemberCluster) bool {
	return m.cluster != nil && m.cluster.conn.Health().Reachable &&
		r.Fleet.Now().Before(object.DeletionTimestamp.Add(leavePatience))
}

// letGo cleans up a cluster as the policy of its MemberCluster says.
func (r *MemberReconciler) letGo(ctx context.Context, m *member, object *v1alpha1.MemberCluster) (done bool, message string, err error) {
	if m.cluster == nil && object.Status.Identity != nil { // the hub was restarted meanwhile, maybe
		v := &visit{MemberReconciler: r, member: m, object: object}
		if err := v.connect(ctx); err != nil {
			return false, "", err
		}
	}
	if m.cluster == nil || !equality.Semantic.DeepEqual(m.spec.Connection, object.Spec.Connection) {
		return true, "the cluster is not connected: what the platform applied there before stays, with its ledger", nil
	}
	if err := m.cluster.conn.Probe(ctx); err != nil {
		return false, "", err
	}
	facts, err := m.cluster.Facts(ctx)
	if err != nil {
		return false, "", err
	}
	if known := object.Status.UID; known != "" && known != facts.UID {
		return true, "the connection leads to another cluster now: nothing was done there", nil
	}
	if other := r.Fleet.identify(m, facts.UID, object.CreationTimestamp); other != "" {
		return true, "MemberCluster " + other + " is the same cluster and keeps it: nothing was done there", nil
	}
	return r.cleanUp(ctx, m.cluster, object.Spec.DeletionPolicy)
}

// cleanUp a cluster that is this hub's.
func (r *MemberReconciler) cleanUp(ctx context.Context, c *Cluster, policy v1alpha1.DeletionPolicy) (done bool, message string, err error) {
	owner, owned, err := c.engine.Ledger(ctx)
	if err != nil || !owned {
		return err == nil, "", err
	}
	hub, err := r.Options.Home.UID(ctx)
	if err != nil {
		return false, "", err
	}
	if owner.Hub != "" && owner.Hub != hub {
		return true, "another hub manages the cluster: nothing was done there", nil
	}
	return c.letGo(ctx, owner, policy)
}
