package controller

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/fleet"
	"github.com/tlsplatform/tls-platform-operator/internal/names"
	"github.com/tlsplatform/tls-platform-operator/internal/observed"
	"github.com/tlsplatform/tls-platform-operator/internal/status"
)

// MemberReconciler visits clusters: it connects, brings each as close to its
// assignment as it can be now, and writes what it found to its MemberCluster.
// There is one for members that answer and one for suspects.
type MemberReconciler struct {
	// Client reads MemberClusters from the manager's cache and writes their status.
	Client client.Client
	// Fleet of all clusters.
	Fleet *Fleet
	// Dialer connects to members.
	Dialer *fleet.Dialer
	// Options of clusters; Connection and Changed are set for each.
	Options ClusterOptions
	// Events records what happened.
	Events events.EventRecorder
	// Lane that this one serves.
	Lane int
}

const (
	// visitLimit bounds a visit as a whole, whatever goes on in the cluster.
	visitLimit = 3 * time.Minute
	// busyWait is when a member that another worker is at is tried again.
	busyWait = 200 * time.Millisecond
	// undecidedWait is when a member that nobody told anything is tried again.
	undecidedWait = time.Second
	// beat is how often the heartbeat of an agent is looked at, which is also how
	// soon a cluster is missed that went away without a word.
	beat = 30 * time.Second
	// firstRetry and lastRetry bound how often a suspect is tried.
	firstRetry = 2 * time.Second
	lastRetry  = time.Minute
)

// Reconcile visits one member.
func (r *MemberReconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	object := &v1alpha1.MemberCluster{}
	if err := r.Client.Get(ctx, req.NamespacedName, object); err != nil {
		if !apierrors.IsNotFound(err) {
			return ctrl.Result{}, fmt.Errorf("reading MemberCluster %s: %w", req.Name, err)
		}
		if req.Name == v1alpha1.LocalClusterName {
			return ctrl.Result{}, EnsureLocal(ctx, r.Client)
		}
		r.Fleet.forget(req.Name)
		return ctrl.Result{}, nil
	}
	m := r.Fleet.get(object.Name)
	if r.Fleet.suspected(m) != (r.Lane == laneSuspect) {
		return r.handOver(m.name), nil
	}
	if !m.visiting.TryLock() {
		return ctrl.Result{RequeueAfter: busyWait}, nil
	}
	defer m.visiting.Unlock()
	if r.Fleet.get(object.Name) != m { // it was forgotten meanwhile
		return ctrl.Result{RequeueAfter: busyWait}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, visitLimit)
	defer cancel()
	if !object.DeletionTimestamp.IsZero() {
		return ctrl.Result{}, r.leave(ctx, m, object)
	}
	if err := r.keep(ctx, object); err != nil {
		return ctrl.Result{}, err
	}
	if undecided, err := r.undecided(ctx, m, object); err != nil || undecided {
		return ctrl.Result{RequeueAfter: undecidedWait}, err
	}
	return r.visit(ctx, m, object)
}

// undecided says that a platform selects the cluster and has not told it yet what
// it shall have, as after a restart of the hub.
func (r *MemberReconciler) undecided(ctx context.Context, m *member, object *v1alpha1.MemberCluster) (bool, error) {
	if object.Status.Platform == "" || r.Lane == laneSuspect || r.Fleet.assignment(m) != nil {
		return false, nil
	}
	platform := &v1alpha1.TLSPlatform{}
	if err := r.Client.Get(ctx, types.NamespacedName{Name: object.Status.Platform}, platform); err != nil {
		return false, client.IgnoreNotFound(err)
	}
	selector, err := selectorOf(platform)
	if err != nil || !platform.DeletionTimestamp.IsZero() {
		return false, err
	}
	return selector.Matches(labels.Set(object.Labels)) && !r.Fleet.decided(platform.UID), nil
}

// handOver gives a member to the other lane.
func (r *MemberReconciler) handOver(name string) ctrl.Result {
	other := laneSuspect
	if r.Lane == laneSuspect {
		other = laneHealthy
	}
	if !r.Fleet.wake.add(other, name, 0) {
		return ctrl.Result{RequeueAfter: busyWait}
	}
	return ctrl.Result{}
}

// keep adds the finalizer that lets the operator let go of the cluster. The hub's
// own cluster has none: its object is made anew when it is deleted.
func (r *MemberReconciler) keep(ctx context.Context, object *v1alpha1.MemberCluster) error {
	if object.Name == v1alpha1.LocalClusterName || controllerutil.ContainsFinalizer(object, names.Finalizer) {
		return nil
	}
	before := object.DeepCopy()
	controllerutil.AddFinalizer(object, names.Finalizer)
	if err := r.Client.Patch(ctx, object, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})); err != nil {
		return fmt.Errorf("adding the finalizer to MemberCluster %s: %w", object.Name, err)
	}
	return nil
}

// visit a member, report on it, and say when to come again.
func (r *MemberReconciler) visit(ctx context.Context, m *member, object *v1alpha1.MemberCluster) (ctrl.Result, error) {
	v := &visit{MemberReconciler: r, member: m, object: object, owner: r.Fleet.ownerOf(m)}
	var outcome *observed.Outcome
	if r.Lane == laneSuspect {
		err := v.reach(ctx)
		if err == nil {
			r.Fleet.setSuspect(m, false)
			r.Fleet.Dirty(m.name)
			return r.handOver(m.name), nil
		}
		outcome = v.unreachable(err)
	} else {
		outcome = v.run(ctx)
	}
	outcome.Cluster = m.name
	outcome.Since = since(object, outcome)
	if m.cluster != nil {
		m.cluster.Report(outcome)
	}
	suspect := outcome.Unreachable
	if suspect {
		m.failures++
	} else {
		m.failures = 0
	}
	r.Fleet.setSuspect(m, suspect)
	news := r.Fleet.store(m, outcome, v.assignment, v.owner)
	err := r.write(ctx, v, outcome)
	if news { // which the next visit would not tell again
		r.Fleet.news()
	}
	if err != nil {
		return ctrl.Result{}, err
	}
	if v.assignment != nil && v.ran {
		announce(r.Events, v.assignment.Platform, outcome)
	}
	return ctrl.Result{RequeueAfter: v.again(outcome)}, nil
}

// again says when time alone asks for another visit.
func (v *visit) again(outcome *observed.Outcome) time.Duration {
	if outcome.Unreachable {
		longest := lastRetry
		if v.name == v1alpha1.LocalClusterName {
			longest = firstRetry // everything hangs on it
		}
		wait := min(firstRetry<<min(v.failures-1, 10), longest)
		return wait/2 + rand.N(wait)
	}
	now, wait := v.Fleet.Now(), beat
	if rest := v.beatAt.Sub(now); rest > 0 || v.listened { // else this visit did not get that far
		wait = max(rest, time.Millisecond)
	}
	if !v.runAt.IsZero() {
		wait = min(wait, max(v.runAt.Sub(now), time.Millisecond))
	}
	return wait
}

// since is when what is wrong with a cluster began.
func since(object *v1alpha1.MemberCluster, outcome *observed.Outcome) time.Time {
	kind := v1alpha1.ConditionInSync
	if outcome.Unreachable {
		kind = v1alpha1.ConditionConnected
	}
	for _, c := range object.Status.Conditions {
		if c.Type == kind && c.Status != metav1.ConditionTrue {
			return c.LastTransitionTime.Time
		}
	}
	return time.Time{}
}

// write sends the status when it differs. It is written over what was read: a
// revision that was assigned meanwhile must not be called ready.
func (r *MemberReconciler) write(ctx context.Context, v *visit, outcome *observed.Outcome) error {
	object := v.object
	in := status.MemberInput{Member: object, Outcome: outcome, Heard: v.heard, Identity: v.identity(), Now: metav1.NewTime(r.Fleet.Now())}
	switch {
	case v.assignment != nil:
		in.Platform = v.assignment.Platform.Name
	case outcome.Unreachable: // what is there has not changed
		in.Platform = object.Status.Platform
	}
	in.Released = v.released
	computed := status.Member(in)
	if equality.Semantic.DeepEqual(object.Status, computed) {
		return nil
	}
	changed := object.DeepCopy()
	changed.Status = computed
	err := r.Client.Status().Patch(ctx, changed, client.MergeFromWithOptions(object, client.MergeFromWithOptimisticLock{}))
	switch {
	case apierrors.IsNotFound(err):
		return nil // it was deleted meanwhile
	case apierrors.IsConflict(err):
		r.Fleet.wake.wake(object.Name) // the cache is behind; another visit writes
		return nil
	case err != nil:
		return fmt.Errorf("writing the status of MemberCluster %s: %w", object.Name, err)
	}
	r.tell(object, &computed)
	return nil
}

// tell records that a cluster went away, or is back.
func (r *MemberReconciler) tell(object *v1alpha1.MemberCluster, computed *v1alpha1.MemberClusterStatus) {
	before := meta.FindStatusCondition(object.Status.Conditions, v1alpha1.ConditionConnected)
	after := meta.FindStatusCondition(computed.Conditions, v1alpha1.ConditionConnected)
	if before != nil && before.Status == after.Status && before.Reason == after.Reason {
		return
	}
	kind := eventNormal
	if after.Status != metav1.ConditionTrue {
		kind = eventWarning
	}
	r.Events.Eventf(object, nil, kind, after.Reason, actionConnect, "%s", after.Message)
}

// EnsureLocal creates the MemberCluster of the hub's own cluster. One that
// exists is left as it is: its labels belong to people.
func EnsureLocal(ctx context.Context, c client.Client) error {
	err := c.Get(ctx, types.NamespacedName{Name: v1alpha1.LocalClusterName}, &v1alpha1.MemberCluster{})
	if err == nil {
		return nil
	}
	if !apierrors.IsNotFound(err) {
		return fmt.Errorf("reading MemberCluster %s: %w", v1alpha1.LocalClusterName, err)
	}
	local := &v1alpha1.MemberCluster{
		ObjectMeta: metav1.ObjectMeta{Name: v1alpha1.LocalClusterName},
		Spec:       v1alpha1.MemberClusterSpec{Connection: v1alpha1.Connection{Type: v1alpha1.ConnectionLocal}},
	}
	if err := c.Create(ctx, local); err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("creating MemberCluster %s: %w", local.Name, err)
	}
	return nil
}
