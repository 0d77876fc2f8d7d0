package cli

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

func namesOnly(records []*v1alpha1.CertificateRecord) []string {
	var list []string
	for i := range records {
		list = append(list, records[i].Name)
	}
	return list
}

func TestFilter(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		filter filter
		want   []string
	}{
		"no condition chooses all":          {filter{}, namesOnly(sample())},
		"by namespace":                      {filter{namespaces: []string{"legacy"}}, []string{"old-portal"}},
		"by one of two namespaces":          {filter{namespaces: []string{"legacy", "shop"}}, namesOnly(sample())[:4]},
		"by layer":                          {filter{layers: []string{"Ingress", "Mesh"}}, []string{"istio-ca-root-cert", "web-tls"}},
		"by kind":                           {filter{kinds: []string{"ConfigMap"}}, []string{"istio-ca-root-cert"}},
		"by role":                           {filter{roles: []string{"Bundle"}}, []string{"istio-ca-root-cert", "policy"}},
		"by finding":                        {filter{findings: []string{"WeakKey", "Duplicate"}}, []string{"istio-ca-root-cert", "old-portal"}},
		"by manager, in whatever case":      {filter{managedBy: []string{"Cert-Manager"}}, []string{"web-tls"}},
		"by owner":                          {filter{owners: []string{"team-shop"}}, []string{"web-tls"}},
		"by part of the CA's name":          {filter{issuer: "issuing ca"}, []string{"old-portal"}},
		"by the name of an issuer":          {filter{issuer: "letsencrypt"}, []string{"web-tls"}},
		"by kind and name of an issuer":     {filter{issuer: "ClusterIssuer/letsencrypt"}, []string{"web-tls"}},
		"not by part of an issuer's name":   {filter{issuer: "letsencryp"}, nil},
		"not by an issuer of another kind":  {filter{issuer: "Issuer/letsencrypt"}, nil},
		"what ends soon includes the ended": {filter{within: 4 * hour}, []string{"old-portal", "policy"}},
		"the end of the time is included":   {filter{within: 12*day + hour}, []string{"old-portal", "web-tls", "policy"}},
		"what has ended":                    {filter{expired: true}, []string{"old-portal"}},
		"orphans":                           {filter{orphaned: true}, []string{"old-portal"}},
		"unreferenced ones include orphans": {filter{unreferenced: true}, []string{"old-portal", "api-keystore"}},
		"what nobody renews":                {filter{unmanaged: true}, []string{"old-portal"}},
		"all conditions must hold":          {filter{unreferenced: true, namespaces: []string{"shop"}}, []string{"api-keystore"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, namesOnly(c.filter.choose(sample(), now))); diff != "" {
				t.Errorf("choice differs (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSort(t *testing.T) {
	t.Parallel()
	for order, want := range map[sortOrder][]string{
		sortByExpiry:    {"old-portal", "policy", "web-tls", "istio-ca-root-cert", "api-keystore"},
		sortByName:      {"api-keystore", "istio-ca-root-cert", "old-portal", "policy", "web-tls"},
		sortByNamespace: {"policy", "old-portal", "istio-ca-root-cert", "api-keystore", "web-tls"},
	} {
		t.Run(string(order), func(t *testing.T) {
			t.Parallel()
			records := sample()
			slices.Reverse(records)
			sortRecords(records, order)
			if diff := cmp.Diff(want, namesOnly(records)); diff != "" {
				t.Errorf("order differs (-want +got):\n%s", diff)
			}
		})
	}
}
