package reference

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func guess(kind, namespace, name, field string, to Target) Reduced {
	return Reduced{
		Source:     Source{Kind: kind, Namespace: namespace, Name: name},
		References: []Reference{{Target: to, Field: field}},
	}
}

// copied makes a copy of an original.
func copied(t *testing.T, made, original Target) Reduced {
	t.Helper()
	r, ok := ReduceCopy(made, &Subject{ReplicatedFrom: original.Namespace + "/" + original.Name})
	if !ok {
		t.Fatalf("%v is no copy of %v", made, original)
	}
	return r
}

func TestJudge(t *testing.T) {
	t.Parallel()
	const (
		gatewayYAML = `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: public, namespace: edge}
spec: {listeners: [{tls: {certificateRefs: [{name: web, namespace: shop}]}}]}`
		grantYAML = `
apiVersion: gateway.networking.k8s.io/v1
kind: ReferenceGrant
metadata: {name: edge, namespace: shop}
spec: {from: [{group: gateway.networking.k8s.io, kind: Gateway, namespace: edge}], to: [{group: "", kind: Secret}]}`
		bundleYAML = `
apiVersion: trust.cert-manager.io/v1alpha1
kind: Bundle
metadata: {name: roots}
spec: {sources: [{secret: {selector: {matchLabels: {a: b}}}}]}`
	)
	web, mirror := secret("shop", "web"), secret("team", "web")
	certificate := Target{Kind: Certificate, Namespace: "shop", Name: "web"}
	gateway := reduce(t, table(t), gatewayYAML)
	cases := map[string]struct {
		facts    []Reduced
		target   Target
		subject  *Subject
		also     []Target
		coverage *Coverage
		want     Verdict
	}{
		"used by an Ingress": {
			facts: []Reduced{refers("Ingress", "shop", "web", web)}, target: web,
			want: Verdict{Use: Used, Reason: "Ingress shop/web names it in spec.secretName."},
		},
		"used by several": {
			facts: []Reduced{
				refers("Pod", "shop", "a", web), refers("Ingress", "shop", "web", web), refers("Pod", "shop", "b", web),
			}, target: web,
			want: Verdict{Use: Used, Reason: "Ingress shop/web names it in spec.secretName, and 2 more use it."},
		},
		"used by a Gateway in another namespace with a grant": {
			facts: []Reduced{gateway, reduce(t, table(t), grantYAML)}, target: web,
			want: Verdict{Use: Used, Reason: "Gateway edge/public names it in spec.listeners[*].tls.certificateRefs[*].name."},
		},
		"not used by a Gateway in another namespace without a grant": {
			facts: []Reduced{gateway}, target: web,
			want: Verdict{
				Use: Unreferenced, Reason: "Nothing that was read refers to it.",
				Doubts: []string{"Named from another namespace without permission: Gateway edge/public."},
			},
		},
		"used through a mirror that a Pod mounts": {
			facts:  []Reduced{copied(t, mirror, web), refers("Pod", "team", "app", mirror)},
			target: web, subject: &Subject{Replicates: true},
			want: Verdict{Use: Used, Reason: "Its copy in team is used: Pod team/app names it in spec.secretName."},
		},
		"not used while no mirror is": {
			facts: []Reduced{copied(t, mirror, web)}, target: web, subject: &Subject{Replicates: true},
			want: Verdict{Use: Unreferenced, Reason: "Nothing that was read refers to it or to a copy of it."},
		},
		"a mirror that nothing uses": {
			facts:  []Reduced{copied(t, mirror, web), refers("Pod", "shop", "app", web)},
			target: mirror, subject: &Subject{ReplicatedFrom: "shop/web"},
			want: Verdict{Use: Unreferenced, Reason: "It is a copy of shop/web, and nothing that was read refers to the copy."},
		},
		"copies in a circle that nothing uses": {
			facts: []Reduced{copied(t, mirror, web), copied(t, web, mirror)}, target: web,
			want: Verdict{Use: Unreferenced, Reason: "Nothing that was read refers to it."},
		},
		"named by a container argument": {
			facts:  []Reduced{guess("Deployment", "ingress", "haproxy", "--cert", web)},
			target: web,
			want: Verdict{
				Use:    Used,
				Reason: "A container argument of Deployment ingress/haproxy names it, as it seems (--cert).",
			},
		},
		"named by an environment variable": {
			facts: []Reduced{guess("Deployment", "ingress", "x", fieldVariable, web)}, target: web,
			want: Verdict{Use: Used, Reason: "An environment variable of Deployment ingress/x names it, as it seems."},
		},
		"named by something in a namespace that is not known": {
			facts: []Reduced{guess("Broker", "x", "b", "spec.tls", secret(AnyNamespace, "web"))}, target: web,
			want: Verdict{Use: Used, Reason: "Broker x/b names it in spec.tls, if it means this namespace."},
		},
		"a certain reference is told before a guess": {
			facts:  []Reduced{guess("Broker", "x", "b", "spec.tls", web), refers("Pod", "shop", "p", web)},
			target: web,
			want:   Verdict{Use: Used, Reason: "Pod shop/p names it in spec.secretName, and 1 more uses it."},
		},
		"used by way of its Certificate": {
			facts: []Reduced{refers("APIService", "", "v1.metrics", certificate)}, target: web, also: []Target{certificate},
			want: Verdict{Use: Used, Reason: "APIService v1.metrics names it in spec.secretName."},
		},
		"exempt whatever refers to it": {
			facts: []Reduced{refers("Pod", "shop", "p", web)}, target: web, subject: &Subject{Exempt: "StatefulSet db owns it."},
			want: Verdict{Use: Exempt, Reason: "StatefulSet db owns it."},
		},
		"in a namespace where a selector chooses": {
			facts: []Reduced{reduce(t, table(t), bundleYAML)}, target: secret("cert-manager", "root"),
			want: Verdict{
				Use: Unreferenced, Reason: "Nothing that was read refers to it.", Confidence: Medium,
				Doubts: []string{"These choose by labels in its namespace: Bundle roots."},
			},
		},
		"with kinds that nobody described": {
			target: web, coverage: &Coverage{Unknown: []string{"brokers.example.com"}},
			want: Verdict{
				Use: Unreferenced, Reason: "Nothing that was read refers to it.", Confidence: Medium,
				Doubts: []string{"Kinds that could name it and are not described: brokers.example.com."},
			},
		},
		"with kinds that could not be read": {
			target: web, coverage: &Coverage{Unread: []string{"d: x", "c: x", "b: x", "a: x", "e: x"}, Unknown: []string{"u"}},
			want: Verdict{
				Use: Unreferenced, Reason: "Nothing that was read refers to it.", Confidence: Low,
				Doubts: []string{
					"Could not be read: a: x, b: x, c: x and 2 more.",
					"Kinds that could name it and are not described: u.",
				},
			},
		},
		"with complete coverage": {
			target: web, coverage: &Coverage{},
			want: Verdict{Use: Unreferenced, Reason: "Nothing that was read refers to it."},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewGraph()
			for _, fact := range c.facts {
				g.Set(fact)
			}
			if diff := cmp.Diff(c.want, g.Judge(c.target, c.subject, c.also, c.coverage)); diff != "" {
				t.Errorf("verdict (-want +got):\n%s", diff)
			}
		})
	}
}

func TestUseOfACopyChangesItsOriginal(t *testing.T) {
	t.Parallel()
	g := NewGraph()
	a, b, c := secret("a", "s"), secret("b", "s"), secret("c", "s")
	g.Set(copied(t, b, a))
	g.Set(copied(t, c, b))
	got := g.Set(refers("Ingress", "c", "web", c))
	if diff := cmp.Diff([]Target{a, b, c}, got); diff != "" {
		t.Errorf("changed (-want +got):\n%s", diff)
	}
	if v := g.Judge(a, nil, nil, nil); v.Use != Used {
		t.Errorf("a copy of a copy is used, verdict is %+v", v)
	}
}

func TestChainsOfCopiesAreBounded(t *testing.T) {
	t.Parallel()
	g := NewGraph()
	at := func(i int) Target { return secret(fmt.Sprintf("n%d", i), "s") }
	for i := range 1000 {
		g.Set(copied(t, at(i+1), at(i)))
	}
	g.Set(refers("Ingress", "n1000", "web", at(1000)))
	if v := g.Judge(at(0), nil, nil, nil); v.Use != Unreferenced {
		t.Errorf("a chain of 1000 copies was followed: %+v", v)
	}
}

func TestReduceCopyOfWhatIsNone(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]*Subject{
		"nothing special":  nil,
		"an original":      {Replicates: true},
		"a hostile origin": {ReplicatedFrom: "a/b/c"},
	} {
		if r, ok := ReduceCopy(secret("a", "b"), s); ok {
			t.Errorf("%s: got %+v", name, r)
		}
	}
}

func TestDoubtsAreBounded(t *testing.T) {
	t.Parallel()
	v := NewGraph().Judge(secret("a", "b"), nil, nil, &Coverage{Unread: []string{strings.Repeat("x", 10_000)}})
	if len(v.Doubts) != 1 || len(v.Doubts[0]) > 2*maxShown {
		t.Errorf("doubts of %d bytes", len(v.Doubts[0]))
	}
}
