package agent

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/desired"
	"github.com/tlsplatform/tls-platform-operator/internal/names"
	"github.com/tlsplatform/tls-platform-operator/internal/plan/plantest"
)

var (
	facts = plantest.Facts("TLSAgent.tlsplatform.io")
	input = Input{
		Image: "registry.example.com/tls-platform-operator:v1", HubUID: "7c3f0f2e-3f0a-4b9e-8a41-0d3c4a0b6a11", Namespace: names.SystemNamespace,
	}
)

func platform(inventory v1alpha1.Inventory) *v1alpha1.TLSPlatform {
	return &v1alpha1.TLSPlatform{Spec: v1alpha1.TLSPlatformSpec{Inventory: inventory}}
}

func full() v1alpha1.Inventory {
	return v1alpha1.Inventory{
		OrphanGracePeriod: &metav1.Duration{Duration: 72 * time.Hour},
		Namespaces:        v1alpha1.NamespaceScope{Include: []string{"payments", "shop"}, Exclude: []string{"sandbox"}},
		Keys:              []v1alpha1.KeyPattern{{Kind: "ConfigMap", Name: "*-bundle", Key: "*.pem"}},
		References: []v1alpha1.Reference{{
			Group: "example.com", Kind: "Broker", Path: ".spec.tls.secretName",
			Namespace: v1alpha1.ReferenceNamespaceSame, Layer: v1alpha1.LayerApplication,
		}},
		Export: v1alpha1.Export{Deny: []v1alpha1.ExportRule{{Layers: []v1alpha1.Layer{v1alpha1.LayerMesh}}}},
	}
}

func TestGolden(t *testing.T) {
	t.Parallel()
	tests := map[string]v1alpha1.Inventory{"defaults": {}, "some-namespaces": full()}
	for name, inventory := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			agent, asked := Build(platform(inventory), facts, input)
			plantest.Golden(t, name+".agent", &agent)
			plantest.Golden(t, name+".inventory", &asked)
		})
	}
}

func TestBuildIsPure(t *testing.T) {
	t.Parallel()
	p := platform(full())
	before := p.DeepCopy()
	agent, asked := Build(p, facts, input)
	for _, o := range slices.Concat(agent.Objects, asked.Objects) {
		o.SetLabels(map[string]string{"changed": "by the plan"})
	}
	again, askedAgain := Build(p, facts, input)
	if diff := cmp.Diff(before, p); diff != "" {
		t.Errorf("Build changed its input:\n%s", diff)
	}
	for _, o := range slices.Concat(again.Objects, askedAgain.Objects) {
		if o.GetLabels()["changed"] != "" {
			t.Errorf("%s shares its labels with an earlier plan", desired.RefOf(o))
		}
	}
}

func TestHolds(t *testing.T) {
	t.Parallel()
	noImage := input
	noImage.Image = ""
	tests := map[string]struct {
		served           bool
		in               Input
		agent, inventory string // reason, empty for no hold
		says             string
	}{
		"all is known": {true, input, "", "", ""},
		"without the kind nothing is asked or run": {false, input, v1alpha1.ReasonAPIMissing, v1alpha1.ReasonAPIMissing, "config/crd"},
		"without an image nothing is run":          {true, noImage, v1alpha1.ReasonNotInstalled, "", names.AgentImageVariable},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := plantest.Facts()
			if tt.served {
				f = facts
			}
			agent, asked := Build(platform(v1alpha1.Inventory{}), f, tt.in)
			if got := reason(agent.Hold); got != tt.agent {
				t.Errorf("the agent is held for %q, want %q", got, tt.agent)
			}
			if got := reason(asked.Hold); got != tt.inventory {
				t.Errorf("the inventory is held for %q, want %q", got, tt.inventory)
			}
			if (len(agent.Objects) == 0) != (tt.agent != "") || (len(asked.Objects) == 0) != (tt.inventory != "") {
				t.Errorf("%d and %d objects", len(agent.Objects), len(asked.Objects))
			}
			if tt.says != "" && !strings.Contains(agent.Hold.Message, tt.says) {
				t.Errorf("the message does not say what to do: %s", agent.Hold.Message)
			}
		})
	}
}

func reason(h *desired.Hold) string {
	if h == nil {
		return ""
	}
	return h.Reason
}

// TestTheAgentReadsAndReportsOnly holds every rule against what an agent may do.
func TestTheAgentReadsAndReportsOnly(t *testing.T) {
	t.Parallel()
	writes := map[string]bool{
		"tlsplatform.io/tlsagents/status": true, "tlsplatform.io/certificateslices": true, "coordination.k8s.io/leases": true,
		"authentication.k8s.io/tokenreviews": true, "authorization.k8s.io/subjectaccessreviews": true,
	}
	agent, _ := Build(platform(full()), facts, input)
	for _, o := range agent.Objects {
		for _, rule := range rulesOf(t, o) {
			for _, resource := range rule.resources {
				// The kinds of constraints have names that people choose.
				if rule.group == "*" || strings.Contains(resource, "*") && rule.group != "constraints.gatekeeper.sh" {
					t.Errorf("%s grants everything of %s", desired.RefOf(o), rule.group)
				}
				reads := !slices.ContainsFunc(rule.verbs, func(v string) bool { return !slices.Contains(read, v) })
				if !reads && !writes[rule.group+"/"+resource] {
					t.Errorf("%s grants %v on %s of %q", desired.RefOf(o), rule.verbs, resource, rule.group)
				}
				if resource == "secrets" && o.GetName() != names.AgentMaterial {
					t.Errorf("%s grants to read Secrets, and could not be limited to namespaces", desired.RefOf(o))
				}
			}
		}
	}
}

func TestMaterialIsBoundWhereItIsAskedFor(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		only []string
		want []string
	}{
		"everywhere":         {nil, []string{"ClusterRoleBinding tls-platform-agent-material"}},
		"in some namespaces": {[]string{"a", "b"}, []string{"RoleBinding a/tls-platform-agent-material", "RoleBinding b/tls-platform-agent-material"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			agent, _ := Build(platform(v1alpha1.Inventory{Namespaces: v1alpha1.NamespaceScope{Include: tt.only}}), facts, input)
			var got []string
			for _, o := range agent.Objects {
				if role, _, _ := unstructured.NestedString(o.Object, "roleRef", "name"); role == names.AgentMaterial {
					got = append(got, desired.RefOf(o).String())
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("bindings (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNoKindIsListedTwice(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, list := range [][]kinds{material, builtin, managers, referrers, judges, estate} {
		for _, k := range list {
			if !slices.IsSorted(k.resources) {
				t.Errorf("%s: %v are not sorted", k.group, k.resources)
			}
			for _, r := range k.resources {
				if seen[k.group+"/"+r] {
					t.Errorf("%s of %q is listed twice", r, k.group)
				}
				seen[k.group+"/"+r] = true
			}
		}
	}
}

type rule struct {
	group                   string
	resources, verbs, names []string
}

func rulesOf(t *testing.T, o *unstructured.Unstructured) []rule {
	t.Helper()
	list, _, err := unstructured.NestedSlice(o.Object, "rules")
	if err != nil {
		t.Fatalf("%s: %v", desired.RefOf(o), err)
	}
	var out []rule
	for _, item := range list {
		m, ok := item.(map[string]any)
		if !ok {
			t.Fatalf("%s has a rule that is %T", desired.RefOf(o), item)
		}
		groups, _, _ := unstructured.NestedStringSlice(m, "apiGroups")
		resources, _, _ := unstructured.NestedStringSlice(m, "resources")
		verbs, _, _ := unstructured.NestedStringSlice(m, "verbs")
		only, _, _ := unstructured.NestedStringSlice(m, "resourceNames")
		for _, g := range groups {
			out = append(out, rule{g, resources, verbs, only})
		}
	}
	return out
}
