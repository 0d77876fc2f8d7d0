package harness

import (
	"context"
	"fmt"
	"sync/atomic"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	watchtools "k8s.io/client-go/tools/watch"
	"sigs.k8s.io/yaml"
)

// Condition judges an object, which is nil when there is none. An error ends
// the wait.
type Condition func(object *unstructured.Unstructured) (bool, error)

// WaitFor returns once cond holds of one object, which is watched: it is judged
// as it is now, and again at each of its changes, its deletion included. An
// empty namespace means a cluster-scoped object. A kind that is not served yet
// is waited for as well. When ctx ends first, the error shows what the object's
// status was.
func WaitFor(ctx context.Context, cfg *rest.Config, gvr schema.GroupVersionResource, namespace, name string, cond Condition) error {
	client, err := dynamic.NewForConfig(cfg)
	if err != nil {
		return fmt.Errorf("making a client to watch %s: %w", gvr.Resource, err)
	}
	var last atomic.Pointer[unstructured.Unstructured]
	judge := func(object *unstructured.Unstructured) (bool, error) {
		last.Store(object)
		return cond(object)
	}
	// The store is judged once, after the first list: only so is absence known.
	first := func(store cache.Store) (bool, error) {
		for _, item := range store.List() {
			object, ok := item.(*unstructured.Unstructured)
			if !ok {
				return false, fmt.Errorf("the watch's store holds a %T", item)
			}
			return judge(object)
		}
		return judge(nil)
	}
	_, err = watchtools.UntilWithSync(ctx, listWatch(ctx, client, gvr, namespace, name), &unstructured.Unstructured{}, first,
		func(event watch.Event) (bool, error) {
			object, ok := event.Object.(*unstructured.Unstructured)
			if !ok {
				return false, fmt.Errorf("the watch sent a %T", event.Object)
			}
			if event.Type == watch.Deleted {
				object = nil
			}
			return judge(object)
		})
	if err == nil {
		return nil
	}
	if cause := context.Cause(ctx); cause != nil {
		err = cause // says more than "watch closed" or "timed out"
	}
	return fmt.Errorf("waiting for %s %s: %w; last seen: %s", gvr.GroupResource(), objectName(namespace, name), err, describe(last.Load()))
}

func listWatch(ctx context.Context, client dynamic.Interface, gvr schema.GroupVersionResource, namespace, name string) *cache.ListWatch {
	var resource dynamic.ResourceInterface = client.Resource(gvr)
	if namespace != "" {
		resource = client.Resource(gvr).Namespace(namespace)
	}
	one := fields.OneTermEqualSelector("metadata.name", name).String()
	return &cache.ListWatch{
		ListFunc: func(o metav1.ListOptions) (runtime.Object, error) {
			o.FieldSelector = one
			return resource.List(ctx, o)
		},
		WatchFunc: func(o metav1.ListOptions) (watch.Interface, error) {
			o.FieldSelector = one
			return resource.Watch(ctx, o)
		},
	}
}

// Exists is the Condition that there is an object.
func Exists(object *unstructured.Unstructured) (bool, error) { return object != nil, nil }

// Absent is the Condition that there is no object.
func Absent(object *unstructured.Unstructured) (bool, error) { return object == nil, nil }

// ConditionIs returns the Condition that status.conditions has one of that type
// and status ("True", "False" or "Unknown"), which was not made for an earlier
// generation of the object.
func ConditionIs(conditionType, status string) Condition {
	return func(object *unstructured.Unstructured) (bool, error) {
		if object == nil {
			return false, nil
		}
		for _, condition := range conditions(object) {
			if condition["type"] != conditionType {
				continue
			}
			generation, known, err := unstructured.NestedInt64(condition, "observedGeneration")
			if err != nil {
				return false, fmt.Errorf("condition %s: %w", conditionType, err)
			}
			return condition["status"] == status && (!known || generation >= object.GetGeneration()), nil
		}
		return false, nil
	}
}

func conditions(object *unstructured.Unstructured) []map[string]any {
	list, _, err := unstructured.NestedSlice(object.Object, "status", "conditions")
	if err != nil {
		return nil // not a list: then this kind has no conditions
	}
	var found []map[string]any
	for _, item := range list {
		if condition, ok := item.(map[string]any); ok {
			found = append(found, condition)
		}
	}
	return found
}

// describe shows an object as far as it tells why a wait ended.
func describe(object *unstructured.Unstructured) string {
	if object == nil {
		return "no such object"
	}
	status, ok := object.Object["status"]
	if !ok {
		return fmt.Sprintf("generation %d, without a status", object.GetGeneration())
	}
	text, err := yaml.Marshal(status)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("generation %d, status:\n%s", object.GetGeneration(), text)
}

func objectName(namespace, name string) string {
	if namespace == "" {
		return name
	}
	return namespace + "/" + name
}
