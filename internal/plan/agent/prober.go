package agent

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/names"
	"github.com/tlsplatform/tls-platform-operator/internal/plan/build"
)

// addressed are kinds that name an address which serves a certificate. None of
// them is a Secret or a ConfigMap, and the prober is granted no other.
var addressed = []kinds{
	{"", []string{"services"}},
	{"gateway.networking.k8s.io", []string{"gateways", "listenersets"}},
	{"networking.gke.io", []string{"managedcertificates"}},
	{"networking.k8s.io", []string{"ingresses"}},
	{"route.openshift.io", []string{"routes"}},
}

// prober is everything that runs the prober: an identity apart from the agent's,
// since it dials addresses that others choose, and must know no secret.
func prober(namespace, image string) []*unstructured.Unstructured {
	return []*unstructured.Unstructured{
		build.Object(&corev1.ServiceAccount{
			TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "ServiceAccount"},
			ObjectMeta: proberMetadata(namespace),
		}),
		build.Object(&rbacv1.ClusterRole{
			TypeMeta:   rbacType("ClusterRole"),
			ObjectMeta: proberMetadata(""),
			Rules:      append(reading(addressed), proberOwn()...),
		}),
		build.Object(&rbacv1.ClusterRoleBinding{
			TypeMeta:   rbacType("ClusterRoleBinding"),
			ObjectMeta: proberMetadata(""),
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: names.Prober},
			Subjects:   proberSubjects(namespace),
		}),
		build.Object(&rbacv1.Role{
			TypeMeta:   rbacType("Role"),
			ObjectMeta: proberMetadata(namespace),
			Rules:      proberLocal(),
		}),
		build.Object(&rbacv1.RoleBinding{
			TypeMeta:   rbacType("RoleBinding"),
			ObjectMeta: proberMetadata(namespace),
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: names.Prober},
			Subjects:   proberSubjects(namespace),
		}),
		build.Object(&corev1.Service{
			TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Service"},
			ObjectMeta: proberMetadata(namespace),
			Spec: corev1.ServiceSpec{
				Selector: proberLabels(),
				Ports: []corev1.ServicePort{{
					Name: portMetrics, Protocol: corev1.ProtocolTCP, Port: metricsPort, TargetPort: intstr.FromString(portMetrics),
				}},
			},
		}),
		proberNetworkPolicy(namespace),
		proberDeployment(namespace, image),
	}
}

func rbacType(kind string) metav1.TypeMeta {
	return metav1.TypeMeta{APIVersion: rbacv1.SchemeGroupVersion.String(), Kind: kind}
}

// proberLabels of the prober's objects. Those of its pod are the same.
func proberLabels() map[string]string {
	return map[string]string{
		"app.kubernetes.io/name":      "tls-platform",
		"app.kubernetes.io/component": "prober",
	}
}

// proberMetadata of an object: all have one name, the ServiceAccount too.
func proberMetadata(namespace string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: namespace, Name: names.Prober, Labels: proberLabels()}
}

func proberSubjects(namespace string) []rbacv1.Subject {
	return []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: namespace, Name: names.ServiceAccountProber}}
}

// proberOwn are the rights that are not about other people's objects: to read
// what is asked, and to ask who may see metrics.
func proberOwn() []rbacv1.PolicyRule {
	return []rbacv1.PolicyRule{
		{APIGroups: []string{v1alpha1.GroupVersion.Group}, Resources: []string{"tlsagents"}, Verbs: read},
		{APIGroups: []string{"authentication.k8s.io"}, Resources: []string{"tokenreviews"}, Verbs: []string{"create"}},
		{APIGroups: []string{"authorization.k8s.io"}, Resources: []string{"subjectaccessreviews"}, Verbs: []string{"create"}},
	}
}

// proberLocal are the rights in the prober's namespace: its Lease, its pages, and
// to read those of the agent.
func proberLocal() []rbacv1.PolicyRule {
	return []rbacv1.PolicyRule{
		// A create request has no name that a rule could be about.
		{APIGroups: []string{"coordination.k8s.io"}, Resources: []string{"leases"}, Verbs: []string{"create"}},
		{
			APIGroups: []string{"coordination.k8s.io"}, Resources: []string{"leases"},
			ResourceNames: []string{names.ProberLease}, Verbs: []string{"get", "patch", "update"},
		},
		{
			APIGroups: []string{v1alpha1.GroupVersion.Group}, Resources: []string{"certificateslices"},
			Verbs: []string{"create", "delete", "get", "list", "patch", "update", "watch"},
		},
	}
}

// proberDeployment is the agent's with another role, another identity and other
// labels.
func proberDeployment(namespace, image string) *unstructured.Unstructured {
	d := agentDeployment(namespace, image)
	d.ObjectMeta = proberMetadata(namespace)
	d.Spec.Selector.MatchLabels = proberLabels()
	d.Spec.Template.Labels = proberLabels()
	pod := &d.Spec.Template.Spec
	pod.ServiceAccountName = names.ServiceAccountProber
	c := &pod.Containers[0]
	c.Name = "prober"
	c.Args = slices.Clone(c.Args)
	c.Args[0] = "prober"
	return build.Object(d)
}
