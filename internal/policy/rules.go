package policy

import (
	"cmp"
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

// IssuerID identifies an issuer as a reference does, with nothing left empty.
type IssuerID struct {
	Group, Kind, Name string
}

// String is the issuer as people write it.
func (i IssuerID) String() string {
	if i.Group == DefaultIssuerGroup {
		return i.Kind + " " + i.Name
	}
	return i.Kind + "." + i.Group + " " + i.Name
}

// Issuers is the effective rule about issuers.
type Issuers struct {
	// Approved issuers, those of the platform included, sorted.
	Approved []IssuerID
	// NamespacedIn are the namespaces that may have Issuers of their own, sorted.
	NamespacedIn []string
}

// EffectiveIssuers of a platform; nil when it has no rule about issuers.
func EffectiveIssuers(platform *v1alpha1.TLSPlatform) *Issuers {
	if platform.Spec.Policy == nil || platform.Spec.Policy.Rules.Issuers == nil {
		return nil
	}
	rule := platform.Spec.Policy.Rules.Issuers
	out := &Issuers{NamespacedIn: slices.Sorted(slices.Values(rule.NamespacedIn))}
	for _, issuer := range platform.Spec.Issuers {
		out.Approved = append(out.Approved, IssuerID{DefaultIssuerGroup, ClusterIssuerKind, issuer.Name})
	}
	for _, a := range rule.Approved {
		out.Approved = append(out.Approved, IssuerID{
			Group: cmp.Or(a.Group, DefaultIssuerGroup),
			Kind:  cmp.Or(a.Kind, DefaultIssuerKind),
			Name:  a.Name,
		})
	}
	slices.SortFunc(out.Approved, func(a, b IssuerID) int {
		return cmp.Or(cmp.Compare(a.Group, b.Group), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name))
	})
	out.Approved = slices.Compact(out.Approved)
	return out
}

// ClusterIssuers are the names of the approved ClusterIssuers, sorted.
func (i *Issuers) ClusterIssuers() []string {
	var out []string
	for _, id := range i.Approved {
		if id.Group == DefaultIssuerGroup && id.Kind == ClusterIssuerKind {
			out = append(out, id.Name)
		}
	}
	return out
}

// AnnotationRegexp is the RE2 expression that a whole value must match, anchored
// at both ends; empty when every value but the empty one will do. The pattern is
// written anew from its parsed form, so that nothing in it (an open \Q, a flag)
// can reach beyond it.
func AnnotationRegexp(rule v1alpha1.AnnotationRule) (string, error) {
	if rule.Pattern == "" {
		return "", nil
	}
	parsed, err := syntax.Parse(rule.Pattern, syntax.Perl)
	if err != nil {
		return "", fmt.Errorf("pattern %q of annotation %s is not a regular expression (RE2): %w", rule.Pattern, rule.Name, err)
	}
	anchored := `\A(?:` + parsed.String() + `)\z`
	if _, err := regexp.Compile(anchored); err != nil {
		return "", fmt.Errorf("pattern %q of annotation %s can't be matched as a whole: %w", rule.Pattern, rule.Name, err)
	}
	return anchored, nil
}

// CopiedToRequest says whether cert-manager copies an annotation of a
// Certificate to its CertificateRequests, by its default settings.
func CopiedToRequest(annotation string) bool {
	return !slices.ContainsFunc(uncopied, func(prefix string) bool {
		return strings.HasPrefix(annotation, prefix)
	})
}
