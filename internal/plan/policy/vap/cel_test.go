package vap

import (
	"fmt"
	"strings"
	"testing"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/admission/plugin/policy/validating"
	"k8s.io/apiserver/pkg/cel/environment"
	"k8s.io/apiserver/pkg/cel/openapi/resolver"
	"k8s.io/kube-openapi/pkg/validation/spec"
	"sigs.k8s.io/yaml"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/plan/plantest"
)

// evaluate an expression without variables, by the API server's environment.
func evaluate(t *testing.T, expression string) any {
	t.Helper()
	env, err := environment.MustBaseEnvSet(oldest).Env(environment.StoredExpressions)
	if err != nil {
		t.Fatalf("making the environment: %v", err)
	}
	ast, issues := env.Compile(expression)
	if issues.Err() != nil {
		t.Fatalf("compiling %s: %v", expression, issues.Err())
	}
	program, err := env.Program(ast)
	if err != nil {
		t.Fatalf("planning %s: %v", expression, err)
	}
	out, _, err := program.Eval(map[string]any{})
	if err != nil {
		t.Fatalf("evaluating %s: %v", expression, err)
	}
	return out.Value()
}

func FuzzLiteralsAreTheStringAndNoCode(f *testing.F) {
	for _, s := range []string{"", "a", `"`, `\`, `\"`, `" + request.namespace + "`, "\n\r\t\a\b\f\v\x00\x7f", "é", "\u2028", "😀", "\xff\xfe", `\u0041`, "`'?"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if got, want := evaluate(t, literal(s)), strings.ToValidUTF8(s, "\uFFFD"); got != want {
			t.Errorf("literal(%q) is %q in CEL", s, got)
		}
	})
}

func TestClipShortensByCharacters(t *testing.T) {
	for name, tt := range map[string]struct{ in, want string }{
		"shorter":              {"ab", "ab"},
		"just as long":         {"abc", "abc"},
		"longer":               {"abcd", "abc..."},
		"longer in characters": {"äöüß", "äöü..."},
	} {
		t.Run(name, func(t *testing.T) {
			if got := evaluate(t, clip(literal(tt.in), 3)); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestShortenKeepsCharactersWhole(t *testing.T) {
	if got := shorten("äöü", 3); got != "ä..." {
		t.Errorf("got %q", got)
	}
	if got := shorten("abc", 3); got != "abc" {
		t.Errorf("got %q", got)
	}
}

func TestEnumerateShowsTheFirstFew(t *testing.T) {
	for want, in := range map[string][]string{
		"":                         nil,
		"a":                        {"a"},
		"a or b":                   {"a", "b"},
		"a, b, c, d or e":          {"a", "b", "c", "d", "e"},
		"a, b, c, d, e and 2 more": {"a", "b", "c", "d", "e", "f", "g"},
	} {
		if got := enumerate(in); got != want {
			t.Errorf("%v: got %q, want %q", in, got, want)
		}
	}
}

func TestTextOfThePlatformIsNoCode(t *testing.T) {
	const hostile = `x"] || true || request.namespace in ["shop`
	part, _ := Build(estate(func(p *v1alpha1.Policy) {
		allRules(p)
		p.Rules.Issuers.NamespacedIn = []string{hostile}
		p.Rules.Issuers.Approved = []v1alpha1.ApprovedIssuer{{Name: hostile, Kind: hostile, Group: hostile}}
		p.Rules.Annotations = []v1alpha1.AnnotationRule{{Name: hostile, Pattern: `"|\Q" || true`}}
		p.Exceptions = []v1alpha1.PolicyException{{
			Name: hostile, Namespaces: []string{hostile}, Names: []string{hostile},
			Rules: []v1alpha1.PolicyRuleName{"Issuers", "Annotations"}, Until: metav1.NewTime(now.Add(time.Hour)),
		}}
	}), facts, now, Exempt{})
	got := engines(t, &part)["certificates"].judge(t, object(t, goodCertificate, "spec/issuerRef/name", "mine"), nil)
	for _, rule := range []string{"Issuers: ", "Annotations: "} {
		if !strings.Contains(got.message, rule) {
			t.Errorf("%s is not in the refusal: %s", rule, got.message)
		}
	}
	if got.exceptions != "" {
		t.Errorf("the exception applies: %s", got.exceptions)
	}
}

// TestManyNamesAndPatternsStayWithinTheCostOfTheAPIServer has the most patterns
// that the API takes and the most names that public CAs take.
func TestManyNamesAndPatternsStayWithinTheCostOfTheAPIServer(t *testing.T) {
	patterns := func(prefix string) []v1alpha1.DNSPattern {
		var out []v1alpha1.DNSPattern
		for i := range 64 {
			out = append(out, v1alpha1.DNSPattern(fmt.Sprintf("%ssome-longer-department-%02d.example.com", prefix, i)))
		}
		return out
	}
	part, _ := Build(estate(func(p *v1alpha1.Policy) {
		allRules(p)
		p.Rules.DNSNames = &v1alpha1.DNSNameRule{Allowed: patterns("**."), Denied: patterns("**.secret.")}
	}), facts, now, Exempt{})
	var names []string
	for i := range 100 {
		names = append(names, fmt.Sprintf("one-of-many-services-%03d.some-longer-department-63.example.com", i))
	}
	engine := engines(t, &part)["certificates"]
	if got := engine.judge(t, object(t, goodCertificate, "spec/dnsNames", names, "spec/commonName", nil), nil); got.message != "" {
		t.Errorf("refused: %s", got.message)
	}
	names[99] = "outside.example.org"
	if got := engine.judge(t, object(t, goodCertificate, "spec/dnsNames", names, "spec/commonName", nil), nil); !strings.Contains(got.message, "outside.example.org") {
		t.Errorf("the one name outside is not in the message: %s", got.message)
	}
}

// TestTheAPIServersTypeCheckHasNoWarning checks the expressions against the
// schemas of cert-manager's own custom resource definitions, as the API server
// does for the status of the policy: a field that does not exist, or a
// comparison of unlike types, would be a warning there.
func TestTheAPIServersTypeCheckHasNoWarning(t *testing.T) {
	part, _ := Build(estate(excepted), facts, now, Exempt{})
	checker := newChecker(t)
	checked := 0
	for _, o := range part.Objects {
		if o.GetKind() != "ValidatingAdmissionPolicy" {
			continue
		}
		var p admissionregistrationv1.ValidatingAdmissionPolicy
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, &p); err != nil {
			t.Fatalf("reading %s: %v", o.GetName(), err)
		}
		// Each variable by itself: in an expression that uses it, its own mistakes
		// do not show.
		types := checker.CreateContext(&p)
		for _, v := range p.Spec.Variables {
			if results := checker.CheckExpression(types, v.Expression); len(results) > 0 {
				t.Errorf("%s, variable %s: %s", p.Name, v.Name, results)
			}
		}
		for _, w := range checker.Check(&p) {
			t.Errorf("%s, %s: %s", p.Name, w.FieldRef, w.Warning)
		}
		checked++
		if len(checker.CheckExpression(types, "object.spec.nosuchfield")) == 0 {
			t.Errorf("%s: the check does not find a field that does not exist", p.Name)
		}
	}
	if checked != 4 {
		t.Errorf("%d policies were checked, want 4", checked)
	}
}

// schemas of cert-manager's custom resource definitions.
type schemas map[schema.GroupVersionKind]*spec.Schema

func (s schemas) ResolveSchema(gvk schema.GroupVersionKind) (*spec.Schema, error) {
	if found, ok := s[gvk]; ok {
		return found, nil
	}
	return nil, fmt.Errorf("%v: %w", gvk, resolver.ErrSchemaNotFound)
}

func newChecker(t *testing.T) *validating.TypeChecker {
	t.Helper()
	mapper := meta.NewDefaultRESTMapper(nil)
	found := schemas{}
	for _, name := range []string{"certificates", "certificaterequests", "issuers", "clusterissuers"} {
		raw := plantest.ModuleFile(t, "github.com/cert-manager/cert-manager", "deploy", "crds", "cert-manager.io_"+name+".yaml")
		var crd struct {
			Spec struct {
				Group    string                `json:"group"`
				Names    struct{ Kind string } `json:"names"`
				Versions []struct {
					Name   string `json:"name"`
					Schema struct {
						OpenAPIV3Schema *spec.Schema `json:"openAPIV3Schema"`
					} `json:"schema"`
				} `json:"versions"`
			} `json:"spec"`
		}
		if err := yaml.Unmarshal([]byte(raw), &crd); err != nil {
			t.Fatalf("reading the definition of %s: %v", name, err)
		}
		gvk := schema.GroupVersionKind{Group: crd.Spec.Group, Version: crd.Spec.Versions[0].Name, Kind: crd.Spec.Names.Kind}
		found[gvk] = withMetadata(crd.Spec.Versions[0].Schema.OpenAPIV3Schema)
		mapper.AddSpecific(gvk, gvk.GroupVersion().WithResource(name), gvk.GroupVersion().WithResource(strings.TrimSuffix(name, "s")), meta.RESTScopeRoot)
	}
	return &validating.TypeChecker{SchemaResolver: found, RestMapper: mapper}
}

// withMetadata writes out the part of the metadata's schema that policies read;
// the API server adds the whole of it to every custom resource.
func withMetadata(s *spec.Schema) *spec.Schema {
	s.Properties["metadata"] = spec.Schema{SchemaProps: spec.SchemaProps{
		Type: []string{"object"},
		Properties: map[string]spec.Schema{
			"name":              *spec.StringProperty(),
			"generateName":      *spec.StringProperty(),
			"namespace":         *spec.StringProperty(),
			"creationTimestamp": *spec.DateTimeProperty(),
			"deletionTimestamp": *spec.DateTimeProperty(),
			"annotations":       *spec.MapProperty(spec.StringProperty()),
		},
	}}
	return s
}
