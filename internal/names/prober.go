package names

// Names of the prober's objects in every cluster.
const (
	// ServiceAccountProber is the identity of the prober.
	ServiceAccountProber = "tls-platform-prober"
	// Prober is the name of the prober's Deployment, Service, NetworkPolicy,
	// roles and bindings.
	Prober = "tls-platform-prober"
	// ProberLease is the Lease that the prober holds.
	ProberLease = "tls-platform-prober"
	// ProberWriter is the value of LabelAgent on the prober's pages.
	ProberWriter = "prober"
	// ProberPage is what the names of the prober's pages start with.
	ProberPage = "served"
)

// AnnotationProbe is on Services of type LoadBalancer and says which ports are
// probed and what they speak, such as 5432/PostgreSQL.
const AnnotationProbe = Prefix + "probe"

// Metrics of the prober.
const (
	MetricProbeResults    = "tlsplatform_probe_results"
	MetricServedAgreement = "tlsplatform_served_agreement"
	MetricProbeDuration   = "tlsplatform_probe_duration_seconds"
)

// MetricLabelAgreement is what MetricServedAgreement counts by.
const MetricLabelAgreement = "agreement"
