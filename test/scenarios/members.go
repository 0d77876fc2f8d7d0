package scenarios

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/test/harness"
	"github.com/tlsplatform/tls-platform-operator/test/harness/link"
)

// Member is a cluster beside the hub's own.
type Member struct {
	// Name of the cluster, and of its MemberCluster.
	Name string
	// Cluster itself, reached directly.
	Cluster *harness.Cluster
	// Link is the only way by which the hub gets there.
	Link *link.Link
	// Access makes kubeconfigs that lead over the link.
	Access harness.Access
	// Client is an administrator's, past the link.
	Client client.Client
}

// startMember starts a cluster with a link in front of it.
func (w *World) startMember(ctx context.Context, o harness.ClusterOptions) (*Member, error) {
	cluster, c, err := w.startCluster(ctx, o)
	if err != nil {
		return nil, err
	}
	l, err := cluster.Link()
	if err != nil {
		return nil, err
	}
	return &Member{Name: o.Name, Cluster: cluster, Link: l, Access: cluster.Access(l.Addr()), Client: c}, nil
}

// At returns the world as seen from a member: what is asked of it is asked of the
// member's cluster, past its link.
func (w *World) At(name string) *World {
	m := w.Members[name]
	there := *w
	there.Cluster, there.Client = m.Cluster, m.Client
	return &there
}

// secretOf is the name of the Secret with a member's kubeconfig.
func secretOf(member string) string { return "member-" + member }

// PutCredential writes a kubeconfig to the Secret of a MemberCluster.
func (w *World) PutCredential(ctx context.Context, member string, kubeconfig []byte) error {
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: SystemNamespace, Name: secretOf(member)}}
	_, err := controllerutil.CreateOrUpdate(ctx, w.Client, secret, func() error {
		secret.Data = map[string][]byte{"kubeconfig": kubeconfig}
		return nil
	})
	if err != nil {
		return fmt.Errorf("writing the kubeconfig of %s: %w", member, err)
	}
	return nil
}

// WithdrawCredential deletes the Secret of a MemberCluster.
func (w *World) WithdrawCredential(ctx context.Context, member string) error {
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: SystemNamespace, Name: secretOf(member)}}
	if err := client.IgnoreNotFound(w.Client.Delete(ctx, secret)); err != nil {
		return fmt.Errorf("deleting the kubeconfig of %s: %w", member, err)
	}
	return nil
}

// memberCluster is the object for a cluster that the kubeconfig in its Secret
// leads to.
func memberCluster(name string, labels map[string]string) *v1alpha1.MemberCluster {
	return &v1alpha1.MemberCluster{
		TypeMeta:   metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion.String(), Kind: "MemberCluster"},
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels},
		Spec: v1alpha1.MemberClusterSpec{
			Connection: v1alpha1.Connection{
				Type:       v1alpha1.ConnectionKubeconfig,
				Kubeconfig: &v1alpha1.KubeconfigConnection{SecretRef: v1alpha1.KubeconfigSecret{Name: secretOf(name)}},
			},
		},
	}
}

// AddMember makes a MemberCluster with its kubeconfig.
func (w *World) AddMember(ctx context.Context, name string, labels map[string]string, kubeconfig []byte) error {
	if err := w.PutCredential(ctx, name, kubeconfig); err != nil {
		return err
	}
	if err := w.Client.Create(ctx, memberCluster(name, labels)); err != nil {
		return fmt.Errorf("creating MemberCluster %s: %w", name, err)
	}
	return nil
}

// DropMember deletes a MemberCluster and its kubeconfig, and waits until the
// object is gone.
func (w *World) DropMember(ctx context.Context, name string) error {
	if err := client.IgnoreNotFound(w.Client.Delete(ctx, &v1alpha1.MemberCluster{ObjectMeta: metav1.ObjectMeta{Name: name}})); err != nil {
		return fmt.Errorf("deleting MemberCluster %s: %w", name, err)
	}
	if err := w.Wait(ctx, Members, "", name, harness.Absent); err != nil {
		return err
	}
	return w.WithdrawCredential(ctx, name)
}

// Member reads a MemberCluster.
func (w *World) Member(ctx context.Context, name string) (*v1alpha1.MemberCluster, error) {
	member := &v1alpha1.MemberCluster{}
	if err := w.Client.Get(ctx, types.NamespacedName{Name: name}, member); err != nil {
		return nil, fmt.Errorf("reading MemberCluster %s: %w", name, err)
	}
	return member, nil
}

// changeMember edits the spec of a MemberCluster.
func (w *World) changeMember(ctx context.Context, name string, change func(*v1alpha1.MemberClusterSpec)) error {
	member, err := w.Member(ctx, name)
	if err != nil {
		return err
	}
	before := member.DeepCopy()
	change(&member.Spec)
	if err := w.Client.Patch(ctx, member, client.MergeFrom(before)); err != nil {
		return fmt.Errorf("changing MemberCluster %s: %w", name, err)
	}
	return nil
}

// WaitMember waits until a condition of a MemberCluster is as told: its status,
// and, unless empty, its reason.
func (w *World) WaitMember(ctx context.Context, name, kind string, status metav1.ConditionStatus, reason string) (*metav1.Condition, error) {
	var found *metav1.Condition
	err := w.Wait(ctx, Members, "", name, memberStatus(func(s *v1alpha1.MemberClusterStatus) bool {
		found = meta.FindStatusCondition(s.Conditions, kind)
		return found != nil && found.Status == status && (reason == "" || found.Reason == reason)
	}))
	if err != nil {
		return found, fmt.Errorf("condition %s %s %s: %w", kind, status, reason, err)
	}
	return found, nil
}

// memberStatus is a wait's condition about the status of a MemberCluster.
func memberStatus(is func(*v1alpha1.MemberClusterStatus) bool) harness.Condition {
	return func(o *unstructured.Unstructured) (bool, error) {
		if o == nil {
			return false, nil
		}
		var m v1alpha1.MemberCluster
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, &m); err != nil {
			return false, fmt.Errorf("reading MemberCluster %s: %w", o.GetName(), err)
		}
		return is(&m.Status), nil
	}
}

// certManager is the state of cert-manager in a cluster, as its MemberCluster has
// it.
func (w *World) certManager(ctx context.Context, member string) (v1alpha1.ComponentStatus, error) {
	m, err := w.Member(ctx, member)
	if err != nil {
		return v1alpha1.ComponentStatus{}, err
	}
	for _, c := range m.Status.Components {
		if c.Name == "certManager" {
			return c, nil
		}
	}
	return v1alpha1.ComponentStatus{}, fmt.Errorf("the status of MemberCluster %s says nothing of cert-manager", member)
}

// isTrue says whether a condition is there and true.
func isTrue(conditions []metav1.Condition, kind string) bool {
	return meta.IsStatusConditionTrue(conditions, kind)
}
