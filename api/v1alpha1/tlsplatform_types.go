package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// DeletionPolicy says what happens to the estate when its TLSPlatform is
// deleted.
// +kubebuilder:validation:Enum=Retain;Remove
type DeletionPolicy string

const (
	// DeletionPolicyRetain leaves every object where it is and only forgets it.
	DeletionPolicyRetain DeletionPolicy = "Retain"
	// DeletionPolicyRemove removes what the platform applied. Custom resource
	// definitions that still have instances, and Secrets with issued
	// certificates, stay all the same.
	DeletionPolicyRemove DeletionPolicy = "Remove"
)

// TLSPlatformSpec is the TLS estate that every selected cluster shall have.
type TLSPlatformSpec struct {
	// suspend stops the operator from changing anything for this platform. What
	// was applied stays, and status keeps the last observation.
	// +optional
	Suspend bool `json:"suspend,omitempty"`

	// deletionPolicy says what happens to components and configuration when
	// this object is deleted. Issued certificates are never removed.
	// +kubebuilder:default=Retain
	// +optional
	DeletionPolicy DeletionPolicy `json:"deletionPolicy,omitempty"`

	// clusters selects the MemberClusters of this estate.
	// +optional
	Clusters ClusterSelection `json:"clusters,omitzero"`

	// components are the systems that the platform installs or watches.
	// +optional
	Components Components `json:"components,omitzero"`

	// issuers are the ClusterIssuers that teams may reference by name. A name
	// may occur once.
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=64
	// +optional
	Issuers []Issuer `json:"issuers,omitempty"`

	// policy are the rules that certificate requests have to keep.
	// +optional
	Policy *Policy `json:"policy,omitempty"`

	// trust are the CA bundles that are distributed to namespaces.
	// +optional
	Trust *Trust `json:"trust,omitempty"`

	// inventory is what the agents observe in every cluster. The agents run
	// whether it is given or not.
	// +optional
	Inventory Inventory `json:"inventory,omitzero"`

	// observability is what is delivered for Prometheus and Grafana. A part
	// that is left out is not delivered.
	// +optional
	Observability *Observability `json:"observability,omitempty"`
}

// ClusterSelection chooses MemberClusters.
type ClusterSelection struct {
	// selector matches the labels of MemberClusters. Empty selects all.
	// +optional
	Selector *metav1.LabelSelector `json:"selector,omitempty"`
}

// TLSPlatformStatus is what the operator found and did.
type TLSPlatformStatus struct {
	// observedGeneration is the generation of the spec that this status is about.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// conditions summarise the estate; Ready is true when all others that apply
	// are.
	// +listType=map
	// +listMapKey=type
	// +optional
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// clusters says for each selected cluster what it runs.
	// +listType=map
	// +listMapKey=name
	// +optional
	Clusters []ClusterStatus `json:"clusters,omitempty"`

	// summary are the figures of the printer columns.
	// +optional
	Summary Summary `json:"summary,omitzero"`
}

// Summary are figures over all clusters, as shown by kubectl get.
type Summary struct {
	// clusters is the number of clusters that are in sync, of those selected.
	// +optional
	Clusters string `json:"clusters,omitempty"`
	// components is the number of components that are ready, of those managed
	// or observed.
	// +optional
	Components string `json:"components,omitempty"`
	// issuers is the number of issuers that are ready, of those declared.
	// +optional
	Issuers string `json:"issuers,omitempty"`
	// certificates is the number of certificates that the agents found.
	// +optional
	Certificates *int32 `json:"certificates,omitempty"`
	// expiring is the number of those that are expired or end within 7 days.
	// +optional
	Expiring *int32 `json:"expiring,omitempty"`
	// orphans is the number of those that nothing uses.
	// +optional
	Orphans *int32 `json:"orphans,omitempty"`
}

// ClusterStatus is the state of one cluster of the estate.
type ClusterStatus struct {
	// name of the MemberCluster.
	Name string `json:"name"`
	// objects is the number of objects that the platform keeps in this cluster.
	// +optional
	Objects int32 `json:"objects,omitempty"`
	// components of this cluster.
	// +listType=map
	// +listMapKey=name
	// +optional
	Components []ComponentStatus `json:"components,omitempty"`
	// issuers of this cluster.
	// +listType=map
	// +listMapKey=name
	// +optional
	Issuers []IssuerStatus `json:"issuers,omitempty"`
	// certificates counts what the cluster's agent found.
	// +optional
	Certificates *CertificateCounts `json:"certificates,omitempty"`
	// retained says what was left in place although it is no longer declared,
	// and why.
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=32
	// +optional
	Retained []string `json:"retained,omitempty"`
}

// ComponentStatus is the state of one component in one cluster.
type ComponentStatus struct {
	// name of the component, as in spec.components.
	Name string `json:"name"`
	// state that is in force.
	State ComponentState `json:"state"`
	// version that runs; empty when none was found.
	// +optional
	Version string `json:"version,omitempty"`
	// digest of the chart that was applied.
	// +optional
	Digest string `json:"digest,omitempty"`
	// ready is true when every workload of the component is available.
	Ready bool `json:"ready"`
	// reason is one CamelCase word for the state.
	Reason string `json:"reason"`
	// message says what was found and what to do next.
	// +optional
	Message string `json:"message,omitempty"`
}

// IssuerStatus is the state of one declared issuer in one cluster.
type IssuerStatus struct {
	// name of the issuer.
	Name string `json:"name"`
	// backend that is in force.
	// +optional
	Backend string `json:"backend,omitempty"`
	// ready repeats the Ready condition of the ClusterIssuer.
	Ready bool `json:"ready"`
	// reason is one CamelCase word for the state.
	Reason string `json:"reason"`
	// message says what was found and what to do next.
	// +optional
	Message string `json:"message,omitempty"`
}

// TLSPlatform declares the TLS estate of a fleet of clusters: which components
// run, which issuers exist, which rules hold, which CAs are trusted.
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:scope=Cluster,shortName=tlsp,categories={tls}
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Clusters",type=string,JSONPath=`.status.summary.clusters`
// +kubebuilder:printcolumn:name="Components",type=string,JSONPath=`.status.summary.components`
// +kubebuilder:printcolumn:name="Issuers",type=string,JSONPath=`.status.summary.issuers`
// +kubebuilder:printcolumn:name="Certificates",type=integer,JSONPath=`.status.summary.certificates`
// +kubebuilder:printcolumn:name="Expiring",type=integer,JSONPath=`.status.summary.expiring`
// +kubebuilder:printcolumn:name="Orphans",type=integer,JSONPath=`.status.summary.orphans`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Message",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="Ready")].message`
// +kubebuilder:validation:XValidation:rule="size(self.metadata.name) <= 40",message="metadata.name must have at most 40 characters: it is part of label values and object names"
type TLSPlatform struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard object metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitzero"`

	// spec is the desired estate.
	// +required
	Spec TLSPlatformSpec `json:"spec"`

	// status is what the operator observed.
	// +optional
	Status TLSPlatformStatus `json:"status,omitzero"`
}

// TLSPlatformList is a list of TLSPlatforms.
// +kubebuilder:object:root=true
type TLSPlatformList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitzero"`
	Items           []TLSPlatform `json:"items"`
}
