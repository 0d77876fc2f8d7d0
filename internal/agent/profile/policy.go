package profile

import (
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// PolicyRecord is what is kept of a policy.
type PolicyRecord struct {
	// Digest of the spec.
	Digest string
	// Declared by the platform.
	Declared bool
	// Concerns says that it is about certificates by itself.
	Concerns bool
	// Binds is the policy that a ValidatingAdmissionPolicyBinding puts in force,
	// empty for policies. A binding concerns certificates as well when its policy
	// does.
	Binds string
}

func (*PolicyRecord) isRecord() {}

func reducePolicy(gk schema.GroupKind, raw []byte) (metadata, Record, error) {
	o, err := decodeSpecified(raw)
	if err != nil {
		return o.Metadata, nil, err
	}
	r := &PolicyRecord{Declared: o.Metadata.declared()}
	switch gk {
	case requestPolicy:
		r.Concerns = true
	case admissionPolicy, kyvernoCELPolicy:
		r.Concerns = matchesCertificates(o.Spec["matchConstraints"])
	case admissionBinding:
		r.Concerns = matchesCertificates(o.Spec["matchResources"])
		r.Binds, _ = o.Spec["policyName"].(string)
	case kyvernoPolicy:
		r.Concerns = mentionsCertificates(o.Spec)
	default:
		r.Concerns = constrainsCertificates(o.Spec)
	}
	if !r.Declared && !r.Concerns && r.Binds == "" {
		return o.Metadata, nil, nil
	}
	r.Digest, err = digest(o.Spec)
	return o.Metadata, r, err
}
