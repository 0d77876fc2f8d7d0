package override

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	kjson "sigs.k8s.io/json"
)

// directiveKey is the key of a strategic merge patch that says what to do
// instead of merging.
const directiveKey = "$patch"

// estateFields are the fields of a spec that are delivered to clusters. Only
// they may be patched.
var estateFields = []string{"components", "inventory", "issuers", "observability", "policy", "trust"}

// readPatch decodes a patch and makes sure that it has the shape of the API, so
// that nothing later has to expect a list where an object belongs.
func readPatch(raw []byte) (map[string]any, error) {
	var patch map[string]any
	strict, err := kjson.UnmarshalStrict(raw, &patch)
	if err != nil {
		return nil, fmt.Errorf("patch is not an object: %w", clipped(err))
	}
	if len(strict) > 0 {
		return nil, fmt.Errorf("patch: %w", clipped(errors.Join(strict...)))
	}
	if patch == nil {
		return nil, errors.New("patch is not an object")
	}
	for _, key := range slices.Sorted(maps.Keys(patch)) {
		if !slices.Contains(estateFields, key) {
			return nil, fmt.Errorf("patch: field %q can't be changed for some clusters only; %s can", quotable(key), strings.Join(estateFields, ", "))
		}
	}
	shape, err := shapeOf(patch, "")
	if err != nil {
		return nil, fmt.Errorf("patch: %w", err)
	}
	data, err := json.Marshal(shape)
	if err != nil {
		return nil, fmt.Errorf("encoding patch: %w", clipped(err))
	}
	if _, err := decodeStrictly(data); err != nil {
		return nil, fmt.Errorf("patch: %w", err)
	}
	return patch, nil
}

// shapeOf returns a copy of an object without what only a patch may have:
// directives and nulls. What is left has to decode as part of a spec.
func shapeOf(object map[string]any, path string) (map[string]any, error) {
	shape := make(map[string]any, len(object))
	for _, key := range slices.Sorted(maps.Keys(object)) {
		value, field := object[key], join(path, key)
		if strings.HasPrefix(key, "$") {
			return nil, fmt.Errorf("%s: directives are possible only as %s with delete or replace, in items of lists; to replace an object, set its fields to null", quotable(field), directiveKey)
		}
		if value == nil {
			continue
		}
		if isValues(field) {
			if _, ok := value.(map[string]any); !ok {
				return nil, fmt.Errorf("%s: must be an object", field)
			}
			shape[key] = value
			continue
		}
		shaped, err := shapeOfValue(value, field)
		if err != nil {
			return nil, err
		}
		shape[key] = shaped
	}
	return shape, nil
}

func shapeOfValue(value any, path string) (any, error) {
	switch typed := value.(type) {
	case map[string]any:
		return shapeOf(typed, path)
	case []any:
		shape := make([]any, 0, len(typed))
		for i, item := range typed {
			shaped, err := shapeOfItem(item, fmt.Sprintf("%s[%d]", path, i))
			if err != nil {
				return nil, err
			}
			shape = append(shape, shaped)
		}
		return shape, nil
	default:
		return value, nil
	}
}

// shapeOfItem is shapeOfValue for an item of a list, where a directive may be.
func shapeOfItem(item any, path string) (any, error) {
	switch typed := item.(type) {
	case nil:
		return nil, fmt.Errorf("%s: an item of a list can't be null", quotable(path))
	case map[string]any:
		directive, has := typed[directiveKey]
		if !has {
			return shapeOf(typed, path)
		}
		if directive != "delete" && directive != "replace" {
			return nil, fmt.Errorf("%s: %s must be delete or replace", quotable(path), directiveKey)
		}
		plain := maps.Clone(typed)
		delete(plain, directiveKey)
		return shapeOf(plain, path)
	default:
		return shapeOfValue(item, path)
	}
}

// findDirective returns the path of a directive that is left in a merged spec,
// because it stood in a list that is replaced as a whole. Chart values may have
// any key.
func findDirective(value any, path string) string {
	switch typed := value.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(typed)) {
			field := join(path, key)
			if key == directiveKey {
				return quotable(path)
			}
			if isValues(field) {
				continue
			}
			if found := findDirective(typed[key], field); found != "" {
				return found
			}
		}
	case []any:
		for i, item := range typed {
			if found := findDirective(item, fmt.Sprintf("%s[%d]", path, i)); found != "" {
				return found
			}
		}
	}
	return ""
}

// join appends a key to the path of a field.
func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// isValues is true for the path of a component's values, which are free-form.
func isValues(path string) bool {
	parts := strings.Split(path, ".")
	return len(parts) == 3 && parts[0] == "components" && parts[2] == "values"
}

// quotable bounds a key or a path that a patch made up.
func quotable(s string) string {
	const most = 128
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}
