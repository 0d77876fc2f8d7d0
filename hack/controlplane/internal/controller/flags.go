package controller

import (
	"strings"

	"github.com/spf13/pflag"
	cliflag "k8s.io/component-base/cli/flag"

	config "github.com/cert-manager/cert-manager/internal/apis/config/controller"
	configdefaults "github.com/cert-manager/cert-manager/internal/apis/config/controller/v1alpha1"
	logf "github.com/cert-manager/cert-manager/pkg/logs"
)

// addFlags registers the flags of the upstream program, by the same names, bound to c.
func addFlags(fs *pflag.FlagSet, c *config.ControllerConfiguration) {
	addClusterFlags(fs, c)
	addElectionFlags(fs, c)
	addCertificateFlags(fs, c)
	addShimFlags(fs, c)
	addHTTP01Flags(fs, &c.ACMEHTTP01Config)
	addDNS01Flags(fs, &c.ACMEDNS01Config)
	addServingFlags(fs, c)
	addNewFlags(fs, c)
	logf.AddFlags(&c.Logging, fs)
}

func addClusterFlags(fs *pflag.FlagSet, c *config.ControllerConfiguration) {
	fs.StringVar(&c.APIServerHost, "master", c.APIServerHost,
		"address of the API server, in place of the kubeconfig's")
	fs.StringVar(&c.KubeConfig, "kubeconfig", c.KubeConfig,
		"kubeconfig file; by default KUBECONFIG, else the pod's own credentials")
	fs.Float32Var(&c.KubernetesAPIQPS, "kube-api-qps", c.KubernetesAPIQPS,
		"most requests a second to an API server that has no priority and fairness")
	fs.IntVar(&c.KubernetesAPIBurst, "kube-api-burst", c.KubernetesAPIBurst,
		"most requests in a burst to an API server that has no priority and fairness")
	fs.StringVar(&c.ClusterResourceNamespace, "cluster-resource-namespace", c.ClusterResourceNamespace,
		"namespace of the Secrets that cluster-scoped objects such as a ClusterIssuer use")
	fs.StringVar(&c.Namespace, "namespace", c.Namespace,
		"the only namespace to work in, without ClusterIssuers; all by default")
	fs.StringSliceVar(&c.Controllers, "controllers", c.Controllers,
		"controllers to run: * is all that are on by default, foo adds one, -foo takes one away. All: "+
			strings.Join(configdefaults.AllControllers, ", "))
	fs.IntVar(&c.NumberOfConcurrentWorkers, "concurrent-workers", c.NumberOfConcurrentWorkers,
		"workers of each controller")
	fs.Var(cliflag.NewMapStringBool(&c.FeatureGates), "feature-gates",
		"feature gates as name=true|false, comma-separated")
}

func addElectionFlags(fs *pflag.FlagSet, c *config.ControllerConfiguration) {
	election := &c.LeaderElectionConfig
	fs.BoolVar(&election.Enabled, "leader-elect", election.Enabled,
		"work only while holding the Lease "+Name)
	fs.StringVar(&election.Namespace, "leader-election-namespace", election.Namespace,
		"namespace of the Lease")
	fs.DurationVar(&election.LeaseDuration, "leader-election-lease-duration", election.LeaseDuration,
		"how long others wait after the leader's last renewal")
	fs.DurationVar(&election.RenewDeadline, "leader-election-renew-deadline", election.RenewDeadline,
		"how long the leader tries to renew before it gives up")
	fs.DurationVar(&election.RetryPeriod, "leader-election-retry-period", election.RetryPeriod,
		"time between tries to acquire or renew")
	fs.DurationVar(&election.HealthzTimeout, "internal-healthz-leader-election-timeout", election.HealthzTimeout,
		"how long after the Lease expired a leader still counts as alive")
}

func addCertificateFlags(fs *pflag.FlagSet, c *config.ControllerConfiguration) {
	fs.BoolVar(&c.EnableCertificateOwnerRef, "enable-certificate-owner-ref", c.EnableCertificateOwnerRef,
		"make a Certificate the owner of its Secret, so that deleting the one deletes the other")
	fs.StringSliceVar(&c.CopiedAnnotationPrefixes, "copied-annotation-prefixes", c.CopiedAnnotationPrefixes,
		"prefixes of annotations that go from a Certificate to its requests; with a leading dash, that do not")
	fs.DurationVar(&c.CertificateRequestMinimumBackoffDuration, "certificate-request-minimum-backoff-duration",
		c.CertificateRequestMinimumBackoffDuration, "wait after a request's first failure")
	fs.IntVar(&c.MaxConcurrentChallenges, "max-concurrent-challenges", c.MaxConcurrentChallenges,
		"most ACME challenges under way at once")
	fs.BoolVar(&c.ClusterIssuerAmbientCredentials, "cluster-issuer-ambient-credentials",
		c.ClusterIssuerAmbientCredentials, "let a ClusterIssuer use the credentials that the process finds around it")
	fs.BoolVar(&c.IssuerAmbientCredentials, "issuer-ambient-credentials",
		c.IssuerAmbientCredentials, "let an Issuer use the credentials that the process finds around it")
}

func addShimFlags(fs *pflag.FlagSet, c *config.ControllerConfiguration) {
	shim := &c.IngressShimConfig
	fs.StringSliceVar(&shim.DefaultAutoCertificateAnnotations, "auto-certificate-annotations",
		shim.DefaultAutoCertificateAnnotations, "annotations by which an Ingress asks for a certificate of the default issuer")
	fs.StringSliceVar(&shim.ExtraCertificateAnnotations, "extra-certificate-annotations",
		shim.ExtraCertificateAnnotations, "further annotations that go from an Ingress to its Certificate")
	fs.StringVar(&shim.DefaultIssuerName, "default-issuer-name", shim.DefaultIssuerName,
		"issuer for an Ingress that names none")
	fs.StringVar(&shim.DefaultIssuerKind, "default-issuer-kind", shim.DefaultIssuerKind,
		"kind of the default issuer")
	fs.StringVar(&shim.DefaultIssuerGroup, "default-issuer-group", shim.DefaultIssuerGroup,
		"API group of the default issuer")
	fs.BoolVar(gatewayAPI(c), "enable-gateway-api", *gatewayAPI(c),
		"issue for Gateways; needs the Gateway API's CRDs")
	fs.BoolVar(gatewayListenerSet(c), "enable-gateway-api-listenerset",
		*gatewayListenerSet(c), "issue for ListenerSets; needs the feature gate ListenerSets")
}

func addHTTP01Flags(fs *pflag.FlagSet, c *config.ACMEHTTP01Config) {
	fs.StringVar(&c.SolverImage, "acme-http01-solver-image", c.SolverImage,
		"image of the pods that answer HTTP-01 challenges")
	fs.StringVar(&c.SolverResourceRequestCPU, "acme-http01-solver-resource-request-cpu",
		c.SolverResourceRequestCPU, "CPU request of a solver pod")
	fs.StringVar(&c.SolverResourceRequestMemory, "acme-http01-solver-resource-request-memory",
		c.SolverResourceRequestMemory, "memory request of a solver pod")
	fs.StringVar(&c.SolverResourceLimitsCPU, "acme-http01-solver-resource-limits-cpu",
		c.SolverResourceLimitsCPU, "CPU limit of a solver pod")
	fs.StringVar(&c.SolverResourceLimitsMemory, "acme-http01-solver-resource-limits-memory",
		c.SolverResourceLimitsMemory, "memory limit of a solver pod")
	fs.BoolVar(&c.SolverRunAsNonRoot, "acme-http01-solver-run-as-non-root", c.SolverRunAsNonRoot,
		"refuse to run solver pods as root")
	fs.StringSliceVar(&c.SolverNameservers, "acme-http01-solver-nameservers", c.SolverNameservers,
		"name servers for the HTTP-01 self-check, as host:port")
}

func addDNS01Flags(fs *pflag.FlagSet, c *config.ACMEDNS01Config) {
	fs.StringSliceVar(&c.RecursiveNameservers, "dns01-recursive-nameservers", c.RecursiveNameservers,
		"name servers for the DNS-01 self-check, as host:port or https://host/dns-query")
	fs.BoolVar(&c.RecursiveNameserversOnly, "dns01-recursive-nameservers-only", c.RecursiveNameserversOnly,
		"ask no authoritative name servers in the DNS-01 self-check")
	fs.DurationVar(&c.CheckRetryPeriod, "dns01-check-retry-period", c.CheckRetryPeriod,
		"time between self-checks of a challenge, HTTP-01 included")
}

func addServingFlags(fs *pflag.FlagSet, c *config.ControllerConfiguration) {
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
	fs.StringVar(&c.HealthzListenAddress, "internal-healthz-listen-address", c.HealthzListenAddress,
		"host:port of /livez")
	// not upstream's: the name under which one expects it, for whoever starts the
	// program outside of a pod, where ports are not its own
	fs.StringVar(&c.HealthzListenAddress, "healthz-listen-address", c.HealthzListenAddress,
		"the same as --internal-healthz-listen-address")
	fs.BoolVar(&c.EnablePprof, "enable-profiling", c.EnablePprof, "serve Go's profiles")
	fs.StringVar(&c.PprofAddress, "profiler-address", c.PprofAddress, "host:port of Go's profiles")
}
