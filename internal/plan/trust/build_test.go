package trust

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/desired"
	"github.com/tlsplatform/tls-platform-operator/internal/plan/plantest"
)

var facts = plantest.Facts("Bundle.trust.cert-manager.io")

func platform(bundles ...v1alpha1.TrustBundle) *v1alpha1.TLSPlatform {
	return &v1alpha1.TLSPlatform{Spec: v1alpha1.TLSPlatformSpec{
		Issuers: []v1alpha1.Issuer{
			{Name: "internal", Backends: []v1alpha1.IssuerBackend{{Name: "root", CA: &v1alpha1.CABackend{Generate: &v1alpha1.GeneratedCA{CommonName: "Root"}}}}},
			{Name: "public", Backends: []v1alpha1.IssuerBackend{{Name: "acme", ACME: &v1alpha1.ACMEBackend{}}}},
		},
		Trust: &v1alpha1.Trust{Bundles: bundles},
	}}
}

func bundleOf(sources ...v1alpha1.TrustSource) v1alpha1.TrustBundle {
	return v1alpha1.TrustBundle{Name: "corp", Sources: sources}
}

func TestGolden(t *testing.T) {
	tests := map[string]v1alpha1.TrustBundle{
		"all-sources": {
			Name: "corp",
			Key:  "roots.pem",
			Sources: []v1alpha1.TrustSource{
				{Issuer: "internal"},
				{ConfigMap: &v1alpha1.SecretKeyReference{Name: "legacy", Key: "ca.pem"}},
				{Secret: &v1alpha1.SecretKeyReference{Name: "partner", Key: "ca.crt"}},
				{InLine: string(plantest.CertificatePEM())},
				{UseDefaultCAs: ptr.To(true)},
			},
			NamespaceSelector: metav1.LabelSelector{MatchLabels: map[string]string{"trust": "corp"}},
		},
		"every-namespace": bundleOf(v1alpha1.TrustSource{Issuer: "internal"}),
	}
	for name, in := range tests {
		t.Run(name, func(t *testing.T) {
			part, problems := Build(platform(in), facts)
			if len(problems) != 0 || part.Hold != nil {
				t.Errorf("problems %v, hold %v: want none", problems, part.Hold)
			}
			plantest.Golden(t, name, &part)
		})
	}
}

func TestABundleThatCannotBeBuiltStaysAsItIsAndStopsNoOther(t *testing.T) {
	tests := map[string]struct {
		sources []v1alpha1.TrustSource
		message string
	}{
		"an issuer that is not declared":       {[]v1alpha1.TrustSource{{Issuer: "nosuch"}}, `sources[0]: issuer "nosuch" is not in spec.issuers`},
		"an issuer without a generated CA":     {[]v1alpha1.TrustSource{{Issuer: "internal"}, {Issuer: "public"}}, `sources[1]: issuer "public" has no generated CA`},
		"inline text that is no certificate":   {[]v1alpha1.TrustSource{{InLine: "hello"}}, "inLine is not a list of PEM certificates"},
		"inline certificates with text behind": {[]v1alpha1.TrustSource{{InLine: string(plantest.CertificatePEM()) + "more"}}, "after 1 certificates there is text that is not PEM"},
		"a source that says nothing":           {[]v1alpha1.TrustSource{{}}, "sources[0]: it is empty"},
		"the default CAs twice":                {[]v1alpha1.TrustSource{{UseDefaultCAs: ptr.To(true)}, {UseDefaultCAs: ptr.To(true)}}, "2 sources have useDefaultCAs"},
		"no source":                            {nil, "it has no sources"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			good := v1alpha1.TrustBundle{Name: "good", Sources: []v1alpha1.TrustSource{{Issuer: "internal"}}}
			part, problems := Build(platform(bundleOf(tt.sources...), good), facts)
			if len(part.Objects) != 1 || part.Objects[0].GetName() != "good" {
				t.Errorf("the part has %d objects, want only the other bundle", len(part.Objects))
			}
			if len(problems) != 1 || len(part.Notes) != 1 {
				t.Fatalf("problems %v, notes %v: want one of each", problems, part.Notes)
			}
			if !strings.Contains(problems[0].Message, tt.message) || problems[0].Reason != v1alpha1.ReasonInvalidSpec {
				t.Errorf("problem %+v, want a message with %q", problems[0], tt.message)
			}
			want := []desired.Ref{{Group: "trust.cert-manager.io", Kind: "Bundle", Name: "corp"}}
			if diff := cmp.Diff(want, problems[0].Keep); diff != "" {
				t.Errorf("what is kept (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWithoutTrustManagerThePartIsHeld(t *testing.T) {
	part, _ := Build(platform(bundleOf(v1alpha1.TrustSource{Issuer: "internal"})), plantest.Facts())
	if part.Hold == nil || part.Hold.Reason != v1alpha1.ReasonAPIMissing || part.Hold.Terminal {
		t.Errorf("hold %+v, want one for a missing API that heals", part.Hold)
	}
	for name, in := range map[string]*v1alpha1.TLSPlatform{"no trust": {}, "no bundles": platform()} {
		part, problems := Build(in, plantest.Facts())
		if part.Hold != nil || len(part.Objects) != 0 || len(problems) != 0 {
			t.Errorf("%s: hold %+v, %d objects, problems %v: want none", name, part.Hold, len(part.Objects), problems)
		}
	}
}
