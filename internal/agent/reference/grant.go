package reference

import (
	"k8s.io/apimachinery/pkg/runtime/schema"
)

const (
	groupGateway = "gateway.networking.k8s.io"
	groupContour = "projectcontour.io"
)

// granters are kinds that permit references into their namespace.
var granters = map[schema.GroupKind]func(t *Table, namespace string, object map[string]any) []Grant{
	{Group: groupGateway, Kind: "ReferenceGrant"}:           (*Table).referenceGrant,
	{Group: groupContour, Kind: "TLSCertificateDelegation"}: delegation,
}

// referenceGrant reads a ReferenceGrant of the Gateway API, v1 or v1beta1: each
// of from may refer to each of to.
func (t *Table) referenceGrant(namespace string, object map[string]any) []Grant {
	spec, _ := object["spec"].(map[string]any)
	from, _ := spec["from"].([]any)
	to, _ := spec["to"].([]any)
	var grants []Grant
	for _, target := range to {
		target, _ := target.(map[string]any)
		kind, ok := grantedKind(text(target, "group"), text(target, "kind"))
		if !ok {
			continue
		}
		for _, source := range from {
			source, _ := source.(map[string]any)
			if len(grants) >= maxReferences {
				return grants
			}
			if !isLabel(text(source, "namespace")) {
				continue
			}
			gk := schema.GroupKind{Group: text(source, "group"), Kind: text(source, "kind")}
			grants = append(grants, Grant{
				FromGroup: gk.Group, FromKind: t.SourceKind(gk), FromNamespace: text(source, "namespace"),
				ToKind: kind, ToNamespace: namespace, ToName: text(target, "name"),
			})
		}
	}
	return grants
}

func grantedKind(group, kind string) (TargetKind, bool) {
	switch {
	case group != "":
	case kind == "Secret":
		return Secret, true
	case kind == "ConfigMap":
		return ConfigMap, true
	}
	return 0, false
}

// delegation reads a TLSCertificateDelegation of Contour, which serves HTTPProxies
// and Ingresses.
func delegation(_ *Table, namespace string, object map[string]any) []Grant {
	spec, _ := object["spec"].(map[string]any)
	delegations, _ := spec["delegations"].([]any)
	var grants []Grant
	for _, d := range delegations {
		d, _ := d.(map[string]any)
		name := text(d, "secretName")
		namespaces, _ := d["targetNamespaces"].([]any)
		for _, from := range namespaces {
			from, _ := from.(string)
			if name == "" || from == "" || len(grants) >= maxReferences {
				continue
			}
			grant := Grant{
				FromGroup: groupContour, FromKind: "HTTPProxy", FromNamespace: from,
				ToKind: Secret, ToNamespace: namespace, ToName: name,
			}
			ingress := grant
			ingress.FromGroup, ingress.FromKind = "networking.k8s.io", "Ingress"
			grants = append(grants, grant, ingress)
		}
	}
	return grants
}

// permits says whether the grant lets a source refer to a target.
func (g *Grant) permits(s *Source, t *Target) bool {
	return g.ToKind == t.Kind && g.ToNamespace == t.Namespace && (g.ToName == "" || g.ToName == t.Name) &&
		g.FromKind == s.Kind && (g.FromNamespace == AnyNamespace || g.FromNamespace == s.Namespace)
}
