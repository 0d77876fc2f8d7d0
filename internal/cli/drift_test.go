package cli

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

func TestDriftGoldens(t *testing.T) {
	t.Parallel()
	for name, fleet := range map[string]*fleetView{
		"drift-none.table":   fleetOf(sampleMembers()[2:4]),
		"drift-one.table":    fleetOf(sampleMembers(), "prod-eu-2"),
		"drift-unseen.table": fleetOf(sampleMembers()[:2]),
		"drift-many.table":   fleetOf(manyMembers()),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var b bytes.Buffer
			if err := printDrift(&b, newDriftView(fleet), formatTable, now); err != nil {
				t.Fatal(err)
			}
			golden(t, name, b.String())
		})
	}
}

func TestDriftThatCounts(t *testing.T) {
	t.Parallel()
	unlisted := member("a", nil)
	n := int32(3)
	unlisted.Status.Drifted = &n
	for name, c := range map[string]struct {
		fleet *fleetView
		want  bool
	}{
		"clusters without drift":            {fleetOf(sampleMembers()[2:4]), false},
		"changed objects":                   {fleetOf(sampleMembers()), true},
		"objects that are only counted":     {fleetOf([]*v1alpha1.MemberCluster{unlisted}), true},
		"a difference":                      {fleetOf(manyMembers(), "prod-03"), true},
		"clusters that are not seen":        {fleetOf(sampleMembers()[:2]), false},
		"drift of clusters not asked about": {fleetOf(sampleMembers(), "local"), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := newDriftView(c.fleet).any(); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestOldestDriftComesFirst(t *testing.T) {
	t.Parallel()
	m := member("a", nil)
	for _, item := range []struct {
		name  string
		since *metav1.Time
	}{{"none", nil}, {"new", in(-hour)}, {"old", in(-day)}, {"also-none", nil}} {
		m.Status.Drift = append(m.Status.Drift, v1alpha1.DriftItem{ObjectReference: v1alpha1.ObjectReference{Kind: "Secret", Name: item.name}, Since: item.since})
	}
	var got []string
	for _, o := range newDriftView(fleetOf([]*v1alpha1.MemberCluster{m})).Objects {
		got = append(got, o.Name)
	}
	if diff := cmp.Diff([]string{"old", "new", "also-none", "none"}, got); diff != "" {
		t.Errorf("order differs (-want +got):\n%s", diff)
	}
}
