package controller

import (
	"context"
	"io"

	"k8s.io/component-base/featuregate"
	logsapi "k8s.io/component-base/logs/api/v1"

	config "github.com/cert-manager/cert-manager/internal/apis/config/controller"
	configscheme "github.com/cert-manager/cert-manager/internal/apis/config/controller/scheme"
	"github.com/cert-manager/cert-manager/internal/apis/config/controller/validation"
	"github.com/cert-manager/cert-manager/internal/controller/feature"
	configv1alpha1 "github.com/cert-manager/cert-manager/pkg/apis/config/controller/v1alpha1"
	controllerfile "github.com/cert-manager/cert-manager/pkg/controller/configfile"
	"github.com/cert-manager/cert-manager/pkg/util/configfile"

	"github.com/cert-manager/cert-manager/tlsplatform/internal/component"
)

// Name is the name of the program, which is also the name of its Lease.
const Name = "cert-manager-controller"

// Main runs the controller program with args, which exclude its name, until ctx
// ends. Help goes to out.
func Main(ctx context.Context, args []string, out io.Writer) error {
	return command().Run(ctx, args, out, Run)
}

// Gates returns the feature gates that the controller knows.
func Gates() []featuregate.Feature {
	return append(newGates(),
		feature.ACMEHTTP01IngressPathTypeExact,
		feature.AdditionalCertificateOutputFormats,
		feature.DefaultPrivateKeyRotationPolicyAlways,
		feature.DisallowInsecureCSRUsageDefinition,
		feature.ExperimentalCertificateSigningRequestControllers,
		feature.ExperimentalGatewayAPISupport,
		feature.ListenerSets,
		feature.LiteralCertificateSubject,
		feature.NameConstraints,
		feature.OtherNames,
		feature.SecretsFilteredCaching,
		feature.ServerSideApply,
		feature.StableCertificateRequestName,
		feature.UseCertificateRequestBasicConstraints,
		feature.UseDomainQualifiedFinalizer,
		feature.ValidateCAA,
	)
}

func command() component.Command[config.ControllerConfiguration] {
	return component.Command[config.ControllerConfiguration]{
		Name:     Name,
		Gates:    Gates(),
		Defaults: defaults,
		AddFlags: addFlags,
		File: func() (configfile.ConfigFile, func() *config.ControllerConfiguration) {
			file := controllerfile.New()
			return file, func() *config.ControllerConfiguration { return file.Config }
		},
		FeatureGates: func(c *config.ControllerConfiguration) *map[string]bool { return &c.FeatureGates },
		Logging:      func(c *config.ControllerConfiguration) *logsapi.LoggingConfiguration { return &c.Logging },
		Validate: func(c *config.ControllerConfiguration) error {
			return validation.ValidateControllerConfiguration(c, nil).ToAggregate()
		},
	}
}

func defaults() (*config.ControllerConfiguration, error) {
	scheme, _, err := configscheme.NewSchemeAndCodecs()
	if err != nil {
		return nil, err
	}
	versioned := &configv1alpha1.ControllerConfiguration{}
	scheme.Default(versioned)
	cfg := &config.ControllerConfiguration{}
	if err := scheme.Convert(versioned, cfg, nil); err != nil {
		return nil, err
	}
	return cfg, nil
}
