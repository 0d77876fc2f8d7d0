package fleet

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

// AgentWatch holds the last report of the agent of a cluster.
type AgentWatch struct {
	store  cache.Store
	cancel context.CancelFunc
}

// WatchAgent follows the TLSAgent of the cluster, one object, and calls changed
// when its report says something new. It returns once the object was listed,
// whether it exists or not, and ends with Stop; ctx bounds only the wait.
func (c *Connection) WatchAgent(ctx context.Context, changed func()) (*AgentWatch, error) {
	lw := &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			list := &v1alpha1.TLSAgentList{}
			return list, c.watching.List(ctx, list, theAgent(&o))
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			return c.watching.Watch(ctx, &v1alpha1.TLSAgentList{}, theAgent(&o))
		},
	}
	// By hand first: an informer would retry a refusal for ever without saying so.
	if err := c.watching.List(ctx, &v1alpha1.TLSAgentList{}, theAgent(&metav1.ListOptions{Limit: 1})); err != nil {
		return nil, fmt.Errorf("reading the TLSAgent of cluster %s: %w", c.Name, err)
	}
	inf := cache.NewSharedIndexInformer(lw, &v1alpha1.TLSAgent{}, 0, cache.Indexers{})
	if err := inf.SetTransform(reportOnly); err != nil {
		return nil, fmt.Errorf("setting up the watch on the TLSAgent of cluster %s: %w", c.Name, err)
	}
	if _, err := inf.AddEventHandler(onNews(changed)); err != nil {
		return nil, fmt.Errorf("setting up the watch on the TLSAgent of cluster %s: %w", c.Name, err)
	}
	run, cancel := c.untilClosed(context.WithoutCancel(ctx))
	go inf.Run(run.Done())
	wait, done := context.WithTimeout(ctx, watchSync)
	defer done()
	if !cache.WaitForCacheSync(wait.Done(), inf.HasSynced) {
		cancel()
		return nil, fmt.Errorf("reading the TLSAgent of cluster %s took longer than %s", c.Name, watchSync)
	}
	return &AgentWatch{store: inf.GetStore(), cancel: cancel}, nil
}

// theAgent narrows a request to the one TLSAgent that a cluster may have.
func theAgent(o *metav1.ListOptions) *client.ListOptions {
	return &client.ListOptions{Raw: o, FieldSelector: fields.OneTermEqualSelector("metadata.name", v1alpha1.AgentName)}
}

// Latest returns the TLSAgent as last seen, without the lists of its report, nil
// when there is none. It is shared: don't change it.
func (w *AgentWatch) Latest() *v1alpha1.TLSAgent {
	item, found, err := w.store.GetByKey(v1alpha1.AgentName)
	if err != nil || !found {
		return nil
	}
	agent, ok := item.(*v1alpha1.TLSAgent)
	if !ok {
		return nil
	}
	return agent
}

// Stop ends the watch.
func (w *AgentWatch) Stop() { w.cancel() }

// onNews calls changed when a report differs in what the hub shows.
func onNews(changed func()) cache.ResourceEventHandler {
	return cache.ResourceEventHandlerFuncs{
		AddFunc: func(any) { changed() },
		UpdateFunc: func(before, after any) {
			a, okA := before.(*v1alpha1.TLSAgent)
			b, okB := after.(*v1alpha1.TLSAgent)
			if !okA || !okB || a.Generation != b.Generation || !equality.Semantic.DeepEqual(a.Status, b.Status) {
				changed()
			}
		},
		DeleteFunc: func(any) { changed() },
	}
}

// reportOnly drops what the hub does not show: the lists of the report, which
// are for those who look at the cluster itself. So a cluster costs the hub a few
// hundred bytes, however large it is.
func reportOnly(obj any) (any, error) {
	a, ok := obj.(*v1alpha1.TLSAgent)
	if !ok {
		return obj, nil
	}
	status := a.Status
	status.Coverage, status.Unreadable, status.Authorities = nil, nil, nil
	if status.Estate != nil && status.Estate.Version != status.Version {
		// An agent that knows neither left them as another one had written them.
		status.Estate, status.Profile = nil, nil
	}
	return &v1alpha1.TLSAgent{
		TypeMeta: a.TypeMeta,
		ObjectMeta: metav1.ObjectMeta{
			Name: a.Name, UID: a.UID, ResourceVersion: a.ResourceVersion, Generation: a.Generation,
		},
		Spec:   v1alpha1.TLSAgentSpec{Hub: a.Spec.Hub},
		Status: status,
	}, nil
}
