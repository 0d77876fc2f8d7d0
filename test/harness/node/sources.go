package node

import (
	"context"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
)

const (
	kindSecret    = "secrets"
	kindConfigMap = "configmaps"
)

// sourceKey names a Secret or ConfigMap that a pod refers to.
type sourceKey struct {
	kind, namespace, name string
}

// sources watches the objects that pods refer to, each by its name: a kubelet's
// permissions go no further, and neither should those of its stand-in.
type sources struct {
	client kubernetes.Interface

	mu      sync.Mutex
	entries map[sourceKey]*source
}

type source struct {
	store cache.Store
	stop  context.CancelFunc
	known chan struct{} // closed when it has been looked for
	wakes map[*worker]bool
}

func newSources(client kubernetes.Interface) *sources {
	return &sources{client: client, entries: map[sourceKey]*source{}}
}

// watch wakes the worker whenever one of the objects changes. The context ends
// the watches, as release does once nobody is left.
func (s *sources) watch(ctx context.Context, w *worker, keys []sourceKey) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, key := range keys {
		entry := s.entries[key]
		if entry == nil {
			entry = s.begin(ctx, key)
			s.entries[key] = entry
		}
		entry.wakes[w] = true
	}
}

func (s *sources) release(w *worker, keys []sourceKey) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, key := range keys {
		entry := s.entries[key]
		if entry == nil {
			continue
		}
		if delete(entry.wakes, w); len(entry.wakes) == 0 {
			entry.stop()
			delete(s.entries, key)
		}
	}
}

func (s *sources) begin(ctx context.Context, key sourceKey) *source {
	ctx, stop := context.WithCancel(ctx)
	entry := &source{stop: stop, known: make(chan struct{}), wakes: map[*worker]bool{}}
	var object runtime.Object = &corev1.Secret{}
	if key.kind == kindConfigMap {
		object = &corev1.ConfigMap{}
	}
	wake := func() { s.wake(entry) }
	store, informer := cache.NewInformerWithOptions(cache.InformerOptions{
		ListerWatcher: cache.NewListWatchFromClient(s.client.CoreV1().RESTClient(), key.kind, key.namespace,
			fields.OneTermEqualSelector("metadata.name", key.name)),
		ObjectType: object,
		Handler: cache.ResourceEventHandlerFuncs{
			AddFunc: func(any) { wake() }, UpdateFunc: func(any, any) { wake() }, DeleteFunc: func(any) { wake() },
		},
	})
	entry.store = store
	go informer.RunWithContext(ctx)
	go func() {
		// An object that is absent causes no event, so its absence is told here.
		if cache.WaitForCacheSync(ctx.Done(), informer.HasSynced) {
			close(entry.known)
			wake()
		}
	}()
	return entry
}

func (s *sources) wake(entry *source) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for w := range entry.wakes {
		w.poke()
	}
}

// get returns the object, or nil when there is none. known is false as long as
// nobody can tell.
func (s *sources) get(key sourceKey) (object any, known bool) {
	s.mu.Lock()
	entry := s.entries[key]
	s.mu.Unlock()
	if entry == nil {
		return nil, false
	}
	select {
	case <-entry.known:
	default:
		return nil, false
	}
	object, exists, err := entry.store.GetByKey(key.namespace + "/" + key.name)
	if err != nil || !exists {
		return nil, true
	}
	return object, true
}

// lookups gives the objects of one namespace, or says why a container has to
// wait for them.
type lookups struct {
	namespace string
	get       func(sourceKey) (object any, known bool)
}

func (l lookups) secret(name string, optional bool) (*corev1.Secret, error) {
	object, err := l.find(sourceKey{kindSecret, l.namespace, name}, "secret", optional)
	secret, _ := object.(*corev1.Secret)
	return secret, err
}

func (l lookups) configMap(name string, optional bool) (*corev1.ConfigMap, error) {
	object, err := l.find(sourceKey{kindConfigMap, l.namespace, name}, "configmap", optional)
	cm, _ := object.(*corev1.ConfigMap)
	return cm, err
}

func (l lookups) find(key sourceKey, kind string, optional bool) (any, error) {
	object, known := l.get(key)
	switch {
	case !known:
		return nil, &waitingError{reason: reasonCreating, message: "looking for " + kind + " " + key.name}
	case object == nil && !optional:
		return nil, configError("%s %q not found", kind, key.name)
	default:
		return object, nil
	}
}

// references returns all objects that the pod may read, each once.
func references(pod *corev1.Pod) []sourceKey {
	seen := map[sourceKey]bool{}
	var keys []sourceKey
	add := func(kind, name string) {
		key := sourceKey{kind, pod.Namespace, name}
		if name != "" && !seen[key] {
			seen[key] = true
			keys = append(keys, key)
		}
	}
	for _, v := range pod.Spec.Volumes {
		volumeReferences(v, add)
	}
	for _, c := range pod.Spec.InitContainers {
		envReferences(c, add)
	}
	for _, c := range pod.Spec.Containers {
		envReferences(c, add)
	}
	return keys
}

func volumeReferences(v corev1.Volume, add func(kind, name string)) {
	if v.Secret != nil {
		add(kindSecret, v.Secret.SecretName)
	}
	if v.ConfigMap != nil {
		add(kindConfigMap, v.ConfigMap.Name)
	}
	if v.Projected == nil {
		return
	}
	for _, source := range v.Projected.Sources {
		if source.Secret != nil {
			add(kindSecret, source.Secret.Name)
		}
		if source.ConfigMap != nil {
			add(kindConfigMap, source.ConfigMap.Name)
		}
	}
}

func envReferences(c corev1.Container, add func(kind, name string)) {
	for _, from := range c.EnvFrom {
		if from.SecretRef != nil {
			add(kindSecret, from.SecretRef.Name)
		}
		if from.ConfigMapRef != nil {
			add(kindConfigMap, from.ConfigMapRef.Name)
		}
	}
	for _, v := range c.Env {
		if v.ValueFrom == nil {
			continue
		}
		if v.ValueFrom.SecretKeyRef != nil {
			add(kindSecret, v.ValueFrom.SecretKeyRef.Name)
		}
		if v.ValueFrom.ConfigMapKeyRef != nil {
			add(kindConfigMap, v.ValueFrom.ConfigMapKeyRef.Name)
		}
	}
}
