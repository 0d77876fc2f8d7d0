// Package config is what the operator is installed from, for the operator
// itself: it gives a member the same identities and definitions that the hub's
// own cluster has from its manifests.
package config

import "embed"

// Manifests of the operator's roles and custom resource definitions, by their
// paths below this folder.
//
//go:embed manager/namespace.yaml rbac/*.yaml crd/bases/*.yaml
var Manifests embed.FS
