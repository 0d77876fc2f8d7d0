package agent

import (
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/names"
)

// TestTheAgentMayWatchWhatItIsMadeOf: drift of the agent's own objects is seen by
// the agent, as that of all others.
func TestTheAgentMayWatchWhatItIsMadeOf(t *testing.T) {
	t.Parallel()
	part, inventory := Build(platform(full()), facts, input)
	granted := map[string]bool{}
	for _, o := range part.Objects {
		if o.GetKind() != "ClusterRole" || o.GetName() == names.Prober {
			continue
		}
		for _, rule := range rulesOf(t, o) {
			if slices.Equal(rule.verbs, read) {
				for _, r := range rule.resources {
					granted[rule.group+"/"+r] = true
				}
			}
		}
	}
	for _, o := range slices.Concat(part.Objects, inventory.Objects) {
		gvk := o.GroupVersionKind()
		resource, _ := meta.UnsafeGuessKindToResource(gvk)
		if !granted[gvk.Group+"/"+resource.Resource] {
			t.Errorf("%s of %q is applied and can't be watched", resource.Resource, gvk.Group)
		}
	}
}

func TestTheAgentMayReadTheLedgerAndNoOtherConfigMap(t *testing.T) {
	t.Parallel()
	for _, include := range [][]string{nil, {"a"}} {
		part, _ := Build(platform(v1alpha1.Inventory{Namespaces: v1alpha1.NamespaceScope{Include: include}}), facts, input)
		found := false
		for _, o := range part.Objects {
			if o.GetKind() != "Role" || o.GetName() != names.Agent {
				continue
			}
			for _, r := range rulesOf(t, o) {
				if slices.Contains(r.resources, "configmaps") {
					found = true
					if !slices.Equal(r.verbs, read) || !slices.Equal(r.names, []string{names.LedgerConfigMap}) {
						t.Errorf("the rule is %+v", r)
					}
				}
			}
		}
		if !found {
			t.Errorf("limited to %q, the agent can't read the ledger", include)
		}
	}
}
