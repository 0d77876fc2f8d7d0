package v1alpha1

import (
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Issuer is one name that teams reference, as a ClusterIssuer in every cluster.
type Issuer struct {
	// name of the ClusterIssuer. It stays the same whatever stands behind it.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Name string `json:"name"`

	// backends that sign for this issuer. One is supported.
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=1
	Backends []IssuerBackend `json:"backends" patchStrategy:"merge" patchMergeKey:"name"`
}

// IssuerBackend is one certificate authority, reached in one way.
// +kubebuilder:validation:XValidation:rule="[has(self.selfSigned), has(self.ca), has(self.acme), has(self.vault), has(self.venafi)].filter(x, x).size() == 1",message="a backend is exactly one of selfSigned, ca, acme, vault or venafi: set one and remove the others"
type IssuerBackend struct {
	// name of the backend, for status and messages.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Name string `json:"name"`

	// selfSigned lets each certificate sign itself.
	// +optional
	SelfSigned *SelfSignedBackend `json:"selfSigned,omitempty"`
	// ca signs with a CA key that is in the cluster.
	// +optional
	CA *CABackend `json:"ca,omitempty"`
	// acme asks an ACME server (RFC 8555).
	// +optional
	ACME *ACMEBackend `json:"acme,omitempty"`
	// vault asks the PKI engine of HashiCorp Vault or OpenBao.
	// +optional
	Vault *VaultBackend `json:"vault,omitempty"`
	// venafi asks Venafi Trust Protection Platform or its SaaS.
	// +optional
	Venafi *VenafiBackend `json:"venafi,omitempty"`
}

// SelfSignedBackend lets each certificate sign itself.
type SelfSignedBackend struct {
	// crlDistributionPoints are put into every certificate.
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=8
	// +optional
	CRLDistributionPoints []string `json:"crlDistributionPoints,omitempty"`
}

// CABackend signs with a CA key in the namespace of cert-manager.
// +kubebuilder:validation:XValidation:rule="has(self.secretRef) != has(self.generate)",message="set either secretRef (a CA that you bring) or generate (a CA that the platform makes), not both"
type CABackend struct {
	// secretRef names a Secret of type kubernetes.io/tls in the namespace of
	// cert-manager, with the CA's certificate and key.
	// +optional
	SecretRef *LocalSecretReference `json:"secretRef,omitempty"`
	// generate makes a self-signed CA in each cluster. Fit for development and
	// for roots that are distributed by trust.bundles; the key differs in every
	// cluster.
	// +optional
	Generate *GeneratedCA `json:"generate,omitempty"`
	// crlDistributionPoints are put into every certificate.
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=8
	// +optional
	CRLDistributionPoints []string `json:"crlDistributionPoints,omitempty"`
}

// GeneratedCA describes a self-signed CA (ECDSA P-256).
type GeneratedCA struct {
	// commonName of the CA's subject.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	CommonName string `json:"commonName"`
	// duration of the CA's certificate.
	// +kubebuilder:default="87600h"
	// +kubebuilder:validation:XValidation:rule="self >= duration('24h')",message="a CA must live at least 24h: certificates can't outlive it"
	// +kubebuilder:validation:Format=duration
	// +optional
	Duration *metav1.Duration `json:"duration,omitempty"`
}

// SecretKeyReference names a key of a Secret: for issuers in the namespace of
// cert-manager, for keystores in that of the keystore.
type SecretKeyReference struct {
	// name of the Secret.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`
	// key in the Secret's data.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Key string `json:"key"`
}

// ACMEBackend is an account at an ACME server.
type ACMEBackend struct {
	// server is the URL of the ACME directory.
	// +kubebuilder:validation:Pattern=`^https://.+`
	// +kubebuilder:validation:MaxLength=512
	Server string `json:"server"`
	// email of the account's contact.
	// +kubebuilder:validation:MaxLength=254
	// +optional
	Email string `json:"email,omitempty"`
	// profile of the certificates, one of those that the server advertises. It
	// holds for the whole issuer.
	// +kubebuilder:validation:MaxLength=64
	// +optional
	Profile string `json:"profile,omitempty"`
	// preferredChain is the common name of the root to prefer, where the server
	// offers several chains.
	// +kubebuilder:validation:MaxLength=64
	// +optional
	PreferredChain string `json:"preferredChain,omitempty"`
	// privateKeySecretRef names the Secret that keeps the account's key. It is
	// created when missing. Left out, it is the issuer's name and "-acme-account".
	// +optional
	PrivateKeySecretRef *LocalSecretReference `json:"privateKeySecretRef,omitempty"`
	// externalAccountBinding ties the account to a customer of the CA.
	// +optional
	ExternalAccountBinding *ExternalAccountBinding `json:"externalAccountBinding,omitempty"`
	// caBundle are PEM certificates that the server's own certificate must chain
	// to; left out, the system's.
	// +optional
	CABundle []byte `json:"caBundle,omitempty"`
	// enableDurationFeature asks the server for the duration of the Certificate.
	// Without it, ACME ignores durations.
	// +optional
	EnableDurationFeature bool `json:"enableDurationFeature,omitempty"`
	// solvers are cert-manager's own: each item is what ClusterIssuer takes in
	// spec.acme.solvers. An unknown field is refused by a condition.
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	Solvers []apiextensionsv1.JSON `json:"solvers"`
}

// ExternalAccountBinding is RFC 8555, section 7.3.4.
type ExternalAccountBinding struct {
	// keyID that the CA gave out.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	KeyID string `json:"keyID"`
	// keySecretRef is the base64url HMAC key that the CA gave out.
	KeySecretRef SecretKeyReference `json:"keySecretRef"`
}

// VaultBackend is one role of a PKI engine.
type VaultBackend struct {
	// server is the URL of Vault.
	// +kubebuilder:validation:Pattern=`^https?://.+`
	// +kubebuilder:validation:MaxLength=512
	Server string `json:"server"`
	// path of the sign endpoint, for example pki_int/sign/web.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	Path string `json:"path"`
	// namespace of Vault Enterprise.
	// +kubebuilder:validation:MaxLength=253
	// +optional
	Namespace string `json:"namespace,omitempty"`
	// caBundle are PEM certificates that the server's certificate must chain to.
	// +optional
	CABundle []byte `json:"caBundle,omitempty"`
	// auth says how cert-manager logs in.
	Auth VaultAuth `json:"auth"`
}

// VaultAuth is one way to log in to Vault.
// +kubebuilder:validation:XValidation:rule="[has(self.tokenSecretRef), has(self.appRole), has(self.kubernetes)].filter(x, x).size() == 1",message="auth is exactly one of tokenSecretRef, appRole or kubernetes: set one and remove the others"
type VaultAuth struct {
	// tokenSecretRef is a Vault token.
	// +optional
	TokenSecretRef *SecretKeyReference `json:"tokenSecretRef,omitempty"`
	// appRole is Vault's AppRole method.
	// +optional
	AppRole *VaultAppRole `json:"appRole,omitempty"`
	// kubernetes is Vault's Kubernetes method with a token that cert-manager
	// requests for a ServiceAccount.
	// +optional
	Kubernetes *VaultKubernetes `json:"kubernetes,omitempty"`
}

// VaultAppRole is Vault's AppRole method.
type VaultAppRole struct {
	// path where the method is mounted.
	// +kubebuilder:default=approle
	// +kubebuilder:validation:MaxLength=253
	// +optional
	Path string `json:"path,omitempty"`
	// roleID of the AppRole.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	RoleID string `json:"roleID"`
	// secretRef is the AppRole's secret.
	SecretRef SecretKeyReference `json:"secretRef"`
}

// VaultKubernetes is Vault's Kubernetes method.
type VaultKubernetes struct {
	// mountPath where the method is mounted.
	// +kubebuilder:default="/v1/auth/kubernetes"
	// +kubebuilder:validation:MaxLength=253
	// +optional
	MountPath string `json:"mountPath,omitempty"`
	// role of the method.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Role string `json:"role"`
	// serviceAccountName in the namespace of cert-manager that Vault knows.
	// cert-manager must be allowed to create tokens for it.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	ServiceAccountName string `json:"serviceAccountName"`
}

// VenafiBackend is one zone of Venafi.
// +kubebuilder:validation:XValidation:rule="has(self.tpp) != has(self.cloud)",message="set either tpp or cloud, not both"
type VenafiBackend struct {
	// zone that certificates are requested in.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	Zone string `json:"zone"`
	// tpp is Trust Protection Platform.
	// +optional
	TPP *VenafiTPP `json:"tpp,omitempty"`
	// cloud is the SaaS.
	// +optional
	Cloud *VenafiCloud `json:"cloud,omitempty"`
}

// VenafiTPP is Trust Protection Platform.
type VenafiTPP struct {
	// url of the vedsdk endpoint.
	// +kubebuilder:validation:Pattern=`^https://.+`
	// +kubebuilder:validation:MaxLength=512
	URL string `json:"url"`
	// credentialsRef names a Secret with access-token, or username and password.
	CredentialsRef LocalSecretReference `json:"credentialsRef"`
	// caBundle are PEM certificates that the server's certificate must chain to.
	// +optional
	CABundle []byte `json:"caBundle,omitempty"`
}

// VenafiCloud is the SaaS.
type VenafiCloud struct {
	// url of the service; left out, the public one.
	// +kubebuilder:validation:MaxLength=512
	// +optional
	URL string `json:"url,omitempty"`
	// apiTokenSecretRef is the API key.
	APITokenSecretRef SecretKeyReference `json:"apiTokenSecretRef"`
}
