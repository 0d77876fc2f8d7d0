package component_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/chart"
	"github.com/tlsplatform/tls-platform-operator/internal/chart/charttest"
	"github.com/tlsplatform/tls-platform-operator/internal/desired"
	"github.com/tlsplatform/tls-platform-operator/internal/observed"
	"github.com/tlsplatform/tls-platform-operator/internal/plan/component"
)

var update = flag.Bool("update", false, "write the golden files anew")

// summary is what the golden files keep of a part: all references, and the
// workloads whole, since the platform's values end up there.
type summary struct {
	DependsOn []desired.PartName `json:"dependsOn,omitempty"`
	Identity  desired.Identity   `json:"identity"`
	Version   string             `json:"version"`
	Namespace string             `json:"namespace"`
	Notes     []desired.Note     `json:"notes,omitempty"`
	Objects   []string           `json:"objects"`
	Args      map[string][]any   `json:"args"`
}

func summarise(part desired.Part) summary {
	s := summary{
		DependsOn: part.DependsOn, Identity: part.Identity, Version: part.Release.Version,
		Namespace: part.Release.Namespace, Notes: part.Notes, Args: map[string][]any{},
	}
	for _, o := range part.Objects {
		ref := desired.RefOf(o).String()
		s.Objects = append(s.Objects, ref)
		if o.GetKind() != "Deployment" {
			continue
		}
		containers, _, _ := unstructured.NestedSlice(o.Object, "spec", "template", "spec", "containers")
		for _, container := range containers {
			if c, ok := container.(map[string]any); ok {
				s.Args[ref], _ = c["args"].([]any)
			}
		}
	}
	return s
}

// TestPartsOfTheRealCharts goes the whole way: the request of a plain spec is
// pulled, verified and rendered, and becomes a part.
func TestPartsOfTheRealCharts(t *testing.T) {
	host := charttest.Serve(t, charttest.Handler())
	registry := &v1alpha1.Registry{Mirrors: []v1alpha1.RegistryMirror{{Source: "quay.io/jetstack", Mirror: host + "/mirror"}}}
	facts := &observed.Cluster{
		KubernetesVersion: "v1.37.2",
		APIs:              observed.APIs{schema.GroupKind{Group: "apps", Kind: "Deployment"}: {"v1"}},
	}
	for _, name := range []desired.PartName{desired.CertManager, desired.TrustManager} {
		t.Run(string(name), func(t *testing.T) {
			source := charttest.Load(t, string(name))
			charttest.Push(t, host, "mirror/charts/"+string(name), source.Metadata.Version, charttest.Archive(t, source))
			spec := &v1alpha1.Component{Version: source.Metadata.Version}
			request, hold := component.Request(name, spec, registry, facts, component.Options{})
			if hold != nil {
				t.Fatalf("held: %s", hold.Message)
			}
			rendered, err := chart.NewClient(chart.Options{}).Render(t.Context(), request, chart.Credentials{})
			if err != nil {
				t.Fatalf("rendering: %v", err)
			}
			part := component.Build(name, spec, rendered, facts, component.Options{})
			if part.Hold != nil {
				t.Fatalf("held: %s", part.Hold.Message)
			}
			got, err := yaml.Marshal(summarise(part))
			if err != nil {
				t.Fatal(err)
			}
			golden(t, string(name)+".part.yaml", string(got))
			again := component.Build(name, spec, rendered, facts, component.Options{})
			if part.Digest() != again.Digest() {
				t.Error("the same input made another part")
			}
		})
	}
}

// golden compares with a file, or writes it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatalf("writing %s: %v", file, err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("reading %s (write it with -update): %v", file, err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (-want +got):\n%s", file, diff)
	}
}
