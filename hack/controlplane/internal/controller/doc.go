// Package controller is cert-manager's controller program: the flags that the
// upstream chart passes, leader election, metrics and liveness, around the
// controllers and issuers of cert-manager's own packages. All issuer types are
// linked in, so that an Issuer for Vault or CyberArk is judged and not ignored.
package controller
