package access

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"strconv"
	"sync"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"

	"github.com/tlsplatform/tls-platform-operator/config"
	"github.com/tlsplatform/tls-platform-operator/internal/desired"
	"github.com/tlsplatform/tls-platform-operator/internal/names"
)

// files that a member needs. Leader election, metrics, users and what the hub
// keeps at home are for the hub's own cluster.
var files = []string{
	"manager/namespace.yaml",
	"crd/bases/tlsplatform.io_certificateslices.yaml",
	"crd/bases/tlsplatform.io_tlsagents.yaml",
	"rbac/service_accounts.yaml",
	"rbac/hub_role.yaml",
	"rbac/hub_role_binding.yaml",
	"rbac/hub_namespace_role.yaml",
	"rbac/installer_role.yaml",
	"rbac/installer_role_binding.yaml",
	"rbac/installer_namespace_role.yaml",
}

// manifests are the objects as written, in the order of apply.
var manifests = sync.OnceValues(func() ([]*unstructured.Unstructured, error) {
	var out []*unstructured.Unstructured
	for _, name := range files {
		raw, err := config.Manifests.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("reading the manifest %s: %w", name, err)
		}
		objects, err := parse(raw)
		if err != nil {
			return nil, fmt.Errorf("reading the manifest %s: %w", name, err)
		}
		out = append(out, objects...)
	}
	desired.Sort(out)
	return out, nil
})

func parse(raw []byte) ([]*unstructured.Unstructured, error) {
	var out []*unstructured.Unstructured
	documents := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(raw)))
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, fmt.Errorf("splitting into documents: %w", err)
		}
		content, err := yaml.YAMLToJSON(document)
		if err != nil {
			return nil, fmt.Errorf("parsing YAML: %w", err)
		}
		if string(content) == "null" {
			continue // a document of comments
		}
		o := &unstructured.Unstructured{}
		if err := o.UnmarshalJSON(content); err != nil {
			return nil, fmt.Errorf("parsing an object: %w", err)
		}
		unstructured.RemoveNestedField(o.Object, "metadata", "creationTimestamp")
		delete(o.Object, "status")
		out = append(out, o)
	}
}

// Objects that give the operator its identities and its kinds in a member, in
// the order of apply; namespace is that of the operator there. The definitions
// share everything but their metadata with those of earlier calls, since they
// are large and a fleet has many: don't change what is below it.
func Objects(namespace string) ([]*unstructured.Unstructured, error) {
	source, err := manifests()
	if err != nil {
		return nil, err
	}
	out := make([]*unstructured.Unstructured, 0, len(source))
	for _, o := range source {
		if o.GetKind() == "CustomResourceDefinition" {
			out = append(out, definition(o))
			continue
		}
		o = o.DeepCopy()
		inNamespace(o, namespace)
		out = append(out, o)
	}
	return out, nil
}

// definition is a copy with a revision and metadata of its own.
func definition(o *unstructured.Unstructured) *unstructured.Unstructured {
	content := maps.Clone(o.Object)
	metadata := &unstructured.Unstructured{Object: map[string]any{"metadata": content["metadata"]}}
	content["metadata"] = metadata.DeepCopy().Object["metadata"]
	out := &unstructured.Unstructured{Object: content}
	annotations := out.GetAnnotations()
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[names.AnnotationSchemaRevision] = strconv.Itoa(names.SchemaRevision)
	out.SetAnnotations(annotations)
	return out
}

// inNamespace replaces the namespace that the manifests are written for.
func inNamespace(o *unstructured.Unstructured, namespace string) {
	if o.GetKind() == "Namespace" {
		o.SetName(namespace)
	}
	if o.GetNamespace() != "" {
		o.SetNamespace(namespace)
	}
	subjects, _ := o.Object["subjects"].([]any)
	for _, s := range subjects {
		if subject, ok := s.(map[string]any); ok && subject["namespace"] != nil {
			subject["namespace"] = namespace
		}
	}
}
