package agent

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

func asked(uid types.UID, generation int64, cluster string) *v1alpha1.TLSAgent {
	return &v1alpha1.TLSAgent{
		ObjectMeta: metav1.ObjectMeta{Name: v1alpha1.AgentName, UID: uid, Generation: generation},
		Spec:       v1alpha1.TLSAgentSpec{Cluster: cluster},
	}
}

func TestSameRules(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(*v1alpha1.TLSAgentSpec)
		want   bool
	}{
		"nothing":                 {func(*v1alpha1.TLSAgentSpec) {}, true},
		"the name of the cluster": {func(s *v1alpha1.TLSAgentSpec) { s.Cluster = "other" }, true},
		"the grace period":        {func(s *v1alpha1.TLSAgentSpec) { s.Inventory.OrphanGracePeriod = &metav1.Duration{Duration: time.Hour} }, true},
		"the export": {func(s *v1alpha1.TLSAgentSpec) {
			s.Inventory.Export.Deny = []v1alpha1.ExportRule{{Namespaces: []string{"a"}}}
		}, true},
		"an empty list for none":     {func(s *v1alpha1.TLSAgentSpec) { s.Inventory.Namespaces.Exclude = []string{} }, true},
		"namespaces":                 {func(s *v1alpha1.TLSAgentSpec) { s.Inventory.Namespaces.Exclude = []string{"a"} }, false},
		"keys":                       {func(s *v1alpha1.TLSAgentSpec) { s.Inventory.Keys = []v1alpha1.KeyPattern{{Key: "a"}} }, false},
		"keystores":                  {func(s *v1alpha1.TLSAgentSpec) { s.Inventory.Keystores = []v1alpha1.Keystore{{Key: "a"}} }, false},
		"references":                 {func(s *v1alpha1.TLSAgentSpec) { s.Inventory.References = []v1alpha1.Reference{{Kind: "A"}} }, false},
		"where cert-manager is":      {func(s *v1alpha1.TLSAgentSpec) { s.CertManagerNamespace = "other" }, false},
		"the namespaces' mere order": {func(s *v1alpha1.TLSAgentSpec) { s.Inventory.Namespaces.Include = []string{"b", "a"} }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before, after := asked("1", 1, "c"), asked("1", 2, "c")
			before.Spec.Inventory.Namespaces.Include = []string{"a", "b"}
			after.Spec.Inventory.Namespaces.Include = []string{"a", "b"}
			untouched := before.DeepCopy()
			test.change(&after.Spec)
			if got := sameRules(before, after); got != test.want {
				t.Errorf("sameRules() = %t, want %t", got, test.want)
			}
			if diff := cmp.Diff(untouched, before); diff != "" {
				t.Errorf("an argument was changed: %s", diff)
			}
		})
	}
}
