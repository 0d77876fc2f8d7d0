package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// EstateReport is what the agent of a cluster says of the objects that the
// platform keeps there: whether they are as they were applied, and healthy.
type EstateReport struct {
	// version of the agent that made this report. One of another agent than that
	// of the status it is in was left behind, and says nothing.
	// +optional
	Version string `json:"version,omitempty"`
	// ledger is the resource version of the ledger that this report is about: all
	// of its kinds were read since, and the verdicts settled. The lists may be
	// newer.
	// +optional
	Ledger string `json:"ledger,omitempty"`
	// objects is the number of objects that the ledger lists.
	// +optional
	Objects int32 `json:"objects"`
	// drifted is the number of those that were changed or deleted by others.
	// +optional
	Drifted int32 `json:"drifted"`
	// drift lists them, the oldest first.
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=32
	// +optional
	Drift []DriftItem `json:"drift,omitempty"`
	// unhealthy is the number of those that do not do their work.
	// +optional
	Unhealthy int32 `json:"unhealthy"`
	// unhealthyObjects lists them.
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=32
	// +optional
	UnhealthyObjects []UnhealthyItem `json:"unhealthyObjects,omitempty"`
	// unwatched are kinds of the ledger that can't be watched, as plural.group,
	// with the reason. Drift of their objects is not seen.
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=32
	// +optional
	Unwatched []string `json:"unwatched,omitempty"`
	// kinds is a digest of the custom resource definitions of the cluster. The hub
	// looks at the cluster again when it changes.
	// +optional
	Kinds string `json:"kinds,omitempty"`
	// workloads is a digest of the workloads of the components, whoever runs
	// them, and of whether they are available.
	// +optional
	Workloads string `json:"workloads,omitempty"`
}

// ObjectReference identifies an object of a cluster.
type ObjectReference struct {
	// group of the kind.
	// +optional
	Group string `json:"group,omitempty"`
	// kind of the object.
	Kind string `json:"kind"`
	// namespace of the object.
	// +optional
	Namespace string `json:"namespace,omitempty"`
	// name of the object.
	Name string `json:"name"`
}

// DriftState says what happened to an object.
// +kubebuilder:validation:Enum=Changed;Deleted;Replaced
type DriftState string

const (
	// DriftChanged says that fields are no longer as they were applied.
	DriftChanged DriftState = "Changed"
	// DriftDeleted says that the object is gone.
	DriftDeleted DriftState = "Deleted"
	// DriftReplaced says that the object was deleted and made again by others.
	DriftReplaced DriftState = "Replaced"
)

// DriftItem is one object that is not as it was applied.
type DriftItem struct {
	ObjectReference `json:",inline"`
	// state says what happened.
	State DriftState `json:"state"`
	// fields that differ, as paths; empty when that can't be told.
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=8
	// +optional
	Fields []string `json:"fields,omitempty"`
	// by names the field managers that changed it; empty when that can't be told.
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=4
	// +optional
	By []string `json:"by,omitempty"`
	// since is when it was changed, or seen to be.
	// +optional
	Since *metav1.Time `json:"since,omitempty"`
}

// UnhealthyItem is one object that does not do its work.
type UnhealthyItem struct {
	ObjectReference `json:",inline"`
	// message says what is missing.
	// +optional
	Message string `json:"message,omitempty"`
	// serving is true for a workload that is available while it is rolled out.
	// +optional
	Serving bool `json:"serving,omitempty"`
}

// ClusterProfile is what runs in a cluster, whoever declared it, in a form that
// can be compared with other clusters. Its size is bounded.
type ClusterProfile struct {
	// components that were found.
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=16
	// +optional
	Components []ComponentProfile `json:"components,omitempty"`
	// issuers of cert-manager: all ClusterIssuers, then Issuers.
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=64
	// +optional
	Issuers []IssuerProfile `json:"issuers,omitempty"`
	// policies that judge certificates or their requests.
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=64
	// +optional
	Policies []DigestProfile `json:"policies,omitempty"`
	// bundles of trust-manager.
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=64
	// +optional
	Bundles []DigestProfile `json:"bundles,omitempty"`
	// settings are flags of cert-manager that decide what a certificate is made
	// of when its owner says nothing.
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=32
	// +optional
	Settings []Setting `json:"settings,omitempty"`
	// omitted counts what did not fit into the lists.
	// +optional
	Omitted int32 `json:"omitted,omitempty"`
}

// ComponentProfile is one component as found.
type ComponentProfile struct {
	// name as cert-manager, trust-manager, approver-policy, csi-driver, istio-csr,
	// kyverno or gatekeeper.
	Name string `json:"name"`
	// version that runs, as its labels or its image say.
	// +optional
	Version string `json:"version,omitempty"`
	// namespace that it runs in.
	// +optional
	Namespace string `json:"namespace,omitempty"`
	// owner is Platform, Helm, OLM or Plain.
	// +optional
	Owner string `json:"owner,omitempty"`
	// available says whether its workloads are.
	Available bool `json:"available"`
}

// IssuerProfile is one Issuer or ClusterIssuer.
type IssuerProfile struct {
	// kind is ClusterIssuer or Issuer.
	Kind string `json:"kind"`
	// namespace of an Issuer.
	// +optional
	Namespace string `json:"namespace,omitempty"`
	// name of the issuer.
	Name string `json:"name"`
	// backend says what stands behind it, the same for the same CA wherever it is
	// used: "acme URL", "ca SHA-256 of the CA certificate", "vault URL path",
	// "venafi URL zone", "selfSigned" or "unknown".
	Backend string `json:"backend"`
	// ready repeats the Ready condition.
	Ready bool `json:"ready"`
	// declared is true for an issuer that the platform applied.
	Declared bool `json:"declared"`
}

// DigestProfile is an object that is compared as a whole.
type DigestProfile struct {
	// kind of the object.
	Kind string `json:"kind"`
	// name of the object; namespace/name for one in a namespace.
	Name string `json:"name"`
	// digest of what it says, without status and what each cluster adds to it.
	Digest string `json:"digest"`
	// declared is true for an object that the platform applied.
	Declared bool `json:"declared"`
}

// Setting is one flag with its value.
type Setting struct {
	// name of the flag without dashes.
	Name string `json:"name"`
	// value of the flag.
	// +optional
	Value string `json:"value"`
}
