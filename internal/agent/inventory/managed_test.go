package inventory

import (
	"testing"

	"github.com/tlsplatform/tls-platform-operator/internal/certificate"
)

// TestConfigMapsOfKubernetesAreNotMadeByHand: one of them is in every namespace,
// and nobody has to renew it.
func TestConfigMapsOfKubernetesAreNotMadeByHand(t *testing.T) {
	t.Parallel()
	ca, _, _ := certify(t, nil, "kubernetes", true)
	tests := map[string]struct {
		namespace, name string
		want            Manager
	}{
		"the roots of every namespace":              {"shop", "kube-root-ca.crt", ManagedByController},
		"what the API server tells others":          {"kube-system", "extension-apiserver-authentication", ManagedByController},
		"something of that name elsewhere":          {"shop", "extension-apiserver-authentication", ManagedByHand},
		"the roots that Istio puts into namespaces": {"shop", "istio-ca-root-cert", ManagedByMesh},
		"roots that somebody put there":             {"shop", "corporate-roots", ManagedByHand},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := NewReducer(certificate.NewParser()).ConfigMap(object(tt.namespace, tt.name, "", "ca.crt", string(ca)))
			if got.Manager != tt.want {
				t.Errorf("managed by %q, want %q", got.Manager, tt.want)
			}
		})
	}
}
