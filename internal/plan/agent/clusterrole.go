package agent

import (
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/names"
	"github.com/tlsplatform/tls-platform-operator/internal/plan/build"
)

// clusterRoles of the agent: what it reads anyway, what may be limited to some
// namespaces, and what people add.
func clusterRoles() []*unstructured.Unstructured {
	return []*unstructured.Unstructured{
		clusterRole(names.Agent, append(reading(builtin, managers, referrers, judges, estate), own()...)),
		clusterRole(names.AgentMaterial, reading(material)),
		extraRole(),
	}
}

// own are the rights that are not about other people's objects: to read what is
// asked and to report, and to ask who may see metrics.
func own() []rbacv1.PolicyRule {
	return []rbacv1.PolicyRule{
		{APIGroups: []string{v1alpha1.GroupVersion.Group}, Resources: []string{"tlsagents"}, Verbs: read},
		{
			APIGroups: []string{v1alpha1.GroupVersion.Group}, Resources: []string{"tlsagents/status"},
			ResourceNames: []string{v1alpha1.AgentName}, Verbs: []string{"get", "patch", "update"},
		},
		{APIGroups: []string{"authentication.k8s.io"}, Resources: []string{"tokenreviews"}, Verbs: []string{"create"}},
		{APIGroups: []string{"authorization.k8s.io"}, Resources: []string{"subjectaccessreviews"}, Verbs: []string{"create"}},
	}
}

func clusterRole(name string, rules []rbacv1.PolicyRule) *unstructured.Unstructured {
	return build.Object(&rbacv1.ClusterRole{
		TypeMeta:   metav1.TypeMeta{APIVersion: rbacv1.SchemeGroupVersion.String(), Kind: "ClusterRole"},
		ObjectMeta: metadata("", name),
		Rules:      rules,
	})
}

// extraRole gathers the rules of labelled ClusterRoles. It is a role of its own,
// since the API server's controller replaces the rules of one that aggregates.
func extraRole() *unstructured.Unstructured {
	return build.Object(&rbacv1.ClusterRole{
		TypeMeta:   metav1.TypeMeta{APIVersion: rbacv1.SchemeGroupVersion.String(), Kind: "ClusterRole"},
		ObjectMeta: metadata("", names.AgentExtra),
		AggregationRule: &rbacv1.AggregationRule{ClusterRoleSelectors: []metav1.LabelSelector{
			{MatchLabels: map[string]string{names.LabelAggregateToAgent: "true"}},
		}},
	})
}

// clusterBindings of the roles. What is limited to namespaces is bound in each
// of those and not in the cluster.
func clusterBindings(namespace string, only []string) []*unstructured.Unstructured {
	out := []*unstructured.Unstructured{
		clusterBinding(names.Agent, namespace),
		clusterBinding(names.AgentExtra, namespace),
	}
	if len(only) == 0 {
		return append(out, clusterBinding(names.AgentMaterial, namespace))
	}
	for _, n := range only {
		out = append(out, binding(n, names.AgentMaterial, "ClusterRole", namespace))
	}
	return out
}

func clusterBinding(role, namespace string) *unstructured.Unstructured {
	return build.Object(&rbacv1.ClusterRoleBinding{
		TypeMeta:   metav1.TypeMeta{APIVersion: rbacv1.SchemeGroupVersion.String(), Kind: "ClusterRoleBinding"},
		ObjectMeta: metadata("", role),
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role},
		Subjects:   subjects(namespace),
	})
}

func subjects(namespace string) []rbacv1.Subject {
	return []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: namespace, Name: names.ServiceAccountAgent}}
}
