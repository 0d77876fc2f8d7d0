package vap

import (
	"strings"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/policy"
)

// issuerRef compiles the rule about issuers for what refers to one:
// Certificates and CertificateRequests.
func issuerRef(issuers *policy.Issuers) rule {
	ids := make([]string, 0, len(issuers.Approved))
	for _, id := range issuers.Approved {
		ids = append(ids, literals([]string{id.Group, id.Kind, id.Name}))
	}
	broken := "true"
	if len(ids) > 0 {
		// Compared part by part: joined to one string, a name could pretend to be
		// another kind.
		broken = "!([variables.issuerGroup, variables.issuerKind, object.spec.issuerRef.name] in [" + strings.Join(ids, ", ") + "])"
	}
	if len(issuers.NamespacedIn) > 0 {
		broken += " && !(variables.issuerGroup == " + literal(policy.DefaultIssuerGroup) +
			" && variables.issuerKind == " + literal(policy.DefaultIssuerKind) +
			" && " + oneOf("request.namespace", issuers.NamespacedIn) + ")"
	}
	return rule{
		name:    v1alpha1.RuleIssuers,
		changed: differs(".spec.issuerRef"),
		variables: []admissionregistrationv1.Variable{
			{Name: "issuerKind", Expression: orEmpty("object.spec.issuerRef.?kind") + ` == "" ? ` +
				literal(policy.DefaultIssuerKind) + " : object.spec.issuerRef.kind"},
			{Name: "issuerGroup", Expression: orEmpty("object.spec.issuerRef.?group") + ` == "" ? ` +
				literal(policy.DefaultIssuerGroup) + " : object.spec.issuerRef.group"},
		},
		findings: []finding{{
			broken: broken,
			message: text(
				literal("Issuers: "),
				clip("variables.issuerKind", 63),
				"(variables.issuerGroup == "+literal(policy.DefaultIssuerGroup)+` ? "" : "." + `+clip("variables.issuerGroup", 63)+")",
				literal(` "`), clip("object.spec.issuerRef.name", 100),
				literal(`" is not approved; set spec.issuerRef to `+approved(issuers)),
			),
		}},
	}
}

// namespacedIssuer compiles the rule about issuers for the Issuers themselves.
func namespacedIssuer(issuers *policy.Issuers) rule {
	return rule{
		name: v1alpha1.RuleIssuers,
		findings: []finding{{
			broken: "!(" + oneOf("request.namespace", issuers.NamespacedIn) + ")",
			message: text(
				literal(`Issuers: namespace "`), "request.namespace",
				literal(`" may not have an Issuer of its own; refer to `+approved(issuers)+" instead"),
			),
		}},
	}
}

// clusterIssuer compiles the rule about issuers for ClusterIssuers: only those of
// the platform, with the helpers that it makes for them, and approved ones may be
// made. Another one could sign for every namespace.
func clusterIssuer(issuers *policy.Issuers, helpers []string) rule {
	return rule{
		name: v1alpha1.RuleIssuers,
		findings: []finding{{
			broken: "!(" + oneOf("object.metadata.name", append(issuers.ClusterIssuers(), helpers...)) + ")",
			message: text(
				literal(`Issuers: ClusterIssuer "`), clip("object.metadata.name", 100),
				literal(`" is neither declared by the platform nor approved; declare it in spec.issuers of the TLSPlatform, `+
					`or approve it in spec.policy.rules.issuers.approved`),
			),
		}},
	}
}

// approved issuers for a message.
func approved(issuers *policy.Issuers) string {
	list := make([]string, 0, len(issuers.Approved))
	for _, id := range issuers.Approved {
		list = append(list, id.String())
	}
	if len(list) == 0 {
		return "an approved issuer (there is none: ask the platform team)"
	}
	return shorten(enumerate(list), 300)
}
