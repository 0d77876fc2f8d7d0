package plantest

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"

	"github.com/tlsplatform/tls-platform-operator/internal/desired"
	"github.com/tlsplatform/tls-platform-operator/internal/observed"
)

var update = flag.Bool("update", false, "write the golden files")

// Golden compares a part with testdata/<name>.yaml, or writes that with -update:
// its objects as they would be applied, then its notes and its hold.
func Golden(t *testing.T, name string, part *desired.Part) {
	t.Helper()
	path := filepath.Join("testdata", name+".yaml")
	got := Render(t, part)
	if *update {
		if err := os.MkdirAll("testdata", 0o750); err != nil {
			t.Fatalf("making the folder of golden files: %v", err)
		}
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatalf("writing %s: %v", path, err)
		}
		return
	}
	want, err := os.ReadFile(path) //nolint:gosec // a test's own file
	if err != nil {
		t.Fatalf("reading the golden file: %v; run the test with -update", err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs; run the test with -update if that is wanted (-want +got):\n%s", path, diff)
	}
}

// Render a part as YAML documents.
func Render(t *testing.T, part *desired.Part) string {
	t.Helper()
	docs := make([]string, 0, len(part.Objects)+1)
	for _, o := range part.Objects {
		docs = append(docs, marshal(t, o.Object))
	}
	if len(part.Notes) > 0 || part.Hold != nil {
		summary := map[string]any{}
		if part.Hold != nil {
			summary["hold"] = part.Hold
		}
		if len(part.Notes) > 0 {
			summary["notes"] = part.Notes
		}
		docs = append(docs, "# not an object\n"+marshal(t, summary))
	}
	return strings.Join(docs, "---\n")
}

func marshal(t *testing.T, v any) string {
	t.Helper()
	raw, err := yaml.Marshal(v)
	if err != nil {
		t.Fatalf("encoding: %v", err)
	}
	return string(raw)
}

// Facts of a cluster that serves the kinds, given as Kind.group.
func Facts(kinds ...string) *observed.Cluster {
	out := &observed.Cluster{Name: "local", KubernetesVersion: "v1.37.2", APIs: observed.APIs{}}
	for _, k := range kinds {
		kind, group, _ := strings.Cut(k, ".")
		out.APIs[schema.GroupKind{Group: group, Kind: kind}] = []string{"v1"}
	}
	return out
}
