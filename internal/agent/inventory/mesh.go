package inventory

import (
	"strings"

	"github.com/tlsplatform/tls-platform-operator/internal/agent/wire"
)

// Meshes whose CAs are known by convention.
const (
	meshIstio   = "Istio"
	meshLinkerd = "Linkerd"
	meshCilium  = "Cilium"
)

// meshOf says which mesh a Secret belongs to, by the name that the mesh gives it,
// and whether the mesh itself makes it: then nobody else renews it. Sources:
// security/pkg/pki/ca of Istio (istio-ca-secret, cacerts), the identity chart of
// Linkerd, the chart of Cilium.
func meshOf(o *wire.Object) (mesh string, issues bool) {
	switch {
	case o.Name == "istio-ca-secret" && (o.Type == typeIstioCA || o.Get("ca-cert.pem") != nil):
		return meshIstio, true
	case o.Name == "cacerts" && (o.Get("ca-cert.pem") != nil || o.Get("tls.crt") != nil):
		return meshIstio, false
	case o.Name == "linkerd-identity-issuer", o.Name == "linkerd-trust-anchor":
		return meshLinkerd, false
	case o.Name == "cilium-ca":
		return meshCilium, false
	case ciliumNames(o.Name):
		return meshCilium, false
	}
	return "", false
}

// ciliumNames are those of the certificates of hubble and clustermesh.
func ciliumNames(name string) bool {
	switch name {
	case "hubble-server-certs", "hubble-relay-client-certs", "hubble-relay-server-certs", "hubble-ui-client-certs",
		"hubble-metrics-server-certs", "cilium-ztunnel-secrets":
		return true
	}
	return strings.HasPrefix(name, "clustermesh-apiserver-")
}

// trustOf says which mesh reads its roots from a ConfigMap of that name.
func trustOf(configMap string) string {
	switch configMap {
	case "istio-ca-root-cert":
		return meshIstio
	case "linkerd-identity-trust-roots":
		return meshLinkerd
	default:
		return ""
	}
}
