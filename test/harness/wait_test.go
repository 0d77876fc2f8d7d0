package harness

import (
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

func TestConditionIs(t *testing.T) {
	tests := map[string]struct {
		object string
		want   bool
	}{
		"holds when the condition has the status":            {"status: {conditions: [{type: Other, status: 'False'}, {type: Ready, status: 'True'}]}", true},
		"does not hold when it has another":                  {"status: {conditions: [{type: Ready, status: 'False'}]}", false},
		"does not hold when there is no such condition":      {"status: {conditions: [{type: Other, status: 'True'}]}", false},
		"does not hold without a status":                     {"metadata: {generation: 1}", false},
		"does not hold when conditions are no list":          {"status: {conditions: none}", false},
		"does not hold when it tells of an older generation": {"metadata: {generation: 2}\nstatus: {conditions: [{type: Ready, status: 'True', observedGeneration: 1}]}", false},
		"holds when it tells of this generation":             {"metadata: {generation: 2}\nstatus: {conditions: [{type: Ready, status: 'True', observedGeneration: 2}]}", true},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			json, err := yaml.YAMLToJSON([]byte("apiVersion: v1\nkind: Thing\n" + tc.object))
			if err != nil {
				t.Fatal(err)
			}
			object := &unstructured.Unstructured{}
			if err := object.UnmarshalJSON(json); err != nil {
				t.Fatal(err)
			}
			got, err := ConditionIs("Ready", "True")(object)
			if err != nil {
				t.Fatal(err)
			}
			if got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
	t.Run("does not hold of what is not there", func(t *testing.T) {
		if got, err := ConditionIs("Ready", "True")(nil); got || err != nil {
			t.Errorf("got %v, %v", got, err)
		}
	})
}
