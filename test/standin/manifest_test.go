package standin

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

func agentYAML(cluster, certManager string) string {
	return "apiVersion: tlsplatform.io/v1alpha1\nkind: TLSAgent\nmetadata:\n  name: default\n  labels: {tlsplatform.io/platform: p}\n" +
		"spec:\n  cluster: " + cluster + "\n  certManagerNamespace: " + certManager + "\n  hub: {uid: u}\n"
}

// readDefinition reads a manifest of config/crd as JSON.
func readDefinition(t *testing.T, name string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "..", "config", "crd", "bases", "tlsplatform.io_"+name+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	text, err := yaml.YAMLToJSON(bytes.TrimSpace(raw))
	if err != nil {
		t.Fatal(err)
	}
	u := &unstructured.Unstructured{}
	if err := u.UnmarshalJSON(text); err != nil {
		t.Fatal(err)
	}
	unstructured.RemoveNestedField(u.Object, "metadata", "creationTimestamp")
	text, err = u.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
