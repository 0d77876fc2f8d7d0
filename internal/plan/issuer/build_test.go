package issuer

import (
	"encoding/pem"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/desired"
	"github.com/tlsplatform/tls-platform-operator/internal/plan/plantest"
)

var facts = plantest.Facts("ClusterIssuer.cert-manager.io")

const namespace = "cert-manager"

func platform(issuers ...v1alpha1.Issuer) *v1alpha1.TLSPlatform {
	return &v1alpha1.TLSPlatform{Spec: v1alpha1.TLSPlatformSpec{Issuers: issuers}}
}

func issuer(name string, backend v1alpha1.IssuerBackend) v1alpha1.Issuer {
	backend.Name = "main"
	return v1alpha1.Issuer{Name: name, Backends: []v1alpha1.IssuerBackend{backend}}
}

func key(name string) v1alpha1.SecretKeyReference {
	return v1alpha1.SecretKeyReference{Name: name, Key: "key"}
}

func acmeBackend(solvers ...string) *v1alpha1.ACMEBackend {
	out := &v1alpha1.ACMEBackend{Server: "https://acme.example.com/directory"}
	for _, s := range solvers {
		out.Solvers = append(out.Solvers, apiextensionsv1.JSON{Raw: []byte(s)})
	}
	return out
}

const (
	http01 = `{"http01":{"ingress":{"ingressClassName":"nginx","podTemplate":{"spec":{"nodeSelector":{"kubernetes.io/os":"linux"}}}}}}`
	dns01  = `{"selector":{"dnsZones":["example.com"]},"dns01":{"route53":{"region":"eu-central-1","hostedZoneID":"Z1"}}}`
)

func backends() map[string]v1alpha1.IssuerBackend {
	full := acmeBackend(http01, dns01)
	full.Email, full.Profile, full.PreferredChain = "tls@example.com", "tlsserver", "Example Root"
	full.PrivateKeySecretRef = &v1alpha1.LocalSecretReference{Name: "account"}
	full.ExternalAccountBinding = &v1alpha1.ExternalAccountBinding{KeyID: "kid-1", KeySecretRef: key("eab")}
	full.CABundle, full.EnableDurationFeature = plantest.CertificatePEM(), true
	vault := func(auth v1alpha1.VaultAuth) v1alpha1.IssuerBackend {
		return v1alpha1.IssuerBackend{Vault: &v1alpha1.VaultBackend{
			Server: "https://vault.example.com", Path: "pki/sign/web", Namespace: "tls", CABundle: plantest.CertificatePEM(), Auth: auth,
		}}
	}
	return map[string]v1alpha1.IssuerBackend{
		"self-signed":  {SelfSigned: &v1alpha1.SelfSignedBackend{}},
		"ca-secret":    {CA: &v1alpha1.CABackend{SecretRef: &v1alpha1.LocalSecretReference{Name: "root"}, CRLDistributionPoints: []string{"http://crl.example.com/root.crl"}}},
		"ca-generated": {CA: &v1alpha1.CABackend{Generate: &v1alpha1.GeneratedCA{CommonName: "Example Root", Duration: &metav1.Duration{Duration: 8760 * time.Hour}}}},
		"ca-defaults":  {CA: &v1alpha1.CABackend{Generate: &v1alpha1.GeneratedCA{CommonName: "Example Root"}}},
		"acme-least":   {ACME: acmeBackend(http01)},
		"acme-full":    {ACME: full},
		"vault-token":  vault(v1alpha1.VaultAuth{TokenSecretRef: &v1alpha1.SecretKeyReference{Name: "token", Key: "token"}}),
		"vault-approle": vault(v1alpha1.VaultAuth{AppRole: &v1alpha1.VaultAppRole{
			RoleID: "role", SecretRef: key("approle"),
		}}),
		"vault-kubernetes": vault(v1alpha1.VaultAuth{Kubernetes: &v1alpha1.VaultKubernetes{
			MountPath: "/v1/auth/cluster-a", Role: "issuer", ServiceAccountName: "vault-issuer",
		}}),
		"venafi-tpp": {Venafi: &v1alpha1.VenafiBackend{Zone: "TLS\\Web", TPP: &v1alpha1.VenafiTPP{
			URL: "https://tpp.example.com/vedsdk", CredentialsRef: v1alpha1.LocalSecretReference{Name: "tpp"}, CABundle: plantest.CertificatePEM(),
		}}},
		"venafi-cloud": {Venafi: &v1alpha1.VenafiBackend{Zone: "Web\\Default", Cloud: &v1alpha1.VenafiCloud{APITokenSecretRef: key("cloud")}}},
	}
}

func TestGolden(t *testing.T) {
	for name, backend := range backends() {
		t.Run(name, func(t *testing.T) {
			part, problems := Build(platform(issuer("corp", backend)), facts, namespace)
			if len(problems) != 0 || part.Hold != nil {
				t.Errorf("problems %v, hold %v: want none", problems, part.Hold)
			}
			plantest.Golden(t, name, &part)
		})
	}
}

func TestAnIssuerThatCannotBeBuiltStaysAsItIsAndStopsNoOther(t *testing.T) {
	withBundle := func(pem []byte) v1alpha1.IssuerBackend {
		b := acmeBackend(http01)
		b.CABundle = pem
		return v1alpha1.IssuerBackend{ACME: b}
	}
	solver := func(s ...string) v1alpha1.IssuerBackend { return v1alpha1.IssuerBackend{ACME: acmeBackend(s...)} }
	privateKey := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("secret")})
	tests := map[string]struct {
		backend v1alpha1.IssuerBackend
		message string
	}{
		"a solver with an unknown field":       {solver(http01, `{"dns01":{"route53":{"reigon":"eu"}}}`), `acme.solvers[1] is not what a ClusterIssuer takes in spec.acme.solvers: unknown field "dns01.route53.reigon"`},
		"a solver with a field in other case":  {solver(`{"HTTP01":{}}`), `unknown field "HTTP01"`},
		"a solver with a field twice":          {solver(`{"http01":{},"http01":{}}`), `duplicate field "http01"`},
		"a solver of the wrong type":           {solver(`{"http01":[]}`), "acme.solvers[0] is not what a ClusterIssuer takes"},
		"a solver that is no object":           {solver(`7`), "acme.solvers[0] is not what a ClusterIssuer takes"},
		"a solver without a challenge":         {solver(`{"selector":{}}`), "must have one of http01 and dns01"},
		"a solver with two challenges":         {solver(`{"http01":{},"dns01":{}}`), "must have one of http01 and dns01"},
		"no solver":                            {solver(), "acme.solvers is empty"},
		"a bundle that is no PEM":              {withBundle([]byte("not PEM")), "acme.caBundle is not a list of PEM certificates: after 0 certificates there is text that is not PEM"},
		"a bundle with a key":                  {withBundle(append(plantest.CertificatePEM(), privateKey...)), `PEM block 2 is of type "PRIVATE KEY", not CERTIFICATE`},
		"a bundle with a broken certificate":   {withBundle(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")})), "PEM block 1 is not a certificate"},
		"a bundle of Vault that is no PEM":     {v1alpha1.IssuerBackend{Vault: &v1alpha1.VaultBackend{CABundle: []byte("x")}}, "vault.caBundle is not a list of PEM certificates"},
		"a bundle of Venafi that is no PEM":    {v1alpha1.IssuerBackend{Venafi: &v1alpha1.VenafiBackend{TPP: &v1alpha1.VenafiTPP{CABundle: []byte("x")}}}, "venafi.tpp.caBundle is not a list of PEM certificates"},
		"a backend without a CA":               {v1alpha1.IssuerBackend{}, "backend main says nothing about its CA"},
		"a ca backend that is empty":           {v1alpha1.IssuerBackend{CA: &v1alpha1.CABackend{}}, "neither secretRef nor generate"},
		"Vault without a way to log in":        {v1alpha1.IssuerBackend{Vault: &v1alpha1.VaultBackend{}}, "vault.auth is empty"},
		"Venafi without a service":             {v1alpha1.IssuerBackend{Venafi: &v1alpha1.VenafiBackend{}}, "neither tpp nor cloud"},
		"a CA whose bootstrap issuer is taken": {v1alpha1.IssuerBackend{CA: &v1alpha1.CABackend{Generate: &v1alpha1.GeneratedCA{}}}, "needs a ClusterIssuer corp-bootstrap, and that is the name of another issuer"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			good := issuer("corp-bootstrap", v1alpha1.IssuerBackend{SelfSigned: &v1alpha1.SelfSignedBackend{}})
			part, problems := Build(platform(issuer("corp", tt.backend), good), facts, namespace)
			if len(part.Objects) != 1 || part.Objects[0].GetName() != "corp-bootstrap" {
				t.Errorf("the part has %d objects, want only the other issuer", len(part.Objects))
			}
			if len(problems) != 1 || len(part.Notes) != 1 {
				t.Fatalf("problems %v, notes %v: want one of each", problems, part.Notes)
			}
			p := problems[0]
			if p.Issuer != "corp" || p.Reason != v1alpha1.ReasonInvalidSpec || !strings.Contains(p.Message, tt.message) {
				t.Errorf("problem %+v, want one of issuer corp with %q", p, tt.message)
			}
			if part.Notes[0].Message != p.Message {
				t.Errorf("the note %q differs from the problem %q", part.Notes[0].Message, p.Message)
			}
			want := []desired.Ref{
				{Group: "cert-manager.io", Kind: "ClusterIssuer", Name: "corp"},
				{Group: "cert-manager.io", Kind: "Certificate", Namespace: namespace, Name: "corp-ca"},
			}
			if diff := cmp.Diff(want, p.Keep); diff != "" {
				t.Errorf("what is kept (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTwoBackendsAreAProblemAndAllItsObjectsAreKept(t *testing.T) {
	in := issuer("corp", v1alpha1.IssuerBackend{SelfSigned: &v1alpha1.SelfSignedBackend{}})
	in.Backends = append(in.Backends, in.Backends[0])
	_, problems := Build(platform(in), facts, namespace)
	if len(problems) != 1 || len(problems[0].Keep) != 3 || !strings.Contains(problems[0].Message, "2 backends, and exactly one is supported") {
		t.Errorf("problems %+v", problems)
	}
}

func TestWithoutCertManagerThePartIsHeld(t *testing.T) {
	in := issuer("corp", v1alpha1.IssuerBackend{SelfSigned: &v1alpha1.SelfSignedBackend{}})
	part, _ := Build(platform(in), plantest.Facts(), namespace)
	if part.Hold == nil || part.Hold.Reason != v1alpha1.ReasonAPIMissing || part.Hold.Terminal {
		t.Errorf("hold %+v, want one for a missing API that heals", part.Hold)
	}
	part, _ = Build(platform(), plantest.Facts(), namespace)
	if part.Hold != nil || len(part.Objects) != 0 {
		t.Errorf("a platform without issuers has hold %+v and %d objects", part.Hold, len(part.Objects))
	}
}
