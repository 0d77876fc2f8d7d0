package cainjector

import (
	"context"
	"crypto/tls"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	kubescheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	cliflag "k8s.io/component-base/cli/flag"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	config "github.com/cert-manager/cert-manager/internal/apis/config/cainjector"
	"github.com/cert-manager/cert-manager/internal/kube"
	cmscheme "github.com/cert-manager/cert-manager/pkg/client/clientset/versioned/scheme"
	"github.com/cert-manager/cert-manager/pkg/controller/cainjector"
	logf "github.com/cert-manager/cert-manager/pkg/logs"
	servertls "github.com/cert-manager/cert-manager/pkg/server/tls"
	"github.com/cert-manager/cert-manager/pkg/util"

	"github.com/cert-manager/cert-manager/tlsplatform/internal/component"
)

const (
	leaseName = "cert-manager-cainjector-leader-election"

	certificatesCRD = "certificates.cert-manager.io"
	crdInterval     = time.Second
	crdTimeout      = 5 * time.Minute
)

// Run injects CAs as c says until ctx ends, which is no error.
func Run(ctx context.Context, c *config.CAInjectorConfiguration) error {
	ctx = logf.NewContext(ctx, logf.Log, "cainjector")
	cfg, err := kube.BuildClientConfig("", component.Kubeconfig(c.KubeConfig, ""))
	if err != nil {
		return fmt.Errorf("building the client of the cainjector: %w", err)
	}
	// the injectors take their field manager from the user agent, and server-side
	// apply refuses an empty one
	cfg = util.RestConfigWithUserAgent(cfg, "cainjector")
	mgr, err := newManager(cfg, c)
	if err != nil {
		return err
	}
	if err := addProfiler(ctx, mgr, c); err != nil {
		return err
	}
	if c.EnableDataSourceConfig.Certificates {
		if err := awaitCertificates(ctx, mgr); err != nil {
			return err
		}
	}
	into := c.EnableInjectableConfig
	options := cainjector.SetupOptions{
		Namespace:                    c.Namespace,
		EnableCertificatesDataSource: c.EnableDataSourceConfig.Certificates,
		EnabledReconcilersFor: map[string]bool{
			cainjector.MutatingWebhookConfigurationName:   into.MutatingWebhookConfigurations,
			cainjector.ValidatingWebhookConfigurationName: into.ValidatingWebhookConfigurations,
			cainjector.APIServiceName:                     into.APIServices,
			cainjector.CustomResourceDefinitionName:       into.CustomResourceDefinitions,
		},
	}
	ignoreNamespaces(&options, c)
	if err := cainjector.RegisterAllInjectors(ctx, mgr, options); err != nil {
		return fmt.Errorf("registering the injectors: %w", err)
	}
	if err := mgr.Start(ctx); err != nil {
		return fmt.Errorf("running the injectors: %w", err)
	}
	return nil
}

func newManager(cfg *rest.Config, c *config.CAInjectorConfiguration) (ctrl.Manager, error) {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		kubescheme.AddToScheme, cmscheme.AddToScheme, apiextensionsv1.AddToScheme, apiregistrationv1.AddToScheme,
	} {
		if err := add(scheme); err != nil {
			return nil, fmt.Errorf("building the scheme of the cainjector: %w", err)
		}
	}
	var namespaces map[string]cache.Config
	if c.Namespace != "" {
		namespaces = map[string]cache.Config{c.Namespace: {}}
	}
	certificate := component.CertificateSource(c.MetricsTLSConfig, Name, cfg)
	metrics, err := metricsOptions(c, certificate)
	if err != nil {
		return nil, err
	}
	mgr, err := ctrl.NewManager(cfg, ctrl.Options{
		Scheme:  scheme,
		Cache:   cache.Options{ReaderFailOnMissingInformer: true, DefaultNamespaces: namespaces},
		Metrics: metrics,
		// Secrets are watched by their metadata and read one by one: caching all of a
		// cluster's would cost its size in memory
		Client:                        client.Options{Cache: &client.CacheOptions{DisableFor: []client.Object{&corev1.Secret{}}}},
		LeaderElection:                c.LeaderElectionConfig.Enabled,
		LeaderElectionNamespace:       c.LeaderElectionConfig.Namespace,
		LeaderElectionID:              leaseName,
		LeaderElectionLabels:          map[string]string{"app.kubernetes.io/managed-by": Name},
		LeaderElectionReleaseOnCancel: true,
		LeaderElectionResourceLock:    resourcelock.LeasesResourceLock,
		LeaseDuration:                 &c.LeaderElectionConfig.LeaseDuration,
		RenewDeadline:                 &c.LeaderElectionConfig.RenewDeadline,
		RetryPeriod:                   &c.LeaderElectionConfig.RetryPeriod,
	})
	if err != nil {
		return nil, fmt.Errorf("building the manager of the cainjector: %w", err)
	}
	if certificate != nil {
		if err := mgr.Add(certificate); err != nil {
			return nil, fmt.Errorf("adding the certificate of the metrics server: %w", err)
		}
	}
	return mgr, nil
}

func metricsOptions(c *config.CAInjectorConfiguration, certificate servertls.CertificateSource) (metricsserver.Options, error) {
	options := metricsserver.Options{BindAddress: c.MetricsListenAddress}
	if certificate == nil {
		return options, nil
	}
	suites, err := cliflag.TLSCipherSuites(c.MetricsTLSConfig.CipherSuites)
	if err != nil {
		return options, fmt.Errorf("reading the cipher suites of the metrics server: %w", err)
	}
	version, err := cliflag.TLSVersion(c.MetricsTLSConfig.MinTLSVersion)
	if err != nil {
		return options, fmt.Errorf("reading the least TLS version of the metrics server: %w", err)
	}
	options.SecureServing = true
	options.TLSOpts = []func(*tls.Config){func(t *tls.Config) {
		t.CipherSuites, t.MinVersion, t.GetCertificate = suites, version, certificate.GetCertificate
	}}
	return options, nil
}

func addProfiler(ctx context.Context, mgr ctrl.Manager, c *config.CAInjectorConfiguration) error {
	if !c.EnablePprof {
		return nil
	}
	serve, err := component.Profiler(ctx, c.PprofAddress)
	if err != nil {
		return err
	}
	if err := mgr.Add(everywhere(serve)); err != nil {
		return fmt.Errorf("adding the profiler: %w", err)
	}
	return nil
}

// awaitCertificates waits for the CRD of Certificates: a chart may start the
// program before its CRDs are served, and an informer for an unknown kind fails.
func awaitCertificates(ctx context.Context, mgr ctrl.Manager) error {
	direct, err := client.New(mgr.GetConfig(), client.Options{Scheme: mgr.GetScheme(), Mapper: mgr.GetRESTMapper()})
	if err != nil {
		return fmt.Errorf("building a client that does not cache: %w", err)
	}
	log := logf.FromContext(ctx)
	err = wait.PollUntilContextTimeout(ctx, crdInterval, crdTimeout, true, func(ctx context.Context) (bool, error) {
		err := direct.Get(ctx, client.ObjectKey{Name: certificatesCRD}, &apiextensionsv1.CustomResourceDefinition{})
		if apierrors.IsNotFound(err) {
			log.Info("waiting for a CRD", "crd", certificatesCRD)
			return false, nil
		}
		return err == nil, err
	})
	if err != nil {
		return fmt.Errorf("waiting %s for CRD %s: %w", crdTimeout, certificatesCRD, err)
	}
	return nil
}

// everywhere is a runnable of every replica, the leader or not.
type everywhere func(context.Context) error

var _ manager.LeaderElectionRunnable = everywhere(nil)

// Start runs the function.
func (e everywhere) Start(ctx context.Context) error { return e(ctx) }

// NeedLeaderElection returns false.
func (everywhere) NeedLeaderElection() bool { return false }
