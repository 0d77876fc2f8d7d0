package agent

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/desired"
	"github.com/tlsplatform/tls-platform-operator/internal/names"
	"github.com/tlsplatform/tls-platform-operator/internal/observed"
)

// Input of both parts, beside the platform and the facts.
type Input struct {
	// Image that the agent runs: that of the operator. Empty when the hub was not
	// told; then the agent is left as it is.
	Image string
	// HubUID is the UID of the namespace kube-system of the hub's own cluster.
	HubUID string
	// TakenFrom is the UID of the hub that the cluster belonged to before; empty
	// for none.
	TakenFrom string
	// CertManagerNamespace is where cert-manager runs.
	CertManagerNamespace string
	// Namespace of the operator, where the agent runs.
	Namespace string
}

// Build the parts: the agent itself, and what is asked of it.
func Build(platform *v1alpha1.TLSPlatform, facts *observed.Cluster, in Input) (agent, inventory desired.Part) {
	agent = desired.Part{Name: desired.Agent, Identity: desired.IdentityInstaller}
	inventory = desired.Part{Name: desired.Inventory, Identity: desired.IdentityHub}
	if !facts.APIs.Serves(v1alpha1.GroupVersion.Group, "TLSAgent") {
		hold := notServed(facts.Name)
		agent.Hold, inventory.Hold = hold, hold
		return agent, inventory
	}
	inventory.Objects = []*unstructured.Unstructured{tlsAgent(&platform.Spec.Inventory, facts.Name, in)}
	if in.Image == "" {
		agent.Hold = noImage()
		return agent, inventory
	}
	only := platform.Spec.Inventory.Namespaces.Include
	agent.Objects = append(agent.Objects, serviceAccount(in.Namespace))
	agent.Objects = append(agent.Objects, clusterRoles()...)
	agent.Objects = append(agent.Objects, clusterBindings(in.Namespace, only)...)
	agent.Objects = append(agent.Objects,
		role(in.Namespace), roleBinding(in.Namespace),
		service(in.Namespace), networkPolicy(in.Namespace), deployment(in.Namespace, in.Image))
	if platform.Spec.Inventory.Probing != nil {
		agent.Objects = append(agent.Objects, prober(in.Namespace, in.Image)...)
	}
	desired.Sort(agent.Objects)
	return agent, inventory
}

func notServed(cluster string) *desired.Hold {
	return &desired.Hold{Reason: v1alpha1.ReasonAPIMissing, Message: fmt.Sprintf(
		"cluster %s does not serve TLSAgent of %s, so there is no inventory of its certificates; apply the CRDs of the operator (config/crd), the agent follows by itself",
		cluster, v1alpha1.GroupVersion.Group)}
}

func noImage() *desired.Hold {
	return &desired.Hold{Reason: v1alpha1.ReasonNotInstalled, Terminal: true, Message: fmt.Sprintf(
		"the hub was not told which image the agent runs, so there is no inventory of certificates; start it with --agent-image, or set %s in its Deployment to its own image",
		names.AgentImageVariable)}
}

// labels of the agent's objects. Those of its pod are the same.
func labels() map[string]string {
	return map[string]string{
		"app.kubernetes.io/name":      "tls-platform",
		"app.kubernetes.io/component": "agent",
	}
}

// metadata of an object of the agent; namespace is empty for cluster-wide ones.
func metadata(namespace, name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: labels()}
}
