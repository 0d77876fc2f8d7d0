// Package component holds what the cert-manager programs share around the code
// that cert-manager exports: command line and configuration file, feature gates,
// the kubeconfig to use, serving certificates and small HTTP servers.
//
// cert-manager's own main packages are modules that no Go module proxy serves, so
// the programs are put together here from cert-manager's packages. What decides
// about certificates is all cert-manager's; what is here must only keep to the
// flags and manners of the upstream binaries, since the upstream chart starts
// them.
package component
