package standin

import (
	"encoding/json"
	"fmt"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// definitionCache makes resources of definitions, each once for all clusters.
type definitionCache struct {
	types *typeConverters
	known *cache[text, []*resource]
}

func newDefinitionCache(types *typeConverters) *definitionCache {
	return &definitionCache{types: types, known: newCache[text, []*resource](cacheSize)}
}

// definition is what the stand-in reads of a CustomResourceDefinition.
type definition struct {
	Spec struct {
		Group string `json:"group"`
		Scope string `json:"scope"`
		Names struct {
			Plural     string   `json:"plural"`
			Singular   string   `json:"singular"`
			Kind       string   `json:"kind"`
			ShortNames []string `json:"shortNames"`
		} `json:"names"`
		Versions []struct {
			Name   string `json:"name"`
			Served bool   `json:"served"`
			Schema struct {
				OpenAPI json.RawMessage `json:"openAPIV3Schema"`
			} `json:"schema"`
			Subresources map[string]json.RawMessage `json:"subresources"`
		} `json:"versions"`
	} `json:"spec"`
}

// resources that a definition serves.
func (d *definitionCache) resources(o *object) ([]*resource, error) {
	if known, ok := d.known.get(o.rest); ok {
		return known, nil
	}
	var def definition
	if err := json.Unmarshal([]byte("{"+o.rest.Value()+"}"), &def); err != nil {
		return nil, fmt.Errorf("reading definition %s: %w", o.name, err)
	}
	var list []*resource
	for _, v := range def.Spec.Versions {
		if !v.Served {
			continue
		}
		r := &resource{
			GroupVersionResource: schema.GroupVersionResource{Group: def.Spec.Group, Version: v.Name, Resource: def.Spec.Names.Plural},
			kind:                 def.Spec.Names.Kind, singular: def.Spec.Names.Singular, shortNames: def.Spec.Names.ShortNames,
			namespaced: def.Spec.Scope == "Namespaced", counted: true,
		}
		_, r.status = v.Subresources[subresourceStatus]
		types, err := d.types.custom(r.gvk(), v.Schema.OpenAPI)
		if err != nil {
			return nil, err
		}
		r.main, r.onStatus = newOwners(types, r.gvk(), ""), newOwners(types, r.gvk(), subresourceStatus)
		list = append(list, r)
	}
	d.known.put(o.rest, list)
	return list, nil
}

// define serves what a new or changed definition says. The cluster is locked.
func (c *Cluster) define(o *object) {
	list, err := c.fleet.world.custom.resources(o)
	if err != nil {
		return // it is stored and not established, as an API server would have it
	}
	c.undefine(o)
	for _, r := range list {
		c.custom[r.GroupVersionResource] = r
	}
}

// undefine stops serving the kinds of a definition. Its objects stay until drop.
func (c *Cluster) undefine(o *object) {
	for gvr := range c.custom {
		if gvr.GroupResource().String() == o.name {
			delete(c.custom, gvr)
		}
	}
}

// drop deletes all objects of the kinds of a definition that is gone.
func (c *Cluster) drop(o *object) {
	for gvr, r := range c.custom {
		if gvr.GroupResource().String() != o.name {
			continue
		}
		s := c.storeOf(gvr)
		for _, instance := range s.list("") {
			c.remove(r, instance)
		}
		for w := range s.watchers {
			s.end(w)
		}
		delete(c.stores, gvr)
	}
	c.undefine(o)
}
