package fleet

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tlsplatform/tls-platform-operator/internal/observed"
)

// discovered serves the groups apps, example.com and metrics.k8s.io, as a
// handler. Widgets are there once arrived is true; metrics.k8s.io fails.
func discovered(arrived *atomic.Bool) func(w http.ResponseWriter, r *http.Request) bool {
	group := func(name, version string) metav1.APIGroup {
		v := metav1.GroupVersionForDiscovery{GroupVersion: name + "/" + version, Version: version}
		return metav1.APIGroup{Name: name, Versions: []metav1.GroupVersionForDiscovery{v}, PreferredVersion: v}
	}
	return func(w http.ResponseWriter, r *http.Request) bool {
		switch r.URL.Path {
		case "/api":
			reply(w, http.StatusOK, metav1.APIVersions{Versions: []string{"v1"}})
		case "/apis":
			reply(w, http.StatusOK, metav1.APIGroupList{Groups: []metav1.APIGroup{
				group("apps", "v1"), group("example.com", "v1beta1"), group("metrics.k8s.io", "v1beta1"),
			}})
		case "/apis/apps/v1":
			reply(w, http.StatusOK, metav1.APIResourceList{GroupVersion: "apps/v1", APIResources: []metav1.APIResource{
				{Name: "deployments", SingularName: "deployment", Kind: "Deployment", Namespaced: true},
				{Name: "deployments/scale", Group: "autoscaling", Version: "v1", Kind: "Scale", Namespaced: true},
			}})
		case "/apis/example.com/v1beta1":
			list := metav1.APIResourceList{GroupVersion: "example.com/v1beta1", APIResources: []metav1.APIResource{
				{Name: "gadgets", SingularName: "gadget", Kind: "Gadget"},
			}}
			if arrived.Load() {
				list.APIResources = append(list.APIResources, metav1.APIResource{Name: "widgets", Kind: "Widget"})
			}
			reply(w, http.StatusOK, list)
		case "/apis/metrics.k8s.io/v1beta1":
			reply(w, http.StatusServiceUnavailable, failure(http.StatusServiceUnavailable, metav1.StatusReasonServiceUnavailable, "no endpoints"))
		default:
			return namespaces(w, r)
		}
		return true
	}
}

func TestMapper(t *testing.T) {
	t.Parallel()
	var arrived atomic.Bool
	c := newCluster(t, discovered(&arrived))
	m := c.connect(t).mapper
	mapping, err := m.RESTMapping(schema.GroupKind{Group: "apps", Kind: "Deployment"}, "v1")
	if err != nil || mapping.Resource.Resource != "deployments" || mapping.Scope.Name() != meta.RESTScopeNameNamespace {
		t.Fatalf("got %+v, %v", mapping, err)
	}
	mapping, err = m.RESTMapping(schema.GroupKind{Group: "example.com", Kind: "Gadget"}) // in its preferred version
	if err != nil || mapping.GroupVersionKind.Version != "v1beta1" || mapping.Scope.Name() != meta.RESTScopeNameRoot {
		t.Fatalf("got %+v, %v", mapping, err)
	}
	widget := schema.GroupKind{Group: "example.com", Kind: "Widget"}
	for _, gk := range []schema.GroupKind{widget, {Group: "absent.example", Kind: "Thing"}, {Group: "apps", Kind: "Scale"}} {
		if _, err := m.RESTMapping(gk, "v1beta1", "v1"); !meta.IsNoMatchError(err) {
			t.Errorf("%s, which is not served: %v", gk, err)
		}
	}
	arrived.Store(true)
	if _, err := m.RESTMapping(widget, "v1beta1"); err != nil {
		t.Errorf("a kind that arrived: %v", err)
	}
	before := c.count("GET /apis/")
	for range 10 {
		if _, err := m.RESTMapping(widget, "v1beta1"); err != nil {
			t.Fatalf("a known kind: %v", err)
		}
	}
	if n := c.count("GET /apis/") - before; n != 0 {
		t.Errorf("%d requests for a known kind", n)
	}
	if _, err := m.RESTMapping(schema.GroupKind{Group: "metrics.k8s.io", Kind: "PodMetrics"}, "v1beta1"); err == nil || meta.IsNoMatchError(err) {
		t.Errorf("a group that does not answer: %v", err)
	}
}

func TestObserveWithASilentGroup(t *testing.T) {
	t.Parallel()
	var arrived atomic.Bool
	c := newCluster(t, discovered(&arrived))
	conn := c.connect(t)
	apis := observed.APIs{}
	incomplete, err := conn.readAPIs(t.Context(), apis)
	if err != nil {
		t.Fatalf("reading: %v", err)
	}
	if diff := cmp.Diff([]string{"metrics.k8s.io"}, incomplete); diff != "" {
		t.Errorf("silent groups (-want +got):\n%s", diff)
	}
	if !apis.Serves("apps", "Deployment") || !apis.Serves("example.com", "Gadget") || apis.Serves("autoscaling", "Scale") {
		t.Errorf("kinds: %v", apis)
	}
	if health := conn.Health(); !health.Reachable {
		t.Errorf("a silent group makes the cluster %+v", health)
	}
	before := c.count("GET /apis/apps/v1")
	if _, err := conn.mapper.RESTMapping(schema.GroupKind{Group: "apps", Kind: "Deployment"}, "v1"); err != nil {
		t.Errorf("a kind that was observed: %v", err)
	}
	if n := c.count("GET /apis/apps/v1") - before; n != 0 {
		t.Errorf("%d requests for a kind that was observed", n)
	}
	// Groups that nobody asked for are not kept.
	if _, kept := conn.mapper.kinds[schema.GroupVersion{Group: "example.com", Version: "v1beta1"}]; kept {
		t.Error("a group that nobody asked for is kept")
	}
}

func TestDiscoveryOfASickCluster(t *testing.T) {
	t.Parallel()
	var arrived atomic.Bool
	serve := discovered(&arrived)
	conn := newCluster(t, func(w http.ResponseWriter, r *http.Request) bool {
		if strings.HasPrefix(r.URL.Path, "/apis/") {
			panic(http.ErrAbortHandler)
		}
		return serve(w, r)
	}).connect(t)
	incomplete, err := conn.readAPIs(t.Context(), observed.APIs{})
	if _, _, transport := Classify(err); !transport {
		t.Errorf("got %v, silent %v; want a sick cluster, not silent groups", err, incomplete)
	}
}
