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

	// delivery says how the estate gets to the clusters.
	// +optional
	Delivery Delivery `json:"delivery,omitzero"`

	// overrides change the estate of some clusters. All that match a cluster are
	// merged in their order.
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=32
	// +optional
	Overrides []Override `json:"overrides,omitempty"`

	// components are the systems that the platform installs or watches.
	// +optional
	Components Components `json:"components,omitzero"`

	// issuers are the ClusterIssuers that teams may reference by name. A name
	// may occur once.
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=64
	// +optional
	Issuers []Issuer `json:"issuers,omitempty" patchStrategy:"merge" patchMergeKey:"name"`

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

	// clusters counts the selected clusters by what is known of them.
	// +optional
	Clusters ClusterCounts `json:"clusters,omitzero"`

	// problems are clusters that do not have the whole estate, the worst first.
	// Everything about one cluster is in the status of its MemberCluster.
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=32
	// +optional
	Problems []ClusterProblem `json:"problems,omitempty"`

	// rollout is how far the last change of the spec got.
	// +optional
	Rollout *RolloutStatus `json:"rollout,omitempty"`

	// certificates counts what the agents of all clusters found.
	// +optional
	Certificates *CertificateCounts `json:"certificates,omitempty"`

	// consistency compares the clusters with each other.
	// +optional
	Consistency *Consistency `json:"consistency,omitempty"`

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

// ClusterCounts counts clusters. The counts overlap: a cluster that can't be
// reached is in none but total and unreachable.
type ClusterCounts struct {
	// total is the number of clusters that are selected.
	// +optional
	Total int32 `json:"total"`
	// inSync have the whole estate, healthy.
	// +optional
	InSync int32 `json:"inSync"`
	// drifted have objects that others changed.
	// +optional
	Drifted int32 `json:"drifted"`
	// silent are reached, but their agent says nothing.
	// +optional
	Silent int32 `json:"silent"`
	// unreachable do not answer.
	// +optional
	Unreachable int32 `json:"unreachable"`
	// behind run another version of a component than is declared.
	// +optional
	Behind int32 `json:"behind"`
}

// ClusterProblem is a cluster that does not have the whole estate.
type ClusterProblem struct {
	// name of the MemberCluster.
	Name string `json:"name"`
	// reason is one CamelCase word.
	Reason string `json:"reason"`
	// message says what was found and what to do.
	// +optional
	Message string `json:"message,omitempty"`
	// since is when it began.
	// +optional
	Since *metav1.Time `json:"since,omitempty"`
}

// RolloutPhase says how far a rollout is.
// +kubebuilder:validation:Enum=Progressing;Complete;Stopped
type RolloutPhase string

const (
	// RolloutProgressing says that clusters are at work on the change, or wait
	// for their turn.
	RolloutProgressing RolloutPhase = "Progressing"
	// RolloutComplete says that every cluster that can be reached has the change.
	RolloutComplete RolloutPhase = "Complete"
	// RolloutStopped says that the change failed somewhere.
	RolloutStopped RolloutPhase = "Stopped"
)

// RolloutStatus is how far a change of the spec got.
type RolloutStatus struct {
	// revision is the name of the ControllerRevision that is rolled out.
	Revision string `json:"revision"`
	// stable is the revision that every cluster had before.
	// +optional
	Stable string `json:"stable,omitempty"`
	// phase of the rollout.
	Phase RolloutPhase `json:"phase"`
	// wave counts from 1; the canaries are the first one.
	// +optional
	Wave int32 `json:"wave,omitempty"`
	// updated is the number of clusters that have the revision, healthy.
	// +optional
	Updated int32 `json:"updated"`
	// total is the number of clusters that shall have it.
	// +optional
	Total int32 `json:"total"`
	// message says what it waits for, or where it failed.
	// +optional
	Message string `json:"message,omitempty"`
}

// Consistency compares the clusters of a fleet, also in what nobody declared.
type Consistency struct {
	// backends is the number of distinct CAs that issuers of all clusters use.
	// +optional
	Backends int32 `json:"backends"`
	// shadowIssuers is the number of issuers that the platform did not declare.
	// +optional
	ShadowIssuers int32 `json:"shadowIssuers"`
	// differences is the number of things in which a cluster differs from most.
	// +optional
	Differences int32 `json:"differences"`
	// outliers lists differences, the clearest first.
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=32
	// +optional
	Outliers []Outlier `json:"outliers,omitempty"`
}

// Outlier is a cluster, or a few, that differ from most.
type Outlier struct {
	// subject that is compared, as "component cert-manager" or "ClusterIssuer web".
	Subject string `json:"subject"`
	// majority is what most clusters have, empty for nothing.
	// +optional
	Majority string `json:"majority"`
	// agreeing is the number of clusters that have it.
	Agreeing int32 `json:"agreeing"`
	// of is the number of clusters that were compared.
	Of int32 `json:"of"`
	// value is what the outlier has, empty for nothing.
	// +optional
	Value string `json:"value"`
	// clusters that have it, at most eight.
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=8
	Clusters []string `json:"clusters"`
	// more counts further clusters.
	// +optional
	More int32 `json:"more,omitempty"`
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
