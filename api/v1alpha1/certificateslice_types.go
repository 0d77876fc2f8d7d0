package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// CertificateRecord is one place that holds a certificate. Texts that come from
// certificates are shortened and free of control characters.
type CertificateRecord struct {
	// kind of the object: Secret, ConfigMap, a webhook configuration,
	// APIService, CustomResourceDefinition, CertificateRequest; or Endpoint for
	// what is served at an address.
	Kind string `json:"kind"`
	// namespace of the object.
	// +optional
	Namespace string `json:"namespace,omitempty"`
	// name of the object.
	Name string `json:"name"`
	// key of the value in the object; for webhooks the webhook's name, for an
	// Endpoint the address.
	// +optional
	Key string `json:"key,omitempty"`
	// layer that the certificate is used in.
	Layer Layer `json:"layer"`
	// role is Serving, Bundle, Authority, or Served for an Endpoint.
	Role string `json:"role"`
	// format of the value: PEM, DER, PKCS12, JKS or JCEKS.
	// +optional
	Format string `json:"format,omitempty"`
	// certificates is how many the value holds. The fields below describe the
	// first one, for a Bundle the one that ends first.
	// +optional
	Certificates int32 `json:"certificates,omitempty"`
	// fingerprint is the SHA-256 of the certificate, in hex.
	// +optional
	Fingerprint string `json:"fingerprint,omitempty"`
	// digest identifies the set of certificates of a Bundle, whatever their
	// order: SHA-256 in hex.
	// +optional
	Digest string `json:"digest,omitempty"`
	// subject is the distinguished name (RFC 4514).
	// +optional
	Subject string `json:"subject,omitempty"`
	// issuer is the distinguished name of the issuer.
	// +optional
	Issuer string `json:"issuer,omitempty"`
	// serial number in hex.
	// +optional
	Serial string `json:"serial,omitempty"`
	// names are the subject alternative names; shortened when there are many.
	// +listType=atomic
	// +optional
	Names []string `json:"names,omitempty"`
	// nameCount is how many there are.
	// +optional
	NameCount int32 `json:"nameCount,omitempty"`
	// notBefore is when validity starts.
	// +optional
	NotBefore *metav1.Time `json:"notBefore,omitempty"`
	// notAfter is when validity ends.
	// +optional
	NotAfter *metav1.Time `json:"notAfter,omitempty"`
	// publicKey is algorithm and size, for example RSA 2048.
	// +optional
	PublicKey string `json:"publicKey,omitempty"`
	// signature is the algorithm of the issuer's signature.
	// +optional
	Signature string `json:"signature,omitempty"`
	// ca is true for the certificate of a CA.
	// +optional
	CA bool `json:"ca,omitempty"`
	// chain are the certificates that are served after the first.
	// +listType=atomic
	// +optional
	Chain []ChainMember `json:"chain,omitempty"`
	// managedBy says who renews the certificate.
	ManagedBy string `json:"managedBy"`
	// manager is the object that does, as Kind namespace/name.
	// +optional
	Manager string `json:"manager,omitempty"`
	// issuerRef is the issuer as kind/name, for cert-manager's.
	// +optional
	IssuerRef string `json:"issuerRef,omitempty"`
	// renewal is when it will be renewed.
	// +optional
	Renewal *metav1.Time `json:"renewal,omitempty"`
	// owner is the team that the certificate belongs to.
	// +optional
	Owner string `json:"owner,omitempty"`
	// purpose of the certificate.
	// +optional
	Purpose string `json:"purpose,omitempty"`
	// usedBy are objects that use it; shortened when there are many.
	// +listType=atomic
	// +optional
	UsedBy []Referrer `json:"usedBy,omitempty"`
	// useCount is how many there are.
	// +optional
	UseCount int32 `json:"useCount,omitempty"`
	// use says whether it is used: Used, Exempt or Unreferenced.
	Use string `json:"use"`
	// useReason says why, in a sentence.
	// +optional
	UseReason string `json:"useReason,omitempty"`
	// unreferencedSince is since when nothing uses it.
	// +optional
	UnreferencedSince *metav1.Time `json:"unreferencedSince,omitempty"`
	// orphan is true when that is longer than the grace period.
	// +optional
	Orphan bool `json:"orphan,omitempty"`
	// confidence that nothing uses it: High, Medium or Low.
	// +optional
	Confidence string `json:"confidence,omitempty"`
	// doubts say why confidence is not High.
	// +listType=atomic
	// +optional
	Doubts []string `json:"doubts,omitempty"`
	// findings are what is wrong with it, one CamelCase word each.
	// +listType=atomic
	// +optional
	Findings []string `json:"findings,omitempty"`
	// problem says what could not be read.
	// +optional
	Problem string `json:"problem,omitempty"`
	// served says what was found at an address; for an Endpoint alone.
	// +optional
	Served *ServedState `json:"served,omitempty"`
}

// ChainMember is a certificate that is served with another.
type ChainMember struct {
	// subject of the certificate.
	Subject string `json:"subject"`
	// fingerprint is the SHA-256 of the certificate, in hex.
	Fingerprint string `json:"fingerprint"`
	// notAfter is its end.
	// +optional
	NotAfter *metav1.Time `json:"notAfter,omitempty"`
}

// Referrer is an object that names a certificate.
type Referrer struct {
	// kind of the object.
	Kind string `json:"kind"`
	// namespace of the object.
	// +optional
	Namespace string `json:"namespace,omitempty"`
	// name of the object.
	Name string `json:"name"`
	// field that names the certificate.
	// +optional
	Field string `json:"field,omitempty"`
	// certain is false when the reference is a guess, for example a container
	// argument that looks like the name of a Secret.
	// +optional
	Certain bool `json:"certain,omitempty"`
}

// CertificateSlice is a page of the list of all certificates of a cluster, of at
// most 256 KiB. A certificate stays in its page, so that one change rewrites one
// page. Pages are read on demand, by kubectl tls among others.
// +kubebuilder:object:root=true
// +kubebuilder:resource:scope=Namespaced,shortName=tlscs,categories={tls}
// +kubebuilder:printcolumn:name="Records",type=integer,JSONPath=`.count`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type CertificateSlice struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard object metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitzero"`

	// count of the records.
	Count int32 `json:"count"`
	// records of this page, ordered by kind, namespace, name and key.
	// +listType=atomic
	Records []CertificateRecord `json:"records"`
}

// CertificateSliceList is a list of CertificateSlices.
// +kubebuilder:object:root=true
type CertificateSliceList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitzero"`
	Items           []CertificateSlice `json:"items"`
}
