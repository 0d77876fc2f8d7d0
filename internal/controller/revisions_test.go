package controller

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/names"
)

// withVersion is a platform whose spec is another for each version.
func withVersion(version string) *v1alpha1.TLSPlatform {
	p := platformNamed("p", "u")
	p.Spec.Components.CertManager = &v1alpha1.Component{Version: version}
	return p
}

// kept are the numbers of the stored revisions, by name.
func kept(t *testing.T, b *bench) map[string]int64 {
	t.Helper()
	var list appsv1.ControllerRevisionList
	if err := b.client.List(t.Context(), &list); err != nil {
		t.Fatal(err)
	}
	numbers := map[string]int64{}
	for i := range list.Items {
		numbers[list.Items[i].Name] = list.Items[i].Revision
	}
	return numbers
}

func target(t *testing.T, r *revisions, p *v1alpha1.TLSPlatform) string {
	t.Helper()
	name, err := r.target(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	return name
}

func TestASpecIsKeptOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t, interceptor.Funcs{})
	r := b.platforms.revisions
	first, second := target(t, r, withVersion("v1")), target(t, r, withVersion("v2"))
	back := withVersion("v1")
	back.Spec.Suspend, back.Spec.DeletionPolicy = true, v1alpha1.DeletionPolicyRemove
	if got := target(t, r, back); got != first {
		t.Errorf("going back leads to revision %s, want %s", got, first)
	}
	want := map[string]int64{first: 1, second: 2}
	if diff := cmp.Diff(want, kept(t, b)); diff != "" {
		t.Errorf("kept (-want +got):\n%s", diff)
	}

	restarted := newRevisions(b.platforms.Home)
	if got := target(t, restarted, withVersion("v2")); got != second || !restarted.exists(first, "u") {
		t.Errorf("after a restart it is revision %s, want %s, and %s is known: %v", got, second, first, restarted.exists(first, "u"))
	}
	if diff := cmp.Diff(want, kept(t, b)); diff != "" {
		t.Errorf("kept after a restart (-want +got):\n%s", diff)
	}
}

func TestARevisionOfAPlatformBeforeIsReplaced(t *testing.T) {
	t.Parallel()
	b := newBench(t, interceptor.Funcs{})
	before := withVersion("v1")
	before.UID = "before"
	name := target(t, b.platforms.revisions, before)
	r := newRevisions(b.platforms.Home)
	if got := target(t, r, withVersion("v1")); got != name {
		t.Fatalf("revision %s, want %s", got, name)
	}
	var object appsv1.ControllerRevision
	if err := b.client.Get(t.Context(), keyOf(b, name), &object); err != nil {
		t.Fatal(err)
	}
	if !metav1.IsControlledBy(&object, withVersion("v1")) {
		t.Errorf("it would go with the platform before: %v", object.OwnerReferences)
	}
}

func TestARevisionThatCantBeReadIsLeftOut(t *testing.T) {
	t.Parallel()
	p := withVersion("v1")
	b := newBench(t, interceptor.Funcs{}, &appsv1.ControllerRevision{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: names.SystemNamespace, Name: "p-newer", Labels: map[string]string{names.LabelPlatform: "p"},
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(p, v1alpha1.GroupVersion.WithKind("TLSPlatform"))},
		},
		Data: runtime.RawExtension{Raw: []byte(`{"estate":{"unknown":1}}`)}, Revision: 7,
	})
	r := b.platforms.revisions
	if name := target(t, r, p); !r.exists(name, "u") || r.exists("p-newer", "u") {
		t.Errorf("%s is known: %v, p-newer is known: %v", name, r.exists(name, "u"), r.exists("p-newer", "u"))
	}
}

func TestOldRevisionsThatNobodyHasAreDropped(t *testing.T) {
	t.Parallel()
	b := newBench(t, interceptor.Funcs{})
	r, all := b.platforms.revisions, make([]string, 0, keptRevisions+3)
	for i := range keptRevisions + 3 {
		all = append(all, target(t, r, withVersion(fmt.Sprintf("v%d", i))))
	}
	used := map[string]bool{all[0]: true}
	for range 2 { // the second time there is nothing left to do
		if err := r.prune(t.Context(), "u", used); err != nil {
			t.Fatal(err)
		}
	}
	want := map[string]int64{all[0]: 1}
	for i := 3; i < len(all); i++ {
		want[all[i]] = int64(i + 1)
	}
	if diff := cmp.Diff(want, kept(t, b)); diff != "" {
		t.Errorf("kept (-want +got):\n%s", diff)
	}
	if r.exists(all[1], "u") || !r.exists(all[0], "u") || r.exists(all[0], "other") {
		t.Error("what is known differs from what is kept")
	}
	r.forget("u")
	if len(r.known) > 0 || len(r.loaded) > 0 {
		t.Error("revisions of a platform that is gone are known")
	}
}

func TestClustersWithTheSameOverridesShareASpec(t *testing.T) {
	t.Parallel()
	b := newBench(t, interceptor.Funcs{})
	r, p := b.platforms.revisions, withVersion("v1")
	p.Spec.Overrides = []v1alpha1.Override{{
		Name: "edge", Selector: metav1.LabelSelector{MatchLabels: map[string]string{"env": "edge"}},
		Patch: apiextensionsv1.JSON{Raw: []byte(`{"components":{"certManager":{"version":"v2"}}}`)},
	}}
	report := false
	p.Spec.Delivery.CorrectDrift, p.Spec.DeletionPolicy = &report, v1alpha1.DeletionPolicyRemove
	name := target(t, r, p)
	of := func(env string) *Assignment {
		a, err := r.assignment(p, name, map[string]string{"env": env})
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	edge, edgeToo, core := of("edge"), of("edge"), of("core")
	if edge.Platform.Spec.Components.CertManager != edgeToo.Platform.Spec.Components.CertManager || edge.Key != edgeToo.Key {
		t.Error("they have a spec each")
	}
	if edge.Key == core.Key || core.Platform.Spec.Components.CertManager.Version != "v1" || edge.Platform.Spec.Components.CertManager.Version != "v2" {
		t.Errorf("core has %+v, edge has %+v", core.Platform.Spec.Components.CertManager, edge.Platform.Spec.Components.CertManager)
	}
	if !edge.ReportOnly || edge.Platform.Spec.DeletionPolicy != v1alpha1.DeletionPolicyRemove {
		t.Error("what holds for all revisions is not in force")
	}
	if _, err := r.assignment(p, "p-gone", nil); err == nil {
		t.Error("a revision that is not kept can be assigned")
	}
}
