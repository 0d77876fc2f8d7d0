package agent

import (
	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

// sameRules says that two TLSAgents ask for the same reading.
func sameRules(a, b *v1alpha1.TLSAgent) bool {
	x, y := a.Spec.Inventory, b.Spec.Inventory
	// These are looked at when they are needed, and need no new reading.
	x.Export, y.Export = v1alpha1.Export{}, v1alpha1.Export{}
	x.OrphanGracePeriod, y.OrphanGracePeriod = nil, nil
	x.Probing, y.Probing = nil, nil // asked of the prober
	return a.Spec.CertManagerNamespace == b.Spec.CertManagerNamespace && equality.Semantic.DeepEqual(x, y)
}
