package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Layer is one of the three layers in which TLS is used.
// +kubebuilder:validation:Enum=Ingress;Mesh;Application
type Layer string

const (
	// LayerIngress is north-south traffic: Ingress, Gateway, Route.
	LayerIngress Layer = "Ingress"
	// LayerMesh is east-west traffic: the CAs of service meshes.
	LayerMesh Layer = "Mesh"
	// LayerApplication is everything else: databases, brokers, webhooks.
	LayerApplication Layer = "Application"
)

// Inventory says what the agent of a cluster looks at, and what it publishes.
type Inventory struct {
	// orphanGracePeriod is how long a certificate must be unreferenced before it
	// counts as an orphan.
	// +kubebuilder:default="168h"
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('0s')",message="orphanGracePeriod must not be negative"
	// +optional
	OrphanGracePeriod *metav1.Duration `json:"orphanGracePeriod,omitempty"`

	// namespaces limits where Secrets and ConfigMaps are read.
	// +optional
	Namespaces NamespaceScope `json:"namespaces,omitzero"`

	// keys are data keys that hold certificates beside the well-known ones.
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=32
	// +optional
	Keys []KeyPattern `json:"keys,omitempty"`

	// keystores say where the passwords of keystores are, beside those that are
	// found: in the same Secret under a usual name, and where a Certificate of
	// cert-manager names one.
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=32
	// +optional
	Keystores []Keystore `json:"keystores,omitempty"`

	// references say where objects of other kinds name a Secret, beside those
	// that are known already.
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=64
	// +optional
	References []Reference `json:"references,omitempty"`

	// export chooses the certificates that get metric series of their own. All
	// are counted in the aggregates.
	// +optional
	Export Export `json:"export,omitzero"`

	// probing has the certificates that are really served looked at. Left out,
	// nothing is dialled and no prober is installed.
	// +optional
	Probing *Probing `json:"probing,omitempty"`
}

// NamespaceScope chooses namespaces by name.
type NamespaceScope struct {
	// include are the namespaces that are read. Empty means all, with one watch
	// on the cluster; else every namespace has a watch of its own, and the agent
	// needs no right to read Secrets elsewhere.
	// +listType=set
	// +kubebuilder:validation:MaxItems=256
	// +kubebuilder:validation:items:MaxLength=63
	// +kubebuilder:validation:items:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	// +optional
	Include []string `json:"include,omitempty"`
	// exclude are namespaces whose Secrets and ConfigMaps are left out.
	// +listType=set
	// +kubebuilder:validation:MaxItems=256
	// +kubebuilder:validation:items:MaxLength=63
	// +kubebuilder:validation:items:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	// +optional
	Exclude []string `json:"exclude,omitempty"`
}

// KeyPattern names data keys of Secrets or ConfigMaps. In every field * stands
// for any number of characters.
type KeyPattern struct {
	// kind of the object.
	// +kubebuilder:validation:Enum=Secret;ConfigMap
	// +kubebuilder:default=Secret
	// +optional
	Kind string `json:"kind,omitempty"`
	// namespace of the object; empty means every namespace.
	// +kubebuilder:validation:MaxLength=63
	// +optional
	Namespace string `json:"namespace,omitempty"`
	// name of the object; empty means every name.
	// +kubebuilder:validation:MaxLength=253
	// +optional
	Name string `json:"name,omitempty"`
	// key that holds certificates.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +required
	Key string `json:"key"`
}

// Keystore says where the password of keystores is. In namespace, name and key
// stands * for any number of characters.
type Keystore struct {
	// namespace of the Secret with the keystore; empty means every namespace.
	// +kubebuilder:validation:MaxLength=63
	// +optional
	Namespace string `json:"namespace,omitempty"`
	// name of the Secret with the keystore; empty means every name.
	// +kubebuilder:validation:MaxLength=253
	// +optional
	Name string `json:"name,omitempty"`
	// key of the keystore; empty means every key.
	// +kubebuilder:validation:MaxLength=253
	// +optional
	Key string `json:"key,omitempty"`
	// passwordSecretRef is the value with the password, in the same namespace.
	// +required
	PasswordSecretRef SecretKeyReference `json:"passwordSecretRef"`
}

// ReferenceNamespace says in which namespace a referenced object is.
// +kubebuilder:validation:Enum=Same;Field;Value;Any
type ReferenceNamespace string

const (
	// ReferenceNamespaceSame is the namespace of the object that refers.
	ReferenceNamespaceSame ReferenceNamespace = "Same"
	// ReferenceNamespaceField is given by the field namespace beside the name.
	ReferenceNamespaceField ReferenceNamespace = "Field"
	// ReferenceNamespaceValue is part of the value: namespace/name.
	ReferenceNamespaceValue ReferenceNamespace = "Value"
	// ReferenceNamespaceAny is not known: any object of that name is taken as
	// referenced.
	ReferenceNamespaceAny ReferenceNamespace = "Any"
)

// Reference says where objects of one kind name a Secret.
type Reference struct {
	// group of the kind that refers, empty for the core group.
	// +kubebuilder:validation:MaxLength=253
	// +optional
	Group string `json:"group,omitempty"`
	// kind that refers.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +required
	Kind string `json:"kind"`
	// path of the field with the name, in JSONPath: fields, [*] for every item
	// of a list or every value of a map, and ['name'] for a field with dots in
	// its name. For example .spec.listeners[*].tls.secretName
	// +kubebuilder:validation:MinLength=2
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^(\.[A-Za-z_][A-Za-z0-9_-]*|\[\*\]|\['[^'\[\]]+'\])+$`
	// +required
	Path string `json:"path"`
	// namespace of what is referenced.
	// +kubebuilder:default=Same
	// +optional
	Namespace ReferenceNamespace `json:"namespace,omitempty"`
	// layer of the certificates that are referenced.
	// +kubebuilder:default=Application
	// +optional
	Layer Layer `json:"layer,omitempty"`
}

// Export chooses certificates by layer and namespace.
type Export struct {
	// allow are the certificates with series of their own. Empty means all.
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=64
	// +optional
	Allow []ExportRule `json:"allow,omitempty"`
	// deny takes certificates out again.
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=64
	// +optional
	Deny []ExportRule `json:"deny,omitempty"`
}

// ExportRule matches certificates that are in one of the layers and in one of
// the namespaces. A list that is left out matches all.
// +kubebuilder:validation:XValidation:rule="has(self.layers) || has(self.namespaces)",message="give layers, namespaces or both"
type ExportRule struct {
	// layers of the certificates.
	// +listType=set
	// +kubebuilder:validation:MaxItems=3
	// +optional
	Layers []Layer `json:"layers,omitempty"`
	// namespaces of the certificates, in which * stands for any number of
	// characters.
	// +listType=set
	// +kubebuilder:validation:MaxItems=256
	// +kubebuilder:validation:items:MaxLength=63
	// +optional
	Namespaces []string `json:"namespaces,omitempty"`
}
