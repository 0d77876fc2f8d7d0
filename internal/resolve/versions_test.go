package resolve

import (
	"testing"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/desired"
	"github.com/tlsplatform/tls-platform-operator/internal/observed"
)

func TestSettle(t *testing.T) {
	t.Parallel()
	declared := &v1alpha1.Component{Version: "v1.20.0"}
	healthy := map[desired.PartName]string{desired.CertManager: "v1.19.0"}
	for name, c := range map[string]struct {
		owner    observed.Owner
		healthy  map[desired.PartName]string
		declared *v1alpha1.Component
		want     string
	}{
		"ours counts as its last healthy version":      {observed.OwnerPlatform, healthy, declared, "v1.19.0"},
		"also when it is not declared any more":        {observed.OwnerPlatform, healthy, nil, "v1.19.0"},
		"ours that never was counts as declared":       {observed.OwnerPlatform, nil, declared, "v1.20.0"},
		"ours that nobody declares is as it was found": {observed.OwnerPlatform, nil, nil, "v1.21.0"},
		"somebody else's is as it was found":           {observed.OwnerHelm, healthy, declared, "v1.21.0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			spec := &v1alpha1.TLSPlatformSpec{}
			spec.Components.CertManager = c.declared
			found := map[string]observed.Install{"cert-manager": {Owner: c.owner, Version: "v1.21.0"}}
			if got := Settle(spec, found, c.healthy)["cert-manager"].Version; got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
			if got := found["cert-manager"].Version; got != "v1.21.0" {
				t.Errorf("the facts were changed to %s", got)
			}
		})
	}
}
