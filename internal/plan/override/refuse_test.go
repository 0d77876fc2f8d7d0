package override_test

import (
	"strings"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/plan/override"
)

func TestForRefuses(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 100_000)
	tests := map[string]struct {
		patch string   // JSON
		says  []string // beside the name of the override
	}{
		"what is not of the estate":            {`{"suspend":true}`, []string{`"suspend"`, "components, inventory, issuers, observability, policy, trust"}},
		"overrides in overrides":               {`{"overrides":[]}`, []string{`"overrides"`}},
		"a directive for the whole spec":       {`{"$patch":"replace"}`, []string{`"$patch"`}},
		"an unknown field":                     {`{"policy":{"rulez":{}}}`, []string{`policy.rulez`}},
		"an unknown field deep in a list":      {`{"issuers":[{"name":"web","backends":[{"name":"main","vualt":{}}]}]}`, []string{`issuers[0].backends[0].vualt`}},
		"a field in another case":              {`{"Policy":null}`, []string{`"Policy"`}},
		"a field twice":                        {`{"policy":{},"policy":null}`, []string{`duplicate field "policy"`}},
		"a text where a list belongs":          {`{"issuers":"none"}`, []string{"issuers"}},
		"an object where a name belongs":       {`{"issuers":[{"name":{}},{"name":{}}]}`, []string{"name"}},
		"null in a list":                       {`{"issuers":[null]}`, []string{"issuers[0]", "null"}},
		"an item without a name":               {`{"issuers":[{"backends":[]}]}`, []string{"name"}},
		"an item without a name in a new list": {`{"policy":{"rules":{"annotations":[{"pattern":"x"}]}}}`, []string{"policy.rules.annotations[0]", "set its name"}},
		"a name twice in a new list":           {`{"policy":{"rules":{"annotations":[{"name":"a"},{"name":"a"}]}}}`, []string{"policy.rules.annotations[1]", `"a" occurs twice`}},
		"null for a name":                      {`{"trust":{"bundles":[{"name":null,"sources":[],"namespaceSelector":{}}]}}`, []string{"trust.bundles[0]"}},
		"values that are no object":            {`{"components":{"certManager":{"values":[1]}}}`, []string{"components.certManager.values", "object"}},
		"a directive on an object":             {`{"policy":{"$patch":"replace"}}`, []string{"policy.$patch", "null"}},
		"a directive that is not known":        {`{"issuers":[{"$patch":"merge","name":"web"}]}`, []string{"issuers[0]", "delete or replace"}},
		"an order directive":                   {`{"$setElementOrder/issuers":[]}`, []string{"$setElementOrder/issuers"}},
		"a retain directive":                   {`{"issuers":[{"name":"web","$retainKeys":["name"]}]}`, []string{"issuers[0].$retainKeys"}},
		"a deletion in a list without a key":   {`{"inventory":{"keys":[{"$patch":"delete","key":"cert.bin"}]}}`, []string{"inventory.keys[0]", "merged by a key"}},
		"a list as the patch":                  {`[]`, []string{"not an object"}},
		"null as the patch":                    {`null`, []string{"not an object"}},
		"an empty patch":                       {``, []string{"not an object"}},
		"broken JSON":                          {`{"policy":`, []string{"not an object"}},
		"a long key, which is cut":             {`{"` + long + `":1}`, []string{"xxx…"}},
		"a long unknown field, which is cut":   {`{"policy":{"` + long + `":1}}`, []string{"xxx…"}},
		"a long item, which is cut":            {`{"issuers":[{"backends":[{"name":"` + long + `"}]}]}`, []string{"…"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			spec := parse(t, base)
			spec.Overrides = []v1alpha1.Override{{Name: "prod", Patch: apiextensionsv1.JSON{Raw: []byte(tt.patch)}}}
			merged, applied, err := override.For(spec, nil)
			if err == nil || merged != nil || applied != nil {
				t.Fatalf("merged to %+v, applied %v", merged, applied)
			}
			for _, text := range append(tt.says, `override "prod"`) {
				if !strings.Contains(err.Error(), text) {
					t.Errorf("error does not say %q: %.2000s", text, err)
				}
			}
			if len(err.Error()) > 1024 {
				t.Errorf("error has %d bytes", len(err.Error()))
			}
		})
	}
}

func TestForRefusesABrokenSelector(t *testing.T) {
	t.Parallel()
	spec := parse(t, base)
	o := patch(t, "prod", "", `{}`)
	o.Selector.MatchExpressions = []metav1.LabelSelectorRequirement{{Key: "env", Operator: "Near"}}
	spec.Overrides = []v1alpha1.Override{o}
	_, _, err := override.For(spec, nil)
	if err == nil || !strings.Contains(err.Error(), `override "prod": selector`) {
		t.Errorf("error is %v", err)
	}
}
