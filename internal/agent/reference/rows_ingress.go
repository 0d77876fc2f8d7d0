package reference

import (
	"slices"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

// gatewayRows are those of the Gateway API (v1.6, standard channel, and what
// earlier releases called frontendValidation).
func gatewayRows() []Row {
	secret := Row{
		Group: groupGateway, Layer: v1alpha1.LayerIngress, Namespace: InField, NeedsGrant: true,
		Beside: "kind", In: []string{"Secret", ""},
	}
	configMap := secret
	configMap.Target, configMap.In = ConfigMap, []string{"ConfigMap"}
	listener := ".spec.listeners[*].tls.certificateRefs[*].name"
	cas := []string{
		".spec.tls.frontend.default.validation.caCertificateRefs[*].name",
		".spec.tls.frontend.perPort[*].tls.validation.caCertificateRefs[*].name",
		".spec.listeners[*].tls.frontendValidation.caCertificateRefs[*].name",
	}
	policySecret, policyConfigMap := secret, configMap
	policySecret.Namespace, policySecret.NeedsGrant = InSame, false
	policyConfigMap.Namespace, policyConfigMap.NeedsGrant = InSame, false
	validation := ".spec.validation.caCertificateRefs[*].name"
	experimental := secret
	experimental.Group = "gateway.networking.x-k8s.io"
	return slices.Concat(
		each(secret, kinds("Gateway"), append(cas, listener, ".spec.tls.backend.clientCertificateRef.name")...),
		each(configMap, kinds("Gateway"), cas...),
		each(secret, kinds("ListenerSet"), listener),
		each(experimental, kinds("XListenerSet"), listener),
		each(policySecret, kinds("BackendTLSPolicy"), validation),
		each(policyConfigMap, kinds("BackendTLSPolicy"), validation),
	)
}

// istioRows are Gateways, whose Secrets are beside their Pods, and
// DestinationRules, whose Secrets are beside them. What clients are checked
// against may be in a second Secret with the ending -cacert.
func istioRows() []Row {
	gateway := Row{Group: "networking.istio.io", Layer: v1alpha1.LayerIngress, Namespace: InWorkload}
	implicit := gateway
	implicit.Name = "{name}-cacert"
	implicit.Beside, implicit.In = "mode", []string{"MUTUAL", "OPTIONAL_MUTUAL"}
	rule := Row{Group: "networking.istio.io", Layer: v1alpha1.LayerApplication}
	ruleCA := rule
	ruleCA.Name = "{name}-cacert"
	policies := []string{
		".spec.trafficPolicy.tls.credentialName",
		".spec.trafficPolicy.portLevelSettings[*].tls.credentialName",
		".spec.subsets[*].trafficPolicy.tls.credentialName",
		".spec.subsets[*].trafficPolicy.portLevelSettings[*].tls.credentialName",
	}
	names := []string{
		".spec.servers[*].tls.credentialName",
		".spec.servers[*].tls.credentialNames[*]",
		".spec.servers[*].tls.caCertCredentialName",
	}
	return slices.Concat(
		each(gateway, kinds("Gateway"), names...),
		each(implicit, kinds("Gateway"), names[:2]...),
		each(rule, kinds("DestinationRule"), policies...),
		each(ruleCA, kinds("DestinationRule"), policies...),
	)
}

func traefikRows() []Row {
	base := Row{Group: "traefik.io", Layer: v1alpha1.LayerIngress}
	configMap := base
	configMap.Target = ConfigMap
	return slices.Concat(
		each(base, kinds("IngressRoute", "IngressRouteTCP"), ".spec.tls.secretName"),
		each(base, kinds("TLSStore"), ".spec.defaultCertificate.secretName", ".spec.certificates[*].secretName"),
		each(base, kinds("TLSOption"), ".spec.clientAuth.secretNames[*]"),
		each(base, kinds("ServersTransport"),
			".spec.certificatesSecrets[*]", ".spec.rootCAs[*].secret", ".spec.rootCAsSecrets[*]"),
		each(configMap, kinds("ServersTransport"), ".spec.rootCAs[*].configMap"),
		each(base, kinds("ServersTransportTCP"),
			".spec.tls.certificatesSecrets[*]", ".spec.tls.rootCAs[*].secret", ".spec.tls.rootCAsSecrets[*]"),
		each(configMap, kinds("ServersTransportTCP"), ".spec.tls.rootCAs[*].configMap"),
		each(base, kinds("Middleware"), ".spec.forwardAuth.tls.caSecret", ".spec.forwardAuth.tls.certSecret"),
	)
}

// contourRows name Secrets elsewhere as namespace/name, which a
// TLSCertificateDelegation has to permit.
func contourRows() []Row {
	proxy := Row{Group: groupContour, Layer: v1alpha1.LayerIngress, Namespace: InValue, NeedsGrant: true}
	service := Row{Group: groupContour, Layer: v1alpha1.LayerIngress, Namespace: InValue}
	configuration := Row{Group: groupContour, Layer: v1alpha1.LayerIngress, Namespace: InField}
	return slices.Concat(
		each(proxy, kinds("HTTPProxy"),
			".spec.virtualhost.tls.secretName",
			".spec.virtualhost.tls.clientValidation.caSecret",
			".spec.virtualhost.tls.clientValidation.crlSecret",
			".spec.routes[*].services[*].validation.caSecret",
			".spec.tcpproxy.services[*].validation.caSecret"),
		each(service, kinds("ExtensionService"), ".spec.validation.caSecret"),
		each(configuration, kinds("ContourConfiguration"),
			".spec.httpproxy.fallbackCertificate.name", ".spec.envoy.clientCertificate.name"),
		each(configuration, kinds("ContourDeployment"),
			".spec.runtimeSettings.httpproxy.fallbackCertificate.name",
			".spec.runtimeSettings.envoy.clientCertificate.name"),
	)
}

func ambassadorRows() []Row {
	base := Row{Group: "getambassador.io", Layer: v1alpha1.LayerIngress, Namespace: InSuffix}
	secret := Row{Group: "getambassador.io", Layer: v1alpha1.LayerIngress, Namespace: InField}
	return slices.Concat(
		each(secret, kinds("Host"), ".spec.tlsSecret.name"),
		each(base, kinds("Host"), ".spec.tls.ca_secret", ".spec.tls.crl_secret"),
		each(base, kinds("TLSContext"), ".spec.secret", ".spec.ca_secret", ".spec.crl_secret"),
	)
}

func openShiftRows() []Row {
	const configured = "openshift-config"
	config := Row{Group: "config.openshift.io", Layer: v1alpha1.LayerIngress, Namespace: InFixed, Fixed: configured}
	configMap := config
	configMap.Target = ConfigMap
	controller := Row{
		Group: "operator.openshift.io", Layer: v1alpha1.LayerIngress, Namespace: InFixed, Fixed: "openshift-ingress",
	}
	return slices.Concat(
		each(Row{Group: "route.openshift.io", Layer: v1alpha1.LayerIngress}, kinds("Route"),
			".spec.tls.externalCertificate.name"),
		each(config, kinds("APIServer"), ".spec.servingCerts.namedCertificates[*].servingCertificate.name"),
		each(configMap, kinds("APIServer"), ".spec.clientCA.name"),
		each(config, kinds("Ingress"), ".spec.componentRoutes[*].servingCertKeyPairSecret.name"),
		each(configMap, kinds("Proxy"), ".spec.trustedCA.name"),
		each(controller, kinds("IngressController"), ".spec.defaultCertificate.name"),
	)
}
