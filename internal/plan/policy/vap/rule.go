package vap

import (
	"strings"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

// rule is one rule, compiled for one kind of object.
type rule struct {
	name v1alpha1.PolicyRuleName
	// variables that the findings use, in the order of their use.
	variables []admissionregistrationv1.Variable
	// changed says in CEL whether an update changes a field that the rule is
	// about; empty when each finding says so itself.
	changed string
	// findings that the rule can have; each is there or not by itself.
	findings []finding
}

// finding is one way to break a rule.
type finding struct {
	// broken says in CEL whether it is so.
	broken string
	// message in CEL: what was found, what is allowed, what to change.
	message string
}

// variable that holds the findings of the rule, as a list of messages.
func (r *rule) variable() string { return "broken" + string(r.name) }

// expression of the rule's variable. lifted are the variables of the exceptions
// that lift the rule.
func (r *rule) expression(lifted []string) string {
	var skip []string
	if r.changed != "" {
		skip = append(skip, `request.operation == "UPDATE" && !(`+r.changed+`)`)
	}
	for _, exception := range lifted {
		skip = append(skip, "variables."+exception)
	}
	items := make([]string, 0, len(r.findings))
	for _, f := range r.findings {
		items = append(items, "("+f.broken+") ?\n    "+f.message+"\n    : \"\"")
	}
	found := "[\n  " + strings.Join(items, ",\n  ") + "\n].filter(m, m != \"\")"
	if len(skip) == 0 {
		return found
	}
	return strings.Join(skip, "\n  || ") + "\n  ? [] : " + found
}

// differs says in CEL whether one of the fields differs between the object and
// the old one. Fields are paths that follow the object, with optional steps.
func differs(fields ...string) string {
	parts := make([]string, 0, len(fields))
	for _, f := range fields {
		parts = append(parts, "object"+f+" != oldObject"+f)
	}
	return strings.Join(parts, " || ")
}
