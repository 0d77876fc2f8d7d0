package exposition

import (
	"strings"
	"testing"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

func TestSelector(t *testing.T) {
	t.Parallel()
	const ingress, mesh, application = v1alpha1.LayerIngress, v1alpha1.LayerMesh, v1alpha1.LayerApplication
	list := func(rules ...v1alpha1.ExportRule) []v1alpha1.ExportRule { return rules }
	inLayers := func(layers ...v1alpha1.Layer) v1alpha1.ExportRule { return v1alpha1.ExportRule{Layers: layers} }
	inNamespaces := func(patterns ...string) v1alpha1.ExportRule { return v1alpha1.ExportRule{Namespaces: patterns} }
	both := v1alpha1.ExportRule{Layers: []v1alpha1.Layer{ingress}, Namespaces: []string{"prod-*", "shop"}}
	cases := map[string]struct {
		allow, deny []v1alpha1.ExportRule
		layer       v1alpha1.Layer
		namespace   string
		want        bool
	}{
		"without rules all are selected":                      {nil, nil, mesh, "any", true},
		"without a rule to allow, what is not denied is":      {nil, list(inLayers(ingress)), mesh, "any", true},
		"a layer is allowed":                                  {list(inLayers(ingress, mesh)), nil, mesh, "any", true},
		"what no rule allows is not selected":                 {list(inLayers(ingress, mesh)), nil, application, "any", false},
		"a namespace is allowed by name":                      {list(inNamespaces("a", "b")), nil, mesh, "b", true},
		"a name is not a prefix":                              {list(inNamespaces("a")), nil, mesh, "ab", false},
		"a namespace is allowed by pattern":                   {list(inNamespaces("team-*")), nil, mesh, "team-a", true},
		"a rule with both needs both":                         {list(both), nil, ingress, "prod-1", true},
		"the wrong layer fails a rule with both":              {list(both), nil, mesh, "prod-1", false},
		"the wrong namespace fails a rule with both":          {list(both), nil, ingress, "test", false},
		"one of several rules is enough":                      {list(both, inLayers(mesh)), nil, mesh, "test", true},
		"deny goes before allow":                              {list(inLayers(mesh)), list(inNamespaces("any")), mesh, "any", false},
		"objects of the cluster are matched by a star":        {list(inNamespaces("*")), nil, application, "", true},
		"objects of the cluster are matched by no other name": {list(inNamespaces("a*", "b")), nil, application, "", false},
		"objects of the cluster are matched by layer":         {list(inLayers(application)), nil, application, "", true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSelector(v1alpha1.Export{Allow: c.allow, Deny: c.deny})
			if got := s.selects(c.layer, c.namespace); got != c.want {
				t.Errorf("selects(%s, %q) = %v, want %v", c.layer, c.namespace, got, c.want)
			}
		})
	}
}

func TestMatchGlob(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		pattern, text string
		want          bool
	}{
		"a star matches all":                   {"*", "abc", true},
		"a star matches nothing":               {"*", "", true},
		"a prefix":                             {"ab*", "abc", true},
		"a suffix":                             {"*bc", "abc", true},
		"both ends":                            {"a*c", "abbc", true},
		"the middle":                           {"*b*", "abc", true},
		"two stars are as one":                 {"a**c", "ac", true},
		"a later match is found":               {"*ab", "aab", true},
		"what is between stars has an order":   {"*a*b*", "ba", false},
		"the whole is matched, not the start":  {"a*b", "abc", false},
		"the whole is matched, not the end":    {"b*", "abc", false},
		"parts do not overlap":                 {"ab*ba", "aba", false},
		"other signs stand for themselves":     {"a?c*", "abc", false},
		"without a star the texts are equal":   {"abc", "abc", true},
		"a pattern may be longer":              {"abcd*", "abc", false},
		"an empty pattern matches only itself": {"", "a", false},
		"many stars take no exponential time":  {strings.Repeat("a*", 31) + "b", strings.Repeat("a", 63), false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := matchGlob(c.pattern, c.text); got != c.want {
				t.Errorf("matchGlob(%q, %q) = %v, want %v", c.pattern, c.text, got, c.want)
			}
		})
	}
}
