package reference

import (
	"maps"
	"slices"
	"strings"
)

// gateways finds the namespaces of the Pods that serve a gateway. Pods with the
// same labels in the same namespace are one labelSet, and gateways with the same
// selector share a selection, so that a Pod that comes or goes costs next to
// nothing.
type gateways struct {
	of         map[*source]*gateway
	selections map[string]*selection
	pods       map[*source]*labelSet
	sets       map[string]*labelSet
}

type gateway struct {
	selection *selection
	// references as they were given, without namespaces.
	references []Reference
}

// selection is a selector and where Pods match it.
type selection struct {
	selector []string
	// namespaces with the number of labelSets that match.
	namespaces map[string]int
	gateways   map[*source]*gateway
}

type labelSet struct {
	key       string
	namespace string
	labels    []string
	pods      int
}

func newGateways() gateways {
	return gateways{
		of:         map[*source]*gateway{},
		selections: map[string]*selection{},
		pods:       map[*source]*labelSet{},
		sets:       map[string]*labelSet{},
	}
}

// selects says whether all of the selector are among the labels. Both are sorted.
func (s *selection) selects(labels []string) bool {
	for _, wanted := range s.selector {
		if _, found := slices.BinarySearch(labels, wanted); !found {
			return false
		}
	}
	return true
}

func (g *Graph) sameLabels(n *source, labels []string) bool {
	set := g.gateways.pods[n]
	if set == nil {
		return len(labels) == 0
	}
	return slices.Equal(set.labels, labels)
}

// setLabels makes the labels of a Pod those given.
func (g *Graph) setLabels(n *source, namespace string, labels []string, changed *[]Target) {
	if g.sameLabels(n, labels) {
		return
	}
	old := g.gateways.pods[n]
	delete(g.gateways.pods, n)
	if len(labels) > 0 {
		set := g.labelSet(namespace, labels)
		g.gateways.pods[n] = set
		if set.pods++; set.pods == 1 {
			g.count(set, 1, changed)
		}
	}
	if old == nil {
		return
	}
	if old.pods--; old.pods == 0 {
		delete(g.gateways.sets, old.key)
		g.count(old, -1, changed)
	}
}

func (g *Graph) labelSet(namespace string, labels []string) *labelSet {
	key := namespace + "/" + strings.Join(labels, ",")
	set := g.gateways.sets[key]
	if set == nil {
		set = &labelSet{key: key, namespace: key[:len(namespace)]}
		rest := key[len(namespace)+1:]
		for _, label := range labels {
			set.labels = append(set.labels, rest[:len(label)])
			rest = strings.TrimPrefix(rest[len(label):], ",")
		}
		g.gateways.sets[key] = set
	}
	return set
}

// count a set of Pods that came (1) or went (-1), and look again where the
// gateways are that they serve.
func (g *Graph) count(set *labelSet, by int, changed *[]Target) {
	for _, s := range g.gateways.selections {
		if !s.selects(set.labels) {
			continue
		}
		before := len(s.namespaces)
		if s.namespaces[set.namespace] += by; s.namespaces[set.namespace] == 0 {
			delete(s.namespaces, set.namespace)
		}
		if len(s.namespaces) == before {
			continue
		}
		for n, gw := range s.gateways {
			g.link(n, s.resolve(gw.references), changed)
		}
	}
}

// setSelector makes the selector of a source that given, and returns its
// references with the namespaces that are known.
func (g *Graph) setSelector(n *source, r *Reduced) []Reference {
	if gw := g.gateways.of[n]; gw != nil {
		delete(g.gateways.of, n)
		delete(gw.selection.gateways, n)
		if len(gw.selection.gateways) == 0 {
			delete(g.gateways.selections, selectionKey(gw.selection.selector))
		}
	}
	if len(r.Selector) == 0 {
		return r.References
	}
	s := g.selection(r.Selector)
	gw := &gateway{selection: s, references: slices.Clone(r.References)}
	s.gateways[n], g.gateways.of[n] = gw, gw
	return s.resolve(gw.references)
}

func selectionKey(selector []string) string { return strings.Join(selector, ",") }

func (g *Graph) selection(selector []string) *selection {
	key := selectionKey(selector)
	s := g.gateways.selections[key]
	if s == nil {
		s = &selection{
			selector: slices.Clone(selector), namespaces: map[string]int{}, gateways: map[*source]*gateway{},
		}
		for _, set := range g.gateways.sets {
			if s.selects(set.labels) {
				s.namespaces[set.namespace]++
			}
		}
		g.gateways.selections[key] = s
	}
	return s
}

// resolve gives the references without namespace those of the Pods. While there
// is no Pod, or too many namespaces to tell, they may be anywhere.
func (s *selection) resolve(references []Reference) []Reference {
	namespaces := slices.Sorted(maps.Keys(s.namespaces))
	known := len(namespaces) > 0 && len(namespaces)*len(references) <= maxReferences
	resolved := make([]Reference, 0, len(references))
	for _, r := range references {
		switch {
		case r.Target.Namespace != "":
			resolved = append(resolved, r)
		case !known:
			r.Target.Namespace, r.Certain = AnyNamespace, false
			resolved = append(resolved, r)
		default:
			for _, namespace := range namespaces {
				r.Target.Namespace = namespace
				resolved = append(resolved, r)
			}
		}
	}
	return resolved
}
