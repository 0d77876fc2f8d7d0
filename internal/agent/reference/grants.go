package reference

import "slices"

// grants are permissions by the namespace that they open, and the references
// that need one.
type grants struct {
	of map[*source][]Grant
	to map[string]map[*source][]Grant
	// crossing counts the references to a target that need a grant, by the
	// namespace of the target.
	crossing map[string]map[*target]int
}

func newGrants() grants {
	return grants{
		of:       map[*source][]Grant{},
		to:       map[string]map[*source][]Grant{},
		crossing: map[string]map[*target]int{},
	}
}

// setGrants makes the grants of a source those given.
func (g *Graph) setGrants(n *source, given []Grant, changed *[]Target) {
	old := g.grants.of[n]
	if slices.Equal(old, given) {
		return
	}
	for _, grant := range old {
		delete(g.grants.to[grant.ToNamespace], n)
		if len(g.grants.to[grant.ToNamespace]) == 0 {
			delete(g.grants.to, grant.ToNamespace)
		}
	}
	delete(g.grants.of, n)
	if len(given) > 0 {
		given = slices.Clone(given)
		g.grants.of[n] = given
	}
	for _, grant := range given {
		in := g.grants.to[grant.ToNamespace]
		if in == nil {
			in = map[*source][]Grant{}
			g.grants.to[grant.ToNamespace] = in
		}
		in[n] = append(in[n], grant)
	}
	g.affected(old, given, changed)
	g.affected(given, old, changed)
}

// affected adds the targets of references that one of the grants permits, apart
// from grants that are also among the others.
func (g *Graph) affected(permits, others []Grant, changed *[]Target) {
	for i := range permits {
		grant := &permits[i]
		if slices.Contains(others, *grant) {
			continue
		}
		for t := range g.grants.crossing[grant.ToNamespace] {
			at := targetOf(t.key)
			if slices.ContainsFunc(t.from, func(n *source) bool {
				s := g.sourceOf(n.key)
				return grant.permits(&s, &at)
			}) {
				*changed = append(*changed, at)
			}
		}
	}
}

// cross counts a reference that needs a grant: by is 1 or -1.
func (g *Graph) cross(n *source, e *edge, by int) {
	if e.flags&needsGrant == 0 {
		return
	}
	namespace := targetOf(e.to.key).Namespace
	if namespace == g.sourceOf(n.key).Namespace {
		return
	}
	in := g.grants.crossing[namespace]
	if in == nil {
		in = map[*target]int{}
		g.grants.crossing[namespace] = in
	}
	if in[e.to] += by; in[e.to] == 0 {
		delete(in, e.to)
	}
	if len(in) == 0 {
		delete(g.grants.crossing, namespace)
	}
}

// granted says whether a reference is in effect.
func (g *Graph) granted(s *Source, t *Target, flags edgeFlags) bool {
	if flags&needsGrant == 0 || s.Namespace == t.Namespace {
		return true
	}
	for _, list := range g.grants.to[t.Namespace] {
		for i := range list {
			if list[i].permits(s, t) {
				return true
			}
		}
	}
	return false
}
