package controller

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/observed"
)

func TestTheClaimThatCounts(t *testing.T) {
	t.Parallel()
	old, young, twin := platformNamed("old", "o"), platformNamed("young", "y"), platformNamed("a-twin", "t")
	young.CreationTimestamp = metav1.NewTime(noon)
	cases := map[string]struct {
		platforms []*v1alpha1.TLSPlatform
		owner     types.UID
		want      string
	}{
		"nobody asks":  {nil, "", ""},
		"the only one": {[]*v1alpha1.TLSPlatform{young}, "", "young"},
		"the oldest where the cluster is nobody's":      {[]*v1alpha1.TLSPlatform{young, old}, "", "old"},
		"the owner, however young":                      {[]*v1alpha1.TLSPlatform{young, old}, "y", "young"},
		"the oldest when the owner asks for it no more": {[]*v1alpha1.TLSPlatform{young, old}, "gone", "old"},
		"the first by name among twins":                 {[]*v1alpha1.TLSPlatform{old, twin}, "", "a-twin"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all, got := claims{}, ""
			for _, p := range c.platforms {
				all[p.UID] = claim(p, "r")
			}
			if a := all.effective(c.owner); a != nil {
				got = a.Platform.Name
			}
			if got != c.want {
				t.Errorf("platform %q counts, want %q", got, c.want)
			}
		})
	}
}

func TestAssign(t *testing.T) {
	t.Parallel()
	p := platformNamed("p", "u")
	cases := map[string]struct {
		next  func(*Assignment)
		dirty bool
		wakes int
	}{
		"the same again does nothing":     {func(*Assignment) {}, false, 0},
		"another reason to wait is told":  {func(a *Assignment) { a.Waiting = "w" }, false, 1},
		"another revision is applied":     {func(a *Assignment) { a.Revision = "r2" }, true, 1},
		"other overrides are applied":     {func(a *Assignment) { a.Key = "other" }, true, 1},
		"a release is worked on":          {func(a *Assignment) { a.Release = true }, true, 1},
		"a suspension is worked on":       {func(a *Assignment) { a.Suspended = true }, true, 1},
		"a hub to take over from matters": {func(a *Assignment) { a.TakeOverFrom = "h" }, true, 1},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, interceptor.Funcs{})
			first := claim(p, "r")
			first.Since = noon
			b.fleet.Assign("m", first)
			m := b.fleet.get("m")
			b.fleet.takeDirty(m)
			b.lanes[laneHealthy].added = nil

			next := claim(p, "r")
			c.next(next)
			b.fleet.Assign("m", next)
			if got := b.fleet.takeDirty(m); got != c.dirty {
				t.Errorf("a run is due: %v, want %v", got, c.dirty)
			}
			if got := len(b.lanes[laneHealthy].added); got != c.wakes {
				t.Errorf("woken %d times, want %d", got, c.wakes)
			}
			if !c.dirty && !next.Since.Equal(noon) {
				t.Errorf("the time since when it has the revision was lost: %s", next.Since)
			}
		})
	}
}

func TestAnOutcomeIsAboutWhatIsAskedFor(t *testing.T) {
	t.Parallel()
	p := platformNamed("p", "u")
	ok := &observed.Outcome{}
	cases := map[string]struct {
		during func(*Fleet) // while a visit is at work on revision r
		want   bool
	}{
		"nothing happened meanwhile":     {func(*Fleet) {}, true},
		"the same was asked for again":   {func(f *Fleet) { f.Assign("m", claim(p, "r")) }, true},
		"another revision was asked for": {func(f *Fleet) { f.Assign("m", claim(p, "r2")) }, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, interceptor.Funcs{})
			a := claim(p, "r")
			b.fleet.Assign("m", a)
			c.during(b.fleet)
			b.fleet.store(b.fleet.get("m"), ok, a, "u")
			if got := b.fleet.Known("m", "u").Current; got != c.want {
				t.Errorf("current: %v, want %v", got, c.want)
			}
			b.fleet.Assign("m", claim(p, "r"))
			if got := b.fleet.Known("m", "u").Current; c.want && !got {
				t.Errorf("it is not current any more when the same is asked for again")
			}
		})
	}
}

func TestWhoseAClusterIs(t *testing.T) {
	t.Parallel()
	mine, other := platformNamed("mine", "m"), platformNamed("other", "o")
	cases := map[string]struct {
		claimed []*v1alpha1.TLSPlatform
		owner   types.UID
		want    string // the other platform
	}{
		"nobody's":                         {nil, "", ""},
		"mine":                             {[]*v1alpha1.TLSPlatform{mine, other}, "m", ""},
		"another's, which asks for it too": {[]*v1alpha1.TLSPlatform{mine, other}, "o", "other"},
		"another's, before this one asks":  {[]*v1alpha1.TLSPlatform{other}, "o", "other"},
		"free, since its owner asks for it no more":      {nil, "o", ""},
		"not decided, since the other has not got it":    {[]*v1alpha1.TLSPlatform{other}, "", ""},
		"mine, since it is the first of two by name":     {[]*v1alpha1.TLSPlatform{mine, other}, "", ""},
		"mine, although the ledger has another platform": {[]*v1alpha1.TLSPlatform{mine}, "o", ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, interceptor.Funcs{})
			for _, p := range c.claimed {
				b.fleet.Assign("c", claim(p, "r"))
			}
			b.fleet.store(b.fleet.get("c"), &observed.Outcome{}, nil, c.owner)
			got := ""
			if k := b.fleet.Known("c", "m"); k.Other != nil {
				got = k.Other.Name
			}
			if got != c.want {
				t.Errorf("it belongs to %q instead, want %q", got, c.want)
			}
		})
	}
}

func TestUnassignAndRelease(t *testing.T) {
	t.Parallel()
	b := newBench(t, interceptor.Funcs{})
	p := platformNamed("p", "u")
	for _, name := range []string{"a", "b"} {
		b.fleet.Assign(name, claim(p, "r"))
		b.fleet.takeDirty(b.fleet.get(name))
	}
	b.lanes[laneHealthy].added = nil
	b.fleet.Unassign("u", map[string]bool{"a": true})
	if diff := cmp.Diff([]string{"b"}, b.lanes[laneHealthy].added); diff != "" {
		t.Errorf("woken (-want +got):\n%s", diff)
	}
	if b.fleet.Known("b", "u").Mine != nil || b.fleet.Known("a", "u").Mine == nil {
		t.Error("the wrong claim ended")
	}

	b.fleet.Drop("a", "u")
	if !b.fleet.Released("a", "u") || b.fleet.Known("a", "u").Mine != nil {
		t.Error("a dropped cluster is not released")
	}
	b.fleet.released(b.fleet.get("b"), "u")
	if !b.fleet.Released("b", "u") || b.news == 0 {
		t.Error("a released cluster is not told of")
	}
	b.fleet.Unassign("u", nil)
	if b.fleet.Released("a", "u") || b.fleet.Released("unknown", "u") {
		t.Error("what was released stays on record")
	}
	b.fleet.forget("a")
	if diff := cmp.Diff(Known{}, b.fleet.Known("a", "u")); diff != "" {
		t.Errorf("a member that is gone is known (-want +got):\n%s", diff)
	}
}

func TestTwoMembersThatAreTheSameCluster(t *testing.T) {
	t.Parallel()
	type seen struct {
		name string
		age  int
		uid  string
	}
	cases := map[string]struct {
		members []seen
		want    map[string]string // who keeps the cluster instead
	}{
		"others":               {[]seen{{"a", 1, "1"}, {"b", 2, "2"}}, map[string]string{}},
		"nothing is known yet": {[]seen{{"a", 1, ""}, {"b", 2, ""}}, map[string]string{}},
		"the older one keeps it": {
			[]seen{{"a", 1, "1"}, {"b", 2, "1"}}, map[string]string{"a": "b"},
		},
		"the first by name among twins": {
			[]seen{{"a", 1, "1"}, {"b", 1, "1"}}, map[string]string{"b": "a"},
		},
		"the oldest of three": {
			[]seen{{"a", 1, "1"}, {"b", 2, "1"}, {"c", 3, "1"}}, map[string]string{"a": "c", "b": "c"},
		},
		"the hub's own, however young": {
			[]seen{{"a", 9, "1"}, {v1alpha1.LocalClusterName, 1, "1"}}, map[string]string{"a": v1alpha1.LocalClusterName},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, got := NewFleet(nil, nil), map[string]string{}
			for range 2 { // the first round tells the fleet who is there
				for _, s := range c.members {
					delete(got, s.name)
					if other := f.identify(f.get(s.name), s.uid, metav1.NewTime(noon.Add(-time.Duration(s.age)*time.Hour))); other != "" {
						got[s.name] = other
					}
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("who keeps it (-want +got):\n%s", diff)
			}
		})
	}
}
