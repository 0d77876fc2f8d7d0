package override

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

// Variant is an estate that some clusters of a fleet share.
type Variant struct {
	// Key is the names of the overrides, joined by "+"; empty for the estate
	// without any.
	Key string
	// Overrides are the names of those that were applied, in their order.
	Overrides []string
	// Members are the clusters that have this estate, by name.
	Members []string
	// Spec is the merged spec, as For returns it. Whoever changes it changes it
	// for all.
	Spec *v1alpha1.TLSPlatformSpec
}

// Variants returns every distinct estate that the members need, by key, for
// validation. Members are labels by name. A fleet without members needs none.
// Variants that can't be merged are left out and are part of the error, which
// names a cluster for each.
func Variants(spec *v1alpha1.TLSPlatformSpec, members map[string]map[string]string) ([]Variant, error) {
	byKey := map[string]*Variant{}
	overrides := map[string][]*v1alpha1.Override{}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		matching, err := matches(spec.Overrides, members[name])
		if err != nil {
			return nil, err
		}
		names := namesOf(matching)
		key := strings.Join(names, "+")
		if byKey[key] == nil {
			byKey[key] = &Variant{Key: key, Overrides: names}
			overrides[key] = matching
		}
		byKey[key].Members = append(byKey[key].Members, name)
	}
	var variants []Variant
	var errs []error
	for _, v := range slices.SortedFunc(maps.Values(byKey), func(a, b *Variant) int { return cmp.Compare(a.Key, b.Key) }) {
		merged, err := merge(spec, overrides[v.Key])
		if err != nil {
			errs = append(errs, fmt.Errorf("cluster %s: %w", v.Members[0], err))
			continue
		}
		v.Spec = merged
		variants = append(variants, *v)
	}
	return variants, errors.Join(errs...)
}
