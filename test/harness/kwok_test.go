package harness

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

// stage is as much of a Stage as the tests look at.
type stage struct {
	Metadata struct{ Name string }
	Spec     struct {
		ResourceRef struct{ Kind string }
		Selector    struct {
			MatchExpressions []struct {
				Key      string
				Operator string
				Values   []string
			}
		}
		Next map[string]any
	}
}

func readStages(t *testing.T, files []string) map[string]stage {
	t.Helper()
	found := map[string]stage{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var s stage
		if err := yaml.Unmarshal(text, &s); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		found[s.Metadata.Name] = s
	}
	return found
}

func TestStagesExcludeKnownImages(t *testing.T) {
	plain, err := writeStages(filepath.Join(t.TempDir(), "plain"), nil)
	if err != nil {
		t.Fatal(err)
	}
	known := []string{"example.com/a:v1", "example.com/b@sha256:0"}
	excluding, err := writeStages(filepath.Join(t.TempDir(), "excluding"), known)
	if err != nil {
		t.Fatal(err)
	}
	want := readStages(t, plain)
	if len(want) != 5 {
		t.Fatalf("got stages %v, want two of nodes and three of pods", want)
	}
	for name, s := range want {
		if s.Spec.ResourceRef.Kind == "Pod" {
			expressions := &s.Spec.Selector.MatchExpressions
			*expressions = append(*expressions, struct {
				Key      string
				Operator string
				Values   []string
			}{".spec.containers.[0].image", "NotIn", known})
			want[name] = s
		}
	}
	if diff := cmp.Diff(want, readStages(t, excluding)); diff != "" {
		t.Errorf("stages with known images (-want +got):\n%s", diff)
	}
}

func TestExcludeImagesRefusesWhatItDoesNotUnderstand(t *testing.T) {
	tests := map[string]string{
		"what is not YAML":             "a: [",
		"a field that is no Stage's":   "apiVersion: v1\nkind: Stage\nmetadata: {}\nstatus: {}\nspec: {}",
		"a stage without resourceRef":  "kind: Stage\nspec: {}",
		"a pod stage without selector": "kind: Stage\nspec: {resourceRef: {kind: Pod}}",
		"a selector of another form":   "kind: Stage\nspec: {resourceRef: {kind: Pod}, selector: {matchLabels: {a: b}}}",
	}
	for name, text := range tests {
		t.Run(name, func(t *testing.T) {
			if got, err := excludeImages([]byte(text), []string{"a"}); err == nil {
				t.Errorf("got no error, and the stage:\n%s", got)
			}
		})
	}
}
