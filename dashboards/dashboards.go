package dashboards

import _ "embed"

// Named is one dashboard as JSON.
type Named struct {
	// Name of the dashboard, good for file and object names.
	Name string
	// JSON of the dashboard, classic schema.
	JSON []byte
}

//go:embed certificates.json
var certificatesJSON []byte

// All dashboards, in the order of their names.
func All() []Named {
	return []Named{{Name: "certificates", JSON: certificatesJSON}}
}
