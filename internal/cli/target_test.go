package cli

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

func TestParseTarget(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text, flag string
		want       place
	}{
		"a name is a Secret's in the current namespace": {"web", "", place{kind: "Secret", namespace: "current", name: "web"}},
		"the flag chooses another namespace":            {"web", "shop", place{kind: "Secret", namespace: "shop", name: "web"}},
		"a namespace and a name":                        {"shop/web", "", place{kind: "Secret", namespace: "shop", name: "web"}},
		"a namespace that the flag repeats":             {"shop/web", "shop", place{kind: "Secret", namespace: "shop", name: "web"}},
		"a kind and a name":                             {"ConfigMap/ca", "shop", place{kind: "ConfigMap", namespace: "shop", name: "ca"}},
		"a short name of a kind":                        {"cm/ca", "", place{kind: "ConfigMap", namespace: "current", name: "ca"}},
		"a kind, a namespace and a name":                {"secret/shop/web", "", place{kind: "Secret", namespace: "shop", name: "web"}},
		"a kind without namespaces ignores them":        {"crd/widgets.example.com", "shop", place{kind: "CustomResourceDefinition", name: "widgets.example.com"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := parseTarget(c.text, c.flag, "current")
			if err != nil || got != c.want {
				t.Errorf("parseTarget(%q, %q) = %+v, %v; want %+v", c.text, c.flag, got, err, c.want)
			}
		})
	}
	for name, c := range map[string]struct{ text, flag, current, want string }{
		"nothing":                             {"", "", "x", "names no object"},
		"no name":                             {"secret/", "", "x", "names no object"},
		"no namespace before the slash":       {"/web", "", "x", "names no object"},
		"too many parts":                      {"a/b/c/d", "", "x", "is none of"},
		"a kind that is not listed":           {"pod/shop/web", "", "x", `kind "pod" is not known`},
		"an empty namespace":                  {"secret//web", "", "x", "is not KIND/NAMESPACE/NAME"},
		"a namespace for a kind without":      {"apiservice/shop/v1.x", "", "x", "has no namespace"},
		"two namespaces":                      {"shop/web", "legacy", "x", "differ"},
		"a namespace that is nowhere to find": {"web", "", "", "give it with --namespace"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := parseTarget(c.text, c.flag, c.current); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("parseTarget(%q, %q): got %v, want %q in it", c.text, c.flag, err, c.want)
			}
		})
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	records := append(sample(),
		&v1alpha1.CertificateRecord{Kind: "Secret", Namespace: "blog", Name: "web-tls", Key: "tls.crt"},
		&v1alpha1.CertificateRecord{Kind: "Secret", Namespace: "blog", Name: "web-tls", Key: "ca.crt"})
	found, err := find(records, place{kind: "Secret", namespace: "blog", name: "web-tls"})
	if err != nil || len(found) != 2 || found[0].Key != "ca.crt" {
		t.Errorf("got %v, %v; want the records of both keys in order", found, err)
	}
	for name, c := range map[string]struct {
		target place
		want   string
	}{
		"the same name elsewhere is named": {
			place{kind: "Secret", namespace: "legacy", name: "web-tls"}, "Did you mean secret/blog/web-tls, secret/shop/web-tls?",
		},
		"the same name of another kind is named": {
			place{kind: "Secret", namespace: "shop", name: "istio-ca-root-cert"}, "Did you mean configmap/shop/istio-ca-root-cert?",
		},
		"a similar name nearby is named": {
			place{kind: "Secret", namespace: "shop", name: "web"}, "Did you mean secret/shop/web-tls?",
		},
		"without near matches the reason stays": {
			place{kind: "Secret", namespace: "shop", name: "nope"},
			"no certificate in Secret shop/nope: only objects that hold certificates are listed, in the namespaces that the agent reads",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := find(records, c.target); err == nil || !strings.HasSuffix(err.Error(), c.want) {
				t.Errorf("got %v, want %q at its end", err, c.want)
			}
		})
	}
	t.Run("many near matches are counted", func(t *testing.T) {
		t.Parallel()
		var many []*v1alpha1.CertificateRecord
		for i := range 13 {
			many = append(many, &v1alpha1.CertificateRecord{Kind: "Secret", Namespace: fmt.Sprintf("n%02d", i), Name: "web"})
		}
		_, err := find(many, place{kind: "Secret", namespace: "x", name: "web"})
		if err == nil || !strings.HasSuffix(err.Error(), "secret/n09/web and 3 more?") {
			t.Errorf("got %v", err)
		}
	})
}
