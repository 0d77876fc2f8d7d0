package task

import (
	"encoding/json"
	"testing"

	"github.com/go-logr/logr"
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

func TestSink(t *testing.T) {
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
			s := &sink{log: logr.Discard(), asked: make(chan *v1alpha1.TLSAgent, 1)}
			for i, event := range test.events {
				if event == "" {
					s.Deleted(nil)
				} else {
					s.Object([]byte(event))
				}
				if i < test.taken {
					<-s.asked
				}
			}
			got := ""
			select {
			case object := <-s.asked:
				got = object.Spec.Cluster
			default:
			}
			if got != test.want {
				t.Errorf("asked for %q, want %q", got, test.want)
			}
		})
	}
}
