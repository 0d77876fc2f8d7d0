package build

import (
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// Object turns a typed object, with its kind set, into an unstructured one for
// server-side apply. Whatever is in it will be owned by the part's field
// manager, so status, the empty creationTimestamp and nulls are dropped. Empty
// objects and lists stay: some mean something, such as selfSigned: {}.
func Object(typed runtime.Object) *unstructured.Unstructured {
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(typed)
	if err != nil {
		// The types are compiled in and have no field that JSON can't hold.
		panic(fmt.Sprintf("build: %T is not convertible: %v", typed, err))
	}
	delete(content, "status")
	unstructured.RemoveNestedField(content, "metadata", "creationTimestamp")
	dropNulls(content)
	return &unstructured.Unstructured{Object: content}
}

func dropNulls(value any) {
	switch v := value.(type) {
	case map[string]any:
		for key, child := range v {
			if child == nil {
				delete(v, key)
				continue
			}
			dropNulls(child)
		}
	case []any:
		for _, child := range v {
			dropNulls(child)
		}
	}
}
