package chart

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

func TestObjectsOfDocuments(t *testing.T) {
	for name, c := range map[string]struct {
		text, want string
	}{
		"a namespaced object gets the release's namespace, and keeps its own": {
			text: "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: b, namespace: kube-system}\n",
			want: "apiVersion: v1\nkind: Secret\nmetadata: {name: b, namespace: kube-system}\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: a, namespace: tls}\n",
		},
		"a cluster-scoped object has no namespace": {
			text: "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: a, namespace: wrong}\n",
			want: "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: a}\n",
		},
		"a list is flattened": {
			text: "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Secret, metadata: {name: b}}\n- {apiVersion: v1, kind: Secret, metadata: {name: a}}\n",
			want: "apiVersion: v1\nkind: Secret\nmetadata: {name: a, namespace: tls}\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: b, namespace: tls}\n",
		},
		"nulls, status and Helm's claim are dropped": {
			text: "apiVersion: v1\nkind: Service\nmetadata:\n  name: a\n  creationTimestamp: null\n  labels: {app.kubernetes.io/managed-by: Helm}\nspec:\n  selector:\n  ports: [{port: 1, name: null}]\nstatus: {loadBalancer: {}}\n",
			want: "apiVersion: v1\nkind: Service\nmetadata: {name: a, namespace: tls, labels: {app.kubernetes.io/managed-by: tls-platform}}\nspec: {ports: [{port: 1}]}\n",
		},
		"hooks are left out": {
			text: "apiVersion: batch/v1\nkind: Job\nmetadata: {name: a, annotations: {helm.sh/hook: post-install}}\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: b, annotations: {helm.sh/hook: test}}\n---\napiVersion: batch/v1\nkind: Job\nmetadata: {name: c, annotations: {helm.sh/hook: pre-install}}\n",
			want: "",
		},
		"what later objects need stays although it is a hook": {
			text: "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: a, annotations: {helm.sh/hook: \"pre-install, pre-upgrade\", helm.sh/hook-weight: \"1\"}}\n",
			want: "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: a, namespace: tls}\n",
		},
		"documents without content, and separators that Helm forgives": {
			text: "# nothing\n---\n---apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n--- \n# end\n",
			want: "apiVersion: v1\nkind: Secret\nmetadata: {name: a, namespace: tls}\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			objects, err := objectsOf(split("a.yaml", c.text), "tls")
			if err != nil {
				t.Fatal(err)
			}
			var got, want []map[string]any
			for _, o := range objects {
				got = append(got, o.Object)
			}
			for _, d := range split("want", c.want) {
				parsed, err := parse(d)
				if err != nil {
					t.Fatal(err)
				}
				want = append(want, parsed[0].Object)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("objects differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestForeignTextIsOneBoundedLine(t *testing.T) {
	got := foreign("a\n\tb\x00\x1b[31m" + strings.Repeat("é", 2*maxForeignText))
	if len(got) > maxForeignText+len("…") || strings.ContainsAny(got, "\n\t\x00\x1b") || !strings.HasPrefix(got, "a b[31mé") {
		t.Errorf("got %q", got)
	}
	if _, err := yaml.Marshal(got); err != nil || strings.ContainsRune(got, '\uFFFD') {
		t.Errorf("cut within a character: %q", got)
	}
}
