package cli

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/fleet"
	"github.com/tlsplatform/tls-platform-operator/internal/names"
)

// hubWith is a hub with objects.
func hubWith(t *testing.T, objects ...client.Object) client.Client {
	t.Helper()
	scheme, err := fleet.NewScheme()
	if err != nil {
		t.Fatal(err)
	}
	return fake.NewClientBuilder().WithScheme(scheme).WithObjects(objects...).Build()
}

func TestPlatformOfFile(t *testing.T) {
	t.Parallel()
	const one = "apiVersion: tlsplatform.io/v1alpha1\nkind: TLSPlatform\nmetadata:\n  name: one\n"
	const two = "---\napiVersion: tlsplatform.io/v1alpha1\nkind: TLSPlatform\nmetadata:\n  name: two\n"
	const other = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: x\n---\n"
	for name, c := range map[string]struct{ text, asked, want, failure string }{
		"the only one":                   {text: other + one, want: "one"},
		"the one that is asked for":      {text: one + two, asked: "two", want: "two"},
		"one of several is not guessed":  {text: one + two, failure: "several TLSPlatforms"},
		"none of the name":               {text: one, asked: "two", failure: "no TLSPlatform two"},
		"none at all":                    {text: other, failure: "no TLSPlatform of tlsplatform.io/v1alpha1"},
		"an empty file":                  {failure: "no TLSPlatform of"},
		"a field that does not exist":    {text: one + "spec:\n  componnents: {}\n", failure: `unknown field "componnents"`},
		"another version of the API":     {text: strings.Replace(one, "v1alpha1", "v9", 1), failure: "no TLSPlatform of"},
		"a file that is not YAML at all": {text: "\x00{", failure: "yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := platformOfFile([]byte(c.text), c.asked)
			switch {
			case c.failure != "" && (err == nil || !strings.Contains(err.Error(), c.failure)):
				t.Errorf("got error %v, want %q", err, c.failure)
			case c.failure == "" && (err != nil || got.Name != c.want):
				t.Errorf("got %v and error %v, want %s", got, err, c.want)
			}
		})
	}
}

func TestPlatformOfHub(t *testing.T) {
	t.Parallel()
	platform := func(name string) client.Object {
		return &v1alpha1.TLSPlatform{ObjectMeta: metav1.ObjectMeta{Name: name}}
	}
	for name, c := range map[string]struct {
		there                []client.Object
		asked, want, failure string
	}{
		"the only one":                  {there: []client.Object{platform("one")}, want: "one"},
		"the one that is asked for":     {there: []client.Object{platform("one"), platform("two")}, asked: "two", want: "two"},
		"one of several is not guessed": {there: []client.Object{platform("one"), platform("two")}, failure: "give the name of one of one, two"},
		"none":                          {failure: "the hub has no TLSPlatform"},
		"none of the name":              {asked: "x", failure: "reading TLSPlatform x from the hub"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := platformOfHub(t.Context(), hubWith(t, c.there...), c.asked)
			switch {
			case c.failure != "" && (err == nil || !strings.Contains(err.Error(), c.failure)):
				t.Errorf("got error %v, want %q", err, c.failure)
			case c.failure == "" && (err != nil || got.Name != c.want):
				t.Errorf("got %v and error %v, want %s", got, err, c.want)
			}
		})
	}
}

func TestAssign(t *testing.T) {
	t.Parallel()
	off := false
	platform := &v1alpha1.TLSPlatform{ObjectMeta: metav1.ObjectMeta{Name: "main"}}
	platform.Spec.Clusters.Selector = &metav1.LabelSelector{MatchLabels: map[string]string{"env": "prod"}}
	suspended := platform.DeepCopy()
	suspended.Spec.Suspend, suspended.Spec.Delivery.CorrectDrift = true, &off
	member := func(labels map[string]string) client.Object {
		return &v1alpha1.MemberCluster{
			ObjectMeta: metav1.ObjectMeta{Name: "a", Labels: labels}, Spec: v1alpha1.MemberClusterSpec{TakeOverFrom: "old-hub"},
		}
	}
	for name, c := range map[string]struct {
		platform   *v1alpha1.TLSPlatform
		hub        client.Client
		takeOver   string
		reportOnly bool
		notes      []string
	}{
		"a member that is selected": {platform, hubWith(t, member(map[string]string{"env": "prod"})), "old-hub", false, nil},
		"a member that is not": {
			platform, hubWith(t, member(nil)), "old-hub", false,
			[]string{"spec.clusters.selector does not match MemberCluster a: the hub would not touch it"},
		},
		"a cluster that the hub does not know, of a platform that does nothing": {
			suspended, hubWith(t), "", true,
			[]string{"the hub has no MemberCluster a: it counts as one without labels", "spec.suspend is set: the hub writes nothing of this until it is not"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := assign(t.Context(), c.hub, c.platform, "a")
			if err != nil {
				t.Fatal(err)
			}
			if got.takeOverFrom != c.takeOver || got.reportOnly != c.reportOnly {
				t.Errorf("got %+v", got)
			}
			if diff := cmp.Diff(c.notes, got.notes); diff != "" {
				t.Errorf("notes (-want +got):\n%s", diff)
			}
		})
	}
}

func TestImageOf(t *testing.T) {
	t.Parallel()
	hub := func(env ...corev1.EnvVar) client.Object {
		d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{
			Namespace: "sys", Name: "tls-platform", Labels: map[string]string{"app.kubernetes.io/name": "tls-platform", "app.kubernetes.io/component": "hub"},
		}}
		d.Spec.Template.Spec.Containers = []corev1.Container{{Name: "hub", Env: env}}
		return d
	}
	for name, c := range map[string]struct {
		there       []client.Object
		given, want string
	}{
		"what is given wins":              {[]client.Object{hub(corev1.EnvVar{Name: names.AgentImageVariable, Value: "a:1"})}, "b:2", "b:2"},
		"else it is what the hub is told": {[]client.Object{hub(corev1.EnvVar{Name: "X", Value: "y"}, corev1.EnvVar{Name: names.AgentImageVariable, Value: "a:1"})}, "", "a:1"},
		"a hub that was told nothing":     {[]client.Object{hub()}, "", ""},
		"no hub":                          {nil, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := imageOf(t.Context(), hubWith(t, c.there...), "sys", c.given)
			if err != nil || got != c.want {
				t.Errorf("got %q and error %v, want %q", got, err, c.want)
			}
		})
	}
}

func TestContextOf(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		contexts      []string
		want, failure string
	}{
		"nothing given":                    {nil, "", ""},
		"one for all":                      {[]string{"admin"}, "admin", ""},
		"its own before one for all":       {[]string{"a=own", "admin"}, "own", ""},
		"another cluster's is not for it":  {[]string{"b=other"}, "", ""},
		"a context may have an equal sign": {[]string{"a=x=y"}, "x=y", ""},
		"a cluster without a context":      {[]string{"a="}, "", `"a=" is neither`},
		"nothing at all":                   {[]string{""}, "", `"" is neither`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := (&memberFlags{contexts: c.contexts}).contextOf("a")
			failed := err != nil && c.failure != "" && strings.Contains(err.Error(), c.failure)
			if got != c.want || (err != nil || c.failure != "") && !failed {
				t.Errorf("got %q and error %v, want %q and %q", got, err, c.want, c.failure)
			}
		})
	}
}

func TestSelectedClusters(t *testing.T) {
	t.Parallel()
	member := func(name, env string) client.Object {
		return &v1alpha1.MemberCluster{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"env": env}}}
	}
	hub := hubWith(t, member("b", "prod"), member("a", "prod"), member("c", "dev"))
	platform := &v1alpha1.TLSPlatform{ObjectMeta: metav1.ObjectMeta{Name: "main"}}
	platform.Spec.Clusters.Selector = &metav1.LabelSelector{MatchLabels: map[string]string{"env": "prod"}}
	got, err := selectedClusters(t.Context(), hub, platform)
	if diff := cmp.Diff([]string{"a", "b"}, got); diff != "" || err != nil {
		t.Errorf("error %v, clusters (-want +got):\n%s", err, diff)
	}
	platform.Spec.Clusters.Selector.MatchLabels["env"] = "none"
	if _, err := selectedClusters(t.Context(), hub, platform); err == nil {
		t.Error("a platform that selects nothing is no error")
	}
}

func TestDiffAndRenderCheckTheirFlags(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"adopting needs something to adopt": {[]string{"diff", "--adopt"}, "--adopt says how to --manage a component: give both"},
		"an unknown format":                 {[]string{"diff", "-o", "yaml"}, `--output: "yaml" is not known: use one of diff, summary, json`},
		"rendering needs a folder":          {[]string{"render", "--all"}, `required flag(s) "directory" not set`},
		"rendering needs clusters":          {[]string{"render", "--directory", "x"}, "at least one of the flags in the group [cluster all] is required"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if r := run(t, false, nil, c.args...); r.failure != c.want {
				t.Errorf("got %q, want %q", r.failure, c.want)
			}
		})
	}
}
