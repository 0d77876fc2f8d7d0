package override

import (
	"fmt"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

// checkKeys returns an error when an item of a list that is merged by a key has
// none, or one that another item has. The API server refuses both in a spec, and
// never sees a merged one.
func checkKeys(spec *v1alpha1.TLSPlatformSpec) error {
	err := checkList("issuers", spec.Issuers, func(i *v1alpha1.Issuer) string { return i.Name })
	if err != nil {
		return err
	}
	for i := range spec.Issuers {
		path := fmt.Sprintf("issuers[%d].backends", i)
		err := checkList(path, spec.Issuers[i].Backends, func(b *v1alpha1.IssuerBackend) string { return b.Name })
		if err != nil {
			return err
		}
	}
	if spec.Trust != nil {
		err := checkList("trust.bundles", spec.Trust.Bundles, func(b *v1alpha1.TrustBundle) string { return b.Name })
		if err != nil {
			return err
		}
	}
	return checkPolicyKeys(spec.Policy)
}

func checkPolicyKeys(policy *v1alpha1.Policy) error {
	if policy == nil {
		return nil
	}
	err := checkList("policy.exceptions", policy.Exceptions, func(e *v1alpha1.PolicyException) string { return e.Name })
	if err != nil {
		return err
	}
	err = checkList("policy.rules.annotations", policy.Rules.Annotations, func(r *v1alpha1.AnnotationRule) string { return r.Name })
	if err != nil || policy.Rules.PrivateKey == nil {
		return err
	}
	return checkList("policy.rules.privateKey.allowed", policy.Rules.PrivateKey.Allowed, func(k *v1alpha1.AllowedKey) string { return string(k.Algorithm) })
}

func checkList[T any](path string, items []T, key func(*T) string) error {
	seen := make(map[string]bool, len(items))
	for i := range items {
		k := key(&items[i])
		if k == "" {
			return fmt.Errorf("%s[%d]: has nothing to be known by: set its name", path, i)
		}
		if seen[k] {
			return fmt.Errorf("%s[%d]: %q occurs twice", path, i, quotable(k))
		}
		seen[k] = true
	}
	return nil
}
