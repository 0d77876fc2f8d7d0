package profile

import (
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Kinds that a profile is made of.
var (
	// Deployment and DaemonSet run the components.
	Deployment = schema.GroupKind{Group: "apps", Kind: "Deployment"}
	DaemonSet  = schema.GroupKind{Group: "apps", Kind: "DaemonSet"}

	// ClusterIssuer and Issuer are those of cert-manager.
	ClusterIssuer = schema.GroupKind{Group: "cert-manager.io", Kind: "ClusterIssuer"}
	Issuer        = schema.GroupKind{Group: "cert-manager.io", Kind: "Issuer"}

	// Bundle and ClusterBundle are those of trust-manager.
	Bundle        = schema.GroupKind{Group: "trust.cert-manager.io", Kind: "Bundle"}
	ClusterBundle = schema.GroupKind{Group: "trust-manager.io", Kind: "ClusterBundle"}

	admissionPolicy  = schema.GroupKind{Group: "admissionregistration.k8s.io", Kind: "ValidatingAdmissionPolicy"}
	admissionBinding = schema.GroupKind{Group: "admissionregistration.k8s.io", Kind: "ValidatingAdmissionPolicyBinding"}
	requestPolicy    = schema.GroupKind{Group: "policy.cert-manager.io", Kind: "CertificateRequestPolicy"}
	kyvernoPolicy    = schema.GroupKind{Group: "kyverno.io", Kind: "ClusterPolicy"}
	kyvernoCELPolicy = schema.GroupKind{Group: "policies.kyverno.io", Kind: "ValidatingPolicy"}
)

// ConstraintGroup is the group of the constraints of Gatekeeper. Each of its
// ConstraintTemplates makes a kind there.
const ConstraintGroup = "constraints.gatekeeper.sh"

// PolicyKinds are the kinds of policies with a fixed name. A cluster need not
// serve them.
func PolicyKinds() []schema.GroupKind {
	return []schema.GroupKind{admissionPolicy, admissionBinding, requestPolicy, kyvernoPolicy, kyvernoCELPolicy}
}

// IsPolicy says whether the kind is one of policies: of PolicyKinds, or a
// constraint of Gatekeeper.
func IsPolicy(gk schema.GroupKind) bool {
	switch gk {
	case admissionPolicy, admissionBinding, requestPolicy, kyvernoPolicy, kyvernoCELPolicy:
		return true
	}
	return gk.Group == ConstraintGroup
}

// IsPolicyResource is IsPolicy for a resource as plural.group.
func IsPolicyResource(resource string) bool {
	plural, group, _ := strings.Cut(resource, ".")
	if group == ConstraintGroup {
		return true
	}
	for _, gk := range PolicyKinds() {
		if gk.Group == group && pluralOf(gk) == plural {
			return true
		}
	}
	return false
}

// pluralOf a kind whose name ends in y or takes an s.
func pluralOf(gk schema.GroupKind) string {
	singular := strings.ToLower(gk.Kind)
	if stem, ok := strings.CutSuffix(singular, "y"); ok {
		return stem + "ies"
	}
	return singular + "s"
}

// Reducible says whether Reduce makes records of the kind.
func Reducible(gk schema.GroupKind) bool {
	switch gk {
	case ClusterIssuer, Issuer, Bundle, ClusterBundle:
		return true
	}
	return IsPolicy(gk)
}
