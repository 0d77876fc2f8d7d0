package prober

import "strings"

// Provider is a cloud that keeps certificates.
type Provider string

// Providers.
const (
	// AWS keeps them in Certificate Manager (ACM) or IAM.
	AWS Provider = "AWS"
	// GoogleCloud keeps them in Compute Engine or Certificate Manager.
	GoogleCloud Provider = "GoogleCloud"
	// Azure keeps them in an Application Gateway.
	Azure Provider = "Azure"
	// AlibabaCloud keeps them in Server Load Balancer.
	AlibabaCloud Provider = "AlibabaCloud"
	// DigitalOcean keeps them by themselves.
	DigitalOcean Provider = "DigitalOcean"
)

// CloudCertificate is a certificate that a cloud keeps and its load balancer
// serves. The cluster does not hold it.
type CloudCertificate struct {
	// Provider that keeps it.
	Provider Provider
	// ID by which the provider knows it, as it was written: an ARN of AWS, a name
	// elsewhere. Clean, and at most maxMessage bytes.
	ID string
	// Field is the annotation that names it.
	Field string
}

// maxCloudCertificates bounds the certificates of one annotation. Load balancers
// take fewer than 100.
const maxCloudCertificates = 100

// cloudFields are the annotations, in the order of their names.
var cloudFields = []struct {
	field    string
	provider Provider
	// list says that the value is a list with commas.
	list bool
}{
	{"alb.ingress.kubernetes.io/certificate-arn", AWS, true},
	{"appgw.ingress.kubernetes.io/appgw-ssl-certificate", Azure, false},
	{"ingress.gcp.kubernetes.io/pre-shared-cert", GoogleCloud, true},
	{"networking.gke.io/certmap", GoogleCloud, false},
	{"networking.gke.io/managed-certificates", GoogleCloud, true},
	// An option of a Gateway's listener rather than an annotation.
	{"networking.gke.io/pre-shared-certs", GoogleCloud, true},
	{"service.beta.kubernetes.io/alibaba-cloud-loadbalancer-cert-id", AlibabaCloud, false},
	{"service.beta.kubernetes.io/aws-load-balancer-ssl-cert", AWS, true},
	{"service.beta.kubernetes.io/do-loadbalancer-certificate-id", DigitalOcean, false},
}

// CloudCertificates lists the cloud certificates that annotations of an Ingress,
// Gateway or Service name, or the TLS options of a Gateway's listener. The order
// is that of the annotations' names, and within one as written.
func CloudCertificates(annotations map[string]string) []CloudCertificate {
	var list []CloudCertificate
	for _, known := range cloudFields {
		value := annotations[known.field]
		parts := []string{value}
		if known.list {
			// One part more than is kept, which holds the rest.
			parts = strings.SplitN(value, ",", maxCloudCertificates+1)
			parts = parts[:min(len(parts), maxCloudCertificates)]
		}
		for _, part := range parts {
			if id := cleanText(strings.TrimSpace(part)); id != "" {
				list = append(list, CloudCertificate{Provider: known.provider, ID: id, Field: known.field})
			}
		}
	}
	return list
}
