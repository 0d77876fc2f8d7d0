package cli

import (
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

var update = flag.Bool("update", false, "write the golden files anew")

// now in all tests.
var now = time.Date(2026, time.November, 24, 12, 0, 0, 0, time.UTC)

// in is the time after now.
func in(d time.Duration) *metav1.Time { return &metav1.Time{Time: now.Add(d)} }

const (
	hour = time.Hour
	day  = 24 * time.Hour
)

// sample is an estate with something of everything, ordered by place.
func sample() []*v1alpha1.CertificateRecord {
	return []*v1alpha1.CertificateRecord{
		{
			Kind: "ConfigMap", Namespace: "shop", Name: "istio-ca-root-cert", Key: "root-cert.pem",
			Layer: v1alpha1.LayerMesh, Role: "Bundle", Format: "PEM", Certificates: 2,
			Fingerprint: "5c0f7f3ad1b2c4e6", Digest: "a1b2c3d4e5f60718", Subject: "O=cluster.local", Issuer: "O=cluster.local",
			Serial: "2f", NotBefore: in(-100 * day), NotAfter: in(3500 * day), PublicKey: "RSA 4096", Signature: "SHA256-RSA",
			CA: true, ManagedBy: "mesh", Use: "Exempt", UseReason: "Istio gives its roots to every namespace by this name.", Findings: []string{"Duplicate"},
		},
		{
			Kind: "Secret", Namespace: "legacy", Name: "old-portal", Key: "tls.crt",
			Layer: v1alpha1.LayerApplication, Role: "Serving", Format: "PEM", Certificates: 1,
			Fingerprint: "9b11aa77cc33", Subject: "CN=portal.example.com,O=Example\\, Inc.", Issuer: "CN=Example Issuing CA 2,O=Example",
			Serial: "-1a", NotBefore: in(-400 * day), NotAfter: in(-2 * day), PublicKey: "RSA 1024", Signature: "SHA1-RSA",
			ManagedBy: "by hand", Owner: "team-portal", Purpose: "=the portal, until it is switched off", Use: "Unreferenced",
			UseReason: "Nothing that was read refers to it.", UnreferencedSince: in(-40 * day), Orphan: true, Confidence: "Medium",
			Doubts:   []string{"widgets.example.com: kind that no row of the table describes"},
			Findings: []string{"NoNames", "WeakKey", "WeakSignature"},
		},
		{
			Kind: "Secret", Namespace: "shop", Name: "api-keystore", Key: "keystore.p12",
			Layer: v1alpha1.LayerApplication, Role: "Serving", Format: "PKCS12",
			ManagedBy: "controller", Use: "Unreferenced", UnreferencedSince: in(-3 * hour), Confidence: "High",
			Findings: []string{"WrongPassword"}, Problem: "the password in Secret shop/api-password does not open it",
		},
		{
			Kind: "Secret", Namespace: "shop", Name: "web-tls", Key: "tls.crt",
			Layer: v1alpha1.LayerIngress, Role: "Serving", Format: "PEM", Certificates: 2,
			Fingerprint: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", Issuer: "CN=R11,O=Let's Encrypt,C=US",
			Serial: "4d2f", Names: []string{"shop.example.com", "www.shop.example.com"}, NameCount: 5,
			NotBefore: in(-78 * day), NotAfter: in(12*day + hour), PublicKey: "ECDSA P-256", Signature: "SHA256-RSA",
			Chain:     []v1alpha1.ChainMember{{Subject: "CN=R11,O=Let's Encrypt,C=US", Fingerprint: "591e9ce6c863", NotAfter: in(800 * day)}},
			ManagedBy: "cert-manager", Manager: "Certificate shop/web", IssuerRef: "ClusterIssuer/letsencrypt", Renewal: in(-18 * day),
			Owner: "team-shop", Purpose: "public web shop",
			UsedBy: []v1alpha1.Referrer{
				{Kind: "Ingress", Namespace: "shop", Name: "web", Field: "spec.tls[*].secretName", Certain: true},
				{Kind: "Deployment", Namespace: "shop", Name: "proxy", Field: "--default-tls-secret"},
			},
			UseCount: 4, Use: "Used", UseReason: "Ingress shop/web names it in spec.tls[*].secretName, and 3 more use it.",
		},
		{
			Kind: "ValidatingWebhookConfiguration", Name: "policy", Key: "check.policy.example.com",
			Layer: v1alpha1.LayerApplication, Role: "Bundle", Format: "PEM", Certificates: 1,
			Fingerprint: "77aa00bb11cc22dd", Digest: "0718a1b2", Subject: "CN=policy-ca", Issuer: "CN=policy-ca", Serial: "1",
			NotBefore: in(-1 * day), NotAfter: in(3*hour + 25*time.Minute), PublicKey: "Ed25519", Signature: "Ed25519", CA: true,
			ManagedBy: "ca-injector", Manager: "Certificate policy/serving", Use: "Exempt", UseReason: "The API server reads it.",
		},
	}
}

// hostile is a record whose every text is an attack on a terminal.
func hostile() *v1alpha1.CertificateRecord {
	const attack = "\x1b]0;owned\x07=1+1\u202egnp\u009b31m\xff\r\nsecond\ttab"
	return &v1alpha1.CertificateRecord{
		Kind: "Secret" + attack, Namespace: attack, Name: attack, Key: attack, Layer: attack, Role: attack, Format: attack,
		Fingerprint: attack, Digest: attack, Subject: "CN=" + attack, Issuer: attack, Serial: attack, Names: []string{attack},
		NotAfter: in(day), PublicKey: attack, Signature: attack,
		Chain:     []v1alpha1.ChainMember{{Subject: attack, Fingerprint: attack}},
		ManagedBy: attack, Manager: attack, IssuerRef: attack, Owner: attack, Purpose: attack,
		UsedBy: []v1alpha1.Referrer{{Kind: attack, Namespace: attack, Name: attack, Field: attack}},
		Use:    attack, UseReason: attack, Confidence: attack, Doubts: []string{attack}, Findings: []string{attack}, Problem: attack,
		Served: &v1alpha1.ServedState{
			Source: attack, Address: attack, ServerName: attack, Protocol: attack, Version: attack, Reason: attack, Message: attack,
			Agreement: attack, Stored: []string{attack}, TerminatesAt: attack,
			Cloud: []v1alpha1.CloudCertificate{{Provider: attack, ID: attack, Field: attack, State: attack}},
		},
	}
}

// sampleAgent is a report without gaps.
func sampleAgent() *v1alpha1.TLSAgent {
	return &v1alpha1.TLSAgent{
		ObjectMeta: metav1.ObjectMeta{Name: v1alpha1.AgentName},
		Status: v1alpha1.TLSAgentStatus{
			Conditions: []metav1.Condition{{Type: v1alpha1.ConditionReady, Status: metav1.ConditionTrue}},
			Coverage: []v1alpha1.Coverage{
				{Resource: "secrets", State: "Reading"},
				{Resource: "routes.route.openshift.io", State: "NotServed"},
			},
		},
	}
}

// golden compares a text with a file.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatalf("writing %s: %v", file, err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("reading %s (write it with -update): %v", file, err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (-want +got):\n%s", file, diff)
	}
}
