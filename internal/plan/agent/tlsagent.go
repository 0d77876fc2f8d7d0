package agent

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/plan/build"
)

// tlsAgent is what is asked of the agent of a cluster.
func tlsAgent(inventory *v1alpha1.Inventory, cluster string, in Input) *unstructured.Unstructured {
	return build.Object(&v1alpha1.TLSAgent{
		TypeMeta:   metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion.String(), Kind: "TLSAgent"},
		ObjectMeta: metadata("", v1alpha1.AgentName),
		Spec: v1alpha1.TLSAgentSpec{
			Hub:                  v1alpha1.HubReference{UID: in.HubUID, TakenFrom: in.TakenFrom},
			Cluster:              cluster,
			CertManagerNamespace: in.CertManagerNamespace,
			Inventory:            *inventory.DeepCopy(),
		},
	})
}
