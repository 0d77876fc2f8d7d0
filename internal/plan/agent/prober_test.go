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
	proberroom "github.com/tlsplatform/tls-platform-operator/internal/prober"
)

func probed() v1alpha1.Inventory {
	return v1alpha1.Inventory{Probing: &v1alpha1.Probing{
		AllowedNetworks: []string{"10.0.0.0/8"}, DeniedNetworks: []string{"10.1.0.0/16"}, Interval: &metav1.Duration{Duration: time.Hour},
		Endpoints: []v1alpha1.ProbedEndpoint{{
			Name: "db", Host: "db.shop.svc.cluster.local", Port: 5432, Protocol: v1alpha1.ProbePostgreSQL,
			SecretRef: &v1alpha1.NamespacedSecretReference{Namespace: "shop", Name: "db-tls"},
		}},
	}}
}

// ofProber are the objects of the prober in a plan.
func ofProber(inventory v1alpha1.Inventory) []*unstructured.Unstructured {
	agent, _ := Build(platform(inventory), facts, input)
	return slices.DeleteFunc(agent.Objects, func(o *unstructured.Unstructured) bool {
		return o.GetLabels()["app.kubernetes.io/component"] != "prober"
	})
}

func TestGoldenProber(t *testing.T) {
	t.Parallel()
	part := desired.Part{Name: desired.Agent, Objects: ofProber(probed())}
	plantest.Golden(t, "prober.agent", &part)
	_, asked := Build(platform(probed()), facts, input)
	plantest.Golden(t, "prober.inventory", &asked)
}

func TestTheProberIsThereWhenSomethingMayBeProbed(t *testing.T) {
	t.Parallel()
	if list := ofProber(v1alpha1.Inventory{}); len(list) > 0 {
		t.Errorf("nothing is to be probed, and there is %s", desired.RefOf(list[0]))
	}
	if list := ofProber(probed()); len(list) != 8 {
		t.Errorf("the prober has %d objects", len(list))
	}
}

// TestTheProberReadsNoSecret holds every rule against what the prober may do: it
// dials addresses that others choose, so it must know nothing that is secret.
func TestTheProberReadsNoSecret(t *testing.T) {
	t.Parallel()
	mayWrite := []string{
		"tlsplatform.io/certificateslices", "coordination.k8s.io/leases",
		"authentication.k8s.io/tokenreviews", "authorization.k8s.io/subjectaccessreviews",
	}
	roles := 0
	for _, o := range ofProber(probed()) {
		if strings.HasSuffix(o.GetKind(), "Binding") {
			subjects, _, _ := unstructured.NestedSlice(o.Object, "subjects")
			role, _, _ := unstructured.NestedString(o.Object, "roleRef", "name")
			want := []any{map[string]any{"kind": "ServiceAccount", "name": names.ServiceAccountProber, "namespace": input.Namespace}}
			if diff := cmp.Diff(want, subjects); diff != "" || role != names.Prober {
				t.Errorf("%s binds role %s (-want +got):\n%s", desired.RefOf(o), role, diff)
			}
		}
		for _, rule := range rulesOf(t, o) {
			roles++
			for _, resource := range rule.resources {
				if slices.Contains([]string{"secrets", "configmaps", "*"}, resource) || rule.group == "*" || slices.Contains(rule.verbs, "*") {
					t.Errorf("%s grants %v on %s of %q", desired.RefOf(o), rule.verbs, resource, rule.group)
				}
				writes := slices.ContainsFunc(rule.verbs, func(v string) bool { return !slices.Contains(read, v) })
				if writes && !slices.Contains(mayWrite, rule.group+"/"+resource) {
					t.Errorf("%s grants %v on %s of %q", desired.RefOf(o), rule.verbs, resource, rule.group)
				}
			}
		}
	}
	if roles == 0 {
		t.Error("the prober has no rules at all")
	}
}

func TestTheNetworkPolicyDeniesWhatTheProberDenies(t *testing.T) {
	t.Parallel()
	var want []string
	for _, network := range proberroom.AlwaysDenied() {
		want = append(want, network.String())
	}
	got := slices.Clone(neverProbed)
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("networks (-of the prober +of the policy):\n%s", diff)
	}
}

func TestAgentAndProberAreSelectedApart(t *testing.T) {
	t.Parallel()
	for name, value := range labels() {
		if proberLabels()[name] != value {
			return
		}
	}
	t.Error("the labels of the agent select the prober as well")
}
