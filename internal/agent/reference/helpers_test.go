package reference

import (
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

// decode an object in YAML as the agent sees it: decoded JSON.
func decode(t testing.TB, text string) map[string]any {
	t.Helper()
	var object map[string]any
	if err := yaml.Unmarshal([]byte(text), &object); err != nil {
		t.Fatalf("decoding %s: %v", text, err)
	}
	return object
}

func table(t testing.TB, user ...v1alpha1.Reference) *Table {
	t.Helper()
	made, errs := NewTable(user)
	for _, err := range errs {
		t.Errorf("unexpected error: %v", err)
	}
	return made
}

// reduce an object by its own apiVersion and kind.
func reduce(t testing.TB, with *Table, text string) Reduced {
	t.Helper()
	object := decode(t, text)
	apiVersion, _ := object["apiVersion"].(string)
	kind, _ := object["kind"].(string)
	version, err := schema.ParseGroupVersion(apiVersion)
	if err != nil {
		t.Fatalf("parsing %s: %v", apiVersion, err)
	}
	return with.Reduce(version.WithKind(kind).GroupKind(), object)
}

// lines of the references, to be read and compared.
func lines(references []Reference) []string {
	var all []string
	for _, r := range references {
		line := r.Target.Kind.String() + " " + r.Target.Namespace + "/" + r.Target.Name
		if r.Layer != "" {
			line += " " + string(r.Layer)
		}
		if !r.Certain {
			line += " guess"
		}
		if r.NeedsGrant {
			line += " grant"
		}
		all = append(all, line)
	}
	return all
}

func secret(namespace, name string) Target {
	return Target{Kind: Secret, Namespace: namespace, Name: name}
}

// refers makes a source with certain references to Secrets.
func refers(kind, namespace, name string, to ...Target) Reduced {
	r := Reduced{Source: Source{Kind: kind, Namespace: namespace, Name: name}}
	for _, t := range to {
		r.References = append(r.References, Reference{Target: t, Field: "spec.secretName", Certain: true})
	}
	return r
}
