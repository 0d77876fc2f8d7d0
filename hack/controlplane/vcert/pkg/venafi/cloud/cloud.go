package cloud

import "github.com/Venafi/vcert/v5/pkg/endpoint"

// Connector is the hosted service, unavailable.
type Connector struct{ endpoint.Unavailable }

// GetType returns endpoint.ConnectorTypeCloud.
func (*Connector) GetType() endpoint.ConnectorType { return endpoint.ConnectorTypeCloud }
