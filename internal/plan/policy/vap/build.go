package vap

import (
	"fmt"
	"slices"
	"strings"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/desired"
	"github.com/tlsplatform/tls-platform-operator/internal/names"
	"github.com/tlsplatform/tls-platform-operator/internal/observed"
	"github.com/tlsplatform/tls-platform-operator/internal/policy"
)

// Reasons of the part's notes.
const (
	// ReasonNotJudged says what this engine can't see.
	ReasonNotJudged = "NotJudged"
	// ReasonExceptionEnded says that an exception no longer holds.
	ReasonExceptionEnded = "ExceptionEnded"
)

// longestExpression that the API server's CEL parser takes, in characters.
const longestExpression = 100_000

// Exempt says whom the rules are not for.
type Exempt struct {
	// Namespaces of the components.
	Namespaces []string
	// Hub is the user name of the operator, which makes the ClusterIssuers that
	// are declared: before a changed policy has reached the API server, the old
	// one does not know the new names.
	Hub string
}

// Build the part of the plan with the platform's policies, as of now. exempt are
// the namespaces of the components, which are not judged. next is when to plan
// again, since the earliest exception ends then; nil when none is active.
func Build(platform *v1alpha1.TLSPlatform, facts *observed.Cluster, now time.Time, exempt Exempt) (part desired.Part, next *time.Time) {
	part = desired.Part{Name: desired.Policy, Identity: desired.IdentityHub}
	declared := platform.Spec.Policy
	if declared == nil {
		return part, nil
	}
	active, ended, next := policy.Active(declared.Exceptions, now)
	for _, e := range ended {
		part.Notes = append(part.Notes, desired.Note{
			Reason: ReasonExceptionEnded,
			Message: fmt.Sprintf("exception %s ended at %s and holds no more: remove it from spec.policy.exceptions",
				e.Name, e.Until.UTC().Format(time.RFC3339)),
		})
	}
	kinds, err := compile(platform)
	if err != nil {
		part.Hold = &desired.Hold{
			Reason:   v1alpha1.ReasonInvalidSpec,
			Message:  fmt.Sprintf("the policies in the cluster stay as they are, since a rule can't be compiled and the others alone would be weaker: %v: correct it", err),
			Terminal: true,
		}
		return part, next
	}
	e := &emitter{platform: platform.Name, action: declared.Action, exceptions: active, exempt: exempt}
	for i := range kinds {
		part.Objects = append(part.Objects, e.emit(&kinds[i])...)
	}
	desired.Sort(part.Objects)
	part.Notes = append(part.Notes, unseen(&declared.Rules)...)
	part.Hold = hold(part.Objects, facts)
	return part, next
}

// compile the rules for each kind that they judge.
func compile(platform *v1alpha1.TLSPlatform) ([]kind, error) {
	rules := &platform.Spec.Policy.Rules
	certificate, err := certificateRules(platform, rules)
	if err != nil {
		return nil, err
	}
	request, err := requestRules(platform, rules)
	if err != nil {
		return nil, err
	}
	written := []admissionregistrationv1.OperationType{admissionregistrationv1.Create, admissionregistrationv1.Update}
	// Issuers are judged by their names and namespaces, which no update changes.
	made := []admissionregistrationv1.OperationType{admissionregistrationv1.Create}
	kinds := []kind{
		{policy: names.PolicyCertificates, resource: "certificates", scope: admissionregistrationv1.NamespacedScope,
			operations: written, rules: certificate},
		{policy: names.PolicyCertificateRequests, resource: "certificaterequests", scope: admissionregistrationv1.NamespacedScope,
			operations: written, ofCertificate: true, rules: request},
	}
	if issuers := policy.EffectiveIssuers(platform); issuers != nil {
		kinds = append(kinds,
			kind{policy: names.PolicyIssuers, resource: "issuers", scope: admissionregistrationv1.NamespacedScope,
				operations: made, rules: []rule{namespacedIssuer(issuers)}},
			kind{policy: names.PolicyClusterIssuers, resource: "clusterissuers", scope: admissionregistrationv1.ClusterScope,
				operations: made, rules: []rule{clusterIssuer(issuers, bootstraps(platform))}},
		)
	}
	return slices.DeleteFunc(kinds, func(k kind) bool { return len(k.rules) == 0 }), nil
}

func certificateRules(platform *v1alpha1.TLSPlatform, in *v1alpha1.PolicyRules) ([]rule, error) {
	var out []rule
	if in.PrivateKey != nil {
		out = append(out, privateKey(in.PrivateKey))
	}
	if in.MaxDuration != nil {
		out = append(out, maxDuration(in.MaxDuration.Duration))
	}
	if in.DNSNames != nil {
		r, err := dnsNames(in.DNSNames)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	if issuers := policy.EffectiveIssuers(platform); issuers != nil {
		out = append(out, issuerRef(issuers))
	}
	if len(in.Annotations) > 0 {
		r, err := annotations(in.Annotations)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}

// requestRules are the rules that fields of a CertificateRequest can be judged
// by. Annotations that cert-manager does not copy would refuse all requests that
// it makes itself.
func requestRules(platform *v1alpha1.TLSPlatform, in *v1alpha1.PolicyRules) ([]rule, error) {
	var out []rule
	if in.MaxDuration != nil {
		out = append(out, maxDuration(in.MaxDuration.Duration))
	}
	if issuers := policy.EffectiveIssuers(platform); issuers != nil {
		out = append(out, issuerRef(issuers))
	}
	copied := slices.DeleteFunc(slices.Clone(in.Annotations), func(a v1alpha1.AnnotationRule) bool {
		return !policy.CopiedToRequest(a.Name)
	})
	if len(copied) > 0 {
		r, err := annotations(copied)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}

// bootstraps are the ClusterIssuers that sign the generated CAs.
func bootstraps(platform *v1alpha1.TLSPlatform) []string {
	var out []string
	for _, issuer := range platform.Spec.Issuers {
		for _, b := range issuer.Backends {
			if b.CA != nil && b.CA.Generate != nil {
				out = append(out, names.BootstrapIssuer(issuer.Name))
			}
		}
	}
	return out
}

// unseen says which rules this engine can't apply to CertificateRequests.
func unseen(rules *v1alpha1.PolicyRules) []desired.Note {
	var out []desired.Note
	var hidden []string
	if rules.PrivateKey != nil {
		hidden = append(hidden, string(v1alpha1.RulePrivateKey))
	}
	if rules.DNSNames != nil {
		hidden = append(hidden, string(v1alpha1.RuleDNSNames))
	}
	if len(hidden) > 0 {
		out = append(out, desired.Note{
			Reason: ReasonNotJudged,
			Message: fmt.Sprintf("%s of a CertificateRequest that somebody makes without a Certificate are not judged: admission policies can't read the signing request in it; grant create on certificaterequests to cert-manager only",
				strings.Join(hidden, " and ")),
		})
	}
	for _, a := range rules.Annotations {
		if !policy.CopiedToRequest(a.Name) {
			out = append(out, desired.Note{
				Reason: ReasonNotJudged,
				Message: fmt.Sprintf("annotation %s is demanded of Certificates only: cert-manager does not copy it to CertificateRequests",
					a.Name),
			})
		}
	}
	return out
}

// hold the part when the API server would not take it.
func hold(objects []*unstructured.Unstructured, facts *observed.Cluster) *desired.Hold {
	if len(objects) == 0 {
		return nil
	}
	if !facts.APIs.Serves(admissionregistrationv1.GroupName, "ValidatingAdmissionPolicy") {
		return &desired.Hold{
			Reason:  v1alpha1.ReasonAPIMissing,
			Message: "the rules are not enforced: the cluster does not serve ValidatingAdmissionPolicy (admissionregistration.k8s.io/v1); it comes with Kubernetes 1.30",
		}
	}
	for _, o := range objects {
		list, _, _ := unstructured.NestedSlice(o.Object, "spec", "variables")
		for _, item := range list {
			v, _ := item.(map[string]any)
			if size := len(fmt.Sprint(v["expression"])); size > longestExpression {
				return &desired.Hold{
					Reason: v1alpha1.ReasonInvalidSpec,
					Message: fmt.Sprintf("the policies in the cluster stay as they are: %v of %s is an expression of %d characters and the API server takes %d: use fewer or shorter patterns, issuers or exceptions",
						v["name"], o.GetName(), size, longestExpression),
					Terminal: true,
				}
			}
		}
	}
	return nil
}
