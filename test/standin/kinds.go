package standin

import (
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// resource is one served resource. It is shared by all clusters that serve it.
type resource struct {
	schema.GroupVersionResource
	kind       string
	singular   string
	shortNames []string
	namespaced bool
	// builtin says that it is the API server's own and has no definition.
	builtin bool
	// status says that there is a subresource status, which alone changes status.
	status bool
	// counted says that changes of anything but metadata and status count up
	// metadata.generation.
	counted bool
	// createOnly is a review: it is answered and never stored.
	createOnly bool
	// sinceMinor is the minor version of Kubernetes that serves it first.
	sinceMinor int

	main, onStatus *fieldOwners
}

func (r *resource) gvk() schema.GroupVersionKind { return r.GroupVersion().WithKind(r.kind) }

func (r *resource) apiVersion() string { return r.GroupVersion().String() }

// builtinTable has a line for each resource of the API server itself: group and
// version, plural, kind, and letters: n namespaced, s with status, g counts
// generations, r a review, and 30 the first minor version.
const builtinTable = `
v1 namespaces Namespace s
v1 serviceaccounts ServiceAccount n
v1 services Service ns
v1 configmaps ConfigMap n
v1 secrets Secret n
v1 events Event n
v1 pods Pod nsg
v1 nodes Node s
apps/v1 deployments Deployment nsg
apps/v1 statefulsets StatefulSet nsg
apps/v1 daemonsets DaemonSet nsg
apps/v1 controllerrevisions ControllerRevision n
batch/v1 jobs Job nsg
policy/v1 poddisruptionbudgets PodDisruptionBudget nsg
networking.k8s.io/v1 networkpolicies NetworkPolicy ng
networking.k8s.io/v1 ingresses Ingress nsg
rbac.authorization.k8s.io/v1 clusterroles ClusterRole -
rbac.authorization.k8s.io/v1 clusterrolebindings ClusterRoleBinding -
rbac.authorization.k8s.io/v1 roles Role n
rbac.authorization.k8s.io/v1 rolebindings RoleBinding n
apiextensions.k8s.io/v1 customresourcedefinitions CustomResourceDefinition sg
admissionregistration.k8s.io/v1 mutatingwebhookconfigurations MutatingWebhookConfiguration g
admissionregistration.k8s.io/v1 validatingwebhookconfigurations ValidatingWebhookConfiguration g
admissionregistration.k8s.io/v1 validatingadmissionpolicies ValidatingAdmissionPolicy sg30
admissionregistration.k8s.io/v1 validatingadmissionpolicybindings ValidatingAdmissionPolicyBinding g30
coordination.k8s.io/v1 leases Lease n
events.k8s.io/v1 events Event n
apiregistration.k8s.io/v1 apiservices APIService s
authentication.k8s.io/v1 selfsubjectreviews SelfSubjectReview r
authorization.k8s.io/v1 selfsubjectaccessreviews SelfSubjectAccessReview r
`

// admissionPolicyMinor is the first minor version with ValidatingAdmissionPolicy.
const admissionPolicyMinor = 30

// builtins parses the table.
func builtins(types *typeConverters) map[schema.GroupVersionResource]*resource {
	table := map[schema.GroupVersionResource]*resource{}
	for line := range strings.Lines(strings.TrimSpace(builtinTable)) {
		words := strings.Fields(line)
		gv, err := schema.ParseGroupVersion(words[0])
		if err != nil {
			panic("standin: " + err.Error()) // the table is a constant
		}
		r := &resource{
			GroupVersionResource: gv.WithResource(words[1]), kind: words[2], builtin: true, singular: strings.ToLower(words[2]),
			namespaced: strings.Contains(words[3], "n"), status: strings.Contains(words[3], "s"),
			counted: strings.Contains(words[3], "g"), createOnly: strings.Contains(words[3], "r"),
		}
		if strings.Contains(words[3], "30") {
			r.sinceMinor = admissionPolicyMinor
		}
		r.main, r.onStatus = types.builtin(r.gvk(), ""), types.builtin(r.gvk(), subresourceStatus)
		table[r.GroupVersionResource] = r
	}
	return table
}

// Resources that the stand-in itself looks at.
var (
	namespacesResource      = schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}
	serviceAccountsResource = schema.GroupVersionResource{Version: "v1", Resource: "serviceaccounts"}
	configMapsResource      = schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}
	deploymentsResource     = schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}
	definitionsResource     = schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}
	leasesResource          = schema.GroupVersionResource{Group: "coordination.k8s.io", Version: "v1", Resource: "leases"}
	agentsResource          = schema.GroupVersionResource{Group: "tlsplatform.io", Version: "v1alpha1", Resource: "tlsagents"}
	policiesResource        = schema.GroupVersionResource{Group: "admissionregistration.k8s.io", Version: "v1", Resource: "validatingadmissionpolicies"}
	bundlesResource         = schema.GroupVersionResource{Group: "trust.cert-manager.io", Version: "v1alpha1", Resource: "bundles"}
	issuersResource         = schema.GroupVersionResource{Group: "cert-manager.io", Version: "v1", Resource: "clusterissuers"}
)

const subresourceStatus = "status"
