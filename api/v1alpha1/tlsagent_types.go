package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// AgentName is the name of the one TLSAgent of a cluster.
const AgentName = "default"

// TLSAgentSpec is what the hub asks of the agent of a cluster.
type TLSAgentSpec struct {
	// hub that the agent reports to.
	// +kubebuilder:validation:XValidation:rule="self.uid == oldSelf.uid || (has(self.takenFrom) && self.takenFrom == oldSelf.uid)",message="another hub manages this cluster: delete the MemberCluster there, or, when that hub is gone for good, set spec.takeOverFrom of the MemberCluster here to its UID"
	// +required
	Hub HubReference `json:"hub"`
	// cluster is the name of the MemberCluster, and the label cluster of the
	// agent's metrics.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +required
	Cluster string `json:"cluster"`
	// certManagerNamespace is where cert-manager runs: ClusterIssuers and Bundles
	// name Secrets there.
	// +kubebuilder:default=cert-manager
	// +kubebuilder:validation:MaxLength=63
	// +optional
	CertManagerNamespace string `json:"certManagerNamespace,omitempty"`
	// inventory says what is looked at.
	// +optional
	Inventory Inventory `json:"inventory,omitzero"`
}

// HubReference identifies a hub.
type HubReference struct {
	// uid of the hub's own cluster: that of its namespace kube-system.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +required
	UID string `json:"uid"`
	// takenFrom is the UID of the hub that this one replaced.
	// +kubebuilder:validation:MaxLength=63
	// +optional
	TakenFrom string `json:"takenFrom,omitempty"`
}

// TLSAgentStatus is the report of an agent. Its size does not grow with the
// cluster.
type TLSAgentStatus struct {
	// observedGeneration is the generation of the spec that is in force.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// conditions of the agent: Ready when everything that exists was read once.
	// +listType=map
	// +listMapKey=type
	// +optional
	Conditions []metav1.Condition `json:"conditions,omitempty"`
	// version of the agent.
	// +optional
	Version string `json:"version,omitempty"`
	// summarised is true when the lists below are shortened, to keep the report
	// within its size. The counts are complete.
	// +optional
	Summarised bool `json:"summarised,omitempty"`
	// certificates counts what was found.
	// +optional
	Certificates CertificateCounts `json:"certificates,omitzero"`
	// coverage lists what the agent reads, and what it could not read.
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=256
	// +optional
	Coverage []Coverage `json:"coverage,omitempty"`
	// unreadable are values that hold no readable certificate although they
	// should; the worst first.
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=32
	// +optional
	Unreadable []UnreadableItem `json:"unreadable,omitempty"`
	// authorities are the CAs of the meshes, and those that most certificates
	// hang on.
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=64
	// +optional
	Authorities []Authority `json:"authorities,omitempty"`
	// slices is the number of CertificateSlices with the whole list.
	// +optional
	Slices int32 `json:"slices,omitempty"`
	// estate says how the objects are that the platform keeps in the cluster.
	// +optional
	Estate *EstateReport `json:"estate,omitempty"`
	// profile is what runs in the cluster, whoever declared it.
	// +optional
	Profile *ClusterProfile `json:"profile,omitempty"`
}

// CertificateCounts are figures over all certificates of a cluster.
type CertificateCounts struct {
	// total is the number of places that hold a certificate.
	// +optional
	Total int32 `json:"total"`
	// byLayer counts them by layer.
	// +optional
	ByLayer LayerCounts `json:"byLayer,omitzero"`
	// expiry counts them by the time that is left.
	// +optional
	Expiry ExpiryCounts `json:"expiry,omitzero"`
	// unmanaged were made by hand: nothing renews them.
	// +optional
	Unmanaged int32 `json:"unmanaged"`
	// unreferenced are used by nothing that the agent can see.
	// +optional
	Unreferenced int32 `json:"unreferenced"`
	// orphans are unreferenced for longer than the grace period.
	// +optional
	Orphans int32 `json:"orphans"`
	// unreadable are values that should hold a certificate and hold none that
	// can be read.
	// +optional
	Unreadable int32 `json:"unreadable"`
	// findings counts certificates by what is wrong with them.
	// +listType=map
	// +listMapKey=reason
	// +kubebuilder:validation:MaxItems=64
	// +optional
	Findings []FindingCount `json:"findings,omitempty"`
}

// LayerCounts counts by layer.
type LayerCounts struct {
	// ingress is north-south traffic.
	// +optional
	Ingress int32 `json:"ingress"`
	// mesh is east-west traffic.
	// +optional
	Mesh int32 `json:"mesh"`
	// application is everything else.
	// +optional
	Application int32 `json:"application"`
}

// ExpiryCounts counts by the time that is left. A certificate counts once.
type ExpiryCounts struct {
	// expired are past their end.
	// +optional
	Expired int32 `json:"expired"`
	// withinDay end within 24 hours.
	// +optional
	WithinDay int32 `json:"withinDay"`
	// withinWeek end within 7 days.
	// +optional
	WithinWeek int32 `json:"withinWeek"`
	// withinMonth end within 30 days.
	// +optional
	WithinMonth int32 `json:"withinMonth"`
	// later end after that.
	// +optional
	Later int32 `json:"later"`
}

// FindingCount counts certificates with one finding.
type FindingCount struct {
	// reason is one CamelCase word.
	Reason string `json:"reason"`
	// count of certificates.
	Count int32 `json:"count"`
}

// Coverage says how far one kind is read.
type Coverage struct {
	// resource as plural.group.
	Resource string `json:"resource"`
	// namespace, when only some are read.
	// +optional
	Namespace string `json:"namespace,omitempty"`
	// state is Reading, Waiting, Forbidden, NotServed or Failing.
	State string `json:"state"`
	// message says what went wrong and what to do.
	// +optional
	Message string `json:"message,omitempty"`
}

// UnreadableItem is a value that could not be read.
type UnreadableItem struct {
	// object as Kind namespace/name.
	Object string `json:"object"`
	// key of the value.
	// +optional
	Key string `json:"key,omitempty"`
	// reason is one CamelCase word.
	Reason string `json:"reason"`
	// message says what was found.
	// +optional
	Message string `json:"message,omitempty"`
}

// Authority is a CA that was found.
type Authority struct {
	// subject of the CA.
	Subject string `json:"subject"`
	// fingerprint is the SHA-256 of the certificate, in hex.
	Fingerprint string `json:"fingerprint"`
	// notAfter is its end.
	// +optional
	NotAfter *metav1.Time `json:"notAfter,omitempty"`
	// mesh that the CA signs for: Istio, Linkerd or Cilium.
	// +optional
	Mesh string `json:"mesh,omitempty"`
	// object that holds it, as Kind namespace/name.
	// +optional
	Object string `json:"object,omitempty"`
	// places is the number of places that hold it.
	Places int32 `json:"places"`
}

// TLSAgent is the agent of a cluster: what the hub asks of it, and its report.
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:scope=Cluster,shortName=tlsa,categories={tls}
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Certificates",type=integer,JSONPath=`.status.certificates.total`
// +kubebuilder:printcolumn:name="Expired",type=integer,JSONPath=`.status.certificates.expiry.expired`
// +kubebuilder:printcolumn:name="Orphans",type=integer,JSONPath=`.status.certificates.orphans`
// +kubebuilder:printcolumn:name="Unreadable",type=integer,JSONPath=`.status.certificates.unreadable`
// +kubebuilder:printcolumn:name="Version",type=string,priority=1,JSONPath=`.status.version`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:validation:XValidation:rule="self.metadata.name == 'default'",message="a cluster has one TLSAgent, and its name is default"
type TLSAgent struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard object metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitzero"`

	// spec is what the hub asks.
	// +required
	Spec TLSAgentSpec `json:"spec"`

	// status is the report.
	// +optional
	Status TLSAgentStatus `json:"status,omitzero"`
}

// TLSAgentList is a list of TLSAgents.
// +kubebuilder:object:root=true
type TLSAgentList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitzero"`
	Items           []TLSAgent `json:"items"`
}
