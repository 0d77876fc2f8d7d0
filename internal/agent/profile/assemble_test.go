package profile

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/observed"
)

// input knows the CA of one Secret.
var input = Input{
	CA: func(namespace, secret string) string {
		if namespace == "certs" && secret == "root" {
			return "0f0f"
		}
		return ""
	},
	ClusterResourceNamespace: "certs",
}

// profileOf records, as a Store has it that was told of them in any order.
func profileOf(records map[Key]Record, in Input) *v1alpha1.ClusterProfile {
	s := NewStore(func() {})
	for key, record := range records {
		s.Set(key, record)
	}
	return s.Profile(in)
}

func sample() map[Key]Record {
	return map[Key]Record{
		{Deployment, "certs", "cert-manager"}: &WorkloadRecord{
			Component: certManager, Leading: true, Version: "v1.21.2", Owner: observed.OwnerPlatform, Available: true,
			Settings: []v1alpha1.Setting{{Name: "config", Value: "/c.yaml"}},
		},
		{Deployment, "certs", "cert-manager-webhook"}: &WorkloadRecord{Component: certManager, Version: "v1.20.0", Owner: observed.OwnerHelm},
		{DaemonSet, "csi", "driver"}:                  &WorkloadRecord{Component: csiDriver, Leading: true, Version: "v0.10", Owner: observed.OwnerPlain, Available: true},
		{ClusterIssuer, "", "z"}:                      &IssuerRecord{Secret: "root", Ready: true, Declared: true},
		{Issuer, "shop", "a"}:                         &IssuerRecord{Secret: "root"},
		{Issuer, "certs", "a"}:                        &IssuerRecord{Secret: "root"},
		{Issuer, "certs", "b"}:                        &IssuerRecord{Backend: "selfSigned"},
		{admissionPolicy, "", "strict"}:               &PolicyRecord{Digest: "01", Concerns: true},
		{admissionBinding, "", "strict"}:              &PolicyRecord{Digest: "02", Binds: "strict"},
		{admissionBinding, "", "other"}:               &PolicyRecord{Digest: "03", Binds: "pods"},
		{admissionBinding, "", "ours"}:                &PolicyRecord{Digest: "04", Binds: "pods", Declared: true},
		{requestPolicy, "", "p"}:                      &PolicyRecord{Digest: "05", Concerns: true},
		{Bundle, "", "roots"}:                         &BundleRecord{Digest: "06", Declared: true},
		{ClusterBundle, "", "roots"}:                  &BundleRecord{Digest: "07"},
	}
}

func TestProfile(t *testing.T) {
	t.Parallel()
	want := &v1alpha1.ClusterProfile{
		Components: []v1alpha1.ComponentProfile{
			{Name: "cert-manager", Version: "v1.21.2", Namespace: "certs", Owner: "Helm"},
			{Name: "csi-driver", Version: "v0.10", Namespace: "csi", Owner: "Plain", Available: true},
		},
		Issuers: []v1alpha1.IssuerProfile{
			{Kind: "ClusterIssuer", Name: "z", Backend: "ca 0f0f", Ready: true, Declared: true},
			{Kind: "Issuer", Namespace: "certs", Name: "a", Backend: "ca 0f0f"},
			{Kind: "Issuer", Namespace: "certs", Name: "b", Backend: "selfSigned"},
			{Kind: "Issuer", Namespace: "shop", Name: "a", Backend: "ca secret shop/root unread"},
		},
		Policies: []v1alpha1.DigestProfile{
			{Kind: "CertificateRequestPolicy", Name: "p", Digest: "05"},
			{Kind: "ValidatingAdmissionPolicy", Name: "strict", Digest: "01"},
			{Kind: "ValidatingAdmissionPolicyBinding", Name: "ours", Digest: "04", Declared: true},
			{Kind: "ValidatingAdmissionPolicyBinding", Name: "strict", Digest: "02"},
		},
		Bundles: []v1alpha1.DigestProfile{
			{Kind: "Bundle", Name: "roots", Digest: "06", Declared: true},
			{Kind: "ClusterBundle", Name: "roots", Digest: "07"},
		},
		Settings: []v1alpha1.Setting{{Name: "config", Value: "/c.yaml"}},
	}
	for range 20 { // a map is in another order each time
		if diff := cmp.Diff(want, profileOf(sample(), input)); diff != "" {
			t.Fatal(diff)
		}
	}
}

// TestClusterResourceNamespace: a flag of cert-manager outweighs what the hub
// says, unless it can't be told what it stands for.
func TestClusterResourceNamespace(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		settings []v1alpha1.Setting
		want     string
	}{
		"no flag":                 {nil, "ca 0f0f"},
		"a flag":                  {[]v1alpha1.Setting{{Name: clusterResourceNamespace, Value: "other"}}, "ca secret other/root unread"},
		"a flag with a variable":  {[]v1alpha1.Setting{{Name: clusterResourceNamespace, Value: "$(X)"}}, "ca 0f0f"},
		"a flag that says it too": {[]v1alpha1.Setting{{Name: clusterResourceNamespace, Value: "certs"}}, "ca 0f0f"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := profileOf(map[Key]Record{
				{Deployment, "certs", "cert-manager"}: &WorkloadRecord{Component: certManager, Leading: true, Settings: test.settings},
				{ClusterIssuer, "", "z"}:              &IssuerRecord{Secret: "root"},
			}, input)
			if got := p.Issuers[0].Backend; got != test.want {
				t.Errorf("backend %q, want %q", got, test.want)
			}
		})
	}
}

// TestTwoInstalls: the one with a leading workload is described, and the other
// counts.
func TestTwoInstalls(t *testing.T) {
	t.Parallel()
	p := profileOf(map[Key]Record{
		{Deployment, "a", "webhook"}: &WorkloadRecord{Component: certManager, Version: "a"},
		{Deployment, "b", "tls"}:     &WorkloadRecord{Component: certManager, Version: "b", Leading: true, Available: true, Settings: []v1alpha1.Setting{{Name: "namespace", Value: "b"}}},
		{Deployment, "c", "tls"}:     &WorkloadRecord{Component: certManager, Version: "c", Leading: true, Settings: []v1alpha1.Setting{{Name: "namespace", Value: "c"}}},
		{DaemonSet, "d", "tls"}:      &WorkloadRecord{Component: certManager, Version: "d", Leading: true},
	}, input)
	want := &v1alpha1.ClusterProfile{
		Components: []v1alpha1.ComponentProfile{{Name: "cert-manager", Version: "b", Namespace: "b", Available: true}},
		Settings:   []v1alpha1.Setting{{Name: "namespace", Value: "b"}},
		Omitted:    3,
	}
	if diff := cmp.Diff(want, p); diff != "" {
		t.Error(diff)
	}
}

// TestBounds: a cluster with too much of everything has a profile that is small
// enough, in which every list has its share, and which counts the rest.
func TestBounds(t *testing.T) {
	t.Parallel()
	const each = 100
	// Six bytes of JSON for each of these.
	hostile := text(strings.Repeat("<", 1000), maxText)
	for name, fill := range map[string]string{"short texts": "x", "hostile texts": hostile} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			records := map[Key]Record{}
			for i := range each {
				records[Key{Issuer, "shop", fmt.Sprintf("%03d%s", i, fill)}] = &IssuerRecord{Backend: fill}
				records[Key{requestPolicy, "", fmt.Sprintf("%03d%s", i, fill)}] = &PolicyRecord{Digest: "0123456789abcdef", Concerns: true}
				records[Key{Bundle, "", fmt.Sprintf("%03d%s", i, fill)}] = &BundleRecord{Digest: "0123456789abcdef"}
			}
			p := profileOf(records, input)
			raw, err := json.Marshal(p)
			if err != nil {
				t.Fatal(err)
			}
			if len(raw) > MaxProfile {
				t.Errorf("%d bytes, want at most %d", len(raw), MaxProfile)
			}
			lists := []int{len(p.Issuers), len(p.Policies), len(p.Bundles)}
			sum := 0
			for _, n := range lists {
				if sum += n; n == 0 || n > maxItems {
					t.Errorf("lists of %v items", lists)
				}
			}
			if sum+int(p.Omitted) != 3*each {
				t.Errorf("%d listed and %d omitted, want %d in all", sum, p.Omitted, 3*each)
			}
			if fill == "x" && sum != 3*maxItems {
				t.Errorf("lists of %v items, want %d in each", lists, maxItems)
			}
		})
	}
}

// TestLongSettings: all settings fit when their values are as long as can be.
func TestLongSettings(t *testing.T) {
	t.Parallel()
	var settings []v1alpha1.Setting
	for name := range flags {
		settings = append(settings, v1alpha1.Setting{Name: name, Value: text(strings.Repeat("v", 1000), maxText)})
	}
	p := profileOf(map[Key]Record{{Deployment, "a", "a"}: &WorkloadRecord{Component: certManager, Leading: true, Settings: settings}}, input)
	if len(p.Settings) != len(flags) || p.Omitted != 0 {
		t.Errorf("%d settings and %d omitted, want %d and none", len(p.Settings), p.Omitted, len(flags))
	}
}

func TestStore(t *testing.T) {
	t.Parallel()
	changes := 0
	s := NewStore(func() { changes++ })
	names := func() (names []string) {
		for _, b := range s.Profile(input).Bundles {
			names = append(names, b.Name)
		}
		return names
	}
	step := func(name string, change int, want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, names()); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if changes != change {
			t.Errorf("%s: told of %d changes, want %d", name, changes, change)
		}
	}
	key := func(name string) Key { return Key{Bundle, "", name} }
	s.Set(Key{ClusterBundle, "", "other"}, &BundleRecord{})
	s.Begin(Bundle)
	s.Set(key("a"), &BundleRecord{Digest: "1"})
	s.Set(key("b"), &BundleRecord{Digest: "1"})
	s.End(Bundle)
	step("listed", 3, "a", "b", "other")
	s.Set(key("a"), &BundleRecord{Digest: "1"})
	step("the same again", 3, "a", "b", "other")
	s.Set(key("a"), &BundleRecord{Digest: "2"})
	step("changed", 4, "a", "b", "other")
	s.Begin(Bundle)
	s.Set(key("b"), &BundleRecord{Digest: "1"})
	s.Begin(Bundle)
	s.Set(key("a"), &BundleRecord{Digest: "2"})
	step("in a listing in the place of another", 4, "a", "b", "other")
	s.End(Bundle)
	step("listed again", 5, "a", "other")
	s.Delete(key("a"))
	s.Delete(key("a"))
	step("deleted twice", 6, "other")
	s.Set(key("c"), &BundleRecord{})
	s.Set(key("c"), nil)
	step("no longer of interest", 8, "other")
	s.Begin(ClusterBundle)
	s.End(ClusterBundle)
	step("the kind is gone", 9)
}

func TestReduceErrors(t *testing.T) {
	t.Parallel()
	for _, gk := range []schema.GroupKind{ClusterIssuer, Bundle, admissionPolicy} {
		if _, _, err := Reduce(gk, []byte(`{"spec":1}`)); err == nil {
			t.Errorf("no error for a %s that is none", gk)
		}
	}
	if _, err := KeyOf(Bundle, []byte(`[`)); err == nil {
		t.Error("no error for what is no object")
	}
}
