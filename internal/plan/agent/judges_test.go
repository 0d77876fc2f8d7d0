package agent

import (
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tlsplatform/tls-platform-operator/internal/agent/profile"
)

// TestTheAgentMayReadThePoliciesOfTheProfile holds the granted policies against
// those that the agent follows.
func TestTheAgentMayReadThePoliciesOfTheProfile(t *testing.T) {
	t.Parallel()
	granted := 0
	for _, k := range judges {
		for _, r := range k.resources {
			granted++
			if resource := (schema.GroupResource{Group: k.group, Resource: r}).String(); !profile.IsPolicyResource(resource) {
				t.Errorf("%s is granted and not followed", resource)
			}
		}
	}
	if want := len(profile.PolicyKinds()) + 1; granted != want {
		t.Errorf("%d resources are granted, want %d: the fixed kinds and all constraints", granted, want)
	}
}
