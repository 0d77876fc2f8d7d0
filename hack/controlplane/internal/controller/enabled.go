package controller

import (
	"strings"

	"k8s.io/apimachinery/pkg/util/sets"

	config "github.com/cert-manager/cert-manager/internal/apis/config/controller"
	configdefaults "github.com/cert-manager/cert-manager/internal/apis/config/controller/v1alpha1"
	"github.com/cert-manager/cert-manager/internal/controller/feature"
	shimgateway "github.com/cert-manager/cert-manager/pkg/controller/certificate-shim/gateways"
	shimlistenerset "github.com/cert-manager/cert-manager/pkg/controller/certificate-shim/listenerset"
	utilfeature "github.com/cert-manager/cert-manager/pkg/util/feature"
)

// Enabled returns the names of the controllers that c and the process' feature
// gates ask for. Taking one away by its name wins over everything that adds it.
func Enabled(c *config.ControllerConfiguration) sets.Set[string] {
	enabled, removed := sets.New[string](), sets.New[string]()
	for _, name := range c.Controllers {
		switch off, isOff := strings.CutPrefix(name, "-"); {
		case isOff:
			removed.Insert(off)
		case name == "*":
			enabled.Insert(configdefaults.DefaultEnabledControllers...)
		default:
			enabled.Insert(name)
		}
	}
	// "-foo" alone means all the others, as in the chart's disableAutoApproval
	if enabled.Len() == 0 && removed.Len() > 0 {
		enabled.Insert(configdefaults.DefaultEnabledControllers...)
	}
	gates := utilfeature.DefaultFeatureGate
	if gates.Enabled(feature.ExperimentalCertificateSigningRequestControllers) {
		enabled.Insert(configdefaults.ExperimentalCertificateSigningRequestControllers...)
	}
	// without the Gateway API's CRDs the informers would never sync
	if gates.Enabled(feature.ExperimentalGatewayAPISupport) && *gatewayAPI(c) {
		enabled.Insert(shimgateway.ControllerName)
		if gates.Enabled(feature.ListenerSets) && *gatewayListenerSet(c) {
			enabled.Insert(shimlistenerset.ControllerName)
		}
	}
	if c.Namespace != "" {
		enabled.Delete(configdefaults.ClusterScopedControllers...)
	}
	return enabled.Difference(removed)
}
