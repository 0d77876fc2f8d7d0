package crds_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tlsplatform/tls-platform-operator/hack/tools/internal/crds"
)

const definition = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: widgets.example.com
spec:
  group: example.com
  scope: Cluster
  names: {kind: Widget, listKind: WidgetList, plural: widgets, singular: widget}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          apiVersion: {type: string}
          kind: {type: string}
          metadata: {type: object}
          spec:
            type: object
            x-kubernetes-validations:
            - {rule: "self.small < self.large", message: "small must be below large"}
            required: [small]
            properties:
              small: {type: integer}
              large: {type: integer, default: 10}
              parts:
                type: array
                x-kubernetes-list-type: map
                x-kubernetes-list-map-keys: [name]
                items:
                  type: object
                  required: [name]
                  properties:
                    name: {type: string}
`

func write(t *testing.T, dir, name, content string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestCheckFile(t *testing.T) {
	const head = "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: w}\n"
	tests := map[string]struct {
		content string
		want    string // part of the only finding; empty when valid
	}{
		"a valid object, judged with its defaults": {content: head + "spec: {small: 1}"},
		"an unknown field":                         {content: head + "spec: {small: 1, smal: 2}", want: "Widget w: unknown field spec.smal"},
		"a wrong type":                             {content: head + "spec: {small: one}", want: `must be of type integer`},
		"a missing field":                          {content: head + "spec: {}", want: "spec.small: Required value"},
		"a broken CEL rule":                        {content: head + "spec: {small: 11}", want: "small must be below large"},
		"two items of one key":                     {content: head + "spec: {small: 1, parts: [{name: a}, {name: a}]}", want: "Duplicate value"},
		"the second document of a file":            {content: head + "spec: {small: 1}\n---\n" + head + "spec: {small: 99}", want: "small must be below large"},
	}
	dir := t.TempDir()
	write(t, dir, "crd.yaml", definition)
	set, err := crds.Load(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			findings, objects, err := set.CheckFile(t.Context(), write(t, t.TempDir(), "object.yaml", test.content))
			if err != nil {
				t.Fatal(err)
			}
			if objects == 0 {
				t.Fatal("no object was judged")
			}
			if test.want == "" {
				if len(findings) > 0 {
					t.Fatalf("unexpected findings: %v", findings)
				}
				return
			}
			if len(findings) != 1 || !strings.Contains(findings[0], test.want) {
				t.Fatalf("findings %q, want one with %q", findings, test.want)
			}
		})
	}
}

func TestCheckFileRefusesAFileItCanNotJudge(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "crd.yaml", definition)
	set, err := crds.Load(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	file := write(t, t.TempDir(), "object.yaml", "apiVersion: example.com/v1\nkind: Wigdet\n")
	if _, _, err := set.CheckFile(t.Context(), file); err == nil || !strings.Contains(err.Error(), "check apiVersion and kind") {
		t.Fatalf("error %v, want one that says what to check", err)
	}
}

func TestLoadRefusesADefinitionThatAnAPIServerWould(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "crd.yaml", strings.ReplaceAll(definition, "self.small < self.large", "self.small < self.nothing"))
	if _, err := crds.Load(t.Context(), dir); err == nil || !strings.Contains(err.Error(), "undefined field 'nothing'") {
		t.Fatalf("error %v, want the compilation error of the rule", err)
	}
}
