package observed

import (
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Cluster is what was seen in one cluster before planning.
type Cluster struct {
	// Name of the MemberCluster.
	Name string
	// UID of the cluster's kube-system namespace.
	UID string
	// KubernetesVersion of the API server, for example v1.37.2.
	KubernetesVersion string
	// APIs that the cluster serves.
	APIs APIs
	// Installs found, by component name (cert-manager, trust-manager).
	Installs map[string]Install
	// SchemaRevision of the operator's own definitions in the cluster; zero for
	// none, or those of an operator that did not number them.
	SchemaRevision int
	// Incomplete are API groups whose server did not answer. Their kinds are as
	// good as absent.
	Incomplete []string
}

// APIs is the set of kinds that a cluster serves, with the versions of each.
type APIs map[schema.GroupKind][]string

// Serves says whether the cluster serves a kind.
func (a APIs) Serves(group, kind string) bool {
	return len(a[schema.GroupKind{Group: group, Kind: kind}]) > 0
}

// Owner says who installed a component.
type Owner string

const (
	// OwnerNone says that the component was not found.
	OwnerNone Owner = ""
	// OwnerPlatform is this operator.
	OwnerPlatform Owner = "Platform"
	// OwnerHelm is a Helm release.
	OwnerHelm Owner = "Helm"
	// OwnerOLM is the Operator Lifecycle Manager.
	OwnerOLM Owner = "OLM"
	// OwnerPlain are manifests that somebody applied.
	OwnerPlain Owner = "Plain"
)

// Install is one component as found in a cluster.
type Install struct {
	// Owner of the install.
	Owner Owner
	// Version as its workload's labels or image say; may be empty.
	Version string
	// Namespace of its workloads; empty when only CRDs were found.
	Namespace string
	// Release is the name of the Helm release, whether Helm itself or somebody
	// else applied it, or of the ClusterServiceVersion.
	Release string
	// Evidence are the objects that show it, for messages (at most five).
	Evidence []string
	// Workloads are its Deployments with their health, for Observed components.
	Workloads []Workload
	// StoredVersions of its CRDs: name of the CRD to the versions in which
	// objects are stored.
	StoredVersions map[string][]string
	// Definitions are its CRDs and whose they are.
	Definitions []Owned
}

// Owned is an object and whose it is.
type Owned struct {
	// Object as Kind namespace/name.
	Object string
	// Owner of the object, and the name of its release.
	Owner   Owner
	Release string
}

// Workload is the health of one Deployment.
type Workload struct {
	// Name is namespace/name.
	Name string
	// Available says whether the Deployment is.
	Available bool
	// Message says why not.
	Message string
}
