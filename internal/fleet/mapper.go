package fleet

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
)

// mapper knows the resource and the scope of kinds. It reads a group when one of
// its kinds is asked for, and learns from every observation of the cluster. It
// keeps names and nothing else: the mappers of client-go keep several maps for
// every group, which adds up over a fleet.
type mapper struct {
	source discovery.ServerResourcesInterface
	groups interface {
		ServerGroups() (*metav1.APIGroupList, error)
	}
	// wanted says whether kinds of a group are worth keeping before they are
	// asked for.
	wanted func(group string) bool

	mu       sync.RWMutex
	versions map[string][]string // of a group, the preferred one first
	kinds    map[schema.GroupVersion]map[string]served
}

// served is what a kind is served as.
type served struct {
	resource, singular string
	namespaced         bool
}

var _ meta.RESTMapper = (*mapper)(nil)

func newMapper(source discovery.DiscoveryInterface, wanted func(group string) bool) *mapper {
	return &mapper{
		source: source, groups: source, wanted: wanted,
		versions: map[string][]string{}, kinds: map[schema.GroupVersion]map[string]served{},
	}
}

// learn replaces what is known by what discovery found. Groups that did not
// answer stay as they were.
func (m *mapper) learn(groups []*metav1.APIGroup, lists []*metav1.APIResourceList, silent map[string]bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	kept := func(group string) bool { return m.wanted(group) || m.versions[group] != nil || m.knowsLocked(group) }
	versions, kinds := map[string][]string{}, map[schema.GroupVersion]map[string]served{}
	for _, g := range groups {
		if kept(g.Name) {
			versions[g.Name] = versionsOf(g)
		}
	}
	for _, list := range lists {
		if gv, err := schema.ParseGroupVersion(list.GroupVersion); err == nil && kept(gv.Group) && !silent[gv.Group] {
			kinds[gv] = kindsOf(list)
		}
	}
	for gv, before := range m.kinds {
		if silent[gv.Group] {
			kinds[gv] = before
		}
	}
	m.versions, m.kinds = versions, kinds
}

func (m *mapper) knowsLocked(group string) bool {
	for gv := range m.kinds {
		if gv.Group == group {
			return true
		}
	}
	return false
}

func versionsOf(g *metav1.APIGroup) []string {
	out := []string{}
	if g.PreferredVersion.Version != "" {
		out = append(out, g.PreferredVersion.Version)
	}
	for _, v := range g.Versions {
		if !slices.Contains(out, v.Version) {
			out = append(out, v.Version)
		}
	}
	return out
}

func kindsOf(list *metav1.APIResourceList) map[string]served {
	out := make(map[string]served, len(list.APIResources))
	for _, r := range list.APIResources {
		if !strings.Contains(r.Name, "/") {
			out[r.Kind] = served{resource: r.Name, singular: r.SingularName, namespaced: r.Namespaced}
		}
	}
	return out
}

// RESTMapping implements [meta.RESTMapper].
func (m *mapper) RESTMapping(gk schema.GroupKind, versions ...string) (*meta.RESTMapping, error) {
	mappings, err := m.RESTMappings(gk, versions...)
	if err != nil {
		return nil, err
	}
	return mappings[0], nil
}

// RESTMappings implements [meta.RESTMapper].
func (m *mapper) RESTMappings(gk schema.GroupKind, versions ...string) ([]*meta.RESTMapping, error) {
	asked := slices.DeleteFunc(slices.Clone(versions), func(v string) bool { return v == "" || v == "__internal" })
	if len(asked) == 0 {
		var err error
		if asked, err = m.versionsOf(gk.Group); err != nil {
			return nil, err
		}
	}
	var out []*meta.RESTMapping
	for _, version := range asked {
		gvk := gk.WithVersion(version)
		s, found, err := m.kind(gvk)
		if err != nil {
			return nil, err
		}
		if !found {
			continue
		}
		scope := meta.RESTScopeRoot
		if s.namespaced {
			scope = meta.RESTScopeNamespace
		}
		out = append(out, &meta.RESTMapping{Resource: gvk.GroupVersion().WithResource(s.resource), GroupVersionKind: gvk, Scope: scope})
	}
	if len(out) == 0 {
		return nil, &meta.NoKindMatchError{GroupKind: gk, SearchedVersions: asked}
	}
	return out, nil
}

// versionsOf a group, from the server when they are not known.
func (m *mapper) versionsOf(group string) ([]string, error) {
	m.mu.RLock()
	known := m.versions[group]
	m.mu.RUnlock()
	if known != nil {
		return known, nil
	}
	list, err := m.groups.ServerGroups()
	if err != nil {
		return nil, fmt.Errorf("reading the API groups: %w", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range list.Groups {
		if g := &list.Groups[i]; g.Name == group || m.wanted(g.Name) {
			m.versions[g.Name] = versionsOf(g)
		}
	}
	return m.versions[group], nil
}

// kind as it is served. A kind that is not known is asked for every time, since
// it may have come meanwhile.
func (m *mapper) kind(gvk schema.GroupVersionKind) (served, bool, error) {
	gv := gvk.GroupVersion()
	m.mu.RLock()
	s, found := m.kinds[gv][gvk.Kind]
	m.mu.RUnlock()
	if found {
		return s, true, nil
	}
	list, err := m.source.ServerResourcesForGroupVersion(gv.String())
	if apierrors.IsNotFound(err) {
		return served{}, false, nil
	}
	if err != nil {
		return served{}, false, fmt.Errorf("reading the kinds of %s: %w", gv, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.kinds[gv] = kindsOf(list)
	s, found = m.kinds[gv][gvk.Kind]
	return s, found, nil
}

// KindFor implements [meta.RESTMapper].
func (m *mapper) KindFor(resource schema.GroupVersionResource) (schema.GroupVersionKind, error) {
	kinds, err := m.KindsFor(resource)
	if err != nil {
		return schema.GroupVersionKind{}, err
	}
	return kinds[0], nil
}

// KindsFor implements [meta.RESTMapper] over what is known.
func (m *mapper) KindsFor(resource schema.GroupVersionResource) ([]schema.GroupVersionKind, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	var out []schema.GroupVersionKind
	for gv, kinds := range m.kinds {
		if (resource.Group != "" && gv.Group != resource.Group) || (resource.Version != "" && gv.Version != resource.Version) {
			continue
		}
		for kind, s := range kinds {
			if s.resource == resource.Resource || s.singular == resource.Resource {
				out = append(out, gv.WithKind(kind))
			}
		}
	}
	if len(out) == 0 {
		return nil, &meta.NoResourceMatchError{PartialResource: resource}
	}
	slices.SortFunc(out, func(a, b schema.GroupVersionKind) int { return strings.Compare(a.String(), b.String()) })
	return out, nil
}

// ResourceFor implements [meta.RESTMapper].
func (m *mapper) ResourceFor(input schema.GroupVersionResource) (schema.GroupVersionResource, error) {
	found, err := m.ResourcesFor(input)
	if err != nil {
		return schema.GroupVersionResource{}, err
	}
	return found[0], nil
}

// ResourcesFor implements [meta.RESTMapper] over what is known.
func (m *mapper) ResourcesFor(input schema.GroupVersionResource) ([]schema.GroupVersionResource, error) {
	kinds, err := m.KindsFor(input)
	if err != nil {
		return nil, err
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	out := make([]schema.GroupVersionResource, 0, len(kinds))
	for _, gvk := range kinds {
		out = append(out, gvk.GroupVersion().WithResource(m.kinds[gvk.GroupVersion()][gvk.Kind].resource))
	}
	return out, nil
}

// ResourceSingularizer implements [meta.RESTMapper] over what is known.
func (m *mapper) ResourceSingularizer(resource string) (string, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	for _, kinds := range m.kinds {
		for _, s := range kinds {
			if s.resource == resource && s.singular != "" {
				return s.singular, nil
			}
		}
	}
	return resource, nil
}
