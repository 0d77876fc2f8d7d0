package gitops

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/tlsplatform/tls-platform-operator/internal/desired"
)

func object(apiVersion, kind, namespace, name string) *unstructured.Unstructured {
	o := &unstructured.Unstructured{Object: map[string]any{}}
	o.SetAPIVersion(apiVersion)
	o.SetKind(kind)
	o.SetNamespace(namespace)
	o.SetName(name)
	return o
}

func TestRender(t *testing.T) {
	t.Parallel()
	crd := object("apiextensions.k8s.io/v1", "CustomResourceDefinition", "", "things.example.com")
	crd.Object["status"] = map[string]any{"conditions": []any{}}
	crd.Object["metadata"].(map[string]any)["creationTimestamp"] = nil //nolint:forcetypeassert // made above
	plan := &desired.Plan{Parts: []desired.Part{
		{Name: desired.CertManager, Objects: []*unstructured.Unstructured{object("v1", "Namespace", "", "cert-manager"), crd}},
		{Name: desired.TrustManager},
		{Name: desired.Agent, Objects: []*unstructured.Unstructured{
			object("v1", "ConfigMap", "a", "same"), object("v1", "ConfigMap", "b", "same"),
			object("rbac.authorization.k8s.io/v1", "ClusterRole", "", "system:Thing"),
		}},
	}}
	got, err := Render(plan)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{
		"02-cert-manager/customresourcedefinition-things.example.com.yaml",
		"02-cert-manager/kustomization.yaml",
		"02-cert-manager/namespace-cert-manager.yaml",
		"08-agent/clusterrole-system-thing-55c2a85d.yaml",
		"08-agent/configmap-same-b5a46d8e.yaml",
		"08-agent/configmap-same-f3701edc.yaml",
		"08-agent/kustomization.yaml",
		"kustomization.yaml",
	}, slices.Sorted(maps.Keys(got))); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	for name, want := range map[string]string{
		"kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n- 02-cert-manager\n- 08-agent\nsortOptions:\n  order: fifo\n",
		"02-cert-manager/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n- namespace-cert-manager.yaml\n" +
			"- customresourcedefinition-things.example.com.yaml\nsortOptions:\n  order: fifo\n",
		"02-cert-manager/customresourcedefinition-things.example.com.yaml": "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata:\n  name: things.example.com\n",
	} {
		if diff := cmp.Diff(want, string(got[name])); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	again, err := Render(plan)
	if diff := cmp.Diff(got, again); diff != "" || err != nil {
		t.Errorf("the same plan is other bytes: %v\n%s", err, diff)
	}
}

func TestRenderRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		part desired.Part
		want string
	}{
		"a part that is held": {
			desired.Part{Name: desired.CertManager, Hold: &desired.Hold{Reason: "ExistingInstall", Message: "found it"}},
			"part cert-manager is held (ExistingInstall): found it",
		},
		"a part that is not whole": {
			desired.Part{Name: desired.Issuers, Problems: []desired.Note{{Reason: "InvalidSpec", Message: "no such Secret"}}},
			"part issuers can't be built as a whole (InvalidSpec): no such Secret",
		},
		"a Secret": {
			desired.Part{Name: desired.Issuers, Objects: []*unstructured.Unstructured{object("v1", "Secret", "a", "key")}},
			"rendering part issuers: Secret a/key is in the plan, and Secrets are never written to files",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files, err := Render(&desired.Plan{Parts: []desired.Part{c.part}})
			if err == nil || err.Error() != c.want || files != nil {
				t.Errorf("got %v and error %v, want %s", files, err, c.want)
			}
		})
	}
}

func TestAnEmptyPlanIsAnEmptyList(t *testing.T) {
	t.Parallel()
	got, err := Render(&desired.Plan{})
	if err != nil || len(got) != 1 {
		t.Fatalf("got %v and error %v", got, err)
	}
	const want = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: []\nsortOptions:\n  order: fifo\n"
	if diff := cmp.Diff(want, string(got[KustomizationFile])); diff != "" {
		t.Errorf("list (-want +got):\n%s", diff)
	}
}
