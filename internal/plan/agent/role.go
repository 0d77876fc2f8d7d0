package agent

import (
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/names"
	"github.com/tlsplatform/tls-platform-operator/internal/plan/build"
)

// role of the agent in its own namespace: its Lease and its pages, which besides
// its status are the only objects that it writes, and the ledger, which it reads
// also where ConfigMaps are none of its business.
func role(namespace string) *unstructured.Unstructured {
	return build.Object(&rbacv1.Role{
		TypeMeta:   metav1.TypeMeta{APIVersion: rbacv1.SchemeGroupVersion.String(), Kind: "Role"},
		ObjectMeta: metadata(namespace, names.Agent),
		Rules: []rbacv1.PolicyRule{
			// A create request has no name that a rule could be about.
			{APIGroups: []string{"coordination.k8s.io"}, Resources: []string{"leases"}, Verbs: []string{"create"}},
			{
				APIGroups: []string{"coordination.k8s.io"}, Resources: []string{"leases"},
				ResourceNames: []string{names.AgentLease}, Verbs: []string{"get", "patch", "update"},
			},
			{
				APIGroups: []string{v1alpha1.GroupVersion.Group}, Resources: []string{"certificateslices"},
				Verbs: []string{"create", "delete", "get", "list", "patch", "update"},
			},
			{APIGroups: []string{""}, Resources: []string{"configmaps"}, ResourceNames: []string{names.LedgerConfigMap}, Verbs: read},
		},
	})
}

func roleBinding(namespace string) *unstructured.Unstructured {
	return binding(namespace, names.Agent, "Role", namespace)
}

// binding of a role to the agent in one namespace. Its name is that of the role.
func binding(in, role, kind, namespace string) *unstructured.Unstructured {
	return build.Object(&rbacv1.RoleBinding{
		TypeMeta:   metav1.TypeMeta{APIVersion: rbacv1.SchemeGroupVersion.String(), Kind: "RoleBinding"},
		ObjectMeta: metadata(in, role),
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: kind, Name: role},
		Subjects:   subjects(namespace),
	})
}
