package reference

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSetOfTheSameChangesNothing(t *testing.T) {
	t.Parallel()
	cases := map[string]Reduced{
		"references": refers("Ingress", "shop", "web", secret("shop", "a"), secret("shop", "b")),
		"a gateway with a selector": {
			Source:     Source{Kind: "Gateway.networking.istio.io", Namespace: "shop", Name: "g"},
			References: []Reference{{Target: Target{Name: "a"}, Certain: true}},
			Selector:   []string{"istio=gateway"},
		},
		"a Pod": {Source: Source{Kind: "Pod", Namespace: "shop", Name: "p"}, Labels: []string{"istio=gateway"}},
		"grants": {
			Source: Source{Kind: "ReferenceGrant", Namespace: "shop", Name: "g"},
			Grants: []Grant{{FromKind: "Gateway", FromNamespace: "edge", ToNamespace: "shop"}},
		},
		"an object that says nothing": {Source: Source{Kind: "Ingress", Namespace: "shop", Name: "plain"}},
	}
	for name, r := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewGraph()
			g.Set(r)
			if changed := g.Set(r); len(changed) > 0 {
				t.Errorf("changed %v", changed)
			}
		})
	}
}

func TestSetReturnsTheTargetsWhoseReferrersChanged(t *testing.T) {
	t.Parallel()
	g := NewGraph()
	g.Set(refers("Ingress", "shop", "web", secret("shop", "a"), secret("shop", "b")))
	got := g.Set(refers("Ingress", "shop", "web", secret("shop", "c"), secret("shop", "b")))
	if diff := cmp.Diff([]Target{secret("shop", "a"), secret("shop", "c")}, got); diff != "" {
		t.Errorf("changed (-want +got):\n%s", diff)
	}
	layered := refers("Ingress", "shop", "web", secret("shop", "c"), secret("shop", "b"))
	layered.References[1].Layer = "Ingress"
	if diff := cmp.Diff([]Target{secret("shop", "b")}, g.Set(layered)); diff != "" {
		t.Errorf("changed by a layer (-want +got):\n%s", diff)
	}
	got = g.Delete(Source{Kind: "Ingress", Namespace: "shop", Name: "web"})
	if diff := cmp.Diff([]Target{secret("shop", "b"), secret("shop", "c")}, got); diff != "" {
		t.Errorf("changed by Delete (-want +got):\n%s", diff)
	}
	if got := g.Delete(Source{Kind: "Ingress", Namespace: "shop", Name: "web"}); len(got) > 0 {
		t.Errorf("a second Delete changed %v", got)
	}
}

func TestReferrersAreSortedAndComplete(t *testing.T) {
	t.Parallel()
	g := NewGraph()
	g.Set(refers("Pod", "shop", "p", secret("shop", "a")))
	g.Set(refers("Ingress", "shop", "web", secret("shop", "a")))
	anywhere := refers("Broker", "x", "b", secret(AnyNamespace, "a"))
	anywhere.References[0].Certain = false
	g.Set(anywhere)
	want := []Referrer{
		{Source: Source{Kind: "Broker", Namespace: "x", Name: "b"}, Field: "spec.secretName"},
		{Source: Source{Kind: "Ingress", Namespace: "shop", Name: "web"}, Field: "spec.secretName", Certain: true},
		{Source: Source{Kind: "Pod", Namespace: "shop", Name: "p"}, Field: "spec.secretName", Certain: true},
	}
	if diff := cmp.Diff(want, g.Referrers(secret("shop", "a"))); diff != "" {
		t.Errorf("referrers (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want[:1], g.Referrers(secret("other", "a"))); diff != "" {
		t.Errorf("referrers in another namespace (-want +got):\n%s", diff)
	}
	if got := g.Referrers(Target{Kind: ConfigMap, Namespace: "shop", Name: "a"}); len(got) > 0 {
		t.Errorf("a ConfigMap of the same name has referrers: %v", got)
	}
}

func TestSourcesOfAKind(t *testing.T) {
	t.Parallel()
	g := NewGraph()
	g.Set(refers("Pod", "shop", "p", secret("shop", "a")))
	g.Set(refers("Ingress", "shop", "web", secret("shop", "a")))
	g.Set(refers("ClusterIssuer", "", "ca", secret("cert-manager", "ca")))
	for kind, want := range map[string][]Source{
		"Pod":           {{Kind: "Pod", Namespace: "shop", Name: "p"}},
		"ClusterIssuer": {{Kind: "ClusterIssuer", Name: "ca"}},
		"Gateway":       nil,
	} {
		if diff := cmp.Diff(want, slices.Collect(g.Sources(kind))); diff != "" {
			t.Errorf("sources of %s (-want +got):\n%s", kind, diff)
		}
	}
}

func TestGatewayFollowsThePodsThatItSelects(t *testing.T) {
	t.Parallel()
	g := NewGraph()
	gateway := Reduced{
		Source: Source{Kind: "Gateway.networking.istio.io", Namespace: "shop", Name: "g"},
		References: []Reference{
			{Target: Target{Name: "shop-tls"}, Certain: true},
			{Target: secret("certs", "fixed"), Certain: true},
		},
		Selector: []string{"app=gateway", "istio=ingress"},
	}
	pod := func(name string, labels ...string) Reduced {
		return Reduced{Source: Source{Kind: "Pod", Namespace: "edge", Name: name}, Labels: labels}
	}
	steps := []struct {
		name    string
		apply   func() []Target
		changed []Target
		found   bool
		certain bool
	}{
		{
			"with no Pod the Secret may be anywhere", func() []Target { return g.Set(gateway) },
			[]Target{secret("*", "shop-tls"), secret("certs", "fixed")}, true, false,
		},
		{
			"a Pod with only some of the labels changes nothing",
			func() []Target { return g.Set(pod("other", "istio=ingress")) }, nil, true, false,
		},
		{
			"a Pod with all of the labels settles it",
			func() []Target { return g.Set(pod("a", "app=gateway", "istio=ingress", "version=1")) },
			[]Target{secret("*", "shop-tls"), secret("edge", "shop-tls")}, true, true,
		},
		{
			"a second Pod changes nothing",
			func() []Target { return g.Set(pod("b", "app=gateway", "istio=ingress", "version=1")) }, nil, true, true,
		},
		{
			"one with other labels beside changes nothing",
			func() []Target { return g.Set(pod("a", "app=gateway", "istio=ingress", "version=2")) }, nil, true, true,
		},
		{"one Pod less changes nothing", func() []Target { return g.Delete(pod("a").Source) }, nil, true, true},
		{
			"the last Pod leaves the Secret anywhere", func() []Target { return g.Set(pod("b")) },
			[]Target{secret("*", "shop-tls"), secret("edge", "shop-tls")}, true, false,
		},
		{
			"without the gateway nothing is left", func() []Target { return g.Delete(gateway.Source) },
			[]Target{secret("*", "shop-tls"), secret("certs", "fixed")}, false, false,
		},
	}
	for _, step := range steps {
		if diff := cmp.Diff(step.changed, step.apply()); diff != "" {
			t.Errorf("%s: changed (-want +got):\n%s", step.name, diff)
		}
		got := g.Referrers(secret("edge", "shop-tls"))
		if found := len(got) == 1; found != step.found || found && got[0].Certain != step.certain {
			t.Errorf("%s: referrers are %v", step.name, got)
		}
	}
}

func TestGrantsPermitReferencesAcrossNamespaces(t *testing.T) {
	t.Parallel()
	grant := func(fromKind, fromNamespace, toName string) Reduced {
		return Reduced{
			Source: Source{Kind: "ReferenceGrant", Namespace: "certs", Name: "g"},
			Grants: []Grant{{FromKind: fromKind, FromNamespace: fromNamespace, ToNamespace: "certs", ToName: toName}},
		}
	}
	cases := map[string]struct {
		grant   Reduced
		granted bool
	}{
		"for every name":        {grant("Gateway", "edge", ""), true},
		"for this name":         {grant("Gateway", "edge", "tls"), true},
		"for every namespace":   {grant("Gateway", "*", "tls"), true},
		"for another name":      {grant("Gateway", "edge", "other"), false},
		"for another namespace": {grant("Gateway", "shop", ""), false},
		"for the other Gateway": {grant("Gateway.networking.istio.io", "edge", ""), false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewGraph()
			gateway := refers("Gateway", "edge", "public", secret("certs", "tls"), secret("edge", "own"))
			gateway.References[0].NeedsGrant, gateway.References[1].NeedsGrant = true, true
			g.Set(gateway)
			if got := g.Referrers(secret("certs", "tls")); len(got) != 1 || !got[0].Ungranted {
				t.Fatalf("without a grant: %v", got)
			}
			if got := g.Referrers(secret("edge", "own")); len(got) != 1 || got[0].Ungranted {
				t.Errorf("in its own namespace: %v", got)
			}
			changed := g.Set(c.grant)
			if got := g.Referrers(secret("certs", "tls")); len(got) != 1 || got[0].Ungranted == c.granted {
				t.Errorf("with the grant: %v", got)
			}
			var want []Target
			if c.granted {
				want = []Target{secret("certs", "tls")}
			}
			if diff := cmp.Diff(want, changed); diff != "" {
				t.Errorf("changed (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(want, g.Delete(c.grant.Source)); diff != "" {
				t.Errorf("changed by Delete (-want +got):\n%s", diff)
			}
		})
	}
}

// random objects of a small world, in which much collides.
func random(r *rand.Rand) Reduced {
	pick := func(from ...string) string { return from[r.IntN(len(from))] }
	namespace := func() string { return pick("a", "b", "c") }
	made := Reduced{Source: Source{
		Kind: pick("Secret", "Ingress", "Gateway", "Pod", "ReferenceGrant"), Namespace: namespace(), Name: pick("x", "y"),
	}}
	switch made.Source.Kind {
	case "Pod":
		for _, label := range []string{"k=1", "l=1", "m=1"} {
			if r.IntN(2) == 0 {
				made.Labels = append(made.Labels, label)
			}
		}
	case "ReferenceGrant":
		for range r.IntN(3) {
			made.Grants = append(made.Grants, Grant{
				FromKind: pick("Gateway", "Ingress"), FromNamespace: pick("a", "b", "*"),
				ToNamespace: made.Source.Namespace, ToName: pick("", "x"),
			})
		}
	case "Gateway":
		made.Selector = []string{pick("k=1", "l=1"), "m=1"}[:1+r.IntN(2)]
	}
	count := r.IntN(4)
	if r.IntN(10) == 0 {
		count = r.IntN(3 * manyReferences)
	}
	for range count {
		t := secret(pick("a", "b", "c", AnyNamespace), pick("x", "y", AnyName))
		if made.Source.Kind == "Gateway" && r.IntN(2) == 0 {
			t.Namespace = ""
		}
		made.References = append(made.References, Reference{
			Target: t, Field: pick("f", "g"), Certain: r.IntN(2) == 0, NeedsGrant: r.IntN(2) == 0,
		})
	}
	return made
}

// world is every target of the small world with its referrers.
func world(g *Graph) map[Target][]Referrer {
	all := map[Target][]Referrer{}
	for _, namespace := range []string{"a", "b", "c"} {
		for _, name := range []string{"x", "y", AnyName} {
			all[secret(namespace, name)] = g.Referrers(secret(namespace, name))
		}
	}
	return all
}

func matches(changed []Target, t Target) bool {
	return slices.ContainsFunc(changed, func(c Target) bool {
		return c.Name == t.Name && (c.Namespace == t.Namespace || c.Namespace == AnyNamespace)
	})
}

func TestRandomSetsAndDeletes(t *testing.T) {
	t.Parallel()
	for seed := range uint64(16) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(seed, 1))
			g := NewGraph()
			said := map[Source]Reduced{}
			for range 150 {
				next := random(r)
				if r.IntN(4) == 0 {
					next = Reduced{Source: next.Source}
				}
				before := world(g)
				changed := g.Set(next)
				said[next.Source] = next
				for target, was := range before {
					if !slices.Equal(was, g.Referrers(target)) && !matches(changed, target) {
						t.Fatalf("referrers of %v changed, changed is %v after %+v", target, changed, next)
					}
				}
			}
			// The same facts in another order make the same graph.
			other := NewGraph()
			for _, reduced := range said {
				other.Set(reduced)
			}
			if diff := cmp.Diff(world(other), world(g)); diff != "" {
				t.Errorf("the order of events matters (-fresh +grown):\n%s", diff)
			}
			for source := range said {
				g.Delete(source)
			}
			left := len(g.sources) + len(g.targets) + len(g.grants.of) + len(g.grants.to) + len(g.grants.crossing) +
				len(g.gateways.of) + len(g.gateways.pods) + len(g.gateways.sets) + len(g.gateways.selections)
			if left > 0 {
				t.Errorf("%d entries are left of an empty graph", left)
			}
		})
	}
}
