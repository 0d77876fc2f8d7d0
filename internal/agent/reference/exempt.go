package reference

import (
	"strings"

	"github.com/tlsplatform/tls-platform-operator/internal/names"
)

// readByName are objects that programs read by their names alone.
var readByName = map[Target]string{
	{Kind: Secret, Name: "istio-ca-secret"}:                 "Istio keeps its CA in the Secret of this name.",
	{Kind: Secret, Name: "cacerts"}:                         "Istio reads its CA from the Secret of this name.",
	{Kind: ConfigMap, Name: "istio-ca-root-cert"}:           "Istio gives its roots to every namespace by this name.",
	{Kind: Secret, Name: "linkerd-identity-issuer"}:         "Linkerd reads its issuer from the Secret of this name.",
	{Kind: Secret, Name: "linkerd-identity-trust-roots"}:    "Linkerd reads its trust anchors by this name.",
	{Kind: ConfigMap, Name: "linkerd-identity-trust-roots"}: "Linkerd reads its trust anchors by this name.",
	{Kind: Secret, Name: "cilium-ca"}:                       "Cilium keeps its CA in the Secret of this name.",
	{Kind: Secret, Name: "cilium-clustermesh"}:              "Cilium reads its peers from the Secret of this name.",
	{Kind: Secret, Name: "cilium-ztunnel-secrets"}:          "Cilium reads the CA of ztunnel by this name.",
	{Kind: Secret, Name: "argocd-server-tls"}:               "Argo CD reads it by its name.",
	{Kind: Secret, Name: "argocd-repo-server-tls"}:          "Argo CD reads it by its name.",
	{Kind: Secret, Name: "argocd-dex-server-tls"}:           "Argo CD reads it by its name.",
	{Kind: ConfigMap, Name: "argocd-tls-certs-cm"}:          "Argo CD reads it by its name.",
	{Kind: ConfigMap, Name: apiServerCA}:                    "Kubernetes gives the API server's CA to every namespace.",
}

// readByType are types of Secrets that programs read by the type.
var readByType = map[string]string{
	"kubernetes.io/service-account-token": "It is the token of a ServiceAccount.",
	"bootstrap.kubernetes.io/token":       "It is a bootstrap token of Kubernetes.",
	"helm.sh/release.v1":                  "Helm keeps a release in it.",
	"cluster.x-k8s.io/secret":             "Cluster API reads it by its name.",
}

// exemption says why an object is never an orphan, in a sentence; empty when it
// may be one.
func exemption(m *Metadata) string {
	if m.Annotations[names.AnnotationOrphan] == names.OrphanIgnore {
		return "Its annotation " + names.AnnotationOrphan + " says ignore."
	}
	if reason := readByLabel(m); reason != "" {
		return reason
	}
	if m.Kind == Secret {
		if reason := readByType[m.Type]; reason != "" {
			return reason
		}
		if reason := installed(m); reason != "" {
			return reason
		}
	}
	if reason := readByName[Target{Kind: m.Kind, Name: m.Name}]; reason != "" {
		return reason
	}
	return owned(m)
}

func readByLabel(m *Metadata) string {
	switch {
	case has(m.Labels, labelNextKey):
		return "cert-manager keeps the key of a request in it."
	case has(m.Labels, labelBundle) || has(m.Labels, labelClusterBundle):
		return "trust-manager made it for everybody in its namespace."
	case m.Labels[labelKongCA] == "true":
		return "Kong loads it by its label " + labelKongCA + "."
	case m.Labels[labelArgoType] != "":
		return "Argo CD finds it by its label " + labelArgoType + "."
	case m.Kind == ConfigMap && m.Labels[labelIstioConfig] == "true":
		return "Istio gives it to every namespace."
	}
	return ""
}

// installed says which installer or component made a Secret, by label and name.
func installed(m *Metadata) string {
	switch {
	case m.Labels[names.LabelOLMManaged] == "true" || m.Labels[names.LabelOLMOwner] != "":
		return "The Operator Lifecycle Manager made it for a webhook or an API."
	case (strings.HasPrefix(m.Name, "hubble-") || strings.HasPrefix(m.Name, "clustermesh-")) &&
		(strings.HasSuffix(m.Name, "-cert") || strings.HasSuffix(m.Name, "-certs")):
		return "Cilium reads it by its name."
	}
	return ""
}

// owned says which controller owns the object. A Certificate of cert-manager
// makes its Secret and does not use it.
func owned(m *Metadata) string {
	if m.ControllerKind == "" {
		return ""
	}
	group, _, _ := strings.Cut(m.ControllerAPIVersion, "/")
	if group == "cert-manager.io" && m.ControllerKind == "Certificate" {
		return ""
	}
	return m.ControllerKind + " " + m.ControllerName + " owns it."
}
