package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// LocalClusterName is the MemberCluster of the hub's own cluster. The operator
// creates it.
const LocalClusterName = "local"

// ConnectionType says how a cluster is reached.
// +kubebuilder:validation:Enum=Local;Kubeconfig
type ConnectionType string

const (
	// ConnectionLocal is the cluster that the operator runs in.
	ConnectionLocal ConnectionType = "Local"
	// ConnectionKubeconfig is a cluster that a kubeconfig leads to.
	ConnectionKubeconfig ConnectionType = "Kubeconfig"
)

// MemberClusterSpec says how to reach one cluster.
type MemberClusterSpec struct {
	// connection to the cluster.
	// +required
	Connection Connection `json:"connection"`

	// deletionPolicy says what happens to the estate in the cluster when this
	// object is deleted. A cluster that can't be reached is let go at once,
	// whatever the policy; one that answers and refuses is tried for a minute.
	// +kubebuilder:default=Retain
	// +optional
	DeletionPolicy DeletionPolicy `json:"deletionPolicy,omitempty"`

	// takeOverFrom is the UID of a hub that is gone for good and managed the
	// cluster before. Without it, a cluster that another hub manages is refused.
	// +kubebuilder:validation:MaxLength=63
	// +optional
	TakeOverFrom string `json:"takeOverFrom,omitempty"`
}

// Connection says how a cluster is reached.
// +kubebuilder:validation:XValidation:rule="has(self.kubeconfig) == (self.type == 'Kubeconfig')",message="connection.kubeconfig is needed for type Kubeconfig, and only there"
type Connection struct {
	// type of the connection.
	// +required
	Type ConnectionType `json:"type"`
	// kubeconfig leads to the cluster.
	// +optional
	Kubeconfig *KubeconfigConnection `json:"kubeconfig,omitempty"`
}

// KubeconfigConnection is a first credential for a cluster: it serves to make
// the operator's own identities there, and again when those are lost. It may be
// withdrawn in between.
type KubeconfigConnection struct {
	// secretRef names a Secret in the operator's namespace that holds a
	// kubeconfig with a token or a client certificate. Its current context is
	// used. Exec plugins and references to files are refused.
	// +required
	SecretRef KubeconfigSecret `json:"secretRef"`
}

// KubeconfigSecret is a key of a Secret that holds a kubeconfig.
type KubeconfigSecret struct {
	// name of the Secret.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`
	// key of the kubeconfig in the Secret.
	// +kubebuilder:default=kubeconfig
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +optional
	Key string `json:"key,omitempty"`
}

// MemberClusterStatus is what was learned about a cluster.
type MemberClusterStatus struct {
	// observedGeneration is the generation of the spec that this status is about.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// conditions of the cluster: Connected, InSync, AgentReporting.
	// +listType=map
	// +listMapKey=type
	// +optional
	Conditions []metav1.Condition `json:"conditions,omitempty"`
	// kubernetesVersion of the API server.
	// +optional
	KubernetesVersion string `json:"kubernetesVersion,omitempty"`
	// uid of the cluster: that of its namespace kube-system.
	// +optional
	UID string `json:"uid,omitempty"`
	// identity is how the operator reaches the cluster now.
	// +optional
	Identity *IdentityStatus `json:"identity,omitempty"`
	// platform is the name of the TLSPlatform that the cluster belongs to.
	// +optional
	Platform string `json:"platform,omitempty"`
	// revision of the platform's spec that the cluster was told to have, and when.
	// +optional
	Revision *RevisionStatus `json:"revision,omitempty"`
	// objects is the number of objects that the platform keeps in the cluster.
	// +optional
	Objects int32 `json:"objects,omitempty"`
	// components of the cluster.
	// +listType=map
	// +listMapKey=name
	// +optional
	Components []ComponentStatus `json:"components,omitempty"`
	// issuers of the cluster.
	// +listType=map
	// +listMapKey=name
	// +optional
	Issuers []IssuerStatus `json:"issuers,omitempty"`
	// certificates counts what the cluster's agent found.
	// +optional
	Certificates *CertificateCounts `json:"certificates,omitempty"`
	// drifted is the number of objects that others changed, as the agent saw
	// last; drift lists them.
	// +optional
	Drifted *int32 `json:"drifted,omitempty"`
	// drift lists objects that others changed.
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=32
	// +optional
	Drift []DriftItem `json:"drift,omitempty"`
	// retained says what was left in place although it is no longer declared,
	// and why.
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=32
	// +optional
	Retained []string `json:"retained,omitempty"`
	// profile is what runs in the cluster, whoever declared it.
	// +optional
	Profile *ClusterProfile `json:"profile,omitempty"`
	// agentVersion is the version of the cluster's agent.
	// +optional
	AgentVersion string `json:"agentVersion,omitempty"`
}

// IdentityStatus is the operator's own identity in a cluster.
type IdentityStatus struct {
	// user as the cluster's API server knows it.
	// +optional
	User string `json:"user,omitempty"`
	// expires is when its credential ends. It is renewed long before.
	// +optional
	Expires *metav1.Time `json:"expires,omitempty"`
}

// RevisionStatus is the revision of a platform's spec that a cluster shall have.
type RevisionStatus struct {
	// name of the ControllerRevision that keeps the spec.
	Name string `json:"name"`
	// since is when the cluster was told to have it.
	Since metav1.Time `json:"since"`
	// ready is true once everything was applied and healthy.
	// +optional
	Ready bool `json:"ready,omitempty"`
}

// MemberCluster is one cluster that a TLSPlatform can select by its labels.
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:scope=Cluster,shortName=tlsmc,categories={tls}
// +kubebuilder:printcolumn:name="Connected",type=string,JSONPath=`.status.conditions[?(@.type=="Connected")].status`
// +kubebuilder:printcolumn:name="InSync",type=string,JSONPath=`.status.conditions[?(@.type=="InSync")].status`
// +kubebuilder:printcolumn:name="Kubernetes",type=string,JSONPath=`.status.kubernetesVersion`
// +kubebuilder:printcolumn:name="Cert-Manager",type=string,JSONPath=`.status.components[?(@.name=="certManager")].version`
// +kubebuilder:printcolumn:name="Drift",type=integer,JSONPath=`.status.drifted`
// +kubebuilder:printcolumn:name="Certificates",type=integer,JSONPath=`.status.certificates.total`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Reason",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="InSync")].reason`
// +kubebuilder:printcolumn:name="Message",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="InSync")].message`
// +kubebuilder:validation:XValidation:rule="size(self.metadata.name) <= 63",message="metadata.name must have at most 63 characters: it is a label value of metrics and part of object names"
// +kubebuilder:validation:XValidation:rule="(self.spec.connection.type == 'Local') == (self.metadata.name == 'local')",message="the hub's own cluster is the MemberCluster named local, and only it has connection type Local"
type MemberCluster struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard object metadata; its labels are what a
	// TLSPlatform selects by.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitzero"`

	// spec says how to reach the cluster.
	// +required
	Spec MemberClusterSpec `json:"spec"`

	// status is what was learned about the cluster.
	// +optional
	Status MemberClusterStatus `json:"status,omitzero"`
}

// MemberClusterList is a list of MemberClusters.
// +kubebuilder:object:root=true
type MemberClusterList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitzero"`
	Items           []MemberCluster `json:"items"`
}
