package cli

import (
	"testing"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

// endpoint is a record of what is served at an address.
func endpoint(change func(*v1alpha1.CertificateRecord)) *v1alpha1.CertificateRecord {
	r := &v1alpha1.CertificateRecord{
		Kind: "Endpoint", Namespace: "shop", Name: "ingress.web.shop.example.com", Key: "203.0.113.7:443",
		Layer: v1alpha1.LayerIngress, Role: "Served", Format: "DER", Certificates: 1,
		Fingerprint: "e3b0c44298fc", Issuer: "CN=R11,O=Let's Encrypt,C=US", Names: []string{"shop.example.com"}, NameCount: 1,
		NotBefore: in(-78 * day), NotAfter: in(12*day + hour), ManagedBy: "unknown", Use: "Used", UseReason: "clients are shown it",
		Served: &v1alpha1.ServedState{
			Source: "Ingress shop/web", Address: "203.0.113.7:443", ServerName: "shop.example.com", Protocol: "HTTPS", Version: "TLS 1.3",
			Reason: "Served", Agreement: "Differs", Stored: []string{"shop/web-tls"}, TerminatesAt: "Unknown",
		},
	}
	change(r)
	return r
}

func TestExplanationOfAnEndpoint(t *testing.T) {
	t.Parallel()
	cases := map[string]*v1alpha1.CertificateRecord{
		"why-served.text": endpoint(func(*v1alpha1.CertificateRecord) {}),
		"why-cloud.text": endpoint(func(r *v1alpha1.CertificateRecord) {
			r.ManagedBy = "cloud"
			r.Served.Agreement, r.Served.TerminatesAt, r.Served.Stored = "StoredMissing", "LoadBalancer", nil
			r.Served.Cloud = []v1alpha1.CloudCertificate{{
				Provider: "AWS", ID: "arn:aws:acm:eu-central-1:123456789012:certificate/8b5c7e1a", Field: "alb.ingress.kubernetes.io/certificate-arn",
			}}
		}),
		"why-denied.text": endpoint(func(r *v1alpha1.CertificateRecord) {
			*r = v1alpha1.CertificateRecord{
				Kind: r.Kind, Namespace: r.Namespace, Name: r.Name, Key: r.Key, Layer: r.Layer, Role: r.Role, ManagedBy: r.ManagedBy, Use: r.Use, Served: r.Served,
			}
			r.Served.Reason, r.Served.Message = "Denied", "203.0.113.7: the address is in no network that is allowed"
			r.Served.Agreement, r.Served.Version = "NotCompared", ""
		}),
	}
	for name, record := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			golden(t, name, explanationOf(t, []*v1alpha1.CertificateRecord{record}, sampleAgent(), formatText))
		})
	}
}

func TestFindingsOfAnEndpoint(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		change func(*v1alpha1.CertificateRecord)
		want   string
	}{
		"another certificate is served": {func(*v1alpha1.CertificateRecord) {}, "Differs"},
		"all is well":                   {func(r *v1alpha1.CertificateRecord) { r.Served.Agreement = "Same" }, ""},
		"nothing to compare with is no fault of the server": {func(r *v1alpha1.CertificateRecord) { r.Served.Agreement = "NotCompared" }, ""},
		"what the probe says comes first": {func(r *v1alpha1.CertificateRecord) {
			r.Served.Reason, r.Findings = "ConnectTimeout", []string{"WeakKey"}
		}, "ConnectTimeout,WeakKey"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := findingsOf(endpoint(c.change)); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

func TestADeclaredEndpointIsFoundWithoutANamespace(t *testing.T) {
	t.Parallel()
	declared := endpoint(func(r *v1alpha1.CertificateRecord) { r.Namespace, r.Name = "", "declared.db" })
	target, err := parseTarget("endpoint/declared.db", "", "default")
	if err != nil {
		t.Fatal(err)
	}
	found, err := find([]*v1alpha1.CertificateRecord{declared}, target)
	if err != nil || len(found) != 1 {
		t.Errorf("found %v, %v", found, err)
	}
}
