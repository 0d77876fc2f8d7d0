package override

// mergeValues merges the chart values of a patch into base and takes them out
// of the patch. Strategic merging needs a type for every field, and values have
// none.
func mergeValues(base, patch map[string]any) {
	components, _ := patch["components"].(map[string]any)
	for name, component := range components {
		patched, _ := component.(map[string]any)
		values, _ := patched["values"].(map[string]any)
		if values == nil {
			continue
		}
		target := child(child(base, "components"), name)
		target["values"] = mergeJSON(target["values"], values)
		delete(patched, "values")
	}
}

// child returns the object under a key, which it makes when there is none.
func child(object map[string]any, key string) map[string]any {
	existing, ok := object[key].(map[string]any)
	if !ok {
		existing = map[string]any{}
		object[key] = existing
	}
	return existing
}

// mergeJSON is the function MergePatch of RFC 7386, section 2. Target may be
// changed.
func mergeJSON(target, patch any) any {
	from, ok := patch.(map[string]any)
	if !ok {
		return patch
	}
	into, ok := target.(map[string]any)
	if !ok {
		into = map[string]any{}
	}
	for key, value := range from {
		if value == nil {
			delete(into, key)
			continue
		}
		into[key] = mergeJSON(into[key], value)
	}
	return into
}
