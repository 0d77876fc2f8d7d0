package vap

import (
	"fmt"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/policy"
)

// annotations compiles the rule about annotations. Each annotation is judged by
// itself: on update only when it changes.
func annotations(rules []v1alpha1.AnnotationRule) (rule, error) {
	out := rule{name: v1alpha1.RuleAnnotations}
	for _, in := range rules {
		expression, err := policy.AnnotationRegexp(in)
		if err != nil {
			return rule{}, fmt.Errorf("reading policy.rules.annotations: %w", err)
		}
		field := ".metadata.?annotations[?" + literal(in.Name) + "]"
		value := orEmpty("object" + field)
		kept := value + ` != ""`
		found := literal(" is missing; set it")
		if expression != "" {
			pattern := shorten(in.Pattern, 100)
			kept += " && " + value + ".matches(" + literal(expression) + ")"
			found = text(
				"("+value+` == "" ? " is missing" : " is \"" + `+clip(value, 60)+` + "\"")`,
				literal("; set it to a value that matches "+pattern),
			)
		}
		out.findings = append(out.findings, finding{
			broken:  `(request.operation == "CREATE" || ` + differs(field) + ") && !(" + kept + ")",
			message: text(literal("Annotations: "+shorten(in.Name, 100)), found),
		})
	}
	return out, nil
}
