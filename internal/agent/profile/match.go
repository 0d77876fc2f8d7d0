package profile

import (
	"slices"
	"strings"
)

// isCertificateGroup says whether an API group has certificates or what leads to
// them.
func isCertificateGroup(group string) bool {
	return group == "cert-manager.io" || group == "acme.cert-manager.io"
}

// certificateKinds of those groups.
var certificateKinds = []string{"Certificate", "CertificateRequest", "Challenge", "ClusterIssuer", "Issuer", "Order"}

func isCertificateKind(kind string) bool { return slices.Contains(certificateKinds, kind) }

// isCertificateResource says the same of a plural, which may have a subresource
// behind it. All is one of them.
func isCertificateResource(resource string) bool {
	plural, _, _ := strings.Cut(resource, "/")
	if plural == "*" {
		return true
	}
	return slices.ContainsFunc(certificateKinds, func(kind string) bool { return strings.ToLower(kind)+"s" == plural })
}

// matchesCertificates says whether match constraints of admission policies
// (admissionregistration.k8s.io/v1 MatchResources) cover kinds of cert-manager.
func matchesCertificates(constraints any) bool {
	fields, _ := constraints.(map[string]any)
	for _, rule := range fieldsOf(fields["resourceRules"]) {
		groups := textsOf(rule["apiGroups"])
		if slices.ContainsFunc(groups, isCertificateGroup) {
			return true
		}
		if slices.Contains(groups, "*") && slices.ContainsFunc(textsOf(rule["resources"]), isCertificateResource) {
			return true
		}
	}
	return false
}

// constrainsCertificates says whether a constraint of Gatekeeper names kinds of
// cert-manager. One for everything in the cluster does not.
func constrainsCertificates(spec map[string]any) bool {
	match, _ := spec["match"].(map[string]any)
	for _, rule := range fieldsOf(match["kinds"]) {
		groups := textsOf(rule["apiGroups"])
		if slices.ContainsFunc(groups, isCertificateGroup) {
			return true
		}
		if slices.Contains(groups, "*") && slices.ContainsFunc(textsOf(rule["kinds"]), isCertificateKind) {
			return true
		}
	}
	return false
}

// mentionsCertificates says whether a value of a policy of Kyverno names a kind
// of cert-manager, as what is matched, made or compared. One for everything in
// the cluster does not.
func mentionsCertificates(value any) bool {
	switch value := value.(type) {
	case []any:
		return slices.ContainsFunc(value, mentionsCertificates)
	case map[string]any:
		if slices.ContainsFunc(textsOf(value["kinds"]), namesCertificateKind) {
			return true
		}
		if kind, ok := value["kind"].(string); ok {
			if version, ok := value["apiVersion"].(string); ok {
				kind = version + "/" + kind
			}
			if namesCertificateKind(kind) {
				return true
			}
		}
		for _, v := range value {
			if mentionsCertificates(v) {
				return true
			}
		}
	}
	return false
}

// namesCertificateKind reads a kind as Kyverno writes it: Kind, version/Kind or
// group/version/Kind, with a subresource behind a slash or a dot.
func namesCertificateKind(s string) bool {
	parts := strings.Split(s, "/")
	if len(parts) > 1 && strings.Contains(parts[0], ".") && !isCertificateKind(before(parts[0])) {
		return isCertificateGroup(parts[0])
	}
	return slices.ContainsFunc(parts, func(part string) bool { return isCertificateKind(before(part)) })
}

func before(s string) string {
	s, _, _ = strings.Cut(s, ".")
	return s
}

// fieldsOf are the objects in a list.
func fieldsOf(list any) (found []map[string]any) {
	items, _ := list.([]any)
	for _, item := range items {
		if m, ok := item.(map[string]any); ok {
			found = append(found, m)
		}
	}
	return found
}

// textsOf are the texts in a list.
func textsOf(list any) (found []string) {
	items, _ := list.([]any)
	for _, item := range items {
		if s, ok := item.(string); ok {
			found = append(found, s)
		}
	}
	return found
}
