package names

// Metrics of cert-manager that rules and dashboards ask for (v1.21). Times are
// Unix seconds, and 0 where there is none.
const (
	MetricCertificateNotAfter     = "certmanager_certificate_not_after_timestamp_seconds"
	MetricCertificateNotBefore    = "certmanager_certificate_not_before_timestamp_seconds"
	MetricCertificateRenewal      = "certmanager_certificate_renewal_timestamp_seconds"
	MetricCertificateReady        = "certmanager_certificate_ready_status"
	MetricIssuerReady             = "certmanager_issuer_ready_status"
	MetricClusterIssuerReady      = "certmanager_clusterissuer_ready_status"
	MetricACMERequests            = "certmanager_http_acme_client_request_count"
	MetricACMERequestSeconds      = "certmanager_http_acme_client_request_duration_seconds"
	MetricControllerSyncs         = "certmanager_controller_sync_call_count"
	MetricControllerSyncErrors    = "certmanager_controller_sync_error_count"
	MetricCertManagerClockSeconds = "certmanager_clock_time_seconds_gauge"
)

// Jobs that the platform's ServiceMonitors give to what they scrape.
const (
	JobCertManager = "cert-manager"
	JobWebhook     = "cert-manager-webhook"
	JobCAInjector  = "cert-manager-cainjector"
	JobTrust       = "trust-manager"
	JobProber      = "tls-platform-prober"
	JobAgent       = "tls-platform-agent"
)

// Alerts of the platform.
const (
	AlertCertificateExpired       = "TLSCertificateExpired"
	AlertCertificateExpiresSoon   = "TLSCertificateExpiresSoon"
	AlertCertificateAboutToExpire = "TLSCertificateAboutToExpire"
	AlertCertificateRenewalLate   = "TLSCertificateRenewalLate"
	AlertCertificateNotReady      = "TLSCertificateNotReady"
	AlertIssuerNotReady           = "TLSIssuerNotReady"
	AlertClusterIssuerNotReady    = "TLSClusterIssuerNotReady"
	AlertACMEErrors               = "TLSACMERequestsFailing"
	AlertCertManagerAbsent        = "TLSCertManagerAbsent"
	AlertCertManagerSyncErrors    = "TLSCertManagerSyncErrors"
	AlertCertManagerClockSkew     = "TLSCertManagerClockSkew"
	AlertComponentDown            = "TLSComponentDown"
)

// RunbookBase and an alert's name in lower case make the address of its runbook.
const RunbookBase = "https://github.com/tlsplatform/tls-platform-operator/blob/main/docs/alerts.md#"

// Names of the objects for Prometheus and Grafana.
const (
	ServiceMonitorCertManager  = "tls-platform-cert-manager"
	ServiceMonitorTrustManager = "tls-platform-trust-manager"
	ServiceMonitorAgent        = "tls-platform-agent"
	PrometheusRule             = "tls-platform-cert-manager"
	// DashboardPrefix and a dashboard's name make the name of its ConfigMap.
	DashboardPrefix = "tls-platform-dashboard-"
	// AnnotationGrafanaFolder is read by Grafana's dashboard sidecar.
	AnnotationGrafanaFolder = "grafana_folder"
	// DashboardCertificatesUID is the dashboard's identity in Grafana, part of
	// its address.
	DashboardCertificatesUID = "tls-platform-certificates"
)
