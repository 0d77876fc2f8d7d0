package preview

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/desired"
	"github.com/tlsplatform/tls-platform-operator/internal/ledger"
	"github.com/tlsplatform/tls-platform-operator/internal/names"
	"github.com/tlsplatform/tls-platform-operator/internal/observed"
)

func TestOwner(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		labels, annotations map[string]string
		want                string
	}{
		"the platform's own label comes first": {
			map[string]string{names.LabelPlatform: "main"}, map[string]string{names.AnnotationHelmRelease: "cm"}, "TLSPlatform main",
		},
		"a Helm release has its namespace":     {nil, map[string]string{names.AnnotationHelmRelease: "cm", names.AnnotationHelmNamespace: "infra"}, "Helm release infra/cm"},
		"a Helm release may have no namespace": {nil, map[string]string{names.AnnotationHelmRelease: "cm"}, "Helm release cm"},
		"OLM names its owner":                  {map[string]string{names.LabelOLMOwner: "cert-manager.v1.18"}, nil, "OLM cert-manager.v1.18"},
		"OLM may only say that it manages":     {map[string]string{names.LabelOLMManaged: "true"}, nil, "OLM"},
		"everything else is plain":             {map[string]string{"app.kubernetes.io/managed-by": "Helm"}, nil, "plain"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := &unstructured.Unstructured{Object: map[string]any{}}
			o.SetLabels(c.labels)
			o.SetAnnotations(c.annotations)
			if got := ownerOf(o); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestManage(t *testing.T) {
	t.Parallel()
	installs := map[string]observed.Install{"cert-manager": {Version: "v1.18.2", Namespace: "infra"}}
	observedSpec := v1alpha1.Component{State: v1alpha1.ComponentObserved, Namespace: "cert-manager"}
	for name, c := range map[string]struct {
		spec    *v1alpha1.Component
		fields  []string
		adopt   bool
		want    *v1alpha1.Component
		notes   []string
		failure string
	}{
		"nothing is asked for": {spec: &observedSpec, want: &observedSpec},
		"the version is the one that was found": {
			spec: &observedSpec, fields: []string{"certManager"},
			want:  &v1alpha1.Component{State: v1alpha1.ComponentManaged, Version: "v1.18.2", Namespace: "cert-manager"},
			notes: []string{"as if spec.components.certManager had state: Managed, version: v1.18.2"},
		},
		"adopting keeps the namespace, and a version that was declared stays": {
			spec:   &v1alpha1.Component{State: v1alpha1.ComponentObserved, Namespace: "cert-manager", Version: "v1.21.2"},
			fields: []string{"certManager", "certManager"}, adopt: true,
			want:  &v1alpha1.Component{State: v1alpha1.ComponentManaged, Adopt: true, Version: "v1.21.2", Namespace: "infra"},
			notes: []string{"as if spec.components.certManager had state: Managed, adopt: true, namespace: infra"},
		},
		"a component that was not mentioned is taken as found": {
			fields: []string{"certManager"},
			want:   &v1alpha1.Component{State: v1alpha1.ComponentManaged, Version: "v1.18.2", Namespace: "infra"},
			notes:  []string{"as if spec.components.certManager had state: Managed, version: v1.18.2, namespace: infra"},
		},
		"a version has to come from somewhere": {
			fields: []string{"trustManager"}, failure: "spec.components.trustManager has no version, and none was found in the cluster: set one",
		},
		"an unknown component is an error": {
			fields: []string{"vault"}, failure: `there is no component "vault": use certManager or trustManager`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			spec := &v1alpha1.TLSPlatformSpec{}
			spec.Components.CertManager = c.spec
			before := c.spec.DeepCopy()
			notes, err := Manage(spec, c.fields, c.adopt, installs)
			if (err == nil) != (c.failure == "") || err != nil && err.Error() != c.failure {
				t.Fatalf("got error %v, want %q", err, c.failure)
			}
			if diff := cmp.Diff(before, c.spec); diff != "" {
				t.Errorf("the component that was given was changed (-before +after):\n%s", diff)
			}
			if err != nil {
				return
			}
			if diff := cmp.Diff(c.want, spec.Components.CertManager); diff != "" {
				t.Errorf("component (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.notes, notes); diff != "" {
				t.Errorf("notes (-want +got):\n%s", diff)
			}
		})
	}
}

func TestHeld(t *testing.T) {
	t.Parallel()
	l := ledger.New("main", "uid")
	l.Releases[desired.CertManager] = ledger.ReleaseState{
		Current: desired.Release{Version: "v1.20.0", Key: "old"}, Failed: "bad", FailedVersion: "v1.21.0", FailedMessage: "it crashed",
	}
	hold := &desired.Hold{Reason: v1alpha1.ReasonExistingInstall}
	for name, c := range map[string]struct {
		part desired.Part
		want string
	}{
		"the plan holds it":                  {desired.Part{Name: desired.Issuers, Hold: hold}, v1alpha1.ReasonExistingInstall},
		"a release that failed before":       {desired.Part{Name: desired.CertManager, Release: &desired.Release{Key: "bad"}}, v1alpha1.ReasonRolledBack},
		"another release is tried":           {desired.Part{Name: desired.CertManager, Release: &desired.Release{Key: "new"}}, ""},
		"a part without a release is free":   {desired.Part{Name: desired.Issuers}, ""},
		"a release of another part is tried": {desired.Part{Name: desired.TrustManager, Release: &desired.Release{Key: "bad"}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := ""
			if h := Held(&c.part, l); h != nil {
				got = h.Reason
			}
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestLeftovers(t *testing.T) {
	t.Parallel()
	ref := func(kind, name string) desired.Ref { return desired.Ref{Kind: kind, Name: name} }
	l := ledger.New("main", "uid")
	for r, part := range map[desired.Ref]desired.PartName{
		ref("ConfigMap", "wanted"): desired.Issuers, ref("ConfigMap", "old"): desired.Issuers, ref("Namespace", "old"): desired.Issuers,
		ref("ConfigMap", "problem"): desired.Issuers, ref("ConfigMap", "held"): desired.CertManager, ref("Service", "late"): desired.Agent,
	} {
		l.Entries[r] = ledger.Entry{Part: part}
	}
	wanted := &unstructured.Unstructured{}
	wanted.SetKind("ConfigMap")
	wanted.SetName("wanted")
	plan := &desired.Plan{Parts: []desired.Part{
		{Name: desired.CertManager, Hold: &desired.Hold{Reason: "Held"}},
		{Name: desired.Issuers, Objects: []*unstructured.Unstructured{wanted}, Keep: []desired.Ref{ref("ConfigMap", "problem")}},
	}}
	type line struct{ Object, Kept string }
	var got []line
	for _, left := range leftovers(plan, l) {
		got = append(got, line{left.ref.String(), left.kept})
	}
	want := []line{
		{"Service late", ""}, {"ConfigMap old", ""},
		{"ConfigMap problem", "what the spec says of it can't be built, and it is not removed for that"},
		{"Namespace old", ""}, {"ConfigMap held", "its part is held: Held"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("leftovers, last applied first (-want +got):\n%s", diff)
	}
}

func TestInOrder(t *testing.T) {
	t.Parallel()
	t.Run("what was found is in the order of the jobs, without what is nothing", func(t *testing.T) {
		t.Parallel()
		var jobs []func() (*Change, error)
		var want []Change
		for i := range 100 {
			if i%10 == 0 {
				jobs = append(jobs, func() (*Change, error) { return nil, nil })
				continue
			}
			c := Change{Object: desired.Ref{Name: string(rune('a' + i))}}
			jobs, want = append(jobs, func() (*Change, error) { return &c, nil }), append(want, c)
		}
		got, err := inOrder(jobs)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("error %v, changes (-want +got):\n%s", err, diff)
		}
	})
	t.Run("an error ends it", func(t *testing.T) {
		t.Parallel()
		lost := errors.New("connection refused")
		got, err := inOrder([]func() (*Change, error){func() (*Change, error) { return nil, lost }})
		if !errors.Is(err, lost) || got != nil {
			t.Errorf("got %v and error %v", got, err)
		}
	})
	t.Run("nothing to do is nothing", func(t *testing.T) {
		t.Parallel()
		if got, err := inOrder(nil); len(got) != 0 || err != nil {
			t.Errorf("got %v and error %v", got, err)
		}
	})
}

func TestKindsOfThePlanAreServed(t *testing.T) {
	t.Parallel()
	crd := parse(t, `{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition,
		spec: {group: example.com, names: {kind: Thing}, versions: [{name: v1, served: true}, {name: v1beta1, served: false}]}}`)
	plan := &desired.Plan{Parts: []desired.Part{{Objects: []*unstructured.Unstructured{crd}}}}
	before := observed.APIs{{Group: "apps", Kind: "Deployment"}: {"v1"}}
	got, grown := withDefinitions(before, plan)
	want := observed.APIs{{Group: "apps", Kind: "Deployment"}: {"v1"}, {Group: "example.com", Kind: "Thing"}: {"v1"}}
	if diff := cmp.Diff(want, got); diff != "" || !grown {
		t.Errorf("grown %v, kinds (-want +got):\n%s", grown, diff)
	}
	if _, again := withDefinitions(got, plan); again {
		t.Error("kinds that are served already count as new, so that planning would not end")
	}
	if before.Serves("example.com", "Thing") || len(before) != 1 {
		t.Errorf("the facts were changed: %v", before)
	}
}

func TestHealthyVersions(t *testing.T) {
	t.Parallel()
	l := ledger.New("main", "uid")
	l.Releases[desired.CertManager] = ledger.ReleaseState{Healthy: &desired.Release{Version: "v1.19.0"}}
	l.Releases[desired.TrustManager] = ledger.ReleaseState{Current: desired.Release{Version: "v0.19.0"}}
	want := map[desired.PartName]string{desired.CertManager: "v1.19.0"}
	if diff := cmp.Diff(want, healthyVersions(l)); diff != "" {
		t.Errorf("versions (-want +got):\n%s", diff)
	}
	if got := healthyVersions(nil); len(got) != 0 {
		t.Errorf("without a ledger there are %v", got)
	}
}
