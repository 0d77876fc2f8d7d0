package standin

import (
	"cmp"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/uuid"
	"k8s.io/apimachinery/pkg/watch"
)

// event is one change of an object.
type event struct {
	kind   watch.EventType
	object *object
	before *object // nil for a new one
}

// store holds the objects of one resource of a cluster.
type store struct {
	objects map[string]*object
	// history are the last events; those up to floor are forgotten.
	history  []event
	floor    uint64
	watchers map[*watcher]bool
}

// historyLength is how many events a resource keeps for watches that start
// later.
const historyLength = 16

// watcher is one open watch.
type watcher struct {
	// events is closed when the watch fell behind or was ended.
	events chan event
}

// watcherLag is how many events a watch may be behind.
const watcherLag = 64

// storeOf returns the objects of a resource. The cluster is locked.
func (c *Cluster) storeOf(gvr schema.GroupVersionResource) *store {
	s := c.stores[gvr]
	if s == nil {
		s = &store{objects: map[string]*object{}, floor: c.version, watchers: map[*watcher]bool{}}
		c.stores[gvr] = s
	}
	return s
}

// change is how an object is written.
type change struct {
	resource *resource
	live     *object // nil for a new one
	next     *object
	status   bool // through the subresource
	dryRun   bool
}

// commit stores an object unless it says the same as before, tells watches, and
// lets the world react. The cluster is locked.
func (c *Cluster) commit(w change) *object {
	next := w.next
	if w.live != nil {
		if next.sameAs(w.live) {
			return w.live
		}
		next.uid, next.created, next.generation, next.version = w.live.uid, w.live.created, w.live.generation, w.live.version
		if next.deleting == nil {
			next.deleting = w.live.deleting
		}
		if w.resource.counted && !w.status && (next.rest != w.live.rest || next.deleting != w.live.deleting) {
			next.generation++
		}
	} else {
		next.uid, next.created = uuid.NewUUID(), time.Now()
		if w.resource.counted {
			next.generation = 1
		}
	}
	if w.dryRun {
		return next
	}
	c.version++
	next.version = c.version
	s := c.storeOf(w.resource.GroupVersionResource)
	s.objects[next.key()] = next
	kind := watch.Modified
	if w.live == nil {
		kind = watch.Added
	}
	s.tell(event{kind: kind, object: next, before: w.live})
	c.react(w.resource, w.live, next)
	return next
}

// remove takes an object away. The cluster is locked.
func (c *Cluster) remove(r *resource, live *object) *object {
	c.version++
	last := *live
	last.version = c.version
	s := c.storeOf(r.GroupVersionResource)
	delete(s.objects, live.key())
	s.tell(event{kind: watch.Deleted, object: &last, before: live})
	c.react(r, live, nil)
	return &last
}

// tell keeps an event and passes it to watches. One that is too far behind ends.
func (s *store) tell(e event) {
	s.history = append(s.history, e)
	if len(s.history) > historyLength {
		s.floor = s.history[0].object.version
		s.history = slices.Delete(s.history, 0, 1)
	}
	for w := range s.watchers {
		select {
		case w.events <- e:
		default:
			s.end(w)
		}
	}
}

// end closes a watch.
func (s *store) end(w *watcher) {
	if s.watchers[w] {
		delete(s.watchers, w)
		close(w.events)
	}
}

// forget drops history, so that a cluster at rest holds only what it has.
func (c *Cluster) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.stores {
		if n := len(s.history); n > 0 {
			s.floor, s.history = s.history[n-1].object.version, nil
		}
	}
}

// list returns the objects of a resource in the order of their keys. The
// cluster is locked.
func (s *store) list(namespace string) []*object {
	found := make([]*object, 0, len(s.objects))
	for _, o := range s.objects {
		if namespace == "" || o.namespace == namespace {
			found = append(found, o)
		}
	}
	slices.SortFunc(found, func(a, b *object) int {
		return cmp.Or(cmp.Compare(a.namespace, b.namespace), cmp.Compare(a.name, b.name))
	})
	return found
}
