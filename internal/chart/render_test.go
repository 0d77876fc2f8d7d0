package chart_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v4/pkg/chart/common"
	v2 "helm.sh/helm/v4/pkg/chart/v2"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/tlsplatform/tls-platform-operator/internal/chart"
	"github.com/tlsplatform/tls-platform-operator/internal/chart/charttest"
	"github.com/tlsplatform/tls-platform-operator/internal/desired"
)

var update = flag.Bool("update", false, "write the golden files anew")

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

// served pushes a chart to a registry of its own and returns the request for it.
func served(t *testing.T, c *v2.Chart) desired.ChartRequest {
	t.Helper()
	host := charttest.Serve(t, charttest.Handler())
	charttest.Push(t, host, "charts/"+c.Name(), c.Metadata.Version, charttest.Archive(t, c))
	return desired.ChartRequest{
		Component:   desired.PartName(c.Name()),
		Repository:  "oci://" + host + "/charts/" + c.Name(),
		Version:     c.Metadata.Version,
		ReleaseName: c.Name(),
		Namespace:   "tls",
		KubeVersion: "v1.37.0",
	}
}

func small(templates map[string]string) *v2.Chart {
	c := &v2.Chart{Metadata: &v2.Metadata{APIVersion: "v2", Name: "small", Version: "1.0.0", AppVersion: "9"}}
	for name, text := range templates {
		c.Templates = append(c.Templates, &common.File{Name: "templates/" + name, Data: []byte(text)})
	}
	return c
}

func mustRender(t *testing.T, r desired.ChartRequest) desired.RenderedChart {
	t.Helper()
	rendered, err := chart.NewClient(chart.Options{}).Render(t.Context(), r, chart.Credentials{})
	if err != nil {
		t.Fatalf("rendering: %v", err)
	}
	return rendered
}

func refs(objects []*unstructured.Unstructured) string {
	var b strings.Builder
	for _, o := range objects {
		b.WriteString(o.GetAPIVersion() + " " + desired.RefOf(o).String() + "\n")
	}
	return b.String()
}

func TestRealChartsRenderToTheKnownObjects(t *testing.T) {
	enabled := map[string]any{"crds": map[string]any{"enabled": true}}
	for name, values := range map[string]map[string]any{
		charttest.CertManager:  enabled,
		charttest.TrustManager: enabled,
	} {
		t.Run(name, func(t *testing.T) {
			request := served(t, charttest.Load(t, name))
			request.Values = values
			first, second := mustRender(t, request), mustRender(t, request)
			golden(t, name+".refs.txt", refs(first.Objects))
			if diff := cmp.Diff(first, second); diff != "" {
				t.Errorf("the second rendering differs (-first +second):\n%s", diff)
			}
			if first.Version != request.Version || first.AppVersion != request.Version || first.Name != name {
				t.Errorf("rendered %s %s (app %s), want %s", first.Name, first.Version, first.AppVersion, request.Version)
			}
			if first.Key != request.Key() || !strings.HasPrefix(first.Digest, "sha256:") || first.KubeVersionRange == "" {
				t.Errorf("key %q, digest %q, kubeVersion %q", first.Key, first.Digest, first.KubeVersionRange)
			}
			for _, o := range first.Objects {
				if v := o.GetLabels()["app.kubernetes.io/managed-by"]; v != "" && v != "tls-platform" {
					t.Errorf("%s is managed by %q", desired.RefOf(o), v)
				}
			}
		})
	}
}

func TestRenderDoesNotTouchTheValues(t *testing.T) {
	request := served(t, small(map[string]string{"cm.yaml": configMap}))
	request.Values = map[string]any{"deep": map[string]any{"size": 1000000}}
	mustRender(t, request)
	if diff := cmp.Diff(map[string]any{"deep": map[string]any{"size": 1000000}}, request.Values); diff != "" {
		t.Errorf("values changed (-want +got):\n%s", diff)
	}
}

const configMap = `apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}
data:
  size: {{ dig "deep" "size" "none" .Values.AsMap | quote }}
  kubernetes: {{ .Capabilities.KubeVersion.Version }}
  install: {{ .Release.IsInstall | quote }}
  monitors: {{ .Capabilities.APIVersions.Has "monitoring.coreos.com/v1" | quote }}
  service: {{ .Release.Service }}
  looked: {{ lookup "v1" "Secret" "tls" "any" | toJson | quote }}
  host: {{ getHostByName "localhost" | quote }}
`

func TestTemplatesSeeTheRequestAndNothingElse(t *testing.T) {
	request := served(t, small(map[string]string{"cm.yaml": configMap, "NOTES.txt": "Thank you"}))
	request.Values = map[string]any{"deep": map[string]any{"size": 1000000}}
	request.APIVersions = []string{"monitoring.coreos.com/v1"}
	rendered := mustRender(t, request)
	if len(rendered.Objects) != 1 {
		t.Fatalf("rendered %s", refs(rendered.Objects))
	}
	data, _, _ := unstructured.NestedStringMap(rendered.Objects[0].Object, "data")
	want := map[string]string{
		"size": "1000000", "kubernetes": "v1.37.0", "install": "true", "monitors": "true",
		"service": "tls-platform", "looked": "{}", "host": "",
	}
	if diff := cmp.Diff(want, data); diff != "" {
		t.Errorf("data differs (-want +got):\n%s", diff)
	}
}

func TestFilesOfTheCrdsFolderAreRenderedToo(t *testing.T) {
	c := small(map[string]string{"thing.yaml": "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: one}\n"})
	c.Files = append(c.Files, &common.File{Name: "crds/thing.yaml", Data: []byte(thingCRD)})
	rendered := mustRender(t, served(t, c))
	want := "apiextensions.k8s.io/v1 CustomResourceDefinition things.example.com\nexample.com/v1 Thing one\n"
	if diff := cmp.Diff(want, refs(rendered.Objects)); diff != "" {
		t.Errorf("objects differ (-want +got):\n%s", diff)
	}
}

const thingCRD = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: things.example.com
  creationTimestamp: null
spec:
  group: example.com
  scope: Cluster
  names: {kind: Thing, plural: things}
  versions: []
status: {}
`
