package vap

import (
	"testing"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/version"
	"k8s.io/apiserver/pkg/admission"
	plugincel "k8s.io/apiserver/pkg/admission/plugin/cel"
	"k8s.io/apiserver/pkg/admission/plugin/policy/validating"
	"k8s.io/apiserver/pkg/admission/plugin/webhook/matchconditions"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/cel/environment"

	"github.com/tlsplatform/tls-platform-operator/internal/desired"
)

// oldest Kubernetes of a member: expressions must be accepted by its API server.
var oldest = version.MajorMinor(1, 33)

// engine is the API server's own evaluation of one policy.
type engine struct {
	policy    *admissionregistrationv1.ValidatingAdmissionPolicy
	validator validating.Validator
	// user who makes the requests.
	user string
}

// engines of all policies of a part, by the resource that they judge. Each
// expression is first compiled as on a create of the policy by the oldest API
// server, then as a stored one by ours.
func engines(t *testing.T, part *desired.Part) map[string]*engine {
	t.Helper()
	out := map[string]*engine{}
	for _, o := range part.Objects {
		if o.GetKind() != "ValidatingAdmissionPolicy" {
			continue
		}
		var p admissionregistrationv1.ValidatingAdmissionPolicy
		if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(o.Object, &p, true); err != nil {
			t.Fatalf("%s is not a ValidatingAdmissionPolicy: %v", o.GetName(), err)
		}
		compilePolicy(t, &p, oldest, environment.NewExpressions)
		out[p.Spec.MatchConstraints.ResourceRules[0].Resources[0]] =
			&engine{&p, compilePolicy(t, &p, environment.DefaultCompatibilityVersion(), environment.StoredExpressions), "somebody"}
	}
	return out
}

// compilePolicy compiles a policy as the API server's plugin does.
func compilePolicy(t *testing.T, p *admissionregistrationv1.ValidatingAdmissionPolicy, v *version.Version, mode environment.Type) validating.Validator {
	t.Helper()
	compiler, err := plugincel.NewCompositedCompiler(environment.MustBaseEnvSet(v))
	if err != nil {
		t.Fatalf("making the compiler: %v", err)
	}
	options := plugincel.OptionalVariableDeclarations{HasAuthorizer: true}
	check := func(a plugincel.ExpressionAccessor) {
		t.Helper()
		if result := compiler.CompileCELExpression(a, options, mode); result.Error != nil {
			t.Fatalf("%s for Kubernetes %s: %v in\n%s", p.Name, v, result.Error, a.GetExpression())
		}
	}
	for i := range p.Spec.Variables {
		in := &validating.Variable{Name: p.Spec.Variables[i].Name, Expression: p.Spec.Variables[i].Expression}
		check(in)
		compiler.CompileAndStoreVariable(in, options, mode)
	}
	var conditions, validations, messages, audits []plugincel.ExpressionAccessor
	for i := range p.Spec.MatchConditions {
		conditions = append(conditions, (*matchconditions.MatchCondition)(&p.Spec.MatchConditions[i]))
	}
	for _, in := range p.Spec.Validations {
		validations = append(validations, &validating.ValidationCondition{Expression: in.Expression, Message: in.Message, Reason: in.Reason})
		messages = append(messages, &validating.MessageExpressionCondition{MessageExpression: in.MessageExpression})
	}
	for _, in := range p.Spec.AuditAnnotations {
		audits = append(audits, &validating.AuditAnnotationCondition{Key: in.Key, ValueExpression: in.ValueExpression})
	}
	for _, list := range [][]plugincel.ExpressionAccessor{conditions, validations, messages, audits} {
		for _, a := range list {
			check(a)
		}
	}
	withoutAuthorizer := plugincel.OptionalVariableDeclarations{}
	return validating.NewValidator(
		compiler.CompileCondition(validations, options, mode),
		matchconditions.NewMatcher(compiler.CompileCondition(conditions, options, mode), p.Spec.FailurePolicy, "policy", "validate", p.Name),
		compiler.CompileCondition(audits, options, mode),
		compiler.CompileCondition(messages, withoutAuthorizer, mode),
		p.Spec.FailurePolicy, nil)
}

// verdict of the engine: the message of a refusal, empty when the request may
// pass, and the value of the audit annotation.
type verdict struct {
	message, exceptions string
}

// judge a create, or an update when there is an old object.
func (e *engine) judge(t *testing.T, object, old *unstructured.Unstructured) verdict {
	t.Helper()
	operation := admission.Create
	var oldObject runtime.Object
	if old != nil {
		operation, oldObject = admission.Update, old
	}
	gvk := object.GroupVersionKind()
	gvr := schema.GroupVersionResource{
		Group: gvk.Group, Version: gvk.Version, Resource: e.policy.Spec.MatchConstraints.ResourceRules[0].Resources[0],
	}
	attributes := admission.NewAttributesRecord(object, oldObject, gvk, object.GetNamespace(), object.GetName(), gvr, "",
		operation, &metav1.CreateOptions{}, false, &user.DefaultInfo{Name: e.user})
	versioned := &admission.VersionedAttributes{
		Attributes: attributes, VersionedObject: admission.NewLazyObject(object), VersionedKind: gvk,
	}
	if old != nil {
		versioned.VersionedOldObject = admission.NewLazyObject(old)
	}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: object.GetNamespace()}}
	result := e.validator.Validate(t.Context(), gvr, versioned, nil, namespace, celconfig.RuntimeCELCostBudget, nil)
	out := verdict{}
	for _, d := range result.Decisions {
		if d.Evaluation == validating.EvalError {
			t.Fatalf("%s could not judge %s: %s", e.policy.Name, object.GetName(), d.Message)
		}
		if d.Action == validating.ActionDeny {
			out.message = d.Message
			if d.Reason != metav1.StatusReasonForbidden {
				t.Errorf("reason %q, want Forbidden", d.Reason)
			}
		}
	}
	for _, a := range result.AuditAnnotations {
		if a.Error != "" {
			t.Fatalf("audit annotation %s: %s", a.Key, a.Error)
		}
		out.exceptions = a.Value
	}
	return out
}
