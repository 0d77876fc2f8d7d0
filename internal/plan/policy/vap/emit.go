package vap

import (
	"fmt"
	"slices"
	"strings"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/utils/ptr"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/plan/build"
	"github.com/tlsplatform/tls-platform-operator/internal/policy"
)

// kind is one kind of object with the rules that judge it.
type kind struct {
	// policy is the name of the policy and of its binding.
	policy string
	// resource in the API group of cert-manager.
	resource   string
	scope      admissionregistrationv1.ScopeType
	operations []admissionregistrationv1.OperationType
	// ofCertificate is true for objects that cert-manager makes for a Certificate
	// and marks with its name.
	ofCertificate bool
	rules         []rule
}

// emitter has what all policies of a platform share.
type emitter struct {
	platform   string
	action     v1alpha1.PolicyAction
	exceptions []v1alpha1.PolicyException
	exempt     Exempt
}

// emit the policy and the binding of a kind.
func (e *emitter) emit(k *kind) []*unstructured.Unstructured {
	exceptions := e.exceptions
	if k.scope == admissionregistrationv1.ClusterScope {
		exceptions = nil // they are for namespaces
	}
	spec := admissionregistrationv1.ValidatingAdmissionPolicySpec{
		FailurePolicy: ptr.To(admissionregistrationv1.Fail),
		MatchConstraints: &admissionregistrationv1.MatchResources{
			ResourceRules: []admissionregistrationv1.NamedRuleWithOperations{{
				RuleWithOperations: admissionregistrationv1.RuleWithOperations{
					Operations: k.operations,
					Rule: admissionregistrationv1.Rule{
						APIGroups:   []string{policy.DefaultIssuerGroup},
						APIVersions: []string{"v1"},
						Resources:   []string{k.resource},
						Scope:       &k.scope,
					},
				},
			}},
		},
		MatchConditions: []admissionregistrationv1.MatchCondition{{
			// Whoever removes a finalizer must not be stopped by a rule.
			Name:       "not-being-deleted",
			Expression: "!has(object.metadata.deletionTimestamp)",
		}},
		Variables:   variables(k, exceptions),
		Validations: []admissionregistrationv1.Validation{e.validation(k)},
	}
	if k.scope == admissionregistrationv1.ClusterScope && e.exempt.Hub != "" {
		spec.MatchConditions = append(spec.MatchConditions, admissionregistrationv1.MatchCondition{
			Name:       "not-by-the-platform",
			Expression: "request.userInfo.username != " + literal(e.exempt.Hub),
		})
	}
	if len(exceptions) > 0 {
		spec.AuditAnnotations = []admissionregistrationv1.AuditAnnotation{auditException(exceptions)}
	}
	return []*unstructured.Unstructured{
		build.Object(&admissionregistrationv1.ValidatingAdmissionPolicy{
			TypeMeta:   typeMeta("ValidatingAdmissionPolicy"),
			ObjectMeta: metav1.ObjectMeta{Name: k.policy},
			Spec:       spec,
		}),
		build.Object(&admissionregistrationv1.ValidatingAdmissionPolicyBinding{
			TypeMeta:   typeMeta("ValidatingAdmissionPolicyBinding"),
			ObjectMeta: metav1.ObjectMeta{Name: k.policy},
			Spec: admissionregistrationv1.ValidatingAdmissionPolicyBindingSpec{
				PolicyName:        k.policy,
				ValidationActions: actions(e.action),
				MatchResources:    outside(e.exempt.Namespaces),
			},
		}),
	}
}

func typeMeta(kind string) metav1.TypeMeta {
	return metav1.TypeMeta{APIVersion: admissionregistrationv1.SchemeGroupVersion.String(), Kind: kind}
}

// variables of a policy: one for each exception, then those of each rule with
// its findings, then all findings.
func variables(k *kind, exceptions []v1alpha1.PolicyException) []admissionregistrationv1.Variable {
	out := make([]admissionregistrationv1.Variable, 0, len(exceptions)+len(k.rules)+1)
	for i := range exceptions {
		out = append(out, admissionregistrationv1.Variable{Name: exceptionVariable(i), Expression: applies(&exceptions[i], k.ofCertificate)})
	}
	found := make([]string, 0, len(k.rules))
	for i := range k.rules {
		r := &k.rules[i]
		var lifted []string
		for j := range exceptions {
			if slices.Contains(exceptions[j].Rules, r.name) {
				lifted = append(lifted, exceptionVariable(j))
			}
		}
		out = append(out, r.variables...)
		out = append(out, admissionregistrationv1.Variable{Name: r.variable(), Expression: r.expression(lifted)})
		found = append(found, "variables."+r.variable())
	}
	return append(out, admissionregistrationv1.Variable{Name: "broken", Expression: strings.Join(found, " + ")})
}

func (e *emitter) validation(k *kind) admissionregistrationv1.Validation {
	rules := make([]string, 0, len(k.rules))
	for i := range k.rules {
		rules = append(rules, string(k.rules[i].name))
	}
	return admissionregistrationv1.Validation{
		Expression: "variables.broken.size() == 0",
		// For the case that the message below becomes too long.
		Message: fmt.Sprintf("TLS policy of %s: the request breaks a rule (of %s), and its values are too long to show",
			e.platform, strings.Join(rules, ", ")),
		MessageExpression: text(literal("TLS policy of "+e.platform+": "), `variables.broken.join(" | ").replace("\n", " ")`),
		Reason:            ptr.To(metav1.StatusReasonForbidden),
	}
}

func exceptionVariable(i int) string { return fmt.Sprintf("exception%d", i) }

// applies says in CEL whether an exception is for the object: by its namespace,
// its name or that of its Certificate, and while it was made before the end.
func applies(e *v1alpha1.PolicyException, ofCertificate bool) string {
	out := oneOf("request.namespace", slices.Sorted(slices.Values(e.Namespaces)))
	if len(e.Names) > 0 {
		sorted := slices.Sorted(slices.Values(e.Names))
		named := oneOf("object.metadata.name", sorted)
		if ofCertificate {
			of := orEmpty("object.metadata.?annotations[?" + literal(policy.CertificateNameAnnotation) + "]")
			named = "(" + named + " || " + oneOf(of, sorted) + ")"
		}
		out += "\n  && " + named
	}
	return out + "\n  && timestamp(object.metadata.creationTimestamp) < timestamp(" +
		literal(e.Until.UTC().Format(time.RFC3339)) + ")"
}

// auditException puts the exceptions that apply into the audit log.
func auditException(exceptions []v1alpha1.PolicyException) admissionregistrationv1.AuditAnnotation {
	items := make([]string, 0, len(exceptions))
	for i := range exceptions {
		items = append(items, "variables."+exceptionVariable(i)+" ? "+literal(exceptions[i].Name)+` : ""`)
	}
	return admissionregistrationv1.AuditAnnotation{
		Key:             "exceptions",
		ValueExpression: "[" + strings.Join(items, ", ") + `].filter(e, e != "").join(", ")`,
	}
}

// actions of a binding. The audit log gets every finding.
func actions(a v1alpha1.PolicyAction) []admissionregistrationv1.ValidationAction {
	switch a {
	case v1alpha1.PolicyWarn:
		return []admissionregistrationv1.ValidationAction{admissionregistrationv1.Warn, admissionregistrationv1.Audit}
	case v1alpha1.PolicyAudit:
		return []admissionregistrationv1.ValidationAction{admissionregistrationv1.Audit}
	case v1alpha1.PolicyEnforce:
	}
	return []admissionregistrationv1.ValidationAction{admissionregistrationv1.Deny, admissionregistrationv1.Audit}
}

// outside selects all namespaces but the exempt ones. Objects without a
// namespace are selected in any case.
func outside(exempt []string) *admissionregistrationv1.MatchResources {
	if len(exempt) == 0 {
		return nil
	}
	return &admissionregistrationv1.MatchResources{NamespaceSelector: &metav1.LabelSelector{
		MatchExpressions: []metav1.LabelSelectorRequirement{{
			Key:      "kubernetes.io/metadata.name",
			Operator: metav1.LabelSelectorOpNotIn,
			Values:   slices.Compact(slices.Sorted(slices.Values(exempt))),
		}},
	}}
}
