package names

// Names of the ValidatingAdmissionPolicies and of their bindings, one for each
// kind that is judged.
const (
	PolicyCertificates        = "tls-platform-certificates"
	PolicyCertificateRequests = "tls-platform-certificaterequests"
	PolicyIssuers             = "tls-platform-issuers"
	PolicyClusterIssuers      = "tls-platform-clusterissuers"
)
