package v1alpha1

import (
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Delivery says how the estate gets to the clusters.
type Delivery struct {
	// correctDrift puts back what others changed or deleted. Switched off, drift
	// is only reported; changes of the spec are delivered all the same.
	// +kubebuilder:default=true
	// +optional
	CorrectDrift *bool `json:"correctDrift,omitempty"`
	// rollout brings a change of the spec to some clusters first. Left out, all
	// clusters get it at once.
	// +optional
	Rollout *Rollout `json:"rollout,omitempty"`
}

// Rollout is the order in which clusters get a change of the spec. A cluster
// that fails with it stops the rollout, until the spec is changed again.
type Rollout struct {
	// canary selects the clusters that get a change before all others.
	// +optional
	Canary *metav1.LabelSelector `json:"canary,omitempty"`
	// maxUnavailable is how many clusters, as a number or a share of all, may be
	// at work on a change, or fail with it, at the same time. A share is rounded
	// up.
	// +kubebuilder:default=1
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:XValidation:rule="type(self) == int ? self >= 1 : self.matches('^([1-9][0-9]?|100)%$')",message="maxUnavailable is a number of at least 1 or a share from 1% to 100%"
	// +optional
	MaxUnavailable *intstr.IntOrString `json:"maxUnavailable,omitempty"`
	// progressDeadline is how long a cluster may take until everything of a change
	// is healthy there, before it counts as failed.
	// +kubebuilder:default="10m"
	// +kubebuilder:validation:Format=duration
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('10s') && duration(self) <= duration('24h')",message="progressDeadline must be between 10s and 24h"
	// +optional
	ProgressDeadline *metav1.Duration `json:"progressDeadline,omitempty"`
}

// Override changes the estate of some clusters.
type Override struct {
	// name of the override, for messages.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Name string `json:"name"`
	// selector matches the labels of the MemberClusters that it is for. An empty
	// one selects all, and must be written out.
	// +required
	Selector metav1.LabelSelector `json:"selector"`
	// patch is merged into components, issuers, policy, trust, inventory and
	// observability as kubectl patch --type=strategic would: lists of named
	// things are merged by name, other lists are replaced, and null removes. The
	// outcome has to be a valid spec; one that is not stalls the platform.
	// +kubebuilder:pruning:PreserveUnknownFields
	// +kubebuilder:validation:Type=object
	// +required
	Patch apiextensionsv1.JSON `json:"patch"`
}

// Trust are the CA bundles that are distributed to namespaces by trust-manager.
type Trust struct {
	// bundles to distribute.
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=64
	// +optional
	Bundles []TrustBundle `json:"bundles,omitempty" patchStrategy:"merge" patchMergeKey:"name"`
}

// TrustBundle is one set of CA certificates, written as a ConfigMap of the
// bundle's name to every selected namespace.
type TrustBundle struct {
	// name of the Bundle and of the ConfigMaps.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Name string `json:"name"`
	// sources of the certificates.
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	Sources []TrustSource `json:"sources"`
	// key of the ConfigMaps that holds the PEM bundle.
	// +kubebuilder:default="ca-bundle.crt"
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +optional
	Key string `json:"key,omitempty"`
	// namespaceSelector chooses the namespaces by their labels. An empty one
	// selects all, and must be written out.
	// +required
	NamespaceSelector metav1.LabelSelector `json:"namespaceSelector"`
}

// TrustSource is one origin of CA certificates.
// +kubebuilder:validation:XValidation:rule="[has(self.issuer), has(self.configMap), has(self.secret), has(self.inLine), has(self.useDefaultCAs)].filter(x, x).size() == 1",message="a source is exactly one of issuer, configMap, secret, inLine or useDefaultCAs: set one and remove the others"
type TrustSource struct {
	// issuer names an issuer of this platform whose ca backend has generate: its
	// CA certificate is taken.
	// +kubebuilder:validation:MaxLength=63
	// +optional
	Issuer string `json:"issuer,omitempty"`
	// configMap in the trust namespace (that of cert-manager).
	// +optional
	ConfigMap *SecretKeyReference `json:"configMap,omitempty"`
	// secret in the trust namespace (that of cert-manager).
	// +optional
	Secret *SecretKeyReference `json:"secret,omitempty"`
	// inLine are PEM certificates.
	// +kubebuilder:validation:MaxLength=262144
	// +optional
	InLine string `json:"inLine,omitempty"`
	// useDefaultCAs takes the public CAs that come with trust-manager.
	// +optional
	UseDefaultCAs *bool `json:"useDefaultCAs,omitempty"`
}

// Observability is what is delivered for Prometheus and Grafana.
type Observability struct {
	// serviceMonitors let prometheus-operator scrape the components.
	// +optional
	ServiceMonitors *MonitoringObjects `json:"serviceMonitors,omitempty"`
	// prometheusRules are the alerts over cert-manager's metrics.
	// +optional
	PrometheusRules *MonitoringObjects `json:"prometheusRules,omitempty"`
	// dashboards are ConfigMaps for Grafana's sidecar.
	// +optional
	Dashboards *Dashboards `json:"dashboards,omitempty"`
}

// MonitoringObjects are objects that prometheus-operator selects by label.
type MonitoringObjects struct {
	// labels to put on the objects, for example release: kube-prometheus-stack.
	// +kubebuilder:validation:MaxProperties=16
	// +optional
	Labels map[string]string `json:"labels,omitempty"`
}

// Dashboards are ConfigMaps for Grafana's dashboard sidecar.
type Dashboards struct {
	// namespace of the ConfigMaps; left out, that of cert-manager.
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	// +optional
	Namespace string `json:"namespace,omitempty"`
	// labels that the sidecar selects by.
	// +kubebuilder:default={grafana_dashboard: "1"}
	// +kubebuilder:validation:MaxProperties=16
	// +optional
	Labels map[string]string `json:"labels,omitempty"`
	// folder in Grafana, as the annotation grafana_folder.
	// +kubebuilder:default="TLS platform"
	// +kubebuilder:validation:MaxLength=128
	// +optional
	Folder string `json:"folder,omitempty"`
}
