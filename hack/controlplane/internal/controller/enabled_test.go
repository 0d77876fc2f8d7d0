package controller

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/util/sets"

	config "github.com/cert-manager/cert-manager/internal/apis/config/controller"
	configdefaults "github.com/cert-manager/cert-manager/internal/apis/config/controller/v1alpha1"
	"github.com/cert-manager/cert-manager/pkg/controller"
	utilfeature "github.com/cert-manager/cert-manager/pkg/util/feature"
)

func TestEnabled(t *testing.T) {
	standard := sets.New(configdefaults.DefaultEnabledControllers...)
	tests := map[string]struct {
		controllers []string
		namespace   string
		gatewayAPI  bool
		listenerSet bool
		gates       map[string]bool
		want        sets.Set[string]
	}{
		"a star is all that are on by default": {controllers: []string{"*"}, want: standard},
		"only a removal means all others": {
			controllers: []string{"-certificaterequests-approver"},
			want:        standard.Difference(sets.New("certificaterequests-approver")),
		},
		"a name alone is that one alone": {controllers: []string{"issuers"}, want: sets.New("issuers")},
		"the Gateway API adds its shim": {
			controllers: []string{"*"}, gatewayAPI: true, want: standard.Union(sets.New("gateway-shim")),
		},
		"a removal wins over the Gateway API": {
			controllers: []string{"*", "-gateway-shim"}, gatewayAPI: true, want: standard,
		},
		"ListenerSets need their gate": {
			controllers: []string{"*"}, gatewayAPI: true, listenerSet: true,
			want: standard.Union(sets.New("gateway-shim")),
		},
		"ListenerSets with their gate": {
			controllers: []string{"*"}, gatewayAPI: true, listenerSet: true,
			gates: map[string]bool{"ListenerSets": true},
			want:  standard.Union(sets.New("gateway-shim", "listenerset")),
		},
		"the experimental gate adds the controllers of signing requests": {
			controllers: []string{"*"},
			gates:       map[string]bool{"ExperimentalCertificateSigningRequestControllers": true},
			want:        standard.Union(sets.New(configdefaults.ExperimentalCertificateSigningRequestControllers...)),
		},
		"a single namespace leaves no cluster-scoped controllers": {
			controllers: []string{"*"}, namespace: "team-a",
			want: standard.Difference(sets.New(configdefaults.ClusterScopedControllers...)),
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			keepGate(t, sets.List(sets.KeySet(test.gates))...)
			if err := utilfeature.DefaultMutableFeatureGate.SetFromMap(test.gates); err != nil {
				t.Fatal(err)
			}
			got := Enabled(&config.ControllerConfiguration{
				Controllers:      test.controllers,
				Namespace:        test.namespace,
				GatewayAPIConfig: config.GatewayAPIConfig{Enabled: test.gatewayAPI, EnableListenerSet: test.listenerSet},
			})
			if diff := cmp.Diff(sets.List(test.want), sets.List(got)); diff != "" {
				t.Errorf("controllers (-want +got):\n%s", diff)
			}
		})
	}
}

// A controller that is on by default and not linked in would fail only at the
// start of the process.
func TestEveryControllerIsPartOfTheBinary(t *testing.T) {
	known := sets.KeySet(controller.Known())
	if missing := sets.New(configdefaults.AllControllers...).Difference(known); missing.Len() > 0 {
		t.Errorf("not linked in: %v", sets.List(missing))
	}
}
