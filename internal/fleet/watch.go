package fleet

import (
	"context"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/selection"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"

	"github.com/tlsplatform/tls-platform-operator/internal/names"
)

var (
	crdResource        = schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}
	deploymentResource = schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}
)

// watchSync bounds how long the first list of a watch may take.
const watchSync = 15 * time.Second

// Watch calls changed whenever the facts that Observe reads may have changed: a
// kind came or went, or a workload of a component changed, whoever owns it. It
// returns once both were listed, and ends with ctx.
func (c *Connection) Watch(ctx context.Context, changed func(Change)) error {
	var all []string
	for _, s := range signsOf {
		all = append(all, s.workloads...)
	}
	err := c.watch(ctx, crdResource, "", func() { changed(KindsChanged) })
	if err != nil {
		return err
	}
	return c.watch(ctx, deploymentResource, nameIn(all).String(), func() { changed(WorkloadsChanged) })
}

func (c *Connection) watch(ctx context.Context, gvr schema.GroupVersionResource, selector string, changed func()) error {
	resource := c.Metadata.Resource(gvr)
	if _, err := resource.List(ctx, metav1.ListOptions{Limit: 1}); err != nil {
		return fmt.Errorf("listing %s of cluster %s: %w", gvr.Resource, c.Name, err)
	}
	lw := &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			o.LabelSelector = selector
			return resource.List(ctx, o)
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			o.LabelSelector = selector
			return resource.Watch(ctx, o)
		},
	}
	inf := cache.NewSharedIndexInformer(lw, &metav1.PartialObjectMetadata{}, 0, cache.Indexers{})
	if err := inf.SetTransform(identityOnly); err != nil {
		return fmt.Errorf("setting up the watch on %s of cluster %s: %w", gvr.Resource, c.Name, err)
	}
	handler := cache.ResourceEventHandlerFuncs{
		AddFunc: func(any) { changed() },
		UpdateFunc: func(before, after any) {
			a, okA := before.(*metav1.PartialObjectMetadata)
			b, okB := after.(*metav1.PartialObjectMetadata)
			if !okA || !okB || a.ResourceVersion != b.ResourceVersion {
				changed()
			}
		},
		DeleteFunc: func(any) { changed() },
	}
	if _, err := inf.AddEventHandler(handler); err != nil {
		return fmt.Errorf("setting up the watch on %s of cluster %s: %w", gvr.Resource, c.Name, err)
	}
	run, stop := c.untilClosed(ctx)
	context.AfterFunc(ctx, stop) // or the connection would keep it until it is closed
	go inf.Run(run.Done())
	wait, cancel := context.WithTimeout(ctx, watchSync)
	defer cancel()
	if !cache.WaitForCacheSync(wait.Done(), inf.HasSynced) {
		return fmt.Errorf("listing %s of cluster %s took longer than %s", gvr.Resource, c.Name, watchSync)
	}
	return nil
}

// identityOnly drops everything but what tells that an object changed.
func identityOnly(obj any) (any, error) {
	m, ok := obj.(*metav1.PartialObjectMetadata)
	if !ok {
		return obj, nil
	}
	return &metav1.PartialObjectMetadata{
		TypeMeta:   m.TypeMeta,
		ObjectMeta: metav1.ObjectMeta{Namespace: m.Namespace, Name: m.Name, UID: m.UID, ResourceVersion: m.ResourceVersion},
	}, nil
}

// nameIn selects by names.LabelAppName.
func nameIn(values []string) labels.Selector {
	req, err := labels.NewRequirement(names.LabelAppName, selection.In, values)
	if err != nil {
		// The values are constants.
		panic(fmt.Sprintf("fleet: label selector: %v", err))
	}
	return labels.NewSelector().Add(*req)
}
