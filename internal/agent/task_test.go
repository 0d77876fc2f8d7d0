package agent

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/go-logr/logr"
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

func TestTaskSink(t *testing.T) {
	t.Parallel()
	encode := func(a *v1alpha1.TLSAgent) string {
		raw, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	reported := asked("1", 1, "report")
	reported.Status.ObservedGeneration = 1
	for name, test := range map[string]struct {
		events []string // "" deletes
		taken  int      // how many of them are taken before the last
		want   string   // cluster of what is asked for last, empty for nothing
	}{
		"takes the object":                    {[]string{encode(asked("1", 1, "first"))}, 0, "first"},
		"hands on the newest only":            {[]string{encode(asked("1", 1, "first")), encode(asked("1", 2, "second"))}, 0, "second"},
		"ignores the agent's own report":      {[]string{encode(asked("1", 1, "first")), encode(reported)}, 1, ""},
		"takes a change of the spec":          {[]string{encode(asked("1", 1, "first")), encode(asked("1", 2, "second"))}, 1, "second"},
		"takes an object made again":          {[]string{encode(asked("1", 1, "first")), encode(asked("2", 1, "again"))}, 1, "again"},
		"takes the same object after a break": {[]string{encode(asked("1", 1, "first")), "", encode(asked("1", 1, "first"))}, 1, "first"},
		"asks for nothing when it is deleted": {[]string{encode(asked("1", 1, "first")), ""}, 1, ""},
		"ignores what is no object":           {[]string{"[]"}, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := &Agent{Options: Options{Log: logr.Discard()}, asked: make(chan *v1alpha1.TLSAgent, 1)}
			s := &taskSink{agent: a}
			for i, event := range test.events {
				if event == "" {
					s.Deleted(nil)
				} else {
					s.Object([]byte(event))
				}
				if i < test.taken {
					<-a.asked
				}
			}
			got := ""
			select {
			case object := <-a.asked:
				got = object.Spec.Cluster
			default:
			}
			if got != test.want {
				t.Errorf("asked for %q, want %q", got, test.want)
			}
		})
	}
}
