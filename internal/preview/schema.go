package preview

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// maxPaths is how many fields of a schema a note names.
const maxPaths = 5

func isDefinition(objects ...*unstructured.Unstructured) bool {
	for _, o := range objects {
		if o != nil {
			return o.GetKind() == "CustomResourceDefinition" && o.GroupVersionKind().Group == "apiextensions.k8s.io"
		}
	}
	return false
}

// shortenSchemas replaces the schemas in both definitions by one line each, and
// says in words what differs between them.
func shortenSchemas(a, b *unstructured.Unstructured) []string {
	was, is := schemasOf(a), schemasOf(b)
	var notes []string
	for _, version := range slices.Sorted(maps.Keys(is)) {
		before, both := was[version]
		if !both || before.digest == is[version].digest {
			continue
		}
		notes = append(notes, "schema of "+version+": "+compareSchemas(before, is[version]))
	}
	return notes
}

// schema of one version of a custom resource.
type schema struct {
	digest string
	// fields by their path, each with the digest of its own schema without what
	// is below it.
	fields map[string]string
}

// schemasOf takes the schemas out of a definition, by version.
func schemasOf(o *unstructured.Unstructured) map[string]schema {
	found := map[string]schema{}
	if o == nil {
		return found
	}
	versions, _, _ := unstructured.NestedFieldNoCopy(o.Object, "spec", "versions")
	list, _ := versions.([]any)
	for _, item := range list {
		version, ok := item.(map[string]any)
		if !ok {
			continue
		}
		name, _ := version["name"].(string)
		root, ok := version["schema"].(map[string]any)
		if !ok {
			continue
		}
		s := schema{digest: digest(root), fields: map[string]string{}}
		properties, _ := root["openAPIV3Schema"].(map[string]any)
		s.gather("", properties)
		found[name] = s
		version["schema"] = fmt.Sprintf("(%d fields, %s)", len(s.fields), s.digest)
	}
	return found
}

// gather notes every field of a schema under the path of its parent.
func (s *schema) gather(parent string, node map[string]any) {
	own := maps.Clone(node)
	for _, below := range []string{"properties", "items", "additionalProperties"} {
		delete(own, below)
	}
	if parent != "" {
		s.fields[parent] = digest(own)
	}
	properties, _ := node["properties"].(map[string]any)
	for name, child := range properties {
		if c, ok := child.(map[string]any); ok {
			s.gather(strings.TrimPrefix(parent+"."+name, "."), c)
		}
	}
	if items, ok := node["items"].(map[string]any); ok {
		s.gather(parent+"[]", items)
	}
	if more, ok := node["additionalProperties"].(map[string]any); ok {
		s.gather(parent+"{}", more)
	}
}

func compareSchemas(was, is schema) string {
	var added, removed, changed []string
	for _, path := range slices.Sorted(maps.Keys(is.fields)) {
		switch before, both := was.fields[path]; {
		case !both:
			added = append(added, path)
		case before != is.fields[path]:
			changed = append(changed, path)
		}
	}
	for _, path := range slices.Sorted(maps.Keys(was.fields)) {
		if _, both := is.fields[path]; !both {
			removed = append(removed, path)
		}
	}
	var parts []string
	for _, group := range []struct {
		verb  string
		paths []string
	}{{"added", added}, {"removed", removed}, {"changed", changed}} {
		if len(group.paths) > 0 {
			parts = append(parts, fmt.Sprintf("%d %s (%s)", len(group.paths), group.verb, some(group.paths)))
		}
	}
	if len(parts) == 0 {
		return "rules of the whole object differ"
	}
	return strings.Join(parts, ", ")
}

// some of a list, with how many more there are.
func some(list []string) string {
	if len(list) <= maxPaths {
		return strings.Join(list, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(list[:maxPaths], ", "), len(list)-maxPaths)
}

func digest(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		return "unreadable"
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:4])
}
