// Package crds judges custom resources with the API server's own code for
// custom resources: pruning, defaulting, schema validation and CEL. Nothing
// about a schema is interpreted here; the package only calls these in the order
// in which the API server does on create.
package crds
