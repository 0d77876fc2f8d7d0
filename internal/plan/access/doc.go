// Package access builds what gives the operator its place in a member: the
// namespace, the identities of the hub and of the installer with their roles,
// and the definitions of the kinds that agents report with. They are the
// manifests that the operator itself is installed from, so that both are always
// the same. It is pure.
package access
