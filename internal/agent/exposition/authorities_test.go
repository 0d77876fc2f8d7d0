package exposition

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/inventory"
	"github.com/tlsplatform/tls-platform-operator/internal/certificate"
)

// configMap is a bundle of CAs in a namespace.
func configMap(namespace, mesh string, b *certificate.Bundle) *inventory.Object {
	return &inventory.Object{
		Place:   inventory.Place{Kind: inventory.KindConfigMap, Namespace: namespace, Name: "roots"},
		Records: []inventory.Record{{Key: "ca.crt", Role: inventory.Bundle, Value: b, Mesh: mesh}},
	}
}

// places are the places of CAs by their label, as they are served.
func places(t *testing.T, views *fakeViews) map[string]float64 {
	t.Helper()
	return samples(t, parse(t, scrape(t, New(options(views))).Body.Bytes())["tlsplatform_authority_places"], "fingerprint")
}

func TestPlacesOfAuthorities(t *testing.T) {
	t.Parallel()
	a, b := root("CN=a", 0xa), root("CN=b", 0xb)
	large := []*certificate.Certificate{a, a}
	for i := range largeBundle {
		large = append(large, root("CN=public", 0xc, byte(i)))
	}
	publicRoots := bundleOf(large...)
	views := &fakeViews{}
	// Served and trusted, one place all the same.
	both := secret("n", "both", leaf("CN=a", 1))
	both.Records[0].Value, both.Records[0].Trust = bundleOf(leaf("CN=a", 1), a), bundleOf(a)
	views.put(both, nil)
	for i := range 3 {
		views.put(configMap(fmt.Sprintf("small-%d", i), "", bundleOf(a, b)), nil)
	}
	for i := range 10 {
		views.put(configMap(fmt.Sprintf("large-%d", i), "", publicRoots), nil)
	}
	want := map[string]float64{"0a0000000000": 1 + 3 + 10, "0b0000000000": 3}
	for i := range largeBundle {
		want[fmt.Sprintf("0c%02x00000000", i)] = 10
	}
	if diff := cmp.Diff(want, places(t, views)); diff != "" {
		t.Errorf("places (-want +got):\n%s", diff)
	}
}

func TestAuthoritiesOfMeshesComeFirst(t *testing.T) {
	t.Parallel()
	views := &fakeViews{}
	for i := range maxAuthorities + 50 {
		c := root(fmt.Sprintf("CN=ca-%d", i), 1, byte(i>>8), byte(i))
		views.put(configMap(fmt.Sprintf("a-%d", i), "", bundleOf(c)), nil)
		views.put(configMap(fmt.Sprintf("b-%d", i), "", bundleOf(c)), nil)
	}
	views.put(configMap("istio-system", "Istio", bundleOf(root("O=cluster.local", 0xff))), nil)
	// A certificate that is served does not make its CA one of the mesh.
	served := secret("kube-system", "hubble", leaf("CN=a", 1))
	served.Records[0].Mesh, served.Records[0].Trust = "Cilium", bundleOf(root("CN=ca-0", 1, 0, 0))
	views.put(served, nil)

	families := parse(t, scrape(t, New(options(views))).Body.Bytes())
	ends := families["tlsplatform_authority_not_after_timestamp_seconds"].GetMetric()
	if len(ends) != maxAuthorities {
		t.Errorf("%d CAs have series, want %d", len(ends), maxAuthorities)
	}
	if got := families["tlsplatform_authorities"].GetMetric()[0].GetGauge().GetValue(); got != maxAuthorities+51 {
		t.Errorf("%v CAs are counted, want %d", got, maxAuthorities+51)
	}
	meshes := map[string]string{}
	for _, m := range ends {
		labels := map[string]string{}
		for _, pair := range m.GetLabel() {
			labels[pair.GetName()] = pair.GetValue()
		}
		if mesh := labels["mesh"]; mesh != "" {
			meshes[labels["subject"]] = mesh
		}
	}
	if diff := cmp.Diff(map[string]string{"O=cluster.local": "Istio"}, meshes); diff != "" {
		t.Errorf("meshes (-want +got):\n%s", diff)
	}
}

func TestFingerprintsThatBeginAlikeAreShownInFull(t *testing.T) {
	t.Parallel()
	views := &fakeViews{}
	views.put(configMap("n", "", bundleOf(
		root("CN=a", 1, 2, 3, 4, 5, 6, 7), root("CN=a", 1, 2, 3, 4, 5, 6, 8), root("CN=b", 1, 2, 3, 4, 5, 7))), nil)
	const tail = "00000000000000000000000000000000000000000000000000"
	want := map[string]float64{"01020304050607" + tail: 1, "01020304050608" + tail: 1, "010203040507": 1}
	if diff := cmp.Diff(want, places(t, views)); diff != "" {
		t.Errorf("fingerprints (-want +got):\n%s", diff)
	}
}

func TestCoverageByNamespaceIsJoined(t *testing.T) {
	t.Parallel()
	o := options(&fakeViews{})
	o.Coverage = func() []v1alpha1.Coverage {
		return []v1alpha1.Coverage{
			{Resource: "secrets", Namespace: "a", State: "Reading"},
			{Resource: "secrets", Namespace: "b", State: "Forbidden"},
			{Resource: "secrets", Namespace: "c", State: "Reading"},
		}
	}
	got := samples(t, parse(t, scrape(t, New(o)).Body.Bytes())["tlsplatform_inventory_coverage"], "state")
	want := map[string]float64{"Reading": 1, "Waiting": 0, "Forbidden": 1, "NotServed": 0, "Failing": 0}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("coverage (-want +got):\n%s", diff)
	}
}
