// Package component plans the systems that the platform installs from charts:
// cert-manager and trust-manager. It works in two steps, because between them
// lies the network: Request says which chart to render with which values, Build
// makes a part of the plan of what was rendered. Both refuse, as a value, what
// would hurt: a downgrade, an install of somebody else that was not adopted,
// values that would fight with the platform, and custom resource definitions
// that no longer have a version in which objects are stored.
//
// It is pure: what was seen in the cluster comes in as facts.
package component
