package reference

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

func TestNewTableNamesBadRowsAndKeepsTheRest(t *testing.T) {
	t.Parallel()
	made, errs := NewTable([]v1alpha1.Reference{
		{Group: "example.com", Kind: "Bad", Path: ".spec[0]"},
		{Group: "example.com", Kind: "Odd", Path: ".spec.a", Namespace: "Elsewhere"},
		{Group: "example.com", Kind: "Good", Path: ".spec.secretName"},
	})
	var got []string
	for _, err := range errs {
		got = append(got, err.Error())
	}
	want := []string{
		`reference 0 of Bad.example.com: path ".spec[0]" at byte 5: expected .name, [*] or ['name']`,
		`reference 1 of Odd.example.com: namespace "Elsewhere" is not one of Same, Field, Value, Any`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("errors (-want +got):\n%s", diff)
	}
	for kind, want := range map[string]bool{"Good": true, "Bad": false, "Odd": false} {
		if got := made.Describes(schema.GroupKind{Group: "example.com", Kind: kind}); got != want {
			t.Errorf("Describes(%s) is %v, want %v", kind, got, want)
		}
	}
}

func TestReferencesOfTheUser(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reference v1alpha1.Reference
		want      []string
	}{
		"in the same namespace": {
			v1alpha1.Reference{Path: ".spec.tls[*].name"}, []string{"Secret shop/a Application", "Secret shop/b Application"},
		},
		"with the namespace in a field beside it, if it is there": {
			v1alpha1.Reference{Path: ".spec.tls[*].name", Namespace: "Field", Layer: v1alpha1.LayerIngress},
			[]string{"Secret certs/a Ingress", "Secret shop/b Ingress"},
		},
		"with the namespace in the value, if it is there": {
			v1alpha1.Reference{Path: ".spec.values[*]", Namespace: "Value", Layer: v1alpha1.LayerMesh},
			[]string{"Secret certs/c Mesh", "Secret shop/d Mesh"},
		},
		"in a namespace that is not known": {
			v1alpha1.Reference{Path: ".metadata.annotations['example.com/tls']", Namespace: "Any"},
			[]string{"Secret */e Application guess"},
		},
	}
	object := `
apiVersion: example.com/v1
kind: Broker
metadata: {name: x, namespace: shop, annotations: {example.com/tls: e}}
spec: {tls: [{name: a, namespace: certs}, {name: b}, {name: "Not a name"}, {name: 7}], values: [certs/c, d, a/b/c]}`
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.reference.Group, c.reference.Kind = "example.com", "Broker"
			if diff := cmp.Diff(c.want, lines(reduce(t, table(t, c.reference), object).References)); diff != "" {
				t.Errorf("references (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSourcesOfKindsWithTheSameName(t *testing.T) {
	t.Parallel()
	with := table(t, v1alpha1.Reference{Group: "networking.k8s.io", Kind: "Ingress", Path: ".metadata.name"},
		v1alpha1.Reference{Kind: "Service", Path: ".metadata.name"})
	for gk, want := range map[schema.GroupKind]string{
		{Group: "gateway.networking.k8s.io", Kind: "Gateway"}: "Gateway",
		{Group: "networking.istio.io", Kind: "Gateway"}:       "Gateway.networking.istio.io",
		{Group: "networking.k8s.io", Kind: "Ingress"}:         "Ingress.networking.k8s.io",
		{Group: "config.openshift.io", Kind: "Ingress"}:       "Ingress.config.openshift.io",
		{Kind: "Service"}: "Service.core",
		{Group: "nobody.example.com", Kind: "Gateway"}: "Gateway.nobody.example.com",
	} {
		if got := with.SourceKind(gk); got != want {
			t.Errorf("SourceKind(%v) is %s, want %s", gk, got, want)
		}
	}
	kinds := with.Kinds()
	if !slices.IsSortedFunc(kinds, func(a, b schema.GroupKind) int {
		return slices.Compare([]string{a.Group, a.Kind}, []string{b.Group, b.Kind})
	}) {
		t.Errorf("kinds are not sorted: %v", kinds)
	}
	if !slices.Contains(kinds, schema.GroupKind{Group: "gateway.networking.k8s.io", Kind: "ReferenceGrant"}) {
		t.Error("ReferenceGrants are not watched")
	}
}

func TestNamespacesOfCertManagerCanBeSet(t *testing.T) {
	t.Parallel()
	with := table(t)
	with.SetClusterResourceNamespace("security")
	with.SetTrustNamespace("trust")
	issuer := reduce(t, with, "apiVersion: cert-manager.io/v1\nkind: ClusterIssuer\nmetadata: {name: a}\nspec: {ca: {secretName: ca}}")
	bundle := reduce(t, with, "apiVersion: trust.cert-manager.io/v1alpha1\nkind: Bundle\nmetadata: {name: a}\nspec: {sources: [{secret: {name: ca}}]}")
	got := append(lines(issuer.References), lines(bundle.References)...)
	if diff := cmp.Diff([]string{"Secret security/ca", "Secret trust/ca"}, got); diff != "" {
		t.Errorf("references (-want +got):\n%s", diff)
	}
}

func TestReferencesOfOneObjectAreBounded(t *testing.T) {
	t.Parallel()
	servers := make([]any, 2*maxReferences)
	for i := range servers {
		servers[i] = map[string]any{"secretName": fmt.Sprintf("s%d", i)}
	}
	got := table(t).Reduce(schema.GroupKind{Group: "traefik.io", Kind: "TLSStore"},
		map[string]any{"spec": map[string]any{"certificates": servers}})
	if len(got.References) != maxReferences {
		t.Errorf("%d references, want %d", len(got.References), maxReferences)
	}
}

func TestNobodyCanNameEverything(t *testing.T) {
	t.Parallel()
	with := table(t,
		v1alpha1.Reference{Group: "example.com", Kind: "Broker", Path: ".spec.a"},
		v1alpha1.Reference{Group: "example.com", Kind: "Broker", Path: ".spec.b", Namespace: "Value"},
		v1alpha1.Reference{Group: "example.com", Kind: "Broker", Path: ".spec.c.name", Namespace: "Field"},
	)
	for name, object := range map[string]string{
		"by a row of the user": `
apiVersion: example.com/v1
kind: Broker
metadata: {name: x, namespace: shop}
spec: {a: "*", b: "*/x", c: {name: x, namespace: "*"}}`,
		"by a Gateway of Istio": `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: x, namespace: shop}
spec: {selector: {a: b}, servers: [{tls: {credentialName: "*"}}, {tls: {credentialName: "*/x"}}, {tls: {credentialName: "/x"}}]}`,
		"by a TLSContext": `
apiVersion: getambassador.io/v3alpha1
kind: TLSContext
metadata: {name: x, namespace: shop}
spec: {secret: "x.*"}`,
	} {
		if got := lines(reduce(t, with, object).References); got != nil {
			t.Errorf("%s: %v", name, got)
		}
	}
	spec := podSpec(t, `volumes: [{name: a, secret: {secretName: "*"}}]`)
	if got := podReferences("shop", &spec); got != nil {
		t.Errorf("by a Pod: %v", got)
	}
}

func TestReduceGrants(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		object string
		want   []Grant
	}{
		"ReferenceGrant for Secrets of any name": {`
apiVersion: gateway.networking.k8s.io/v1beta1
kind: ReferenceGrant
metadata: {name: g, namespace: certs}
spec:
  from: [{group: gateway.networking.k8s.io, kind: Gateway, namespace: edge}, {group: gateway.networking.k8s.io, kind: Gateway, namespace: "*"}]
  to: [{group: "", kind: Secret}, {group: "", kind: Service}]`,
			[]Grant{{
				FromGroup: "gateway.networking.k8s.io", FromKind: "Gateway", FromNamespace: "edge",
				ToKind: Secret, ToNamespace: "certs",
			}}},
		"ReferenceGrant for one ConfigMap": {`
apiVersion: gateway.networking.k8s.io/v1
kind: ReferenceGrant
metadata: {name: g, namespace: certs}
spec:
  from: [{group: gateway.networking.k8s.io, kind: ListenerSet, namespace: edge}]
  to: [{group: "", kind: ConfigMap, name: roots}]`,
			[]Grant{{
				FromGroup: "gateway.networking.k8s.io", FromKind: "ListenerSet", FromNamespace: "edge",
				ToKind: ConfigMap, ToNamespace: "certs", ToName: "roots",
			}}},
		"TLSCertificateDelegation": {`
apiVersion: projectcontour.io/v1
kind: TLSCertificateDelegation
metadata: {name: d, namespace: certs}
spec: {delegations: [{secretName: wildcard, targetNamespaces: ["*"]}]}`,
			[]Grant{
				{
					FromGroup: "projectcontour.io", FromKind: "HTTPProxy", FromNamespace: "*",
					ToKind: Secret, ToNamespace: "certs", ToName: "wildcard",
				},
				{
					FromGroup: "networking.k8s.io", FromKind: "Ingress", FromNamespace: "*",
					ToKind: Secret, ToNamespace: "certs", ToName: "wildcard",
				},
			}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, reduce(t, table(t), c.object).Grants); diff != "" {
				t.Errorf("grants (-want +got):\n%s", diff)
			}
		})
	}
}
