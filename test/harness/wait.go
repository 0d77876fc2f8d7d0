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
	w := wait{gvr: gvr, namespace: namespace, fields: fields.OneTermEqualSelector("metadata.name", name).String(), cond: cond}
	if err := w.until(ctx, cfg); err != nil {
		return fmt.Errorf("waiting for %s %s: %w; last seen: %s", gvr.GroupResource(), objectName(namespace, name), err, describe(w.last.Load()))
	}
	return nil
}

// WaitForAny returns once cond holds of any object that the label selector
// matches, for those whose names are generated. It is otherwise as WaitFor.
func WaitForAny(ctx context.Context, cfg *rest.Config, gvr schema.GroupVersionResource, namespace, selector string, cond Condition) error {
	w := wait{gvr: gvr, namespace: namespace, labels: selector, cond: cond}
	if err := w.until(ctx, cfg); err != nil {
		return fmt.Errorf("waiting for any of %s %s: %w; last seen: %s", gvr.GroupResource(), objectName(namespace, selector), err, describe(w.last.Load()))
	}
	return nil
}

// wait is a wait for some of the objects of one kind.
type wait struct {
	gvr            schema.GroupVersionResource
	namespace      string
	fields, labels string // selectors
	cond           Condition

	last atomic.Pointer[unstructured.Unstructured]
}

func (w *wait) until(ctx context.Context, cfg *rest.Config) error {
	client, err := dynamic.NewForConfig(cfg)
	if err != nil {
		return fmt.Errorf("making a client: %w", err)
	}
	_, err = watchtools.UntilWithSync(ctx, w.listWatch(client), &unstructured.Unstructured{}, w.judgeList, w.judgeEvent)
	if cause := context.Cause(ctx); err != nil && cause != nil {
		return cause // says more than "watch closed" or "timed out"
	}
	return err
}

func (w *wait) judge(object *unstructured.Unstructured) (bool, error) {
	w.last.Store(object)
	return w.cond(object)
}

// judgeList judges what the first list brought: only so is absence known.
func (w *wait) judgeList(store cache.Store) (bool, error) {
	items := store.List()
	if len(items) == 0 {
		return w.judge(nil)
	}
	for _, item := range items {
		object, ok := item.(*unstructured.Unstructured)
		if !ok {
			return false, fmt.Errorf("the watch's store holds a %T", item)
		}
		if done, err := w.judge(object); done || err != nil {
			return done, err
		}
	}
	return false, nil
}

func (w *wait) judgeEvent(event watch.Event) (bool, error) {
	object, ok := event.Object.(*unstructured.Unstructured)
	if !ok {
		return false, fmt.Errorf("the watch sent a %T", event.Object)
	}
	if event.Type == watch.Deleted {
		if w.fields == "" {
			return false, nil // there may be others
		}
		object = nil
	}
	return w.judge(object)
}

func (w *wait) listWatch(client dynamic.Interface) *cache.ListWatch {
	var resource dynamic.ResourceInterface = client.Resource(w.gvr)
	if w.namespace != "" {
		resource = client.Resource(w.gvr).Namespace(w.namespace)
	}
	return &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			o.FieldSelector, o.LabelSelector = w.fields, w.labels
			return resource.List(ctx, o)
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			o.FieldSelector, o.LabelSelector = w.fields, w.labels
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
