package override_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/yaml"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/plan/override"
)

// base is an estate with something of every kind that is merged.
const base = `
deletionPolicy: Remove
clusters: {selector: {matchLabels: {fleet: a}}}
delivery: {correctDrift: false}
components:
  registry:
    mirrors: [{source: quay.io/jetstack, mirror: registry.example.com/jetstack}]
  certManager:
    version: v1.19.2
    values:
      replicaCount: 2
      big: 9007199254740993
      unset: null
      extraArgs: [--a, --b]
      resources: {requests: {cpu: 10m, memory: 32Mi}}
issuers:
- name: web
  backends:
  - {name: main, ca: {secretRef: {name: web-ca}}}
- name: mesh
  backends:
  - {name: main, selfSigned: {}}
policy:
  action: Warn
  rules:
    maxDuration: 2160h
    privateKey: {allowed: [{algorithm: RSA, minSize: 3072}, {algorithm: ECDSA, minSize: 256}]}
    dnsNames: {denied: [a.example.com, b.example.com]}
  exceptions:
  - {name: legacy, namespaces: [legacy], rules: [DNSNames], reason: moves in spring, until: "2031-01-01T00:00:00Z"}
trust:
  bundles:
  - {name: corp, sources: [{useDefaultCAs: true}], namespaceSelector: {}}
inventory:
  keys: [{key: cert.bin}]
observability:
  serviceMonitors: {labels: {release: prometheus, team: tls}}
`

func parse(t *testing.T, text string) *v1alpha1.TLSPlatformSpec {
	t.Helper()
	spec := &v1alpha1.TLSPlatformSpec{}
	if err := yaml.UnmarshalStrict([]byte(text), spec); err != nil {
		t.Fatal(err)
	}
	return spec
}

// patch makes an override for the clusters with the label env.
func patch(t *testing.T, name, env, text string) v1alpha1.Override {
	t.Helper()
	raw, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	o := v1alpha1.Override{Name: name, Patch: apiextensionsv1.JSON{Raw: raw}}
	if env != "" {
		o.Selector.MatchLabels = map[string]string{"env": env}
	}
	return o
}

// asMap shows a spec as the API would, for comparison.
func asMap(t *testing.T, spec *v1alpha1.TLSPlatformSpec) map[string]any {
	t.Helper()
	data, err := json.Marshal(spec)
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(data, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestForMerges(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		patches []string
		// field is a path into the merged spec, and want what is there, as YAML.
		field, want string
	}{
		"a scalar is replaced":                      {[]string{`components: {certManager: {version: v1.20.0}}`}, "components.certManager.version", `v1.20.0`},
		"a scalar beside it stays":                  {[]string{`policy: {rules: {maxDuration: 24h}}`}, "policy.action", `Warn`},
		"null removes a field":                      {[]string{`policy: {rules: {maxDuration: null}}`}, "policy.rules.maxDuration", `null`},
		"null removes a part of the estate":         {[]string{`policy: null`}, "policy", `null`},
		"a component may be added":                  {[]string{`components: {trustManager: {version: v0.20.0, values: {a: 1, b: null}}}`}, "components.trustManager", `{version: v0.20.0, values: {a: 1}}`},
		"a list without a key is replaced":          {[]string{`inventory: {keys: [{key: x.pem}]}`}, "inventory.keys", `[{key: x.pem}]`},
		"a list of plain values is replaced":        {[]string{`policy: {rules: {dnsNames: {denied: [c.example.com]}}}`}, "policy.rules.dnsNames.denied", `[c.example.com]`},
		"labels are merged":                         {[]string{`observability: {serviceMonitors: {labels: {release: null, env: prod}}}`}, "observability.serviceMonitors.labels", `{team: tls, env: prod}`},
		"an issuer is merged by name":               {[]string{`issuers: [{name: web, backends: [{name: main, ca: null, selfSigned: {}}]}]`}, "issuers", `[{name: web, backends: [{name: main, selfSigned: {}}]}, {name: mesh, backends: [{name: main, selfSigned: {}}]}]`},
		"a new backend comes first":                 {[]string{`issuers: [{name: web, backends: [{name: next, selfSigned: {}}]}]`}, "issuers.0.backends", `[{name: next, selfSigned: {}}, {name: main, ca: {secretRef: {name: web-ca}}}]`},
		"an issuer is deleted by name":              {[]string{`issuers: [{$patch: delete, name: web}]`}, "issuers", `[{name: mesh, backends: [{name: main, selfSigned: {}}]}]`},
		"deleting what is not there changes none":   {[]string{`trust: {bundles: [{$patch: delete, name: other}]}`}, "trust.bundles.0.name", `corp`},
		"a list is replaced as a whole":             {[]string{`issuers: [{$patch: replace}, {name: one, backends: [{name: main, selfSigned: {}}]}]`}, "issuers", `[{name: one, backends: [{name: main, selfSigned: {}}]}]`},
		"keys are merged by algorithm":              {[]string{`policy: {rules: {privateKey: {allowed: [{algorithm: RSA, minSize: 4096}]}}}`}, "policy.rules.privateKey.allowed", `[{algorithm: RSA, minSize: 4096}, {algorithm: ECDSA, minSize: 256}]`},
		"an exception is added":                     {[]string{`policy: {exceptions: [{name: new, namespaces: [x], rules: [Issuers], reason: trial, until: "2031-01-01T00:00:00Z"}]}`}, "policy.exceptions.1.name", `legacy`},
		"values are merged as JSON":                 {[]string{`components: {certManager: {values: {replicaCount: 3, extraArgs: [--c], resources: {requests: {cpu: null}}, new: {x: null, y: [{z: null}]}}}}`}, "components.certManager.values", `{replicaCount: 3, big: 9007199254740993, unset: null, extraArgs: [--c], resources: {requests: {memory: 32Mi}}, new: {y: [{z: null}]}}`},
		"values may have keys like directives":      {[]string{`components: {certManager: {values: {$patch: replace}}}`}, "components.certManager.values.$patch", `replace`},
		"null removes all values":                   {[]string{`components: {certManager: {values: null}}`}, "components.certManager", `{version: v1.19.2}`},
		"values are replaced by two":                {[]string{`components: {certManager: {values: null}}`, `components: {certManager: {values: {a: 1}}}`}, "components.certManager.values", `{a: 1}`},
		"the later override wins":                   {[]string{`policy: {action: Audit}`, `policy: {action: Enforce}`}, "policy.action", `Enforce`},
		"what one made the next may change":         {[]string{`issuers: [{name: new, backends: [{name: main, selfSigned: {}}]}]`, `issuers: [{$patch: delete, name: new}, {$patch: delete, name: web}]`}, "issuers", `[{name: mesh, backends: [{name: main, selfSigned: {}}]}]`},
		"an empty patch changes nothing":            {[]string{`{}`}, "issuers.0.name", `web`},
		"overrides are not in the merged spec":      {[]string{`{}`}, "overrides", `null`},
		"what is not of the estate stays":           {[]string{`policy: null`}, "deletionPolicy", `Remove`},
		"the selection of clusters stays":           {[]string{`policy: null`}, "clusters", `{selector: {matchLabels: {fleet: a}}}`},
		"delivery stays":                            {[]string{`policy: null`}, "delivery", `{correctDrift: false}`},
		"solvers are free-form and replaced":        {[]string{`issuers: [{name: web, backends: [{name: main, ca: null, acme: {server: "https://acme.example.com", solvers: [{http01: {ingress: {}}}]}}]}]`}, "issuers.0.backends.0.acme.solvers", `[{http01: {ingress: {}}}]`},
		"a part that the base lacks may be deleted": {[]string{`observability: {dashboards: null, prometheusRules: {}}`}, "observability.prometheusRules", `{}`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			spec := parse(t, base)
			for i, text := range tt.patches {
				spec.Overrides = append(spec.Overrides, patch(t, string(rune('a'+i)), "", text))
			}
			before := spec.DeepCopy()
			merged, applied, err := override.For(spec, nil)
			if err != nil {
				t.Fatal(err)
			}
			if len(applied) != len(tt.patches) {
				t.Errorf("applied %v", applied)
			}
			if diff := cmp.Diff(before, spec); diff != "" {
				t.Errorf("the input was changed:\n%s", diff)
			}
			var want any
			if err := yaml.Unmarshal([]byte(tt.want), &want); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, lookup(asMap(t, merged), tt.field)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tt.field, diff)
			}
		})
	}
}

// lookup walks a path of fields and indices; nil when there is nothing.
func lookup(value any, path string) any {
	for part := range strings.SplitSeq(path, ".") {
		switch typed := value.(type) {
		case map[string]any:
			value = typed[part]
		case []any:
			value = typed[int(part[0]-'0')]
		default:
			return nil
		}
	}
	return value
}

func TestForSelects(t *testing.T) {
	t.Parallel()
	spec := parse(t, base)
	spec.Overrides = []v1alpha1.Override{
		patch(t, "all", "", `policy: {action: Audit}`),
		patch(t, "prod", "prod", `policy: {action: Enforce}`),
		patch(t, "broken-elsewhere", "other", `nonsense: 1`),
		patch(t, "again", "prod", `trust: null`),
	}
	tests := map[string]struct {
		labels map[string]string
		want   []string
		action v1alpha1.PolicyAction
	}{
		"an empty selector selects every cluster": {nil, []string{"all"}, v1alpha1.PolicyAudit},
		"all that match are applied in order":     {map[string]string{"env": "prod"}, []string{"all", "prod", "again"}, v1alpha1.PolicyEnforce},
		"a label of another value selects not":    {map[string]string{"env": "test"}, []string{"all"}, v1alpha1.PolicyAudit},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			merged, applied, err := override.For(spec, tt.labels)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, applied); diff != "" {
				t.Errorf("applied (-want +got):\n%s", diff)
			}
			matching, err := override.Matching(spec, tt.labels)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(applied, matching); diff != "" {
				t.Errorf("matching and applied differ:\n%s", diff)
			}
			if merged.Policy.Action != tt.action {
				t.Errorf("action is %s, want %s", merged.Policy.Action, tt.action)
			}
		})
	}
}

func TestForWithoutMatchIsACopy(t *testing.T) {
	t.Parallel()
	spec := parse(t, base)
	limit := intstr.FromInt32(2)
	spec.Delivery.Rollout = &v1alpha1.Rollout{MaxUnavailable: &limit, ProgressDeadline: &metav1.Duration{Duration: time.Minute}}
	spec.Overrides = []v1alpha1.Override{patch(t, "prod", "prod", `policy: null`)}
	merged, applied, err := override.For(spec, map[string]string{"env": "test"})
	if err != nil || applied != nil {
		t.Fatalf("applied %v, error %v", applied, err)
	}
	want := spec.DeepCopy()
	want.Overrides = nil
	if diff := cmp.Diff(want, merged); diff != "" {
		t.Errorf("merged (-want +got):\n%s", diff)
	}
	merged.Issuers[0].Name, merged.Delivery.Rollout.MaxUnavailable.IntVal = "changed", 9
	if spec.Issuers[0].Name != "web" || limit.IntVal != 2 {
		t.Error("the merged spec shares memory with the input")
	}
}

func BenchmarkFor(b *testing.B) {
	var spec v1alpha1.TLSPlatformSpec
	if err := yaml.UnmarshalStrict([]byte(base), &spec); err != nil {
		b.Fatal(err)
	}
	spec.Overrides = []v1alpha1.Override{{Name: "prod", Patch: apiextensionsv1.JSON{Raw: []byte(`{"policy":{"action":"Enforce"}}`)}}}
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := override.For(&spec, nil); err != nil {
			b.Fatal(err)
		}
	}
}
