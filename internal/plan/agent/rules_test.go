package agent

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tlsplatform/tls-platform-operator/internal/agent/reference"
)

// irregular plurals, which the API machinery's guess gets wrong.
var irregular = map[string]string{"gatewaies": "gateways"}

// TestTheAgentMayReadWhatItsTableDescribes holds the granted kinds of others
// against those that the agent has rows for: nothing is missing, and nothing is
// granted that it has no use for.
func TestTheAgentMayReadWhatItsTableDescribes(t *testing.T) {
	t.Parallel()
	table, errs := reference.NewTable(nil)
	if len(errs) > 0 {
		t.Fatalf("the built-in rows: %v", errs)
	}
	want := map[string]bool{
		// Read for what they say about a certificate and not for a reference.
		"certificaterequests.cert-manager.io": true,
	}
	for _, gk := range table.Kinds() {
		guess, _ := meta.UnsafeGuessKindToResource(gk.WithVersion("v1"))
		resource := guess.Resource
		if regular, ok := irregular[resource]; ok {
			resource = regular
		}
		want[schema.GroupResource{Group: gk.Group, Resource: resource}.String()] = true
	}
	got := map[string]bool{}
	for _, k := range slices.Concat(managers, referrers) {
		for _, r := range k.resources {
			got[schema.GroupResource{Group: k.group, Resource: r}.String()] = true
		}
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(got))); diff != "" {
		t.Errorf("granted kinds (-described by the table +granted):\n%s", diff)
	}
}
