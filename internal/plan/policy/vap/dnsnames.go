package vap

import (
	"fmt"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/policy"
)

// Where a Certificate has its common name: in a field of its own, or as an
// attribute of a literal subject (RFC 4514). Escapes and hexadecimal values of
// the latter can't be read here, and are refused.
const (
	literalSubject   = `object.spec.?literalSubject.orValue("")`
	commonNameInDN   = `(?i)(?:^|[,;+])\s*(?:CN|2[.]5[.]4[.]3)\s*=[^,;+]*`
	unreadableInDN   = `[\\"#]`
	commonNamesOfAll = `([object.spec.?commonName.orValue("")] + variables.literalCommonNames).filter(n, n != "")`
)

// dnsNames compiles the rule about DNS names for Certificates.
func dnsNames(in *v1alpha1.DNSNameRule) (rule, error) {
	out := rule{
		name:    v1alpha1.RuleDNSNames,
		changed: differs(".spec.?dnsNames", ".spec.?commonName", ".spec.?literalSubject"),
		variables: []admissionregistrationv1.Variable{
			{Name: "literalCommonNames", Expression: literalSubject + ".findAll(" + literal(commonNameInDN) +
				`).map(a, a.substring(a.indexOf("=") + 1).trim())`},
			{Name: "commonNames", Expression: commonNamesOfAll},
		},
		findings: []finding{{
			broken: "variables.literalCommonNames.size() > 0 && " + literalSubject + ".matches(" + literal(unreadableInDN) + ")",
			message: literal("DNSNames: spec.literalSubject has a common name with escapes, which can't be judged; " +
				"write the subject without escapes, or use spec.subject and spec.commonName"),
		}},
	}
	if len(in.Denied) > 0 {
		denied, err := policy.ParsePatterns(in.Denied)
		if err != nil {
			return rule{}, fmt.Errorf("reading policy.rules.dnsNames.denied: %w", err)
		}
		out.variables = append(out.variables, admissionregistrationv1.Variable{
			Name: "deniedNames",
			Expression: "(object.spec.?dnsNames.orValue([]) + variables.commonNames)" +
				".filter(n, n.lowerAscii().matches(" + literal(policy.DenyRegexp(denied)) + "))",
		})
		out.findings = append(out.findings, finding{
			broken:  "variables.deniedNames.size() > 0",
			message: namesMessage("deniedNames", "denied (by "+readable(denied)+"); remove it"),
		})
	}
	if len(in.Allowed) > 0 {
		allowed, err := policy.ParsePatterns(in.Allowed)
		if err != nil {
			return rule{}, fmt.Errorf("reading policy.rules.dnsNames.allowed: %w", err)
		}
		out.variables = append(out.variables, admissionregistrationv1.Variable{
			Name: "foreignNames",
			Expression: "(object.spec.?dnsNames.orValue([]) + variables.commonNames.filter(n, " +
				"n.matches(" + literal(policy.CommonNameDNSRegexp) + ") && !n.matches(" + literal(policy.CommonNameIPRegexp) + ")))" +
				".filter(n, !n.lowerAscii().matches(" + literal(policy.AllowRegexp(allowed)) + "))",
		})
		out.findings = append(out.findings, finding{
			broken: "variables.foreignNames.size() > 0",
			message: namesMessage("foreignNames", "not below "+readable(allowed)+
				"; use an allowed name or ask the platform team for an exception"),
		})
	}
	return out, nil
}

// namesMessage quotes the names in a variable and says what they are.
func namesMessage(variable, are string) string {
	return text(
		literal(`DNSNames: "`),
		clip("variables."+variable+`.join("\", \"")`, 200),
		literal(`" `),
		"(variables."+variable+`.size() > 1 ? "are " : "is ")`,
		literal(are),
	)
}

// readable enumerates patterns for a message.
func readable(patterns []policy.Pattern) string {
	list := make([]string, 0, len(patterns))
	for _, p := range patterns {
		list = append(list, p.String())
	}
	return shorten(enumerate(list), 300)
}
