package endpoint

import (
	"errors"

	"github.com/Venafi/vcert/v5/pkg/certificate"
)

// ErrUnavailable says that this build can use no service, and why.
var ErrUnavailable = errors.New("this build has no client for CyberArk Certificate Manager (Venafi): " +
	"it was made without the module github.com/Venafi/vcert/v5")

// ConnectorType is a kind of service.
type ConnectorType int

// The kinds of service.
const (
	ConnectorTypeTPP ConnectorType = iota + 1
	ConnectorTypeCloud
	ConnectorTypeNGTS
)

// Authentication is what a service knows its user by.
type Authentication struct {
	User         string
	Password     string
	APIKey       string
	AccessToken  string
	ClientId     string //nolint:revive // the library's name
	ClientSecret string
	Scope        string
	TokenURL     string
}

// Connector is a service.
type Connector interface {
	GetType() ConnectorType
	Ping() error
	ReadZoneConfiguration() (*ZoneConfiguration, error)
	RequestCertificate(*certificate.Request) (string, error)
	RetrieveCertificate(*certificate.Request) (*certificate.PEMCollection, error)
	RenewCertificate(*certificate.RenewalRequest) (string, error)
}

// ZoneConfiguration is the policy of a zone.
type ZoneConfiguration struct{}

// UpdateCertificateRequest fills in the zone's defaults, of which there are none.
func (*ZoneConfiguration) UpdateCertificateRequest(*certificate.Request) {}

// ValidateCertificateRequest returns ErrUnavailable: no zone can have been read.
func (*ZoneConfiguration) ValidateCertificateRequest(*certificate.Request) error {
	return ErrUnavailable
}

// ErrCertificatePending says that a certificate is not issued yet.
type ErrCertificatePending struct{}

// Error returns what is wrong.
func (ErrCertificatePending) Error() string { return "certificate is pending" }

// ErrRetrieveCertificateTimeout says that a certificate was not issued in time.
type ErrRetrieveCertificateTimeout struct{}

// Error returns what is wrong.
func (ErrRetrieveCertificateTimeout) Error() string { return "certificate was not issued in time" }

// Unavailable is a service that can't be used: all it does returns ErrUnavailable.
type Unavailable struct{}

// Authenticate returns ErrUnavailable.
func (Unavailable) Authenticate(*Authentication) error { return ErrUnavailable }

// Ping returns ErrUnavailable.
func (Unavailable) Ping() error { return ErrUnavailable }

// ReadZoneConfiguration returns ErrUnavailable.
func (Unavailable) ReadZoneConfiguration() (*ZoneConfiguration, error) { return nil, ErrUnavailable }

// RequestCertificate returns ErrUnavailable.
func (Unavailable) RequestCertificate(*certificate.Request) (string, error) {
	return "", ErrUnavailable
}

// RetrieveCertificate returns ErrUnavailable.
func (Unavailable) RetrieveCertificate(*certificate.Request) (*certificate.PEMCollection, error) {
	return nil, ErrUnavailable
}

// RenewCertificate returns ErrUnavailable.
func (Unavailable) RenewCertificate(*certificate.RenewalRequest) (string, error) {
	return "", ErrUnavailable
}
