// Package vcert takes the place of the client library for CyberArk Certificate
// Manager (formerly Venafi), which public Go module proxies do not all serve and
// without which none of cert-manager's configuration packages compile.
//
// It has just the names that cert-manager refers to, and refuses to make a client.
// So an Issuer of this type is accepted, reconciled and reported as not ready,
// with ErrUnavailable as the reason, exactly as when its server can't be reached.
// Where the library can be had, drop the replace directive from the module's
// go.mod and nothing else changes.
package vcert
