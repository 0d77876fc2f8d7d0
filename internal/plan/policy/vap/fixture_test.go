package vap

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/plan/plantest"
)

// now is when the tests plan, and created when their objects are made.
var now = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

const created = "2026-11-24T12:00:30Z"

var facts = plantest.Facts("ValidatingAdmissionPolicy.admissionregistration.k8s.io")

// estate is a platform with two issuers, one with a generated CA, and a policy.
func estate(change func(*v1alpha1.Policy)) *v1alpha1.TLSPlatform {
	p := &v1alpha1.Policy{Action: v1alpha1.PolicyEnforce}
	change(p)
	return &v1alpha1.TLSPlatform{
		ObjectMeta: metav1.ObjectMeta{Name: "estate"},
		Spec: v1alpha1.TLSPlatformSpec{
			Issuers: []v1alpha1.Issuer{
				{Name: "public", Backends: []v1alpha1.IssuerBackend{{Name: "acme", ACME: &v1alpha1.ACMEBackend{}}}},
				{Name: "internal", Backends: []v1alpha1.IssuerBackend{{Name: "root", CA: &v1alpha1.CABackend{Generate: &v1alpha1.GeneratedCA{CommonName: "Root"}}}}},
			},
			Policy: p,
		},
	}
}

// allRules is one rule of each.
func allRules(p *v1alpha1.Policy) {
	p.Rules = v1alpha1.PolicyRules{
		PrivateKey: &v1alpha1.PrivateKeyRule{
			Allowed: []v1alpha1.AllowedKey{
				{Algorithm: "RSA", MinSize: 3072}, {Algorithm: "ECDSA", MinSize: 256}, {Algorithm: "Ed25519"},
			},
			RotationPolicy: "Always",
		},
		MaxDuration: &metav1.Duration{Duration: 2160 * time.Hour},
		DNSNames: &v1alpha1.DNSNameRule{
			Allowed: []v1alpha1.DNSPattern{"**.example.com", "example.com", "*.svc.cluster.local"},
			Denied:  []v1alpha1.DNSPattern{"admin.example.com", "**.legacy.example.com"},
		},
		Issuers: &v1alpha1.IssuerRule{
			Approved:     []v1alpha1.ApprovedIssuer{{Name: "vault", Kind: "ClusterIssuer"}, {Name: "pca", Kind: "AWSPCAClusterIssuer", Group: "awspca.cert-manager.io"}},
			NamespacedIn: []string{"sandbox"},
		},
		Annotations: []v1alpha1.AnnotationRule{
			{Name: "tlsplatform.io/owner"},
			{Name: "tlsplatform.io/purpose", Pattern: "web|mtls"},
		},
	}
}

func excepted(p *v1alpha1.Policy) {
	allRules(p)
	at := func(d time.Duration) metav1.Time { return metav1.NewTime(now.Add(d)) }
	p.Exceptions = []v1alpha1.PolicyException{
		{Name: "partner", Namespaces: []string{"shop"}, Names: []string{"partner"}, Reason: "partner can't do more yet",
			Rules: []v1alpha1.PolicyRuleName{"DNSNames", "MaxDuration"}, Until: at(48 * time.Hour)},
		{Name: "migration", Namespaces: []string{"old", "older"}, Reason: "moves until spring",
			Rules: []v1alpha1.PolicyRuleName{"Issuers", "Annotations"}, Until: at(24 * time.Hour)},
		{Name: "forgotten", Namespaces: []string{"shop"}, Reason: "has ended long ago",
			Rules: []v1alpha1.PolicyRuleName{"PrivateKey"}, Until: at(-time.Hour)},
	}
}

// goodCertificate keeps all rules.
const goodCertificate = `
apiVersion: cert-manager.io/v1
kind: Certificate
metadata:
  name: web
  namespace: shop
  creationTimestamp: "` + created + `"
  annotations: {tlsplatform.io/owner: team-shop, tlsplatform.io/purpose: web}
spec:
  secretName: web-tls
  commonName: shop.example.com
  dnsNames: [shop.example.com, "*.shop.example.com"]
  duration: 720h
  privateKey: {algorithm: ECDSA, size: 256}
  issuerRef: {name: public, kind: ClusterIssuer}
`

const goodRequest = `
apiVersion: cert-manager.io/v1
kind: CertificateRequest
metadata:
  name: web-1
  namespace: shop
  creationTimestamp: "` + created + `"
  annotations: {tlsplatform.io/owner: team-shop, tlsplatform.io/purpose: web, cert-manager.io/certificate-name: web}
spec:
  request: LS0tLS1CRUdJTg==
  duration: 720h
  issuerRef: {name: public, kind: ClusterIssuer, group: cert-manager.io}
`

// object reads YAML and then the changes, given as pairs of a path of fields
// (separated by slashes, so that dots may be in them) and a value; a nil value
// removes the field.
func object(t *testing.T, source string, changes ...any) *unstructured.Unstructured {
	t.Helper()
	out := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(source), &out.Object); err != nil {
		t.Fatalf("reading the fixture: %v", err)
	}
	for i := 0; i < len(changes); i += 2 {
		set(t, out.Object, changes[i].(string), changes[i+1])
	}
	return out
}

func set(t *testing.T, content map[string]any, path string, value any) {
	t.Helper()
	fields := splitPath(path)
	if value == nil {
		unstructured.RemoveNestedField(content, fields...)
		return
	}
	if list, ok := value.([]string); ok {
		if err := unstructured.SetNestedStringSlice(content, list, fields...); err != nil {
			t.Fatalf("setting %s: %v", path, err)
		}
		return
	}
	if err := unstructured.SetNestedField(content, value, fields...); err != nil {
		t.Fatalf("setting %s: %v", path, err)
	}
}

// splitPath at single slashes; a double one stands for a slash in a name.
func splitPath(path string) []string {
	var out []string
	field := ""
	for i := 0; i < len(path); i++ {
		switch {
		case path[i] != '/':
			field += string(path[i])
		case i+1 < len(path) && path[i+1] == '/':
			field += "/"
			i++
		default:
			out = append(out, field)
			field = ""
		}
	}
	return append(out, field)
}
