package override

import "github.com/tlsplatform/tls-platform-operator/api/v1alpha1"

// Matching are the names of the overrides that For would apply.
func Matching(spec *v1alpha1.TLSPlatformSpec, memberLabels map[string]string) ([]string, error) {
	matching, err := matches(spec.Overrides, memberLabels)
	if err != nil {
		return nil, err
	}
	return namesOf(matching), nil
}
