package policy

import "time"

// What cert-manager fills in for fields that a Certificate or CertificateRequest
// leaves empty (v1.21). Rules judge these values, so that an empty field is no
// way around them.
const (
	// DefaultDuration of a certificate.
	DefaultDuration = 2160 * time.Hour
	// DefaultKeyAlgorithm of a private key.
	DefaultKeyAlgorithm = "RSA"
	// DefaultRSASize in bits.
	DefaultRSASize = 2048
	// DefaultECDSASize in bits.
	DefaultECDSASize = 256
	// DefaultRotationPolicy of a private key; it was Never before v1.18.
	DefaultRotationPolicy = "Always"
	// DefaultIssuerKind of an issuer reference.
	DefaultIssuerKind = "Issuer"
	// DefaultIssuerGroup of an issuer reference.
	DefaultIssuerGroup = "cert-manager.io"
	// ClusterIssuerKind is cert-manager's cluster-scoped issuer.
	ClusterIssuerKind = "ClusterIssuer"
	// CertificateNameAnnotation is what cert-manager puts on the
	// CertificateRequests of a Certificate.
	CertificateNameAnnotation = "cert-manager.io/certificate-name"
)

// uncopied are the prefixes of the annotations that cert-manager by default does
// not copy from a Certificate to its CertificateRequests.
var uncopied = []string{"kubectl.kubernetes.io/", "fluxcd.io/", "argocd.argoproj.io/"}
