package inventory

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/wire"
	"github.com/tlsplatform/tls-platform-operator/internal/certificate"
	"github.com/tlsplatform/tls-platform-operator/internal/names"
)

// told is a record in words.
func told(o *Object) []string {
	if o == nil {
		return nil
	}
	var list []string
	for i := range o.Records {
		r := &o.Records[i]
		subject := "nothing"
		if c := r.Leading(); c != nil {
			subject = c.Subject
		}
		line := fmt.Sprintf("%s %s %s", r.Key, r.Role, subject)
		if r.Mesh != "" {
			line += " of " + r.Mesh
		}
		if found := findings(r, o.Kind); found != 0 {
			line += fmt.Sprint(" ", found.Strings())
		}
		list = append(list, line)
	}
	return append(list, "by "+string(o.Manager))
}

func TestSecrets(t *testing.T) {
	t.Parallel()
	caPEM, caKey, ca := certify(t, nil, "Root", true)
	crt, key, _ := certify(t, ca, "web.example.com", false)
	middle, middleKey, _ := certify(t, ca, "Mesh CA", true)
	self, selfKey, _ := certify(t, nil, "self.example.com", false)
	keys := []v1alpha1.KeyPattern{{Name: "odd-*", Key: "certificate"}, {Kind: "ConfigMap", Key: "*"}}
	cases := map[string]struct {
		object *wire.Object
		want   []string
	}{
		"a TLS Secret is one record, its CA is no other": {
			object("shop", "web", typeTLS, "ca.crt", string(caPEM), "tls.crt", string(crt), "tls.key", string(key)),
			[]string{"tls.crt Serving CN=web.example.com", "by by hand"},
		},
		"a TLS Secret without content is listed": {
			object("shop", "web", typeTLS, "tls.crt", "", "tls.key", ""),
			[]string{"tls.crt Serving nothing [Empty]", "by by hand"},
		},
		"a TLS Secret with garbage is listed": {
			object("shop", "web", typeTLS, "tls.crt", "garbage", "tls.key", ""),
			[]string{"tls.crt Serving nothing [Malformed]", "by by hand"},
		},
		"the CA of an issuer is an authority": {
			object("cert-manager", "ca", typeTLS, "tls.crt", string(caPEM), "tls.key", string(caKey)),
			[]string{"tls.crt Authority CN=Root", "by by hand"},
		},
		"an Opaque Secret with a bundle": {
			object("shop", "roots", "Opaque", "ca.crt", string(caPEM), "password", "secret"),
			[]string{"ca.crt Bundle CN=Root", "by by hand"},
		},
		"certificate and key in one value": {
			object("shop", "haproxy", "Opaque", "site.pem", string(selfKey)+string(self)),
			[]string{"site.pem Serving CN=self.example.com [SelfSigned]", "by by hand"},
		},
		"what holds no certificate is nothing": {
			object("shop", "db", "Opaque", "password", "secret", "tls.key", string(key)), nil,
		},
		"a declared key that holds none is listed": {
			object("shop", "odd-one", "Opaque", "certificate", "nothing of the kind"),
			[]string{"certificate Bundle nothing [Malformed]", "by by hand"},
		},
		"Istio's own CA": {
			object("istio-system", "istio-ca-secret", typeIstioCA, "ca-cert.pem", string(middle), "ca-key.pem", string(middleKey), "root-cert.pem", string(caPEM)),
			[]string{"ca-cert.pem Authority CN=Mesh CA of Istio", "by mesh"},
		},
		"Istio's plugged-in CA": {
			object("istio-system", "cacerts", "Opaque", "ca-cert.pem", string(middle), "ca-key.pem", string(middleKey),
				"cert-chain.pem", string(middle), "root-cert.pem", string(caPEM)),
			[]string{"ca-cert.pem Authority CN=Mesh CA of Istio", "cert-chain.pem Bundle CN=Mesh CA of Istio", "by mesh"},
		},
		"Linkerd's issuer of old": {
			object("linkerd", "linkerd-identity-issuer", "Opaque", "crt.pem", string(middle), "key.pem", string(middleKey)),
			[]string{"crt.pem Authority CN=Mesh CA of Linkerd", "by mesh"},
		},
		"Cilium's CA": {
			object("kube-system", "cilium-ca", "Opaque", "ca.crt", string(middle), "ca.key", string(middleKey)),
			[]string{"ca.crt Authority CN=Mesh CA of Cilium", "by mesh"},
		},
	}
	r := NewReducer(certificate.NewParser())
	r.Keys = keys
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, told(r.Secret(c.object))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestMetadataOfASecret(t *testing.T) {
	t.Parallel()
	crt, _, _ := certify(t, nil, "web.example.com", false)
	o := object("shop", "web", typeTLS, "tls.crt", string(crt))
	o.Annotations = map[string]string{
		certManagerName: "web", certManagerIssuer: "internal",
		names.AnnotationOwner: "team-shop", names.AnnotationPurpose: "storefront", names.AnnotationLayer: "Mesh",
	}
	got := NewReducer(certificate.NewParser()).Secret(o)
	if got.Manager != ManagedByCertManager || got.ManagerName != "web" || got.Owner != "team-shop" ||
		got.Purpose != "storefront" || got.Layer != v1alpha1.LayerMesh {
		t.Errorf("got %+v", got)
	}
	if diff := cmp.Diff(&IssuerRef{"internal", "Issuer", "cert-manager.io"}, got.Issuer); diff != "" {
		t.Errorf("issuer with its defaults (-want +got):\n%s", diff)
	}
	o.Annotations[names.AnnotationLayer] = "Nonsense"
	if got := NewReducer(certificate.NewParser()).Secret(o); got.Layer != "" {
		t.Errorf("an unknown layer was taken: %q", got.Layer)
	}
}

func TestConfigMaps(t *testing.T) {
	t.Parallel()
	caPEM, key, _ := certify(t, nil, "Root", true)
	r := NewReducer(certificate.NewParser())
	o := r.ConfigMap(object("shop", "istio-ca-root-cert", "", "root-cert.pem", string(caPEM), "note", "text"))
	if diff := cmp.Diff([]string{"root-cert.pem Bundle CN=Root of Istio", "by mesh"}, told(o)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if o := r.ConfigMap(object("shop", "settings", "", "a", "b")); o != nil {
		t.Errorf("a ConfigMap without certificates is %v", told(o))
	}
	exposed := r.ConfigMap(object("shop", "oops", "", "all.pem", string(caPEM)+string(key)))
	if got := findings(&exposed.Records[0], KindConfigMap); !got.Has(certificate.PrivateKeyExposed) {
		t.Errorf("a key in a ConfigMap has the findings %v", got.Strings())
	}
	if got := findings(&exposed.Records[0], KindSecret); got.Has(certificate.PrivateKeyExposed) {
		t.Error("a key in a Secret counts as exposed")
	}
}

func TestPatterns(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pattern, text string
		want          bool
	}{
		{"", "anything", true},
		{"*", "a/b", true},
		{"*.pem", "site.pem", true},
		{"*.pem", "site.crt", false},
		{"site-*-tls", "site-eu-tls", true},
		{"[a]", "a", false},
		{"[a]", "[a]", true},
		{"a?", "ab", false},
	} {
		if got := matches(c.pattern, c.text); got != c.want {
			t.Errorf("matches(%q, %q) = %v, want %v", c.pattern, c.text, got, c.want)
		}
	}
}
