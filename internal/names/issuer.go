package names

// BootstrapIssuer is the name of the self-signed ClusterIssuer that signs the
// generated CA of an issuer.
func BootstrapIssuer(issuer string) string { return issuer + "-bootstrap" }

// GeneratedCA is the name of the Certificate and of the Secret of an issuer's
// generated CA.
func GeneratedCA(issuer string) string { return issuer + "-ca" }

// ACMEAccount is the name of the Secret with the ACME account key of an issuer
// that does not name one.
func ACMEAccount(issuer string) string { return issuer + "-acme-account" }
