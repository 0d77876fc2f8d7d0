package ngts

import "github.com/Venafi/vcert/v5/pkg/endpoint"

// Connector is the next-generation service, unavailable.
type Connector struct{ endpoint.Unavailable }

// GetType returns endpoint.ConnectorTypeNGTS.
func (*Connector) GetType() endpoint.ConnectorType { return endpoint.ConnectorTypeNGTS }
