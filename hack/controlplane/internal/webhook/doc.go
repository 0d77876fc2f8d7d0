// Package webhook is cert-manager's webhook program: upstream's own flags and
// server, which live in packages that only code below cert-manager's module path
// may import. It is why this module's path is what it is.
package webhook
