package standin

import (
	"cmp"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"

	apidiscoveryv2 "k8s.io/api/apidiscovery/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// aggregated is the content type of discovery in one piece.
const aggregated = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"

// served lists the resources of the cluster by group and version.
func (c *Cluster) served() map[schema.GroupVersion][]*resource {
	c.mu.Lock()
	defer c.mu.Unlock()
	found := map[schema.GroupVersion][]*resource{}
	for _, table := range []map[schema.GroupVersionResource]*resource{c.fleet.world.builtins, c.custom} {
		for gvr, r := range table {
			if c.find(gvr) != nil {
				found[gvr.GroupVersion()] = append(found[gvr.GroupVersion()], r)
			}
		}
	}
	for _, list := range found {
		slices.SortFunc(list, func(a, b *resource) int { return cmp.Compare(a.Resource, b.Resource) })
	}
	return found
}

// discover answers /api, /apis and what is below, down to a group's version.
func (c *Cluster) discover(w counted, r *http.Request, parts []string) {
	core := parts[0] == "api"
	if len(parts) == 1 && strings.Contains(r.Header.Get("Accept"), "as=APIGroupDiscoveryList") {
		c.discoverAll(w, core)
		return
	}
	served := c.served()
	switch {
	case core && len(parts) == 1:
		respond(w, http.StatusOK, metav1.APIVersions{
			TypeMeta: metav1.TypeMeta{Kind: "APIVersions"}, Versions: []string{"v1"},
			ServerAddressByClientCIDRs: []metav1.ServerAddressByClientCIDR{},
		})
	case core:
		c.discoverVersion(w, served, schema.GroupVersion{Version: parts[1]})
	case len(parts) == 1:
		respond(w, http.StatusOK, metav1.APIGroupList{
			TypeMeta: metav1.TypeMeta{Kind: "APIGroupList", APIVersion: "v1"}, Groups: groupsOf(served),
		})
	case len(parts) == 2:
		for _, g := range groupsOf(served) {
			if g.Name == parts[1] {
				g.TypeMeta = metav1.TypeMeta{Kind: "APIGroup", APIVersion: "v1"}
				respond(w, http.StatusOK, g)
				return
			}
		}
		respondError(w, errNoPath())
	default:
		c.discoverVersion(w, served, schema.GroupVersion{Group: parts[1], Version: parts[2]})
	}
}

// discoverVersion answers /apis/GROUP/VERSION.
func (c *Cluster) discoverVersion(w counted, served map[schema.GroupVersion][]*resource, gv schema.GroupVersion) {
	if c.broken(gv.Group) {
		respondError(w, errUnavailable())
		return
	}
	list, ok := served[gv]
	if !ok {
		respondError(w, errNoPath())
		return
	}
	answer := metav1.APIResourceList{
		TypeMeta: metav1.TypeMeta{Kind: "APIResourceList", APIVersion: "v1"}, GroupVersion: gv.String(),
		APIResources: []metav1.APIResource{},
	}
	for _, r := range list {
		answer.APIResources = append(answer.APIResources, metav1.APIResource{
			Name: r.Resource, SingularName: r.singular, Namespaced: r.namespaced, Kind: r.kind,
			Verbs: verbsOf(r), ShortNames: r.shortNames,
		})
		for _, sub := range subresourcesOf(r) {
			entry := metav1.APIResource{
				Name: r.Resource + "/" + sub.Subresource, Namespaced: r.namespaced, Kind: sub.ResponseKind.Kind, Verbs: sub.Verbs,
			}
			if sub.ResponseKind.Group != gv.Group {
				entry.Group, entry.Version = sub.ResponseKind.Group, sub.ResponseKind.Version
			}
			answer.APIResources = append(answer.APIResources, entry)
		}
	}
	respond(w, http.StatusOK, answer)
}

// groupsOf lists the named groups.
func groupsOf(served map[schema.GroupVersion][]*resource) []metav1.APIGroup {
	versions := map[string][]metav1.GroupVersionForDiscovery{}
	for gv := range served {
		if gv.Group != "" {
			versions[gv.Group] = append(versions[gv.Group], metav1.GroupVersionForDiscovery{GroupVersion: gv.String(), Version: gv.Version})
		}
	}
	groups := []metav1.APIGroup{}
	for _, name := range slices.Sorted(maps.Keys(versions)) {
		list := versions[name]
		slices.SortFunc(list, func(a, b metav1.GroupVersionForDiscovery) int { return cmp.Compare(a.Version, b.Version) })
		groups = append(groups, metav1.APIGroup{Name: name, Versions: list, PreferredVersion: list[0]})
	}
	return groups
}

// discoverAll answers /api or /apis in one piece. A broken group is stale, as
// that of an aggregated API that does not answer.
func (c *Cluster) discoverAll(w counted, core bool) {
	served := c.served()
	answer := apidiscoveryv2.APIGroupDiscoveryList{
		TypeMeta: metav1.TypeMeta{Kind: "APIGroupDiscoveryList", APIVersion: apidiscoveryv2.SchemeGroupVersion.String()},
		Items:    []apidiscoveryv2.APIGroupDiscovery{},
	}
	groups := groupsOf(served)
	if core {
		groups = []metav1.APIGroup{{Versions: []metav1.GroupVersionForDiscovery{{Version: "v1"}}}}
	}
	for _, g := range groups {
		item := apidiscoveryv2.APIGroupDiscovery{ObjectMeta: metav1.ObjectMeta{Name: g.Name}}
		for _, v := range g.Versions {
			version := apidiscoveryv2.APIVersionDiscovery{Version: v.Version, Freshness: apidiscoveryv2.DiscoveryFreshnessCurrent}
			if c.broken(g.Name) {
				version.Freshness = apidiscoveryv2.DiscoveryFreshnessStale
			} else {
				for _, r := range served[schema.GroupVersion{Group: g.Name, Version: v.Version}] {
					version.Resources = append(version.Resources, described(r))
				}
			}
			item.Versions = append(item.Versions, version)
		}
		answer.Items = append(answer.Items, item)
	}
	raw, err := json.Marshal(answer)
	if err != nil {
		respondError(w, err)
		return
	}
	w.Header().Set("Content-Type", aggregated)
	_, _ = w.Write(raw) // the client may be gone
}

func described(r *resource) apidiscoveryv2.APIResourceDiscovery {
	scope := apidiscoveryv2.ScopeCluster
	if r.namespaced {
		scope = apidiscoveryv2.ScopeNamespace
	}
	return apidiscoveryv2.APIResourceDiscovery{
		Resource: r.Resource, ResponseKind: kindOf(r.gvk()), Scope: scope, SingularResource: r.singular,
		Verbs: verbsOf(r), ShortNames: r.shortNames, Subresources: subresourcesOf(r),
	}
}

func kindOf(gvk schema.GroupVersionKind) *metav1.GroupVersionKind {
	return &metav1.GroupVersionKind{Group: gvk.Group, Version: gvk.Version, Kind: gvk.Kind}
}

func verbsOf(r *resource) []string {
	if r.createOnly {
		return []string{"create"}
	}
	return []string{"create", "delete", "get", "list", "patch", "update", "watch"}
}

func subresourcesOf(r *resource) []apidiscoveryv2.APISubresourceDiscovery {
	var list []apidiscoveryv2.APISubresourceDiscovery
	if r.status {
		list = append(list, apidiscoveryv2.APISubresourceDiscovery{
			Subresource: subresourceStatus, ResponseKind: kindOf(r.gvk()), Verbs: []string{"get", "patch", "update"},
		})
	}
	if r.GroupVersionResource == serviceAccountsResource {
		list = append(list, apidiscoveryv2.APISubresourceDiscovery{
			Subresource: "token", Verbs: []string{"create"},
			ResponseKind: &metav1.GroupVersionKind{Group: "authentication.k8s.io", Version: "v1", Kind: "TokenRequest"},
		})
	}
	return list
}
