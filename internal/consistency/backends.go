package consistency

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

// Backend is what stands behind issuers, the same CA wherever it is used.
// Everything that is self-signed is one backend, although each such issuer makes
// roots of its own.
type Backend struct {
	// Name as in IssuerProfile.Backend.
	Name string
	// Clusters that use it, ordered by name.
	Clusters []string
	// Issuers that use it, as "ClusterIssuer name" or "Issuer namespace/name",
	// ordered, each once however many clusters have it.
	Issuers []string
}

// Backends lists the distinct backends, those in most clusters first. Issuers of
// which the CA is not known are left out: see Unread.
func Backends(clusters []Cluster) []Backend {
	found := map[string]*Backend{}
	issuers := map[string]map[string]bool{}
	for _, c := range seen(clusters) {
		for i := range c.Profile.Issuers {
			s := &c.Profile.Issuers[i]
			if !isKnown(s.Backend) {
				continue
			}
			b := found[s.Backend]
			if b == nil {
				b = &Backend{Name: s.Backend}
				found[s.Backend], issuers[s.Backend] = b, map[string]bool{}
			}
			// Clusters come one after the other.
			if n := len(b.Clusters); n == 0 || b.Clusters[n-1] != c.Name {
				b.Clusters = append(b.Clusters, c.Name)
			}
			issuers[s.Backend][issuerOf(s).String()] = true
		}
	}
	list := make([]Backend, 0, len(found))
	for name, b := range found {
		b.Issuers = slices.Sorted(maps.Keys(issuers[name]))
		list = append(list, *b)
	}
	slices.SortFunc(list, func(a, b Backend) int {
		return cmp.Or(cmp.Compare(len(b.Clusters), len(a.Clusters)), strings.Compare(a.Name, b.Name))
	})
	return list
}

// Unread counts the issuers of all clusters of which the CA is not known, and
// the clusters that have any.
func Unread(clusters []Cluster) (issuers, in int) {
	for _, c := range seen(clusters) {
		before := issuers
		for i := range c.Profile.Issuers {
			if !isKnown(c.Profile.Issuers[i].Backend) {
				issuers++
			}
		}
		if issuers > before {
			in++
		}
	}
	return issuers, in
}

// Shadow is an issuer that the platform did not declare, by kind, namespace and
// name. Where the platform did declare it in some clusters, only the others
// count.
type Shadow struct {
	// Kind is ClusterIssuer or Issuer.
	Kind string
	// Namespace of an Issuer.
	Namespace string
	// Name of the issuer.
	Name string
	// Backends of it, ordered; more than one when clusters differ.
	Backends []string
	// Clusters that have it, ordered by name.
	Clusters []string
}

// ShadowIssuers lists the issuers that nobody declared, ClusterIssuers first.
func ShadowIssuers(clusters []Cluster) []Shadow {
	found := map[issuer]*Shadow{}
	for _, c := range seen(clusters) {
		for i := range c.Profile.Issuers {
			s := &c.Profile.Issuers[i]
			if s.Declared {
				continue
			}
			shadow := found[issuerOf(s)]
			if shadow == nil {
				shadow = &Shadow{Kind: s.Kind, Namespace: s.Namespace, Name: s.Name}
				found[issuerOf(s)] = shadow
			}
			if n := len(shadow.Clusters); n == 0 || shadow.Clusters[n-1] != c.Name {
				shadow.Clusters = append(shadow.Clusters, c.Name)
			}
			if at, ok := slices.BinarySearch(shadow.Backends, s.Backend); !ok {
				shadow.Backends = slices.Insert(shadow.Backends, at, s.Backend)
			}
		}
	}
	list := make([]Shadow, 0, len(found))
	for _, s := range found {
		list = append(list, *s)
	}
	slices.SortFunc(list, func(a, b Shadow) int {
		return cmp.Or(
			strings.Compare(a.Kind, b.Kind), strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Name, b.Name),
		)
	})
	return list
}

// issuer identifies an Issuer or ClusterIssuer within a cluster.
type issuer struct{ kind, namespace, name string }

func issuerOf(s *v1alpha1.IssuerProfile) issuer { return issuer{s.Kind, s.Namespace, s.Name} }

// String is "ClusterIssuer name" or "Issuer namespace/name".
func (i issuer) String() string {
	if i.namespace == "" {
		return i.kind + " " + i.name
	}
	return i.kind + " " + i.namespace + "/" + i.name
}

// countBackends is the length of Backends.
func countBackends(clusters []Cluster) int {
	found := map[string]bool{}
	for i := range clusters {
		for j := range clusters[i].Profile.Issuers {
			if b := clusters[i].Profile.Issuers[j].Backend; isKnown(b) {
				found[b] = true
			}
		}
	}
	return len(found)
}

// countShadowIssuers is the length of ShadowIssuers.
func countShadowIssuers(clusters []Cluster) int {
	found := map[issuer]bool{}
	for i := range clusters {
		for j := range clusters[i].Profile.Issuers {
			if s := &clusters[i].Profile.Issuers[j]; !s.Declared {
				found[issuerOf(s)] = true
			}
		}
	}
	return len(found)
}
