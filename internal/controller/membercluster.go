package controller

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

// MemberReconciler reports whether member clusters answer, and what they are.
type MemberReconciler struct {
	// Client reads MemberClusters from the manager's cache.
	Client client.Client
	// Clusters that can be reached, by name.
	Clusters map[string]*Cluster
	// Now is the clock.
	Now func() time.Time
}

// Reconcile looks at one MemberCluster.
func (r *MemberReconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	member := &v1alpha1.MemberCluster{}
	if err := r.Client.Get(ctx, req.NamespacedName, member); err != nil {
		if apierrors.IsNotFound(err) && req.Name == v1alpha1.LocalClusterName {
			return ctrl.Result{}, EnsureLocal(ctx, r.Client)
		}
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	c, ok := r.Clusters[member.Name]
	if !ok {
		return ctrl.Result{}, nil
	}
	computed := *member.Status.DeepCopy()
	computed.ObservedGeneration = member.Generation
	condition := metav1.Condition{
		Type: v1alpha1.ConditionConnected, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonAvailable,
		Message: "the API server answers", ObservedGeneration: member.Generation, LastTransitionTime: metav1.NewTime(r.Now()),
	}
	var again time.Duration
	facts, err := c.Facts(ctx)
	if err != nil {
		condition.Status, condition.Reason, condition.Message = metav1.ConditionFalse, v1alpha1.ReasonUnreachable, err.Error()
		again = recheckAfterError
	} else {
		computed.KubernetesVersion, computed.UID = facts.KubernetesVersion, facts.UID
	}
	meta.SetStatusCondition(&computed.Conditions, condition)
	if equality.Semantic.DeepEqual(member.Status, computed) {
		return ctrl.Result{RequeueAfter: again}, nil
	}
	changed := member.DeepCopy()
	changed.Status = computed
	if err := r.Client.Status().Patch(ctx, changed, client.MergeFrom(member)); err != nil {
		return ctrl.Result{}, fmt.Errorf("writing the status of MemberCluster %s: %w", member.Name, err)
	}
	return ctrl.Result{RequeueAfter: again}, nil
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
