package apply

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/tools/cache"

	"github.com/tlsplatform/tls-platform-operator/internal/desired"
	"github.com/tlsplatform/tls-platform-operator/internal/drift"
	"github.com/tlsplatform/tls-platform-operator/internal/names"
)

// Live watches the metadata of everything that carries our platform label. It
// holds, for each object, little more than a hash.
type Live struct {
	client metadata.Interface
	mapper meta.RESTMapper
	notify func()

	mu        sync.Mutex
	informers map[schema.GroupKind]*liveInformer
}

type liveInformer struct {
	informer cache.SharedIndexInformer
	cancel   context.CancelFunc
}

// syncTimeout bounds how long the first list of a kind may take.
const syncTimeout = 15 * time.Second

// NewLive returns a view on one cluster. notify is called, without arguments
// and possibly often, when something that carries our label changed.
func NewLive(c metadata.Interface, mapper meta.RESTMapper, notify func()) *Live {
	return &Live{client: c, mapper: mapper, notify: notify, informers: map[schema.GroupKind]*liveInformer{}}
}

// Ensure watches the kinds and returns when each was listed once. A kind that
// can't be listed is an error that names it; the others are watched all the
// same. ctx bounds the wait and not the watch, which ends with Close.
func (l *Live) Ensure(ctx context.Context, kinds []schema.GroupVersionKind) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var errs []error
	var fresh []*liveInformer
	for _, gvk := range kinds {
		if _, ok := l.informers[gvk.GroupKind()]; ok {
			continue
		}
		inf, err := l.start(ctx, gvk)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		l.informers[gvk.GroupKind()] = inf
		fresh = append(fresh, inf)
	}
	wait, cancel := context.WithTimeout(ctx, syncTimeout)
	defer cancel()
	for _, inf := range fresh {
		if !cache.WaitForCacheSync(wait.Done(), inf.informer.HasSynced) {
			errs = append(errs, errors.New("listing managed objects took too long"))
			break
		}
	}
	return errors.Join(errs...)
}

func (l *Live) start(ctx context.Context, gvk schema.GroupVersionKind) (*liveInformer, error) {
	mapping, err := l.mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
	if err != nil {
		return nil, fmt.Errorf("finding the resource of %s: %w", gvk.Kind, err)
	}
	resource := l.client.Resource(mapping.Resource)
	// A list by hand first: an informer would retry a refusal for ever without
	// saying so.
	if _, err := resource.List(ctx, metav1.ListOptions{LabelSelector: names.LabelPlatform, Limit: 1}); err != nil {
		return nil, fmt.Errorf("listing %s: %w", mapping.Resource.GroupResource(), err)
	}
	run, cancel := context.WithCancel(context.WithoutCancel(ctx))
	lw := &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			o.LabelSelector = names.LabelPlatform
			return resource.List(ctx, o)
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			o.LabelSelector = names.LabelPlatform
			return resource.Watch(ctx, o)
		},
	}
	inf := cache.NewSharedIndexInformer(lw, &metav1.PartialObjectMetadata{}, 0, cache.Indexers{})
	if err := inf.SetTransform(reduce); err != nil {
		cancel()
		return nil, fmt.Errorf("setting up the watch on %s: %w", gvk.Kind, err)
	}
	_, err = inf.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(any) { l.notify() },
		UpdateFunc: func(any, any) { l.notify() },
		DeleteFunc: func(any) { l.notify() },
	})
	if err != nil {
		cancel()
		return nil, fmt.Errorf("setting up the watch on %s: %w", gvk.Kind, err)
	}
	go inf.Run(run.Done())
	return &liveInformer{informer: inf, cancel: cancel}, nil
}

// reduce keeps of an object's metadata what Decide needs: identity, version,
// labels and the hash of our managed fields.
func reduce(obj any) (any, error) {
	m, ok := obj.(*metav1.PartialObjectMetadata)
	if !ok {
		return obj, nil
	}
	hash, err := drift.FieldsHash(m.ManagedFields, names.FieldManager(m.Labels[names.LabelPart]))
	if err != nil {
		hash = "unreadable: " + err.Error() // differs from every hash, so it is repaired
	}
	return &metav1.PartialObjectMetadata{
		TypeMeta: m.TypeMeta,
		ObjectMeta: metav1.ObjectMeta{
			Namespace: m.Namespace, Name: m.Name, UID: m.UID, ResourceVersion: m.ResourceVersion,
			DeletionTimestamp: m.DeletionTimestamp,
			Annotations:       map[string]string{hashKey: hash},
		},
	}, nil
}

// hashKey is where reduce keeps the hash, in memory alone.
const hashKey = "fields"

// Get returns what the watch has of an object. watched is false when the kind
// is not watched.
func (l *Live) Get(ref desired.Ref) (obj LiveObject, found, watched bool) {
	l.mu.Lock()
	inf := l.informers[ref.GroupKind()]
	l.mu.Unlock()
	if inf == nil {
		return LiveObject{}, false, false
	}
	key := ref.Name
	if ref.Namespace != "" {
		key = ref.Namespace + "/" + ref.Name
	}
	item, exists, err := inf.informer.GetIndexer().GetByKey(key)
	if err != nil || !exists {
		return LiveObject{}, false, true
	}
	m, ok := item.(*metav1.PartialObjectMetadata)
	if !ok {
		return LiveObject{}, false, true
	}
	return LiveObject{
		UID: m.UID, ResourceVersion: m.ResourceVersion,
		Fields: m.Annotations[hashKey], Deleting: m.DeletionTimestamp != nil,
	}, true, true
}

// Seen is the resource version that the watch on a kind has reached, empty for a
// kind that is not watched.
func (l *Live) Seen(gk schema.GroupKind) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if inf := l.informers[gk]; inf != nil {
		return inf.informer.LastSyncResourceVersion()
	}
	return ""
}

// Drop stops the watch on kinds that the cluster no longer serves.
func (l *Live) Drop(served func(schema.GroupKind) bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for gk, inf := range l.informers {
		if !served(gk) {
			inf.cancel()
			delete(l.informers, gk)
		}
	}
}

// Close ends all watches.
func (l *Live) Close() { l.Drop(func(schema.GroupKind) bool { return false }) }
