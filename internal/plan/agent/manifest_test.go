package agent

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/names"
)

// TestTheAgentIsMadeLikeTheHub holds the agent's pod against the hub's in
// config: the image that the hub is told, and what keeps a pod harmless.
func TestTheAgentIsMadeLikeTheHub(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile(filepath.Join("..", "..", "..", "config", "manager", "deployment.yaml"))
	if err != nil {
		t.Fatalf("reading the hub's Deployment: %v", err)
	}
	var hub, planned appsv1.Deployment
	if err := yaml.Unmarshal(raw, &hub); err != nil {
		t.Fatalf("decoding the hub's Deployment: %v", err)
	}
	told := ""
	for _, e := range hub.Spec.Template.Spec.Containers[0].Env {
		if e.Name == names.AgentImageVariable {
			told = e.Value
		}
	}
	if image := hub.Spec.Template.Spec.Containers[0].Image; told != image {
		t.Errorf("the hub runs %s and is told that the agent runs %q", image, told)
	}
	agent, _ := Build(platform(v1alpha1.Inventory{}), facts, Input{Image: told, HubUID: "u", Namespace: hub.Namespace})
	for _, o := range agent.Objects {
		if o.GetKind() == "Deployment" {
			if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, &planned); err != nil {
				t.Fatalf("decoding the agent's Deployment: %v", err)
			}
		}
	}
	a, h := planned.Spec.Template.Spec, hub.Spec.Template.Spec
	if diff := cmp.Diff(h.SecurityContext, a.SecurityContext); diff != "" {
		t.Errorf("the pod's security context (-hub +agent):\n%s", diff)
	}
	if len(a.Containers) != 1 {
		t.Fatalf("the agent has %d containers", len(a.Containers))
	}
	ac, hc := a.Containers[0], h.Containers[0]
	for what, pair := range map[string][2]any{
		"security context": {hc.SecurityContext, ac.SecurityContext},
		"ports":            {hc.Ports, ac.Ports},
		"liveness":         {hc.LivenessProbe, ac.LivenessProbe},
		"readiness":        {hc.ReadinessProbe, ac.ReadinessProbe},
		"image":            {hc.Image, ac.Image},
	} {
		if diff := cmp.Diff(pair[0], pair[1]); diff != "" {
			t.Errorf("%s (-hub +agent):\n%s", what, diff)
		}
	}
}
