package agent

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"

	"github.com/tlsplatform/tls-platform-operator/internal/agent/inventory"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/reference"
)

// answers are those of discovery.
type answers struct {
	discovery.DiscoveryInterface
	groups []*metav1.APIGroup
	lists  []*metav1.APIResourceList
	err    error
}

func (a *answers) ServerGroupsAndResources() ([]*metav1.APIGroup, []*metav1.APIResourceList, error) {
	return a.groups, a.lists, a.err
}

func group(name, preferred string, versions ...string) *metav1.APIGroup {
	g := &metav1.APIGroup{Name: name, PreferredVersion: metav1.GroupVersionForDiscovery{Version: preferred}}
	for _, v := range versions {
		g.Versions = append(g.Versions, metav1.GroupVersionForDiscovery{GroupVersion: name + "/" + v, Version: v})
	}
	return g
}

func resources(groupVersion string, names ...string) *metav1.APIResourceList {
	list := &metav1.APIResourceList{GroupVersion: groupVersion}
	for i := 0; i < len(names); i += 2 {
		list.APIResources = append(list.APIResources, metav1.APIResource{Name: names[i], Kind: names[i+1]})
	}
	return list
}

func TestServedKinds(t *testing.T) {
	t.Parallel()
	silent := &discovery.ErrGroupDiscoveryFailed{Groups: map[schema.GroupVersion]error{{Group: "metrics.k8s.io", Version: "v1"}: errors.New("503")}}
	const kind, plural = "Gateway", "gateways"
	gk := schema.GroupKind{Group: "g.io", Kind: kind}
	for name, test := range map[string]struct {
		answers answers
		want    map[schema.GroupKind]schema.GroupVersionResource
		fails   bool
	}{
		"the version that the group prefers counts": {answers{
			groups: []*metav1.APIGroup{group("g.io", "v1", "v1beta1", "v1", "v2alpha1")},
			lists: []*metav1.APIResourceList{
				resources("g.io/v1beta1", plural, kind), resources("g.io/v1", plural, kind), resources("g.io/v2alpha1", plural, kind),
			},
		}, map[schema.GroupKind]schema.GroupVersionResource{gk: {Group: "g.io", Version: "v1", Resource: plural}}, false},
		"else the first that has the kind": {answers{
			groups: []*metav1.APIGroup{group("g.io", "v1", "v1", "v1beta1", "v1alpha1")},
			lists: []*metav1.APIResourceList{
				resources("g.io/v1alpha1", plural, kind), resources("g.io/v1beta1", plural, kind), resources("g.io/v1"),
			},
		}, map[schema.GroupKind]schema.GroupVersionResource{gk: {Group: "g.io", Version: "v1beta1", Resource: plural}}, false},
		"subresources are no kinds": {answers{
			groups: []*metav1.APIGroup{group("g.io", "v1", "v1")},
			lists:  []*metav1.APIResourceList{resources("g.io/v1", plural+"/status", kind, plural+"/scale", "Scale")},
		}, map[schema.GroupKind]schema.GroupVersionResource{}, false},
		"the kinds of others are known although a group is silent": {answers{
			groups: []*metav1.APIGroup{group("g.io", "v1", "v1")},
			lists:  []*metav1.APIResourceList{resources("g.io/v1", plural, kind)}, err: silent,
		}, map[schema.GroupKind]schema.GroupVersionResource{gk: {Group: "g.io", Version: "v1", Resource: plural}}, true},
		"nothing is known when the server is silent": {answers{err: errors.New("connection refused")}, nil, true},
		"what is no version is left out": {answers{
			lists: []*metav1.APIResourceList{resources("a/b/c", plural, kind)},
		}, map[schema.GroupKind]schema.GroupVersionResource{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &session{Agent: &Agent{discovery: &test.answers}}
			got, err := s.served()
			if (err != nil) != test.fails {
				t.Errorf("error: %v", err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSilentGroups(t *testing.T) {
	t.Parallel()
	failed := &discovery.ErrGroupDiscoveryFailed{Groups: map[schema.GroupVersion]error{{Group: "g.io", Version: "v1"}: errors.New("503")}}
	for name, test := range map[string]struct {
		err  error
		want map[string]bool
	}{
		"of a group that did not answer": {fmt.Errorf("asking: %w", failed), map[string]bool{"g.io": true}},
		"of a server that did not":       {errors.New("connection refused"), nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, silentGroups(test.err)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestKindsThatAreGone: references of a kind go with it, unless it is not known
// to be gone.
func TestKindsThatAreGone(t *testing.T) {
	t.Parallel()
	gk := schema.GroupKind{Group: "gateway.networking.k8s.io", Kind: "Gateway"}
	for name, test := range map[string]struct {
		served map[schema.GroupKind]schema.GroupVersionResource
		silent map[string]bool
		want   int
	}{
		"it is no longer served":      {map[schema.GroupKind]schema.GroupVersionResource{}, nil, 0},
		"its group is silent":         {map[schema.GroupKind]schema.GroupVersionResource{}, map[string]bool{gk.Group: true}, 1},
		"another group is silent":     {map[schema.GroupKind]schema.GroupVersionResource{}, map[string]bool{"metrics.k8s.io": true}, 0},
		"the whole server was silent": {nil, nil, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			table, _ := reference.NewTable(nil)
			a := &Agent{inv: inventory.New(nil, nil), followed: map[schema.GroupKind]bool{gk: true}}
			s := &session{Agent: a, table: table, cover: newCoverage(nil)}
			kind := table.SourceKind(gk)
			a.inv.Refer(reference.Reduced{
				Source:     reference.Source{Kind: kind, Namespace: "shop", Name: "web"},
				References: []reference.Reference{{Target: reference.Target{Kind: reference.Secret, Namespace: "shop", Name: "web-tls"}}},
			})
			s.followServed(test.served, test.silent)
			if got := len(a.inv.Sources(kind)); got != test.want {
				t.Errorf("%d objects refer, want %d", got, test.want)
			}
			if got := len(a.followed); got != test.want {
				t.Errorf("%d kinds have references, want %d", got, test.want)
			}
		})
	}
}
