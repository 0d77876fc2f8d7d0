package reference

import (
	"maps"
	"slices"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

const (
	// maxSuspects that are returned of one definition.
	maxSuspects = 8
	// maxSchemaDepth and maxSchemas that are looked at.
	maxSchemaDepth = 24
	maxSchemas     = 100_000
)

// repeating are groups whose objects name nothing that objects of known kinds do
// not name as well: this operator makes issuers and bundles of its own kinds, and
// the Challenges of cert-manager repeat what their issuers say.
var repeating = []string{v1alpha1.GroupVersion.Group, "acme.cert-manager.io"}

// Suspects are the paths of fields, by the schema of a definition, that could
// name a Secret: at most 8, sorted. People may add them to
// spec.inventory.references. Fields of Pods are left out: the Pods that come of
// them are read themselves. So are groups whose objects only repeat what objects
// of known kinds name.
func Suspects(crd *apiextensionsv1.CustomResourceDefinition) []string {
	if slices.Contains(repeating, crd.Spec.Group) {
		return nil
	}
	s := suspects{left: maxSchemas}
	for i := range crd.Spec.Versions {
		v := &crd.Spec.Versions[i]
		if v.Served && v.Schema != nil && v.Schema.OpenAPIV3Schema != nil {
			s.properties(v.Schema.OpenAPIV3Schema, "", 0)
		}
	}
	slices.Sort(s.paths)
	s.paths = slices.Compact(s.paths)
	return s.paths[:min(len(s.paths), maxSuspects)]
}

type suspects struct {
	paths []string
	left  int
}

// schema looks at one field's schema.
func (s *suspects) schema(name, at string, schema *apiextensionsv1.JSONSchemaProps, depth int) {
	if s.left--; s.left < 0 || depth > maxSchemaDepth || len(at) > maxPath {
		return
	}
	if suspicious(name) {
		if path, ok := nameIn(schema, at); ok {
			s.paths = append(s.paths, path)
			return
		}
	}
	switch {
	case schema.Items != nil && schema.Items.Schema != nil:
		s.schema("", at+"[*]", schema.Items.Schema, depth+1)
	case schema.AdditionalProperties != nil && schema.AdditionalProperties.Schema != nil:
		s.schema("", at+"[*]", schema.AdditionalProperties.Schema, depth+1)
	}
	s.properties(schema, at, depth)
}

func (s *suspects) properties(schema *apiextensionsv1.JSONSchemaProps, at string, depth int) {
	if _, isPod := schema.Properties["containers"]; isPod {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(schema.Properties)) {
		if depth == 0 && (name == "status" || name == "metadata") || podField(name) {
			continue
		}
		field := schema.Properties[name]
		s.schema(name, at+member(name), &field, depth+1)
	}
}

// member is the step of a path into a field.
func member(name string) string {
	if step, rest, err := parseStep("." + name); err == nil && rest == "" && step.name == name {
		return "." + name
	}
	return "['" + name + "']"
}

// nameIn is the path of the name in a field that refers: the field itself, its
// items, or the field name of an object.
func nameIn(schema *apiextensionsv1.JSONSchemaProps, at string) (string, bool) {
	if schema.Type == "array" && schema.Items != nil && schema.Items.Schema != nil {
		schema, at = schema.Items.Schema, at+"[*]"
	}
	if schema.Type == "string" {
		return at, true
	}
	for _, name := range [...]string{"name", "secretName"} {
		if field, found := schema.Properties[name]; found && field.Type == "string" {
			return at + "." + name, true
		}
	}
	return "", false
}

// suspicious says whether a field of this name may refer to a Secret.
func suspicious(name string) bool {
	name = strings.ToLower(name)
	if strings.HasSuffix(name, "namespace") || strings.HasSuffix(name, "key") || strings.HasSuffix(name, "type") {
		return false
	}
	switch name {
	case "credentialname", "credentialnames", "certificatename", "tlscertificate", "servingcertificate",
		"defaultcertificate":
		return true
	}
	singular := strings.TrimSuffix(name, "s")
	return strings.Contains(name, "secret") || strings.HasSuffix(singular, "certificateref") ||
		strings.HasSuffix(singular, "certref")
}

// podField says whether a field is one of Pods, whatever object it is in.
func podField(name string) bool {
	switch name {
	case "env", "envFrom", "imagePullSecrets", "imagePullSecret", "initContainers", "podTemplate", "sidecars",
		"volumeMounts", "volumes", "extraEnv", "extraVolumes":
		return true
	}
	return false
}
