package consistency

import (
	"fmt"
	"slices"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

// with is a cluster with a profile.
func with(name string, p v1alpha1.ClusterProfile) Cluster { return Cluster{Name: name, Profile: &p} }

// component is cert-manager in a version, run by Helm.
func component(version string) []v1alpha1.ComponentProfile {
	return []v1alpha1.ComponentProfile{{Name: "cert-manager", Version: version, Owner: "Helm"}}
}

// running is a cluster with cert-manager in a version and nothing else.
func running(name, version string) Cluster {
	return with(name, v1alpha1.ClusterProfile{Components: component(version)})
}

// several are clusters prod-0, prod-1 and so on with cert-manager in a version.
func several(count int, version string) []Cluster {
	var list []Cluster
	for i := range count {
		list = append(list, running(fmt.Sprintf("prod-%d", i), version))
	}
	return list
}

// issuing is a cluster with one ClusterIssuer web.
func issuing(name, backend string) Cluster {
	return with(name, v1alpha1.ClusterProfile{Issuers: []v1alpha1.IssuerProfile{clusterIssuer("web", backend, true)}})
}

func clusterIssuer(name, backend string, declared bool) v1alpha1.IssuerProfile {
	return v1alpha1.IssuerProfile{Kind: "ClusterIssuer", Name: name, Backend: backend, Declared: declared}
}

func namespaced(namespace, name, backend string) v1alpha1.IssuerProfile {
	return v1alpha1.IssuerProfile{Kind: "Issuer", Namespace: namespace, Name: name, Backend: backend}
}

// fleet has full profiles: all lists at their bounds. One cluster in fifty differs
// in something.
func fleet(count int) []Cluster {
	list := make([]Cluster, 0, count)
	for i := range count {
		p := &v1alpha1.ClusterProfile{}
		for j := range 7 {
			p.Components = append(p.Components, v1alpha1.ComponentProfile{Name: fmt.Sprintf("component-%d", j), Version: "v1.18.2", Owner: "Platform"})
		}
		p.Components = append(p.Components, component("v1.18.2")...)
		for j := range 64 {
			p.Issuers = append(p.Issuers, clusterIssuer(fmt.Sprintf("issuer-%d", j), fmt.Sprintf("ca %064d", j), j%2 == 0))
			p.Policies = append(p.Policies, v1alpha1.DigestProfile{Kind: "CertificateRequestPolicy", Name: fmt.Sprintf("policy-%d", j), Digest: fmt.Sprintf("%064d", j)})
			p.Bundles = append(p.Bundles, v1alpha1.DigestProfile{Kind: "Bundle", Name: fmt.Sprintf("bundle-%d", j), Digest: fmt.Sprintf("%064d", j)})
		}
		for j := range 32 {
			p.Settings = append(p.Settings, v1alpha1.Setting{Name: fmt.Sprintf("flag-%d", j), Value: "true"})
		}
		if i%50 == 7 {
			p.Issuers[i%64].Backend = fmt.Sprintf("ca other %d", i)
			p.Policies = slices.Delete(p.Policies, 1, 2)
			p.Components[7].Version = "v1.17.0"
		}
		list = append(list, Cluster{Name: fmt.Sprintf("cluster-%03d", i), Profile: p})
	}
	return list
}
