package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// PolicyAction says what happens to a request that breaks a rule.
// +kubebuilder:validation:Enum=Enforce;Warn;Audit
type PolicyAction string

const (
	// PolicyEnforce refuses the request.
	PolicyEnforce PolicyAction = "Enforce"
	// PolicyWarn lets the request pass and warns the caller.
	PolicyWarn PolicyAction = "Warn"
	// PolicyAudit lets the request pass and annotates the audit log.
	PolicyAudit PolicyAction = "Audit"
)

// Policy are the rules for certificates and issuers, compiled to the API
// server's own ValidatingAdmissionPolicy. The namespaces of the managed
// components are exempt: who may write there holds the CA keys anyway.
type Policy struct {
	// action for a request that breaks a rule.
	// +kubebuilder:default=Enforce
	// +optional
	Action PolicyAction `json:"action,omitempty"`
	// rules that hold for every namespace.
	// +optional
	Rules PolicyRules `json:"rules,omitzero"`
	// exceptions from the rules, each with a reason and an end.
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=64
	// +optional
	Exceptions []PolicyException `json:"exceptions,omitempty" patchStrategy:"merge" patchMergeKey:"name"`
}

// PolicyRules are the rules; one that is left out does not hold.
type PolicyRules struct {
	// privateKey limits the keys of Certificates.
	// +optional
	PrivateKey *PrivateKeyRule `json:"privateKey,omitempty"`
	// maxDuration is the longest validity that may be asked for. Where a
	// Certificate has no duration, cert-manager's default of 2160h counts.
	// +kubebuilder:validation:XValidation:rule="self >= duration('1h')",message="maxDuration must be at least 1h, the shortest that cert-manager issues"
	// +kubebuilder:validation:Format=duration
	// +optional
	MaxDuration *metav1.Duration `json:"maxDuration,omitempty"`
	// dnsNames limits the DNS names of Certificates, the common name included.
	// +optional
	DNSNames *DNSNameRule `json:"dnsNames,omitempty"`
	// issuers limits which issuers may be used and made.
	// +optional
	Issuers *IssuerRule `json:"issuers,omitempty"`
	// annotations that every Certificate and CertificateRequest must have, for
	// example tlsplatform.io/owner and tlsplatform.io/purpose.
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=8
	// +optional
	Annotations []AnnotationRule `json:"annotations,omitempty" patchStrategy:"merge" patchMergeKey:"name"`
}

// KeyAlgorithm of a private key, in cert-manager's spelling.
// +kubebuilder:validation:Enum=RSA;ECDSA;Ed25519
type KeyAlgorithm string

// RotationPolicy of a private key, in cert-manager's spelling.
// +kubebuilder:validation:Enum=Always;Never
type RotationPolicy string

// PrivateKeyRule limits private keys.
// +kubebuilder:validation:XValidation:rule="has(self.allowed) || has(self.rotationPolicy)",message="privateKey needs allowed, rotationPolicy or both"
type PrivateKeyRule struct {
	// allowed are the algorithms that may be used, with their least size.
	// Certificates without an algorithm ask for RSA 2048.
	// +listType=map
	// +listMapKey=algorithm
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=3
	// +optional
	Allowed []AllowedKey `json:"allowed,omitempty" patchStrategy:"merge" patchMergeKey:"algorithm"`
	// rotationPolicy that Certificates must have. Left empty in a Certificate,
	// cert-manager's default of Always counts.
	// +optional
	RotationPolicy RotationPolicy `json:"rotationPolicy,omitempty"`
}

// AllowedKey is one algorithm and its least size.
// +kubebuilder:validation:XValidation:rule="!has(self.minSize) || self.algorithm != 'RSA' || (self.minSize >= 2048 && self.minSize <= 8192)",message="minSize of RSA must be from 2048 to 8192 bits"
// +kubebuilder:validation:XValidation:rule="!has(self.minSize) || self.algorithm != 'ECDSA' || self.minSize in [256, 384, 521]",message="minSize of ECDSA must be 256, 384 or 521 bits"
// +kubebuilder:validation:XValidation:rule="!has(self.minSize) || self.algorithm != 'Ed25519'",message="Ed25519 has one size: remove minSize"
type AllowedKey struct {
	// algorithm that may be used.
	Algorithm KeyAlgorithm `json:"algorithm"`
	// minSize in bits. Left out, every size that cert-manager takes.
	// +optional
	MinSize int32 `json:"minSize,omitempty"`
}

// DNSPattern matches DNS names by labels. It is a name (example.com), one
// label below it (*.example.com), or one or more labels below it
// (**.example.com). Case and a trailing dot do not count. The wildcard name
// *.example.com counts as one label below example.com; where admin.example.com
// is denied, it is denied too, since it covers that name.
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=253
// +kubebuilder:validation:XValidation:rule="self.matches('^([*][*]?[.])?([a-z0-9]([-a-z0-9]*[a-z0-9])?[.])*[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",message="a DNS pattern is a lower-case name, optionally after '*.' (one label) or '**.' (one or more labels), such as '**.example.com'; a pattern that matches everything is not a rule: leave dnsNames out instead"
type DNSPattern string

// DNSNameRule limits DNS names.
// +kubebuilder:validation:XValidation:rule="has(self.allowed) || has(self.denied)",message="dnsNames needs allowed, denied or both"
type DNSNameRule struct {
	// allowed are the patterns of which each name must match one. Left out,
	// every name that is not denied is allowed.
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +optional
	Allowed []DNSPattern `json:"allowed,omitempty"`
	// denied are the patterns of which no name may match one. They win.
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +optional
	Denied []DNSPattern `json:"denied,omitempty"`
}

// IssuerRule limits which issuers may be used and made. The issuers of the
// platform are always approved.
type IssuerRule struct {
	// approved issuers beside those of the platform.
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=64
	// +optional
	Approved []ApprovedIssuer `json:"approved,omitempty"`
	// namespacedIn lists the namespaces that may have Issuers of their own.
	// Issuers there are approved for that namespace.
	// +listType=set
	// +kubebuilder:validation:MaxItems=64
	// +optional
	NamespacedIn []string `json:"namespacedIn,omitempty"`
}

// ApprovedIssuer is an issuer reference as Certificates write it. An empty
// kind is Issuer, an empty group is cert-manager.io.
type ApprovedIssuer struct {
	// name of the issuer.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`
	// kind of the issuer.
	// +kubebuilder:default=ClusterIssuer
	// +kubebuilder:validation:MaxLength=63
	// +optional
	Kind string `json:"kind,omitempty"`
	// group of the issuer's API.
	// +kubebuilder:default=cert-manager.io
	// +kubebuilder:validation:MaxLength=253
	// +optional
	Group string `json:"group,omitempty"`
}

// AnnotationRule demands one annotation.
type AnnotationRule struct {
	// name of the annotation.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=317
	// +kubebuilder:validation:Pattern=`^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$`
	Name string `json:"name"`
	// pattern is a regular expression (RE2) that the whole value must match.
	// Left out, any value but the empty one.
	// +kubebuilder:validation:MaxLength=256
	// +optional
	Pattern string `json:"pattern,omitempty"`
}

// PolicyRuleName names one rule.
// +kubebuilder:validation:Enum=PrivateKey;MaxDuration;DNSNames;Issuers;Annotations
type PolicyRuleName string

// The rules, as exceptions and messages name them.
const (
	RulePrivateKey  PolicyRuleName = "PrivateKey"
	RuleMaxDuration PolicyRuleName = "MaxDuration"
	RuleDNSNames    PolicyRuleName = "DNSNames"
	RuleIssuers     PolicyRuleName = "Issuers"
	RuleAnnotations PolicyRuleName = "Annotations"
)

// PolicyException lifts rules for some objects until a date.
type PolicyException struct {
	// name of the exception, for messages and the audit.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Name string `json:"name"`
	// namespaces that the exception is for.
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	Namespaces []string `json:"namespaces"`
	// names of the objects that the exception is for. Left out, all in the
	// namespaces.
	// +listType=set
	// +kubebuilder:validation:MaxItems=64
	// +optional
	Names []string `json:"names,omitempty"`
	// rules that are lifted.
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=5
	Rules []PolicyRuleName `json:"rules"`
	// reason that an auditor will read.
	// +kubebuilder:validation:MinLength=10
	// +kubebuilder:validation:MaxLength=512
	Reason string `json:"reason"`
	// until is when the exception stops applying, by itself.
	// +required
	Until metav1.Time `json:"until"`
}
