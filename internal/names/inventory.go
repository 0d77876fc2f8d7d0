package names

// Metrics of the agent about single certificates. Times are Unix seconds.
const (
	MetricInventoryNotAfter = "tlsplatform_certificate_not_after_timestamp_seconds"
	MetricInventoryRenewal  = "tlsplatform_certificate_renewal_timestamp_seconds"
)

// Metrics of the agent that count certificates. They count every certificate,
// whether or not it has series of its own.
const (
	MetricInventoryCertificates = "tlsplatform_certificates"
	MetricInventoryByIssuer     = "tlsplatform_certificates_by_issuer"
	MetricInventoryByNamespace  = "tlsplatform_certificates_by_namespace"
	MetricInventoryByExpiry     = "tlsplatform_certificates_by_expiry"
	MetricInventoryFindings     = "tlsplatform_certificate_findings"
	MetricInventoryUnreadable   = "tlsplatform_certificates_unreadable"
	MetricInventoryUnreferenced = "tlsplatform_certificates_unreferenced"
	MetricInventoryOrphaned     = "tlsplatform_certificates_orphaned"
	MetricInventoryUnmanaged    = "tlsplatform_certificates_unmanaged"
	MetricInventoryExported     = "tlsplatform_certificates_exported"
	MetricInventoryNotExported  = "tlsplatform_certificates_not_exported"
)

// Metrics of the agent about CAs, and about itself.
const (
	MetricAuthorities        = "tlsplatform_authorities"
	MetricAuthorityNotAfter  = "tlsplatform_authority_not_after_timestamp_seconds"
	MetricAuthorityPlaces    = "tlsplatform_authority_places"
	MetricInventoryCoverage  = "tlsplatform_inventory_coverage"
	MetricInventoryAgentInfo = "tlsplatform_agent_info"
)

// Labels of the agent's metrics. Prometheus has labels of its own for the
// namespace and the pod of the agent; those of a certificate are named apart.
const (
	MetricLabelCluster              = "cluster"
	MetricLabelLayer                = "layer"
	MetricLabelKind                 = "kind"
	MetricLabelCertificateNamespace = "certificate_namespace"
	MetricLabelCertificateName      = "certificate_name"
	MetricLabelKey                  = "key"
	MetricLabelIssuer               = "issuer"
	MetricLabelManagedBy            = "managed_by"
	MetricLabelOwner                = "owner"
	MetricLabelRole                 = "role"
	MetricLabelWithin               = "within"
	MetricLabelFinding              = "finding"
	MetricLabelReason               = "reason"
	MetricLabelFingerprint          = "fingerprint"
	MetricLabelSubject              = "subject"
	MetricLabelMesh                 = "mesh"
	MetricLabelResource             = "resource"
	MetricLabelState                = "state"
	MetricLabelVersion              = "version"
)

// Values of MetricLabelWithin, each without those before it.
const (
	WithinExpired = "expired"
	WithinDay     = "1d"
	WithinWeek    = "7d"
	WithinMonth   = "30d"
	WithinQuarter = "90d"
	WithinLater   = "later"
)

// MetricOther is the issuer or the namespace of what is beyond the bound of a
// metric.
const MetricOther = "other"

// Values of MetricLabelReason of MetricInventoryNotExported.
const (
	// NotExportedRule says that the platform's rules leave a certificate out.
	NotExportedRule = "Rule"
	// NotExportedUnreadable says that there is no certificate that has an end.
	NotExportedUnreadable = "Unreadable"
)
