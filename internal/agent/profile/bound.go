package profile

import (
	"encoding/json"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

// MaxProfile bounds a profile in bytes of its JSON.
const MaxProfile = 24 << 10

// Bounds of the lists, as in v1alpha1.ClusterProfile.
const (
	maxComponents = 16
	maxItems      = 64
	maxSettings   = 32
)

// frame is more than the JSON of a profile takes beside the items of its lists.
const frame = 128

// lists are the parts of a profile in full, the most important first in each.
type lists struct {
	components []v1alpha1.ComponentProfile
	settings   []v1alpha1.Setting
	issuers    []v1alpha1.IssuerProfile
	policies   []v1alpha1.DigestProfile
	bundles    []v1alpha1.DigestProfile
	omitted    int
}

// bounded puts as much of the lists into a profile as may be in it. One item of
// each list is added after the other, so that a long list costs others nothing.
// A list ends with the first item that does not fit.
func (l *lists) bounded() *v1alpha1.ClusterProfile {
	profile := &v1alpha1.ClusterProfile{}
	b := &budget{left: MaxProfile - frame}
	fills := []func() bool{
		fill(b, l.components, &profile.Components, maxComponents),
		fill(b, l.settings, &profile.Settings, maxSettings),
		fill(b, l.issuers, &profile.Issuers, maxItems),
		fill(b, l.policies, &profile.Policies, maxItems),
		fill(b, l.bundles, &profile.Bundles, maxItems),
	}
	for more := true; more; {
		more = false
		for _, next := range fills {
			more = next() || more
		}
	}
	listed := len(profile.Components) + len(profile.Settings) + len(profile.Issuers) + len(profile.Policies) + len(profile.Bundles)
	found := len(l.components) + len(l.settings) + len(l.issuers) + len(l.policies) + len(l.bundles)
	profile.Omitted = int32(l.omitted + found - listed)
	return profile
}

// fill returns a function that adds the next item of a list, and says whether it
// did.
func fill[T any](b *budget, from []T, to *[]T, limit int) func() bool {
	return func() bool {
		n := len(*to)
		if n == len(from) || n == limit || !b.take(from[n]) {
			limit = n
			return false
		}
		*to = append(*to, from[n])
		return true
	}
}

// budget of bytes.
type budget struct{ left int }

// take says whether there is room for an item and a comma, and takes it.
func (b *budget) take(item any) bool {
	raw, err := json.Marshal(item)
	if err != nil || len(raw)+1 > b.left {
		return false
	}
	b.left -= len(raw) + 1
	return true
}
