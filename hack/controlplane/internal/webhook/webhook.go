package webhook

import (
	"context"
	"fmt"
	"io"

	"k8s.io/component-base/featuregate"
	logsapi "k8s.io/component-base/logs/api/v1"

	config "github.com/cert-manager/cert-manager/internal/apis/config/webhook"
	"github.com/cert-manager/cert-manager/internal/apis/config/webhook/validation"
	upstream "github.com/cert-manager/cert-manager/internal/webhook"
	"github.com/cert-manager/cert-manager/internal/webhook/feature"
	logf "github.com/cert-manager/cert-manager/pkg/logs"
	"github.com/cert-manager/cert-manager/pkg/util/configfile"
	webhookfile "github.com/cert-manager/cert-manager/pkg/webhook/configfile"
	"github.com/cert-manager/cert-manager/pkg/webhook/options"

	"github.com/cert-manager/cert-manager/tlsplatform/internal/component"
)

// Name is the name of the program.
const Name = "cert-manager-webhook"

// Main runs the webhook program with args, which exclude its name, until ctx ends.
// Help goes to out.
func Main(ctx context.Context, args []string, out io.Writer) error {
	return command().Run(ctx, args, out, Run)
}

// Gates returns the feature gates that the webhook knows.
func Gates() []featuregate.Feature {
	return []featuregate.Feature{
		feature.AdditionalCertificateOutputFormats,
		feature.DisallowInsecureCSRUsageDefinition,
		feature.LiteralCertificateSubject,
		feature.NameConstraints,
		feature.OtherNames,
	}
}

// Run serves admission, health and metrics as c says until ctx ends, which is no
// error.
func Run(ctx context.Context, c *config.WebhookConfiguration) error {
	ctx = logf.NewContext(ctx, logf.Log, "webhook")
	//nolint:staticcheck // the flag is deprecated, and honoured as upstream does
	c.KubeConfig = component.Kubeconfig(c.KubeConfig, c.APIServerHost)
	server, err := upstream.NewCertManagerWebhookServer(logf.FromContext(ctx), *c)
	if err != nil {
		return fmt.Errorf("building the webhook server: %w", err)
	}
	if err := server.Run(ctx); err != nil {
		return fmt.Errorf("running the webhook server: %w", err)
	}
	return nil
}

func command() component.Command[config.WebhookConfiguration] {
	return component.Command[config.WebhookConfiguration]{
		Name:     Name,
		Gates:    Gates(),
		Defaults: options.NewWebhookConfiguration,
		AddFlags: options.AddConfigFlags,
		File: func() (configfile.ConfigFile, func() *config.WebhookConfiguration) {
			file := webhookfile.New()
			return file, func() *config.WebhookConfiguration { return file.Config }
		},
		FeatureGates: func(c *config.WebhookConfiguration) *map[string]bool { return &c.FeatureGates },
		Logging:      func(c *config.WebhookConfiguration) *logsapi.LoggingConfiguration { return &c.Logging },
		Validate: func(c *config.WebhookConfiguration) error {
			return validation.ValidateWebhookConfiguration(c, nil).ToAggregate()
		},
	}
}
