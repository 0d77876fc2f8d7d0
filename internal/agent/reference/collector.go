package reference

import (
	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

const (
	// maxReferences of one object. More is an accident or an attack.
	maxReferences = 4096
	// manyReferences is where looking for a duplicate needs an index.
	manyReferences = 16
)

// collector gathers the references of one object, each once.
type collector struct {
	namespace  string
	references []Reference
	seen       map[Reference]struct{}
}

// add a reference, unless its names are none that an object can have. So nobody
// can write AnyName or AnyNamespace into an object.
func (c *collector) add(r Reference) {
	if isSubdomain(r.Target.Name) && isLabel(r.Target.Namespace) {
		c.put(r)
	}
}

// put a reference whose names are known to be good.
func (c *collector) put(r Reference) {
	if len(c.references) >= maxReferences || c.has(r) {
		return
	}
	c.references = append(c.references, r)
	if c.seen != nil {
		c.seen[r] = struct{}{}
	}
}

func (c *collector) has(r Reference) bool {
	if len(c.references) < manyReferences {
		for i := range c.references {
			if c.references[i] == r {
				return true
			}
		}
		return false
	}
	if c.seen == nil {
		c.seen = make(map[Reference]struct{}, 2*manyReferences)
		for _, old := range c.references {
			c.seen[old] = struct{}{}
		}
	}
	_, found := c.seen[r]
	return found
}

// own adds a certain reference to an object of the same namespace.
func (c *collector) own(kind TargetKind, name, field string, layer v1alpha1.Layer) {
	c.add(Reference{
		Target: Target{Kind: kind, Namespace: c.namespace, Name: name},
		Field:  field, Layer: layer, Certain: true,
	})
}

// guess adds an uncertain reference to a Secret.
func (c *collector) guess(namespace, name, field string) {
	c.add(Reference{Target: Target{Kind: Secret, Namespace: namespace, Name: name}, Field: field})
}
