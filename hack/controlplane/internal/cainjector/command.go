package cainjector

import (
	"context"
	"io"
	"strings"

	"github.com/spf13/pflag"
	cliflag "k8s.io/component-base/cli/flag"
	"k8s.io/component-base/featuregate"
	logsapi "k8s.io/component-base/logs/api/v1"

	config "github.com/cert-manager/cert-manager/internal/apis/config/cainjector"
	configscheme "github.com/cert-manager/cert-manager/internal/apis/config/cainjector/scheme"
	"github.com/cert-manager/cert-manager/internal/apis/config/cainjector/validation"
	"github.com/cert-manager/cert-manager/internal/cainjector/feature"
	configv1alpha1 "github.com/cert-manager/cert-manager/pkg/apis/config/cainjector/v1alpha1"
	cainjectorfile "github.com/cert-manager/cert-manager/pkg/cainjector/configfile"
	logf "github.com/cert-manager/cert-manager/pkg/logs"
	"github.com/cert-manager/cert-manager/pkg/util/configfile"

	"github.com/cert-manager/cert-manager/tlsplatform/internal/component"
)

// Name is the name of the program.
const Name = "cert-manager-cainjector"

// Main runs the cainjector program with args, which exclude its name, until ctx
// ends. Help goes to out.
func Main(ctx context.Context, args []string, out io.Writer) error {
	return command().Run(ctx, args, out, Run)
}

// Gates returns the feature gates that the cainjector knows.
func Gates() []featuregate.Feature {
	return []featuregate.Feature{feature.CAInjectorMerging, feature.ServerSideApply}
}

func command() component.Command[config.CAInjectorConfiguration] {
	return component.Command[config.CAInjectorConfiguration]{
		Name:     Name,
		Gates:    Gates(),
		Defaults: defaults,
		AddFlags: addFlags,
		File: func() (configfile.ConfigFile, func() *config.CAInjectorConfiguration) {
			file := cainjectorfile.New()
			return file, func() *config.CAInjectorConfiguration { return file.Config }
		},
		FeatureGates: func(c *config.CAInjectorConfiguration) *map[string]bool { return &c.FeatureGates },
		Logging:      func(c *config.CAInjectorConfiguration) *logsapi.LoggingConfiguration { return &c.Logging },
		Validate: func(c *config.CAInjectorConfiguration) error {
			return validation.ValidateCAInjectorConfiguration(c, nil).ToAggregate()
		},
	}
}

func defaults() (*config.CAInjectorConfiguration, error) {
	scheme, _, err := configscheme.NewSchemeAndCodecs()
	if err != nil {
		return nil, err
	}
	versioned := &configv1alpha1.CAInjectorConfiguration{}
	scheme.Default(versioned)
	cfg := &config.CAInjectorConfiguration{}
	if err := scheme.Convert(versioned, cfg, nil); err != nil {
		return nil, err
	}
	return cfg, nil
}

// addFlags registers the flags of the upstream program, by the same names, bound to c.
func addFlags(fs *pflag.FlagSet, c *config.CAInjectorConfiguration) {
	fs.StringVar(&c.KubeConfig, "kubeconfig", c.KubeConfig,
		"kubeconfig file; by default KUBECONFIG, else the pod's own credentials")
	fs.StringVar(&c.Namespace, "namespace", c.Namespace,
		"the only namespace to take certificates from; all by default")
	addIgnoreFlag(fs, c)
	fs.Var(cliflag.NewMapStringBool(&c.FeatureGates), "feature-gates",
		"feature gates as name=true|false, comma-separated")
	addElectionFlags(fs, c)
	addInjectionFlags(fs, c)
	addServingFlags(fs, c)
	logf.AddFlags(&c.Logging, fs)
}

func addElectionFlags(fs *pflag.FlagSet, c *config.CAInjectorConfiguration) {
	election := &c.LeaderElectionConfig
	fs.BoolVar(&election.Enabled, "leader-elect", election.Enabled,
		"work only while holding the Lease "+leaseName)
	fs.StringVar(&election.Namespace, "leader-election-namespace", election.Namespace,
		"namespace of the Lease")
	fs.DurationVar(&election.LeaseDuration, "leader-election-lease-duration", election.LeaseDuration,
		"how long others wait after the leader's last renewal")
	fs.DurationVar(&election.RenewDeadline, "leader-election-renew-deadline", election.RenewDeadline,
		"how long the leader tries to renew before it gives up")
	fs.DurationVar(&election.RetryPeriod, "leader-election-retry-period", election.RetryPeriod,
		"time between tries to acquire or renew")
}

func addInjectionFlags(fs *pflag.FlagSet, c *config.CAInjectorConfiguration) {
	into := &c.EnableInjectableConfig
	fs.BoolVar(&c.EnableDataSourceConfig.Certificates, "enable-certificates-data-source",
		c.EnableDataSourceConfig.Certificates, "take CAs from Certificates; needs their CRD")
	fs.BoolVar(&into.ValidatingWebhookConfigurations, "enable-validatingwebhookconfigurations-injectable",
		into.ValidatingWebhookConfigurations, "inject into ValidatingWebhookConfigurations")
	fs.BoolVar(&into.MutatingWebhookConfigurations, "enable-mutatingwebhookconfigurations-injectable",
		into.MutatingWebhookConfigurations, "inject into MutatingWebhookConfigurations")
	fs.BoolVar(&into.CustomResourceDefinitions, "enable-customresourcedefinitions-injectable",
		into.CustomResourceDefinitions, "inject into CustomResourceDefinitions")
	fs.BoolVar(&into.APIServices, "enable-apiservices-injectable", into.APIServices, "inject into APIServices")
}

func addServingFlags(fs *pflag.FlagSet, c *config.CAInjectorConfiguration) {
	fs.BoolVar(&c.EnablePprof, "enable-profiling", c.EnablePprof, "serve Go's profiles")
	fs.StringVar(&c.PprofAddress, "profiler-address", c.PprofAddress, "host:port of Go's profiles")
	fs.StringVar(&c.MetricsListenAddress, "metrics-listen-address", c.MetricsListenAddress,
		"host:port of the metrics; 0 for none")
	tls := &c.MetricsTLSConfig
	fs.StringVar(&tls.Filesystem.CertFile, "metrics-tls-cert-file", tls.Filesystem.CertFile,
		"file with the certificate to serve metrics with")
	fs.StringVar(&tls.Filesystem.KeyFile, "metrics-tls-private-key-file", tls.Filesystem.KeyFile,
		"file with the private key to serve metrics with")
	fs.DurationVar(&tls.Dynamic.LeafDuration, "metrics-dynamic-serving-leaf-duration", tls.Dynamic.LeafDuration,
		"duration of generated certificates to serve metrics with")
	fs.StringVar(&tls.Dynamic.SecretNamespace, "metrics-dynamic-serving-ca-secret-namespace",
		tls.Dynamic.SecretNamespace, "namespace of the Secret of the CA that signs them")
	fs.StringVar(&tls.Dynamic.SecretName, "metrics-dynamic-serving-ca-secret-name", tls.Dynamic.SecretName,
		"name of the Secret of the CA that signs them")
	fs.StringSliceVar(&tls.Dynamic.DNSNames, "metrics-dynamic-serving-dns-names", tls.Dynamic.DNSNames,
		"DNS names in them")
	fs.StringSliceVar(&tls.CipherSuites, "metrics-tls-cipher-suites", tls.CipherSuites,
		"cipher suites of the metrics server, of "+strings.Join(cliflag.TLSCipherPossibleValues(), ","))
	fs.StringVar(&tls.MinTLSVersion, "metrics-tls-min-version", tls.MinTLSVersion,
		"least TLS version of the metrics server, of "+strings.Join(cliflag.TLSPossibleVersions(), ","))
}
