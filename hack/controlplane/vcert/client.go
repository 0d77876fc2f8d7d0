package vcert

import (
	"net/http"

	"github.com/Venafi/vcert/v5/pkg/endpoint"
)

// ErrUnavailable is what every attempt to use the service ends with.
var ErrUnavailable = endpoint.ErrUnavailable

// Config says which service to use, and how.
type Config struct {
	ConnectorType   endpoint.ConnectorType
	BaseUrl         string //nolint:revive // the library's name
	Zone            string
	LogVerbose      bool
	ConnectionTrust string
	Credentials     *endpoint.Authentication
	Client          *http.Client
}

// NewClient returns ErrUnavailable.
func NewClient(*Config, ...bool) (endpoint.Connector, error) {
	return nil, ErrUnavailable
}
