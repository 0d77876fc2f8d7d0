package reference

import (
	"cmp"
	"slices"
)

// Referrers of a target, sorted by kind, namespace, name and field. Those that
// name it in any namespace are among them, and so are those that lack a grant,
// marked.
func (g *Graph) Referrers(t Target) []Referrer {
	found := g.collect(nil, t)
	if t.Namespace != AnyNamespace {
		anywhere := t
		anywhere.Namespace = AnyNamespace
		found = g.collect(found, anywhere)
	}
	slices.SortFunc(found, compareReferrers)
	return slices.Compact(found)
}

// collect appends what refers to exactly this target.
func (g *Graph) collect(to []Referrer, t Target) []Referrer {
	g.scratch = targetKey(g.scratch[:0], t)
	node := g.targets[string(g.scratch)]
	if node == nil {
		return to
	}
	to = slices.Grow(to, len(node.from))
	for _, n := range node.from {
		s := g.sourceOf(n.key)
		for i := range n.edges {
			e := &n.edges[i]
			if e.to != node {
				continue
			}
			to = append(to, Referrer{
				Source: s, Field: e.field, Layer: layers[e.layer],
				Certain: e.flags&certain != 0, Ungranted: !g.granted(&s, &t, e.flags),
			})
		}
	}
	return to
}

func compareReferrers(a, b Referrer) int {
	return cmp.Or(
		compareSources(a.Source, b.Source), cmp.Compare(a.Field, b.Field), cmp.Compare(a.Layer, b.Layer),
		compareBools(a.Certain, b.Certain), compareBools(a.Ungranted, b.Ungranted),
	)
}

func compareSources(a, b Source) int {
	return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
}

// compareBools puts true first.
func compareBools(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}
