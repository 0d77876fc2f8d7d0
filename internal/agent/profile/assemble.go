package profile

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/observed"
)

// Input is what a profile is made of beside the objects.
type Input struct {
	// CA is the SHA-256 of the certificate that a Secret has for a CA, in hex;
	// empty when the Secret was not read or has none.
	CA func(namespace, secret string) string
	// ClusterResourceNamespace is where ClusterIssuers have their Secrets, unless
	// the flags of cert-manager say otherwise.
	ClusterResourceNamespace string
}

// assemble makes a profile of records, with their keys in the order of compare.
func assemble(keys []Key, records map[Key]Record, in Input) *v1alpha1.ClusterProfile {
	all := &lists{}
	installs := installsOf(keys, records)
	for _, component := range slices.Sorted(maps.Keys(installs)) {
		all.addComponent(component, installs[component])
	}
	namespace := all.clusterNamespace(in.ClusterResourceNamespace)
	for _, key := range keys {
		switch r := records[key].(type) {
		case *IssuerRecord:
			// A cluster may have one in each namespace, and to look for a CA takes a
			// while.
			if len(all.issuers) == maxItems {
				all.omitted++
				continue
			}
			all.issuers = append(all.issuers, issuerProfile(key, r, namespace, in.CA))
		case *PolicyRecord:
			if r.Declared || r.Concerns || bindsOneOf(records, r) {
				all.policies = append(all.policies, digestProfile(key, r.Digest, r.Declared))
			}
		case *BundleRecord:
			all.bundles = append(all.bundles, digestProfile(key, r.Digest, r.Declared))
		}
	}
	return all.bounded()
}

// bindsOneOf says whether a binding is of a policy that is listed: one that is
// not has no record.
func bindsOneOf(records map[Key]Record, r *PolicyRecord) bool {
	return r.Binds != "" && records[Key{Kind: admissionPolicy, Name: r.Binds}] != nil
}

// clusterNamespace is where ClusterIssuers have their Secrets: as a flag says
// whose value can be told, else as given.
func (l *lists) clusterNamespace(otherwise string) string {
	for _, s := range l.settings {
		if s.Name == clusterResourceNamespace && !strings.Contains(s.Value, "$(") {
			return s.Value
		}
	}
	return otherwise
}

// compare orders by kind, namespace and name; a ClusterIssuer comes before an
// Issuer so.
func compare(a, b Key) int {
	return cmp.Or(
		strings.Compare(a.Kind.Kind, b.Kind.Kind), strings.Compare(a.Kind.Group, b.Kind.Group),
		strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Name, b.Name),
	)
}

// install is what one namespace has of a component.
type install struct {
	namespace string
	workloads []*WorkloadRecord
}

// leading is the workload that the component has its version of, nil for none.
func (i *install) leading() *WorkloadRecord {
	for _, w := range i.workloads {
		if w.Leading {
			return w
		}
	}
	return nil
}

// installsOf the components, in the order of the keys.
func installsOf(keys []Key, records map[Key]Record) map[string][]*install {
	installs := map[string][]*install{}
	for _, key := range keys {
		w, ok := records[key].(*WorkloadRecord)
		if !ok {
			continue
		}
		list := installs[w.Component]
		at := slices.IndexFunc(list, func(i *install) bool { return i.namespace == key.Namespace })
		if at < 0 {
			at = len(list)
			list = append(list, &install{namespace: key.Namespace})
		}
		list[at].workloads = append(list[at].workloads, w)
		installs[w.Component] = list
	}
	return installs
}

// addComponent describes a component: of several installs the one with a leading
// workload, in the first namespace by name. The others are left out.
func (l *lists) addComponent(component string, installs []*install) {
	l.omitted += len(installs) - 1
	chosen := slices.MinFunc(installs, func(a, b *install) int {
		switch hasA, hasB := a.leading() != nil, b.leading() != nil; {
		case hasA && !hasB:
			return -1
		case hasB && !hasA:
			return 1
		}
		return strings.Compare(a.namespace, b.namespace)
	})
	profile := v1alpha1.ComponentProfile{Name: component, Namespace: text(chosen.namespace, maxLabel), Available: true}
	owner := observed.OwnerNone
	for _, w := range chosen.workloads {
		profile.Available = profile.Available && w.Available
		// What is somebody else's outweighs what is ours.
		if owner == observed.OwnerNone || owner == observed.OwnerPlatform {
			owner = w.Owner
		}
	}
	profile.Owner, profile.Version = string(owner), chosen.workloads[0].Version
	if w := chosen.leading(); w != nil {
		profile.Version = w.Version
		l.settings = append(l.settings, w.Settings...)
	}
	l.components = append(l.components, profile)
}

// issuerProfile describes an issuer. Its CA is known by its certificate, since
// the name of the Secret says nothing in another cluster.
func issuerProfile(key Key, r *IssuerRecord, clusterNamespace string, ca func(namespace, secret string) string) v1alpha1.IssuerProfile {
	backend := r.Backend
	if backend == "" {
		namespace := cmp.Or(key.Namespace, clusterNamespace)
		if fingerprint := ca(namespace, r.Secret); fingerprint != "" {
			backend = "ca " + fingerprint
		} else {
			backend = text("ca secret "+namespace+"/"+r.Secret+" unread", maxText)
		}
	}
	return v1alpha1.IssuerProfile{
		Kind: key.Kind.Kind, Namespace: text(key.Namespace, maxLabel), Name: text(key.Name, maxText),
		Backend: backend, Ready: r.Ready, Declared: r.Declared,
	}
}

func digestProfile(key Key, digest string, declared bool) v1alpha1.DigestProfile {
	name := key.Name
	if key.Namespace != "" {
		name = key.Namespace + "/" + name
	}
	return v1alpha1.DigestProfile{Kind: text(key.Kind.Kind, maxLabel), Name: text(name, maxText), Digest: digest, Declared: declared}
}
