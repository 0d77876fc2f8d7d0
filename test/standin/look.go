package standin

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// Object reads an object as its clients see it, without a request; nil when it
// does not exist.
func (c *Cluster) Object(gvr schema.GroupVersionResource, namespace, name string) (*unstructured.Unstructured, error) {
	c.mu.Lock()
	r := c.find(gvr)
	o := c.storeOf(gvr).objects[keyOf(namespace, name)]
	c.mu.Unlock()
	if r == nil || o == nil {
		return nil, nil
	}
	return o.decode(r)
}

// Await returns when cond says so of an object, nil while it does not exist.
func (c *Cluster) Await(ctx context.Context, gvr schema.GroupVersionResource, namespace, name string, cond func(*unstructured.Unstructured) bool) error {
	w := &watcher{events: make(chan event, watcherLag)}
	c.mu.Lock()
	s := c.storeOf(gvr)
	s.watchers[w] = true
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		s.end(w)
	}()
	for {
		u, err := c.Object(gvr, namespace, name)
		if err != nil {
			return err
		}
		if cond(u) {
			return nil
		}
		select {
		case _, ok := <-w.events:
			if !ok {
				return c.Await(ctx, gvr, namespace, name, cond) // it fell behind, or the kind went
			}
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s %s in cluster %s: %w", gvr.Resource, keyOf(namespace, name), c.Name, context.Cause(ctx))
		}
	}
}

// Identity of an object, for comparisons of all that a cluster holds.
type Identity struct {
	schema.GroupKind
	Namespace, Name string
}

// Identities of all objects but Leases and events, with their UIDs.
func (c *Cluster) Identities() map[Identity]types.UID {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := map[Identity]types.UID{}
	for gvr, s := range c.stores {
		r := c.find(gvr)
		if r == nil || gvr == leasesResource || r.kind == "Event" {
			continue
		}
		for _, o := range s.objects {
			all[Identity{schema.GroupKind{Group: gvr.Group, Kind: r.kind}, o.namespace, o.name}] = o.uid
		}
	}
	return all
}
