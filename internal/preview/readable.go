package preview

import (
	"reflect"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// masked stands for a value of a Secret. It says nothing of its length.
const masked = "***"

// noise is what API servers set and no plan can wish.
var noise = [][]string{
	{"status"},
	{"metadata", "managedFields"},
	{"metadata", "resourceVersion"},
	{"metadata", "generation"},
	{"metadata", "uid"},
	{"metadata", "creationTimestamp"},
	{"metadata", "selfLink"},
	// kubectl's copy of the object, with all that a Secret holds.
	{"metadata", "annotations", "kubectl.kubernetes.io/last-applied-configuration"},
}

// readable returns copies of both sides of a comparison as they are shown:
// without what the API server sets, without what Secrets hold, and, unless full
// is asked for, with the schemas of custom resource definitions in short.
// Either may be nil. notes say what changed in what was made short.
func readable(before, after *unstructured.Unstructured, full bool) (a, b *unstructured.Unstructured, notes []string) {
	a, b = quiet(before), quiet(after)
	mask(a, b)
	if !full && isDefinition(before, after) {
		notes = shortenSchemas(a, b)
	}
	return a, b, notes
}

func quiet(o *unstructured.Unstructured) *unstructured.Unstructured {
	if o == nil {
		return nil
	}
	c := o.DeepCopy()
	for _, field := range noise {
		unstructured.RemoveNestedField(c.Object, field...)
	}
	if len(c.GetAnnotations()) == 0 {
		unstructured.RemoveNestedField(c.Object, "metadata", "annotations")
	}
	return c
}

// mask hides the values of Secrets and shows which of them differ.
func mask(a, b *unstructured.Unstructured) {
	for _, field := range []string{"data", "stringData"} {
		was, is := secretValues(a, field), secretValues(b, field)
		for key, value := range was {
			other, both := is[key]
			if both && !reflect.DeepEqual(value, other) {
				was[key], is[key] = masked+" (before)", masked+" (after)"
				continue
			}
			was[key] = masked
			if both {
				is[key] = masked
			}
		}
		for key := range is {
			if _, both := was[key]; !both {
				is[key] = masked
			}
		}
	}
}

// secretValues is the field itself and no copy, nil for what is no Secret.
func secretValues(o *unstructured.Unstructured, field string) map[string]any {
	if o == nil || o.GetKind() != "Secret" || o.GroupVersionKind().Group != "" {
		return nil
	}
	values, ok := o.Object[field].(map[string]any)
	if !ok {
		delete(o.Object, field) // malformed, and no less secret
	}
	return values
}
