package override_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/plan/override"
)

func mustRevision(t *testing.T, spec *v1alpha1.TLSPlatformSpec) (string, string) {
	t.Helper()
	data, hash, err := override.Revision(spec)
	if err != nil {
		t.Fatal(err)
	}
	return string(data), hash
}

func TestRevisionHash(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change func(*v1alpha1.TLSPlatformSpec)
		same   bool
	}{
		"suspend is not kept":        {func(s *v1alpha1.TLSPlatformSpec) { s.Suspend = true }, true},
		"deletionPolicy is not kept": {func(s *v1alpha1.TLSPlatformSpec) { s.DeletionPolicy = v1alpha1.DeletionPolicyRetain }, true},
		"the clusters are not kept":  {func(s *v1alpha1.TLSPlatformSpec) { s.Clusters.Selector = nil }, true},
		"delivery is not kept":       {func(s *v1alpha1.TLSPlatformSpec) { s.Delivery.Rollout = &v1alpha1.Rollout{} }, true},
		"an empty list is no list":   {func(s *v1alpha1.TLSPlatformSpec) { s.Overrides = []v1alpha1.Override{} }, true},
		"the order of values is nothing": {func(s *v1alpha1.TLSPlatformSpec) {
			s.Components.CertManager.Values = &apiextensionsv1.JSON{Raw: []byte(`{"b":1, "a":{"d":1,"c":2}}`)}
		}, true},
		"a value is kept": {func(s *v1alpha1.TLSPlatformSpec) {
			s.Components.CertManager.Values = &apiextensionsv1.JSON{Raw: []byte(`{"a":{"c":2,"d":2},"b":1}`)}
		}, false},
		"an issuer is kept":     {func(s *v1alpha1.TLSPlatformSpec) { s.Issuers = s.Issuers[:1] }, false},
		"the policy is kept":    {func(s *v1alpha1.TLSPlatformSpec) { s.Policy.Action = v1alpha1.PolicyAudit }, false},
		"trust is kept":         {func(s *v1alpha1.TLSPlatformSpec) { s.Trust = nil }, false},
		"the inventory is kept": {func(s *v1alpha1.TLSPlatformSpec) { s.Inventory.Keys = nil }, false},
		"observability is kept": {func(s *v1alpha1.TLSPlatformSpec) { s.Observability = nil }, false},
		"overrides are kept": {func(s *v1alpha1.TLSPlatformSpec) {
			s.Overrides = []v1alpha1.Override{{Name: "a", Patch: apiextensionsv1.JSON{Raw: []byte(`{}`)}}}
		}, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			spec := parse(t, base)
			spec.Components.CertManager.Values = &apiextensionsv1.JSON{Raw: []byte(`{"a":{"c":2,"d":1},"b":1}`)}
			_, before := mustRevision(t, spec)
			tt.change(spec)
			changed := spec.DeepCopy()
			_, after := mustRevision(t, spec)
			if (before == after) != tt.same {
				t.Errorf("hash was %s and is %s", before, after)
			}
			if len(after) != 10 || strings.Trim(after, "0123456789abcdef") != "" {
				t.Errorf("hash %q is not ten hex digits", after)
			}
			if diff := cmp.Diff(changed, spec); diff != "" {
				t.Errorf("the input was changed:\n%s", diff)
			}
		})
	}
}

// A hash that changes with a version of the operator starts a rollout in every
// fleet that updates. This one may change only when the API does.
func TestRevisionIsStable(t *testing.T) {
	t.Parallel()
	spec := parse(t, `issuers: [{name: web, backends: [{name: main, selfSigned: {}}]}]`)
	data, hash := mustRevision(t, spec)
	if want := `{"issuers":[{"backends":[{"name":"main","selfSigned":{}}],"name":"web"}]}`; data != want {
		t.Errorf("data is %s", data)
	}
	if hash != "596acd3b90" {
		t.Errorf("hash is %s", hash)
	}
}

func TestRevisionRoundTrip(t *testing.T) {
	t.Parallel()
	spec := parse(t, base)
	spec.Overrides = []v1alpha1.Override{patch(t, "prod", "prod", `policy: {action: Enforce, rules: {maxDuration: null}}`)}
	data, hash := mustRevision(t, spec)
	back, err := override.FromRevision([]byte(data))
	if err != nil {
		t.Fatal(err)
	}
	again, hashAgain := mustRevision(t, back)
	if data != again || hash != hashAgain {
		t.Errorf("a revision changes on its way:\n%s\n%s", data, again)
	}
	want, got := asMap(t, spec), asMap(t, back)
	for _, field := range []string{"deletionPolicy", "clusters", "delivery"} {
		if _, has := want[field]; !has {
			t.Errorf("the spec has no %s to leave out", field)
		}
		delete(want, field)
	}
	delete(got, "clusters")
	delete(got, "delivery")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("revision (-want +got):\n%s", diff)
	}
	// The overrides of a revision do what those of the spec do.
	fromSpec, _, err := override.For(spec, map[string]string{"env": "prod"})
	if err != nil {
		t.Fatal(err)
	}
	fromRevision, _, err := override.For(back, map[string]string{"env": "prod"})
	if err != nil {
		t.Fatal(err)
	}
	left, _ := mustRevision(t, fromSpec)
	right, _ := mustRevision(t, fromRevision)
	if left != right {
		t.Errorf("merged differently:\n%s\n%s", left, right)
	}
}

func TestFromRevisionRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ data, says string }{
		"a field of a newer version": {`{"mesh":{}}`, `unknown field "mesh"`},
		"a newer field deep inside":  {`{"policy":{"rules":{"newRule":{}}}}`, `newRule`},
		"broken data":                {`{`, "decoding the revision"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := override.FromRevision([]byte(tt.data))
			if err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("error is %v", err)
			}
		})
	}
}

func TestRevisionRefusesWhatIsNoJSON(t *testing.T) {
	t.Parallel()
	spec := parse(t, base)
	spec.Components.CertManager.Values = &apiextensionsv1.JSON{Raw: json.RawMessage(`{`)}
	if _, _, err := override.Revision(spec); err == nil {
		t.Error("broken values make a revision")
	}
}
