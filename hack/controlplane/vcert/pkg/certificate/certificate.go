package certificate

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"time"

	"github.com/Venafi/vcert/v5/pkg/util"
)

// CSROrigin says who made the certificate signing request.
type CSROrigin int

// UserProvidedCSR means the user did.
const UserProvidedCSR CSROrigin = 1

// ChainOption says in which order a chain comes.
type ChainOption int

// ChainOptionRootLast puts the root at the end.
const ChainOptionRootLast ChainOption = 0

// CustomFieldType is the type of a custom field.
type CustomFieldType int

// The types of custom fields.
const (
	CustomFieldPlain  CustomFieldType = 0
	CustomFieldOrigin CustomFieldType = 1
)

// CustomField is a fact that a certificate carries in the service.
type CustomField struct {
	Type  CustomFieldType
	Name  string
	Value string
}

// Request is a request for a certificate.
type Request struct {
	PickupID         string
	Timeout          time.Duration
	ValidityDuration *time.Duration
	IssuerHint       util.IssuerHint
	ChainOption      ChainOption
	Subject          pkix.Name
	CustomFields     []CustomField
	FriendlyName     string
	CsrOrigin        CSROrigin

	csr []byte
}

// NewRequest returns a request for a certificate like the given one.
func NewRequest(like *x509.Certificate) *Request {
	return &Request{Subject: like.Subject}
}

// SetCSR gives the request its certificate signing request.
func (r *Request) SetCSR(csr []byte) error {
	r.csr = csr
	return nil
}

// RenewalRequest is a request for a certificate in place of another. cert-manager
// names it up to version 1.20.
type RenewalRequest struct {
	CertificateRequest *Request
}

// PEMCollection is an issued certificate and its chain.
type PEMCollection struct {
	Certificate string
	Chain       []string
}
