package scenarios

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/test/harness"
)

var backends = []Scenario{
	{"Every kind of backend is accepted by cert-manager", false, backendsAreAccepted},
	{"A self-signed issuer issues", false, selfSignedIssues},
	{"The samples are accepted", false, samplesAreAccepted},
}

// issuersOfEveryKind are one issuer for each backend, and each way to log in.
// Nobody answers at their addresses, so they will not become ready.
func issuersOfEveryKind() []v1alpha1.Issuer {
	key := v1alpha1.SecretKeyReference{Name: "credentials", Key: "value"}
	const nobody = "https://127.0.0.1:1"
	solver := apiextensionsv1.JSON{Raw: []byte(`{"http01": {"ingress": {"ingressClassName": "nginx"}}}`)}
	dns := apiextensionsv1.JSON{Raw: []byte(`{"selector": {"dnsZones": ["example.com"]}, "dns01": {"route53": {"region": "eu-central-1"}}}`)}
	vault := func(auth v1alpha1.VaultAuth) v1alpha1.IssuerBackend {
		return v1alpha1.IssuerBackend{Vault: &v1alpha1.VaultBackend{Server: nobody, Path: "pki/sign/web", Auth: auth}}
	}
	of := func(name string, backend v1alpha1.IssuerBackend) v1alpha1.Issuer {
		backend.Name = name
		return v1alpha1.Issuer{Name: name, Backends: []v1alpha1.IssuerBackend{backend}}
	}
	return []v1alpha1.Issuer{
		of("self", v1alpha1.IssuerBackend{SelfSigned: &v1alpha1.SelfSignedBackend{CRLDistributionPoints: []string{"http://crl.example.com/ca.crl"}}}),
		of("acme", v1alpha1.IssuerBackend{ACME: &v1alpha1.ACMEBackend{
			Server: nobody + "/directory", Email: "tls@example.com", Profile: "tlsserver", PreferredChain: "ISRG Root X1",
			ExternalAccountBinding: &v1alpha1.ExternalAccountBinding{KeyID: "kid-1", KeySecretRef: key},
			EnableDurationFeature:  true, Solvers: []apiextensionsv1.JSON{solver, dns},
		}}),
		of("vault-token", vault(v1alpha1.VaultAuth{TokenSecretRef: &key})),
		of("vault-approle", vault(v1alpha1.VaultAuth{AppRole: &v1alpha1.VaultAppRole{Path: "approle", RoleID: "role", SecretRef: key}})),
		of("vault-kubernetes", vault(v1alpha1.VaultAuth{Kubernetes: &v1alpha1.VaultKubernetes{
			MountPath: "/v1/auth/kubernetes", Role: "issuer", ServiceAccountName: "vault-issuer",
		}})),
		of("venafi-tpp", v1alpha1.IssuerBackend{Venafi: &v1alpha1.VenafiBackend{
			Zone: `Certificates\Web`, TPP: &v1alpha1.VenafiTPP{URL: nobody + "/vedsdk", CredentialsRef: v1alpha1.LocalSecretReference{Name: "tpp"}},
		}}),
		of("venafi-cloud", v1alpha1.IssuerBackend{Venafi: &v1alpha1.VenafiBackend{
			Zone: "Web", Cloud: &v1alpha1.VenafiCloud{APITokenSecretRef: key},
		}}),
	}
}

func backendsAreAccepted(ctx context.Context, w *World, t Teller) error {
	issuers := issuersOfEveryKind()
	return w.During(ctx, func(s *v1alpha1.TLSPlatformSpec) { s.Issuers = append(s.Issuers, issuers...) }, func() error {
		for _, issuer := range issuers {
			if err := w.Wait(ctx, ClusterIssuers, "", issuer.Name, harness.Exists); err != nil {
				return err
			}
		}
		if err := w.Wait(ctx, ClusterIssuers, "", "self", harness.ConditionIs("Ready", "True")); err != nil {
			return err
		}
		// cert-manager's own words about what it can't reach end up on status.
		c, err := w.WaitPlatform(ctx, v1alpha1.ConditionIssuersReady, metav1.ConditionFalse, v1alpha1.ReasonProgressing)
		if err != nil {
			return err
		}
		t.Show("condition IssuersReady", c.Message)
		out, err := w.Kubectl(ctx, "get", "clusterissuer", "acme", "-o", "jsonpath={.spec.acme}")
		if err != nil {
			return err
		}
		return contains(out, "tlsserver", "kid-1", "acme-acme-account", "ISRG Root X1", "route53", "nginx")
	})
}

func selfSignedIssues(ctx context.Context, w *World, _ Teller) error {
	self := issuersOfEveryKind()[:1]
	return w.During(ctx, func(s *v1alpha1.TLSPlatformSpec) { s.Issuers = append(s.Issuers, self...) }, func() error {
		if err := w.Wait(ctx, ClusterIssuers, "", "self", harness.ConditionIs("Ready", "True")); err != nil {
			return err
		}
		manifest := certificateFor("alone", "{algorithm: ECDSA, size: 384}")
		manifest = replaceOnce(manifest, "name: internal", "name: self")
		if err := w.eventually(ctx, func() error { return w.Apply(ctx, manifest) }); err != nil {
			return err
		}
		if err := w.Wait(ctx, Certificates, TeamNamespace, "alone", harness.ConditionIs("Ready", "True")); err != nil {
			return err
		}
		leaf, err := w.issued(ctx, TeamNamespace, "alone-tls")
		if err != nil {
			return err
		}
		if err := leaf.CheckSignature(leaf.SignatureAlgorithm, leaf.RawTBSCertificate, leaf.Signature); err != nil {
			return fmt.Errorf("the certificate did not sign itself: %w", err)
		}
		_, err = w.Kubectl(ctx, "-n", TeamNamespace, "delete", "certificate", "alone")
		return err
	})
}

func samplesAreAccepted(ctx context.Context, w *World, _ Teller) error {
	dir := filepath.Join(w.Root, "config", "samples")
	files, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("listing samples: %w", err)
	}
	var errs []error
	accepted := 0
	for _, f := range files {
		if filepath.Ext(f.Name()) != ".yaml" || f.Name() == "kustomization.yaml" {
			continue
		}
		_, err := w.Kubectl(ctx, "apply", "--dry-run=server", "-f", filepath.Join(dir, f.Name()))
		errs = append(errs, err)
		accepted++
	}
	if accepted < 4 {
		errs = append(errs, fmt.Errorf("found %d samples below %s", accepted, dir))
	}
	return errors.Join(errs...)
}
