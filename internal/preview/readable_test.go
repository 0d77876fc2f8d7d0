package preview

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/tlsplatform/tls-platform-operator/internal/desired"
)

// parse YAML; nothing is no object.
func parse(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	if text == "" {
		return nil
	}
	o := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(text), &o.Object); err != nil {
		t.Fatal(err)
	}
	return o
}

func TestDiff(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		before, after string
		full          bool
		want          string
		notes         []string
	}{
		"what the API server sets is no difference": {
			before: `{apiVersion: v1, kind: ConfigMap, metadata: {name: a, uid: u, resourceVersion: "7", generation: 3, creationTimestamp: "2026-01-01T00:00:00Z", managedFields: [{manager: m}]}, data: {k: v}, status: {x: y}}`,
			after:  `{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {k: v}}`,
		},
		"kubectl's copy of the object is no difference": {
			before: `{apiVersion: v1, kind: ConfigMap, metadata: {name: a, annotations: {kubectl.kubernetes.io/last-applied-configuration: "{}"}}}`,
			after:  `{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}`,
		},
		"a changed value has its context": {
			before: `{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {k: v}}`,
			after:  `{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {k: w}}`,
			want: `--- live/ConfigMap/ns/a
+++ after/ConfigMap/ns/a
@@ -1,6 +1,6 @@
 apiVersion: v1
 data:
-  k: v
+  k: w
 kind: ConfigMap
 metadata:
   name: a
`,
		},
		"a new object is all additions": {
			after: `{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}`,
			want:  "--- /dev/null\n+++ after/ConfigMap/ns/a\n@@ -0,0 +1,4 @@\n+apiVersion: v1\n+kind: ConfigMap\n+metadata:\n+  name: a\n",
		},
		"a new Secret shows no value": {
			after: `{apiVersion: v1, kind: Secret, data: {k: aHVudGVyMg==}, stringData: {p: hunter2}}`,
			want:  "--- /dev/null\n+++ after/ConfigMap/ns/a\n@@ -0,0 +1,6 @@\n+apiVersion: v1\n+data:\n+  k: '***'\n+kind: Secret\n+stringData:\n+  p: '***'\n",
		},
		"values of a Secret that differ in length alone look the same": {
			before: `{apiVersion: v1, kind: Secret, data: {k: YQ==, same: YQ==, old: YQ==}}`,
			after:  `{apiVersion: v1, kind: Secret, data: {k: YWFhYWFhYWFh, same: YQ==, new: YQ==}}`,
			want: `--- live/ConfigMap/ns/a
+++ after/ConfigMap/ns/a
@@ -1,6 +1,6 @@
 apiVersion: v1
 data:
-  k: '*** (before)'
-  old: '***'
+  k: '*** (after)'
+  new: '***'
   same: '***'
 kind: Secret
`,
		},
		"malformed data of a Secret is left out": {
			before: `{apiVersion: v1, kind: Secret, data: [aHVudGVyMg==]}`,
			after:  `{apiVersion: v1, kind: Secret}`,
		},
		"a schema is in short, and what changed in it in words": {
			before: definitionOf(`{type: object, properties: {spec: {type: object, properties: {a: {type: string}, b: {type: string}}}}}`),
			after:  definitionOf(`{type: object, properties: {spec: {type: object, properties: {a: {type: integer}, c: {type: array, items: {type: object, properties: {d: {type: string}}}}}}}}`),
			want: `--- live/ConfigMap/ns/a
+++ after/ConfigMap/ns/a
@@ -3,4 +3,4 @@
 spec:
   versions:
   - name: v1
-    schema: (3 fields, 0ce758aa)
+    schema: (5 fields, 0ecc8c91)
`,
			notes: []string{"schema of v1: 3 added (spec.c, spec.c[], spec.c[].d), 1 removed (spec.b), 1 changed (spec.a)"},
		},
		"a schema is whole when that is asked for": {
			before: definitionOf(`{type: object}`), after: definitionOf(`{type: object, description: x}`), full: true,
			want: `--- live/ConfigMap/ns/a
+++ after/ConfigMap/ns/a
@@ -5,4 +5,5 @@
   - name: v1
     schema:
       openAPIV3Schema:
+        description: x
         type: object
`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, b, notes := readable(parse(t, c.before), parse(t, c.after), c.full)
			got, err := diffOf(desired.Ref{Kind: "ConfigMap", Namespace: "ns", Name: "a"}, a, b)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("diff (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.notes, notes); diff != "" {
				t.Errorf("notes (-want +got):\n%s", diff)
			}
		})
	}
}

func definitionOf(schema string) string {
	return `{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, spec: {versions: [{name: v1, schema: {openAPIV3Schema: ` + schema + `}}]}}`
}

func TestReadableLeavesItsInputAlone(t *testing.T) {
	t.Parallel()
	const secret = `{apiVersion: v1, kind: Secret, metadata: {uid: u}, data: {k: YQ==}}`
	before, after := parse(t, secret), parse(t, secret)
	readable(before, after, false)
	if diff := cmp.Diff([]any{parse(t, secret).Object, parse(t, secret).Object}, []any{before.Object, after.Object}); diff != "" {
		t.Errorf("input (-want +got):\n%s", diff)
	}
}

func TestSomeFieldsOfManyAreNamed(t *testing.T) {
	t.Parallel()
	if got := some(strings.Split("abcdefgh", "")); got != "a, b, c, d, e and 3 more" {
		t.Errorf("got %q", got)
	}
}
