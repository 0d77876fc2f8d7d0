package v1alpha1

import (
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ComponentState says who owns a component.
// +kubebuilder:validation:Enum=Managed;Observed;Absent
type ComponentState string

const (
	// ComponentManaged installs the component and keeps it as declared.
	ComponentManaged ComponentState = "Managed"
	// ComponentObserved reads the component and never writes to it.
	ComponentObserved ComponentState = "Observed"
	// ComponentAbsent removes what the platform installed, except custom
	// resource definitions that have instances.
	ComponentAbsent ComponentState = "Absent"
)

// Components are the systems that the platform installs or watches. A component
// that is left out is Observed.
type Components struct {
	// registry says where charts come from in this organisation.
	// +optional
	Registry *Registry `json:"registry,omitempty"`

	// certManager issues certificates in each cluster.
	// +optional
	CertManager *Component `json:"certManager,omitempty"`

	// trustManager distributes CA bundles in each cluster. Managed needs
	// certManager, which certifies its webhook.
	// +optional
	TrustManager *Component `json:"trustManager,omitempty"`
}

// Registry redirects and authenticates the pull of all charts.
type Registry struct {
	// mirrors replace the beginning of a chart's repository. The first one that
	// matches is used.
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=16
	// +optional
	Mirrors []RegistryMirror `json:"mirrors,omitempty"`

	// pullSecretRef names a Secret of type kubernetes.io/dockerconfigjson in the
	// operator's namespace. The shipped role may read the name
	// tls-platform-registry; another name needs a Role of your own.
	// +optional
	PullSecretRef *LocalSecretReference `json:"pullSecretRef,omitempty"`
}

// RegistryMirror replaces one repository prefix by another.
type RegistryMirror struct {
	// source is the prefix to replace, for example quay.io/jetstack.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=255
	Source string `json:"source"`
	// mirror is put in its place, for example registry.example.com/jetstack.
	// A loopback host is spoken to over plain HTTP, as container engines do.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=255
	Mirror string `json:"mirror"`
}

// LocalSecretReference names a Secret whose namespace follows from the field.
type LocalSecretReference struct {
	// name of the Secret.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`
}

// Component is one system, installed from its own Helm chart.
// +kubebuilder:validation:XValidation:rule="self.state != 'Managed' || has(self.version)",message="a Managed component needs version: set it to the chart version to run, for example v1.21.2"
type Component struct {
	// state says who owns the component.
	// +kubebuilder:default=Managed
	// +optional
	State ComponentState `json:"state,omitempty"`

	// version of the chart, for example v1.21.2. The operator never goes back to
	// an older version by itself.
	// +kubebuilder:validation:Pattern=`^v?[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$`
	// +kubebuilder:validation:MaxLength=64
	// +optional
	Version string `json:"version,omitempty"`

	// chart says where the chart is and what it must be.
	// +optional
	Chart ChartSource `json:"chart,omitzero"`

	// values of the chart, checked against the chart's own schema before
	// anything is written. The platform sets crds.enabled and switches chart
	// hooks off; it waits for health itself.
	// +kubebuilder:pruning:PreserveUnknownFields
	// +kubebuilder:validation:Type=object
	// +optional
	Values *apiextensionsv1.JSON `json:"values,omitempty"`

	// namespace that the component runs in.
	// +kubebuilder:default=cert-manager
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	// +optional
	Namespace string `json:"namespace,omitempty"`

	// adopt takes over an install that somebody else made (Helm, plain
	// manifests). Installs of the Operator Lifecycle Manager can't be adopted:
	// observe those.
	// +optional
	Adopt bool `json:"adopt,omitempty"`

	// healthTimeout is how long a change may take to become healthy before it is
	// rolled back to the last plan that was.
	// +kubebuilder:default="5m"
	// +kubebuilder:validation:XValidation:rule="self >= duration('10s') && self <= duration('1h')",message="healthTimeout must be between 10s and 1h"
	// +kubebuilder:validation:Format=duration
	// +optional
	HealthTimeout *metav1.Duration `json:"healthTimeout,omitempty"`
}

// ChartSource says where a chart is and what it must be.
type ChartSource struct {
	// repository is the OCI reference of the chart without a tag. Left out, it
	// is the project's own: oci://quay.io/jetstack/charts/cert-manager and
	// oci://quay.io/jetstack/charts/trust-manager.
	// +kubebuilder:validation:Pattern=`^oci://[^\s@]+$`
	// +kubebuilder:validation:MaxLength=512
	// +optional
	Repository string `json:"repository,omitempty"`

	// digest that the chart's manifest must have, as sha256:… . A chart with
	// another digest is refused.
	// +kubebuilder:validation:Pattern=`^sha256:[0-9a-f]{64}$`
	// +optional
	Digest string `json:"digest,omitempty"`
}
