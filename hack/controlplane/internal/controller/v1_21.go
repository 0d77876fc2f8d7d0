//go:build !certmanager1_20

package controller

import (
	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/component-base/featuregate"

	config "github.com/cert-manager/cert-manager/internal/apis/config/controller"
	"github.com/cert-manager/cert-manager/internal/controller/feature"
	"github.com/cert-manager/cert-manager/pkg/controller"
)

// newGates are those that cert-manager 1.21 brought.
func newGates() []featuregate.Feature { return []featuregate.Feature{feature.ACMEUseARI} }

func gatewayAPI(c *config.ControllerConfiguration) *bool { return &c.GatewayAPIConfig.Enabled }

func gatewayListenerSet(c *config.ControllerConfiguration) *bool {
	return &c.GatewayAPIConfig.EnableListenerSet
}

// addNewFlags registers the flags that cert-manager 1.21 brought.
func addNewFlags(fs *pflag.FlagSet, c *config.ControllerConfiguration) {
	fs.DurationVar(&c.CertificateRequestMaximumBackoffDuration, "certificate-request-maximum-backoff-duration",
		c.CertificateRequestMaximumBackoffDuration, "longest wait after a request's repeated failure")
	http01 := &c.ACMEHTTP01Config
	fs.StringVar(&http01.SolverRuntimeClassName, "acme-http01-solver-runtime-class-name", http01.SolverRuntimeClassName,
		"runtime class of solver pods")
	fs.StringToStringVar(&http01.SolverExtraLabels, "acme-http01-solver-extra-labels", http01.SolverExtraLabels,
		"further labels of the objects that solve HTTP-01 challenges, as key=value")
}

// addNewOptions sets the options that cert-manager 1.21 brought.
func addNewOptions(o *controller.ContextOptions, c *config.ControllerConfiguration) {
	o.GatewayAPIExtraProtocols = sets.New(c.GatewayAPIConfig.ExtraProtocols...)
	o.CertificateRequestMaximumBackoffDuration = c.CertificateRequestMaximumBackoffDuration
	o.HTTP01SolverRuntimeClassName = c.ACMEHTTP01Config.SolverRuntimeClassName
	o.HTTP01SolverExtraLabels = c.ACMEHTTP01Config.SolverExtraLabels
}
