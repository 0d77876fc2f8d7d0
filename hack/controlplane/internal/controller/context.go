package controller

import (
	"fmt"

	"k8s.io/apimachinery/pkg/api/resource"

	config "github.com/cert-manager/cert-manager/internal/apis/config/controller"
	"github.com/cert-manager/cert-manager/pkg/controller"
	dnsutil "github.com/cert-manager/cert-manager/pkg/issuer/acme/dns/util"

	"github.com/cert-manager/cert-manager/tlsplatform/internal/component"
)

// contextOptions returns c in the form that cert-manager's controllers take.
func contextOptions(c *config.ControllerConfiguration) (controller.ContextOptions, error) {
	acme, err := acmeOptions(c)
	if err != nil {
		return controller.ContextOptions{}, err
	}
	options := controller.ContextOptions{
		APIServerHost:      c.APIServerHost,
		Kubeconfig:         component.Kubeconfig(c.KubeConfig, c.APIServerHost),
		KubernetesAPIQPS:   c.KubernetesAPIQPS,
		KubernetesAPIBurst: c.KubernetesAPIBurst,
		Namespace:          c.Namespace,
		ACMEOptions:        acme,
		IssuerOptions: controller.IssuerOptions{
			ClusterResourceNamespace:        c.ClusterResourceNamespace,
			ClusterIssuerAmbientCredentials: c.ClusterIssuerAmbientCredentials,
			IssuerAmbientCredentials:        c.IssuerAmbientCredentials,
		},
		IngressShimOptions: controller.IngressShimOptions{
			DefaultIssuerName:                 c.IngressShimConfig.DefaultIssuerName,
			DefaultIssuerKind:                 c.IngressShimConfig.DefaultIssuerKind,
			DefaultIssuerGroup:                c.IngressShimConfig.DefaultIssuerGroup,
			DefaultAutoCertificateAnnotations: c.IngressShimConfig.DefaultAutoCertificateAnnotations,
			ExtraCertificateAnnotations:       c.IngressShimConfig.ExtraCertificateAnnotations,
		},
		CertificateOptions: controller.CertificateOptions{
			EnableOwnerRef:                           c.EnableCertificateOwnerRef,
			CopiedAnnotationPrefixes:                 c.CopiedAnnotationPrefixes,
			CertificateRequestMinimumBackoffDuration: c.CertificateRequestMinimumBackoffDuration,
		},
		SchedulerOptions: controller.SchedulerOptions{MaxConcurrentChallenges: c.MaxConcurrentChallenges},
		ConfigOptions: controller.ConfigOptions{
			EnableGatewayAPI:            *gatewayAPI(c),
			EnableGatewayAPIListenerSet: *gatewayListenerSet(c),
		},
	}
	addNewOptions(&options, c)
	return options, nil
}

func acmeOptions(c *config.ControllerConfiguration) (controller.ACMEOptions, error) {
	http01, dns01 := &c.ACMEHTTP01Config, &c.ACMEDNS01Config
	options := controller.ACMEOptions{
		HTTP01SolverImage:            http01.SolverImage,
		ACMEHTTP01SolverRunAsNonRoot: http01.SolverRunAsNonRoot,
		HTTP01SolverNameservers:      http01.SolverNameservers,
		DNS01CheckAuthoritative:      !dns01.RecursiveNameserversOnly,
		DNS01Nameservers:             dns01.RecursiveNameservers,
		DNS01CheckRetryPeriod:        dns01.CheckRetryPeriod,
	}
	// with none the DNS-01 self-check has nobody to ask and fails for ever
	if len(options.DNS01Nameservers) == 0 {
		options.DNS01Nameservers = dnsutil.RecursiveNameservers
	}
	for name, quantity := range map[string]struct {
		text string
		into *resource.Quantity
	}{
		"CPU request":    {http01.SolverResourceRequestCPU, &options.HTTP01SolverResourceRequestCPU},
		"memory request": {http01.SolverResourceRequestMemory, &options.HTTP01SolverResourceRequestMemory},
		"CPU limit":      {http01.SolverResourceLimitsCPU, &options.HTTP01SolverResourceLimitsCPU},
		"memory limit":   {http01.SolverResourceLimitsMemory, &options.HTTP01SolverResourceLimitsMemory},
	} {
		parsed, err := resource.ParseQuantity(quantity.text)
		if err != nil {
			return controller.ACMEOptions{}, fmt.Errorf("parsing the %s %q of HTTP-01 solver pods: %w", name, quantity.text, err)
		}
		*quantity.into = parsed
	}
	return options, nil
}
