package reference

import (
	"cmp"
	"iter"
	"slices"
	"strings"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

// Graph is what refers to what in one cluster.
type Graph struct {
	sources map[string]*source
	targets map[string]*target
	kinds   []string
	numbers map[string]uint16
	fields  map[string]string

	grants   grants
	gateways gateways
	scratch  []byte
}

// source is an object that refers. What few of them have is kept beside.
type source struct {
	key   string
	edges []edge
}

// target is an object that is referred to, whether it exists or not.
type target struct {
	key string
	// from has a source once for each of its edges to the target.
	from []*source
}

type edgeFlags uint8

const (
	certain edgeFlags = 1 << iota
	needsGrant
)

// edge is one reference.
type edge struct {
	to    *target
	field string
	layer uint8
	flags edgeFlags
}

var layers = [...]v1alpha1.Layer{"", v1alpha1.LayerIngress, v1alpha1.LayerMesh, v1alpha1.LayerApplication}

// maxFields that are kept once for all references. Most are constants.
const maxFields = 4096

// NewGraph is an empty graph.
func NewGraph() *Graph {
	return &Graph{
		sources:  map[string]*source{},
		targets:  map[string]*target{},
		numbers:  map[string]uint16{},
		fields:   map[string]string{},
		grants:   newGrants(),
		gateways: newGateways(),
	}
}

// Set replaces all that a source said before. It returns the targets whose
// referrers are not what they were, sorted; a target with AnyNamespace or AnyName
// stands for all that it matches. An object that says nothing is forgotten.
func (g *Graph) Set(r Reduced) []Target {
	g.scratch = sourceKey(g.scratch[:0], g.kind(r.Source.Kind), r.Source.Namespace, r.Source.Name)
	n := g.sources[string(g.scratch)]
	empty := len(r.References) == 0 && len(r.Grants) == 0 && len(r.Labels) == 0
	switch {
	case n == nil && empty, n != nil && g.unchanged(n, &r):
		return nil
	case n == nil:
		key := string(g.scratch)
		n = &source{key: key}
		g.sources[key] = n
	}
	if empty {
		r.Selector = nil
	}
	var changed []Target
	g.setLabels(n, r.Source.Namespace, r.Labels, &changed)
	g.setGrants(n, r.Grants, &changed)
	g.link(n, g.setSelector(n, &r), &changed)
	if empty {
		delete(g.sources, n.key)
	}
	return g.spread(changed)
}

// Delete forgets a source. It returns the targets whose referrers are not what
// they were, as Set does.
func (g *Graph) Delete(s Source) []Target { return g.Set(Reduced{Source: s}) }

// Sources of a kind that say something, in no order.
func (g *Graph) Sources(kind string) iter.Seq[Source] {
	return func(yield func(Source) bool) {
		number, found := g.numbers[kind]
		if !found {
			return
		}
		for key := range g.sources {
			if kindOf(key) == number && !yield(g.sourceOf(key)) {
				return
			}
		}
	}
}

// unchanged says whether a source says what it said before.
func (g *Graph) unchanged(n *source, r *Reduced) bool {
	if !g.sameLabels(n, r.Labels) || !slices.Equal(g.grants.of[n], r.Grants) {
		return false
	}
	if gw := g.gateways.of[n]; gw != nil || len(r.Selector) > 0 {
		return gw != nil && slices.Equal(gw.selection.selector, r.Selector) && slices.Equal(gw.references, r.References)
	}
	if len(n.edges) != len(r.References) {
		return false
	}
	for i := range n.edges {
		if !n.edges[i].equal(&r.References[i]) {
			return false
		}
	}
	return true
}

// equal says whether the edge stands for the reference.
func (e *edge) equal(r *Reference) bool {
	key, t := e.to.key, &r.Target
	end := 1 + len(t.Namespace)
	return len(key) == end+1+len(t.Name) && key[0] == byte(t.Kind) && key[end] == '/' &&
		key[1:end] == t.Namespace && key[end+1:] == t.Name &&
		e.field == r.Field && layers[e.layer] == r.Layer && e.flags == flagsOf(r)
}

func flagsOf(r *Reference) (flags edgeFlags) {
	if r.Certain {
		flags |= certain
	}
	if r.NeedsGrant {
		flags |= needsGrant
	}
	return flags
}

// link makes the references of a source those given.
func (g *Graph) link(n *source, references []Reference, changed *[]Target) {
	var edges []edge
	if len(references) > 0 {
		edges = make([]edge, 0, len(references))
	}
	for i := range references {
		r := &references[i]
		edges = append(edges, edge{
			to: g.target(r.Target), field: g.field(r.Field), flags: flagsOf(r),
			layer: uint8(max(0, slices.Index(layers[:], r.Layer))),
		})
	}
	edges = distinct(edges)
	before, after := set(n.edges), set(edges)
	old := n.edges
	n.edges = edges
	for i := range edges {
		if _, found := before[edges[i]]; found || len(before) == 0 && slices.Contains(old, edges[i]) {
			continue
		}
		edges[i].to.from = append(edges[i].to.from, n)
		g.cross(n, &edges[i], 1)
		*changed = append(*changed, targetOf(edges[i].to.key))
	}
	for i := range old {
		if _, found := after[old[i]]; found || len(after) == 0 && slices.Contains(edges, old[i]) {
			continue
		}
		*changed = append(*changed, targetOf(old[i].to.key))
		g.cross(n, &old[i], -1)
		g.unlink(n, old[i].to)
	}
}

// set of the edges, nil while they are so few that looking at each is cheaper.
func set(edges []edge) map[edge]struct{} {
	if len(edges) < manyReferences {
		return nil
	}
	m := make(map[edge]struct{}, len(edges))
	for _, e := range edges {
		m[e] = struct{}{}
	}
	return m
}

// distinct leaves each edge once, in order.
func distinct(edges []edge) []edge {
	if len(edges) < manyReferences {
		kept := edges[:0]
		for _, e := range edges {
			if !slices.Contains(kept, e) {
				kept = append(kept, e)
			}
		}
		return kept
	}
	seen := make(map[edge]struct{}, len(edges))
	return slices.DeleteFunc(edges, func(e edge) bool {
		_, found := seen[e]
		seen[e] = struct{}{}
		return found
	})
}

func (g *Graph) unlink(n *source, t *target) {
	at := slices.Index(t.from, n)
	last := len(t.from) - 1
	t.from[at], t.from[last] = t.from[last], nil
	if t.from = t.from[:last]; last == 0 {
		delete(g.targets, t.key)
	}
}

func (g *Graph) target(t Target) *target {
	g.scratch = targetKey(g.scratch[:0], t)
	found := g.targets[string(g.scratch)]
	if found == nil {
		key := string(g.scratch)
		found = &target{key: key}
		g.targets[key] = found
	}
	return found
}

func (g *Graph) field(text string) string {
	if known, found := g.fields[text]; found {
		return known
	}
	text = strings.Clone(text)
	if len(g.fields) < maxFields {
		g.fields[text] = text
	}
	return text
}

func compareTargets(a, b Target) int {
	return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
}

// spread adds to the changed targets what they are copies of, since an original
// is used while a copy is. It returns them sorted, each once.
func (g *Graph) spread(changed []Target) []Target {
	slices.SortFunc(changed, compareTargets)
	changed = slices.Compact(changed)
	_, secrets := g.numbers[Secret.String()]
	_, configMaps := g.numbers[ConfigMap.String()]
	if len(changed) == 0 || !secrets && !configMaps {
		return changed
	}
	seen := make(map[Target]struct{}, len(changed))
	for _, t := range changed {
		seen[t] = struct{}{}
	}
	first := 0
	for range maxCopies {
		last := len(changed)
		for _, t := range changed[first:last] {
			for n := range g.copies(t) {
				for i := range n.edges {
					original := targetOf(n.edges[i].to.key)
					if _, found := seen[original]; !found {
						seen[original] = struct{}{}
						changed = append(changed, original)
					}
				}
			}
		}
		first = last
	}
	slices.SortFunc(changed, compareTargets)
	return changed
}

// copies are the sources that stand for a target and refer to what it was copied
// from. A target that stands for many may have many.
func (g *Graph) copies(t Target) iter.Seq[*source] {
	return func(yield func(*source) bool) {
		number, found := g.numbers[t.Kind.String()]
		if !found || t.Kind == Certificate {
			return
		}
		if t.Namespace != AnyNamespace && t.Name != AnyName {
			g.scratch = sourceKey(g.scratch[:0], number, t.Namespace, t.Name)
			if n := g.sources[string(g.scratch)]; n != nil {
				yield(n)
			}
			return
		}
		for key, n := range g.sources {
			s := g.sourceOf(key)
			if kindOf(key) == number && (t.Namespace == AnyNamespace || t.Namespace == s.Namespace) &&
				(t.Name == AnyName || t.Name == s.Name) && !yield(n) {
				return
			}
		}
	}
}
