package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// LocalClusterName is the MemberCluster of the hub's own cluster. The operator
// creates it.
const LocalClusterName = "local"

// ConnectionType says how a cluster is reached.
// +kubebuilder:validation:Enum=Local
type ConnectionType string

// ConnectionLocal is the cluster that the operator runs in.
const ConnectionLocal ConnectionType = "Local"

// MemberClusterSpec says how to reach one cluster.
type MemberClusterSpec struct {
	// connection to the cluster.
	// +required
	Connection Connection `json:"connection"`
}

// Connection says how a cluster is reached.
type Connection struct {
	// type of the connection.
	// +required
	Type ConnectionType `json:"type"`
}

// MemberClusterStatus is what was learned about a cluster.
type MemberClusterStatus struct {
	// observedGeneration is the generation of the spec that this status is about.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// conditions of the cluster.
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
}

// MemberCluster is one cluster that a TLSPlatform can select by its labels.
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:scope=Cluster,shortName=tlsmc,categories={tls}
// +kubebuilder:printcolumn:name="Connection",type=string,JSONPath=`.spec.connection.type`
// +kubebuilder:printcolumn:name="Connected",type=string,JSONPath=`.status.conditions[?(@.type=="Connected")].status`
// +kubebuilder:printcolumn:name="Kubernetes",type=string,JSONPath=`.status.kubernetesVersion`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
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
