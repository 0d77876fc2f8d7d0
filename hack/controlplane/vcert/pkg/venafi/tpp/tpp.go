package tpp

import (
	"github.com/Venafi/vcert/v5/pkg/certificate"
	"github.com/Venafi/vcert/v5/pkg/endpoint"
)

// Connector is the self-hosted service, unavailable.
type Connector struct{ endpoint.Unavailable }

// GetType returns endpoint.ConnectorTypeTPP.
func (*Connector) GetType() endpoint.ConnectorType { return endpoint.ConnectorTypeTPP }

// Token is the result of a log-in.
type Token struct {
	Access_token string //nolint:revive,staticcheck // the library's name
}

// GetRefreshToken returns endpoint.ErrUnavailable.
func (*Connector) GetRefreshToken(*endpoint.Authentication) (Token, error) {
	return Token{}, endpoint.ErrUnavailable
}

// VerifyAccessToken returns endpoint.ErrUnavailable.
func (*Connector) VerifyAccessToken(*endpoint.Authentication) (Token, error) {
	return Token{}, endpoint.ErrUnavailable
}

// ResetCertificate returns endpoint.ErrUnavailable.
func (*Connector) ResetCertificate(*certificate.Request, bool) error { return endpoint.ErrUnavailable }

// ErrCertNotFound says that the service has no such certificate.
type ErrCertNotFound struct{}

// Error returns what is wrong.
func (*ErrCertNotFound) Error() string { return "certificate not found" }
