package reference

import (
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

// Annotations of Ingresses. The prefix can be set when ingress-nginx is
// installed, so they are known by their ends.
const (
	suffixAuthTLSSecret  = "/auth-tls-secret"
	suffixProxySSLSecret = "/proxy-ssl-secret"
	// annotationContourNamespace of an Ingress says where its Secrets are
	// (Contour, internal/annotation).
	annotationContourNamespace = "projectcontour.io/tls-cert-namespace"
)

// Annotations of Services, read by Kong's ingress controller.
const (
	annotationKongClient       = "konghq.com/client-cert"
	annotationKongCAs          = "konghq.com/ca-certificates"
	annotationKongCASecrets    = "konghq.com/ca-certificates-secrets"
	annotationKongCAConfigMaps = "konghq.com/ca-certificates-configmaps"
)

// Annotations of what cert-manager's ca-injector fills in.
const (
	annotationInjectFrom       = "cert-manager.io/inject-ca-from"
	annotationInjectFromSecret = "cert-manager.io/inject-ca-from-secret"
)

// ReduceIngress keeps the Secrets that an Ingress serves with, and those that
// annotations of ingress-nginx name for client and backend certificates.
func ReduceIngress(ingress *networkingv1.Ingress) Reduced {
	c := collector{namespace: ingress.Namespace}
	elsewhere := ingress.Annotations[annotationContourNamespace]
	for i := range ingress.Spec.TLS {
		name := ingress.Spec.TLS[i].SecretName
		if elsewhere == "" {
			c.own(Secret, name, "spec.tls[*].secretName", v1alpha1.LayerIngress)
			continue
		}
		c.add(Reference{
			Target: Target{Kind: Secret, Namespace: elsewhere, Name: name},
			Field:  "spec.tls[*].secretName", Layer: v1alpha1.LayerIngress, Certain: true, NeedsGrant: true,
		})
	}
	for _, key := range slices.Sorted(maps.Keys(ingress.Annotations)) {
		if !strings.HasSuffix(key, suffixAuthTLSSecret) && !strings.HasSuffix(key, suffixProxySSLSecret) {
			continue
		}
		if namespace, name, ok := qualifiedOr(ingress.Annotations[key], ingress.Namespace); ok {
			c.add(Reference{
				Target: Target{Kind: Secret, Namespace: namespace, Name: name},
				Field:  key, Layer: v1alpha1.LayerIngress, Certain: true,
			})
		}
	}
	return Reduced{
		Source:     Source{Kind: "Ingress", Namespace: ingress.Namespace, Name: ingress.Name},
		References: c.references,
	}
}

// ReduceService keeps the Secrets that Kong uses towards the Service.
func ReduceService(service *corev1.Service) Reduced {
	c := collector{namespace: service.Namespace}
	list := func(kind TargetKind, key string) {
		for name := range strings.SplitSeq(service.Annotations[key], ",") {
			c.own(kind, strings.TrimSpace(name), key, v1alpha1.LayerIngress)
		}
	}
	list(Secret, annotationKongClient)
	list(Secret, annotationKongCAs)
	list(Secret, annotationKongCASecrets)
	list(ConfigMap, annotationKongCAConfigMaps)
	return Reduced{
		Source:     Source{Kind: "Service", Namespace: service.Namespace, Name: service.Name},
		References: c.references,
	}
}

// ReduceInjected keeps where cert-manager's ca-injector takes the CA of an
// object without namespace from: a webhook configuration, an APIService or a
// CustomResourceDefinition.
func ReduceInjected(kind, name string, annotations map[string]string) Reduced {
	c := collector{}
	inject := func(target TargetKind, key string) {
		if namespace, name, ok := qualified(annotations[key]); ok {
			c.add(Reference{
				Target: Target{Kind: target, Namespace: namespace, Name: name},
				Field:  key, Layer: v1alpha1.LayerApplication, Certain: true,
			})
		}
	}
	inject(Certificate, annotationInjectFrom)
	inject(Secret, annotationInjectFromSecret)
	return Reduced{Source: Source{Kind: kind, Name: name}, References: c.references}
}

// ReduceCopy makes a copy refer to what it was copied from, so that the original
// counts as used while one of its copies is. It is not ok for what is no copy.
func ReduceCopy(t Target, s *Subject) (Reduced, bool) {
	if s == nil || s.ReplicatedFrom == "" {
		return Reduced{}, false
	}
	namespace, name, certain := qualified(s.ReplicatedFrom)
	if !certain {
		// A copy that was pushed: of whatever object of that name has copies.
		var ok bool
		if namespace, name, ok = strings.Cut(s.ReplicatedFrom, "/"); !ok || namespace != AnyNamespace || !isSubdomain(name) {
			return Reduced{}, false
		}
	}
	return Reduced{
		Source: Source{Kind: t.Kind.String(), Namespace: t.Namespace, Name: t.Name},
		References: []Reference{{
			Target: Target{Kind: t.Kind, Namespace: namespace, Name: name},
			Field:  "metadata", Certain: certain,
		}},
	}, true
}

// isCopy says whether a source refers because it is a copy of its target.
func isCopy(kind string) bool { return kind == "Secret" || kind == "ConfigMap" }
