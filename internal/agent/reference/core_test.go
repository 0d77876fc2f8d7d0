package reference

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestReduceIngress(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		annotations map[string]string
		want        []string
	}{
		"serves with the Secrets of spec.tls": {nil, []string{"Secret shop/web-tls Ingress"}},
		"names Secrets of clients and backends by annotations of any prefix": {
			map[string]string{
				"nginx.ingress.kubernetes.io/auth-tls-secret":  "ca/clients",
				"nginx.ingress.kubernetes.io/proxy-ssl-secret": "backends/api",
				"custom.example.com/auth-tls-secret":           "own",
			},
			[]string{
				"Secret shop/web-tls Ingress", "Secret shop/own Ingress", "Secret ca/clients Ingress",
				"Secret backends/api Ingress",
			},
		},
		"ignores annotations that name nothing": {
			map[string]string{"nginx.ingress.kubernetes.io/auth-tls-secret": "%s/Not A Name"},
			[]string{"Secret shop/web-tls Ingress"},
		},
		"takes Secrets of another namespace where Contour may": {
			map[string]string{"projectcontour.io/tls-cert-namespace": "certs"},
			[]string{"Secret certs/web-tls Ingress grant"},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := ReduceIngress(&networkingv1.Ingress{
				ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web", Annotations: c.annotations},
				Spec:       networkingv1.IngressSpec{TLS: []networkingv1.IngressTLS{{SecretName: "web-tls"}, {Hosts: []string{"a"}}}},
			})
			if diff := cmp.Diff(c.want, lines(got.References)); diff != "" {
				t.Errorf("references (-want +got):\n%s", diff)
			}
			if want := (Source{Kind: "Ingress", Namespace: "shop", Name: "web"}); got.Source != want {
				t.Errorf("source is %v, want %v", got.Source, want)
			}
		})
	}
}

func TestReduceServiceOfKong(t *testing.T) {
	t.Parallel()
	got := ReduceService(&corev1.Service{ObjectMeta: metav1.ObjectMeta{
		Namespace: "shop", Name: "api", Annotations: map[string]string{
			"konghq.com/client-cert":             "client",
			"konghq.com/ca-certificates-secrets": "ca-one, ca-two",
		},
	}})
	want := []string{"Secret shop/client Ingress", "Secret shop/ca-one Ingress", "Secret shop/ca-two Ingress"}
	if diff := cmp.Diff(want, lines(got.References)); diff != "" {
		t.Errorf("references (-want +got):\n%s", diff)
	}
}

func TestReduceInjected(t *testing.T) {
	t.Parallel()
	annotations := map[string]string{
		"cert-manager.io/inject-ca-from":        "shop/webhook",
		"cert-manager.io/inject-ca-from-secret": "shop/webhook-tls",
	}
	want := []string{"Certificate shop/webhook Application", "Secret shop/webhook-tls Application"}
	got := ReduceInjected("APIService", "hook", annotations)
	if diff := cmp.Diff(want, lines(got.References)); diff != "" {
		t.Errorf("references (-want +got):\n%s", diff)
	}
	if got.Source != (Source{Kind: "APIService", Name: "hook"}) {
		t.Errorf("source is %v", got.Source)
	}
}
